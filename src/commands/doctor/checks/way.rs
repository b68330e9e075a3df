//! The way to Vobiz: the casing of paths, what it announces, clocks and proxies.

use jiff::SignedDuration;

use super::{
    super::{
        facts::Facts,
        finding::{Verdict, some},
    },
    reads::paths,
};
use crate::domain::is_notable;

/// The path of the purchase cannot be tried without buying. What is known is which paths of reads there are.
pub fn purchase_path(facts: &Facts) -> Option<Verdict> {
    let survey = facts.survey()?;
    let (reads, ledger) = ([&survey.listing, &survey.inventory, &survey.balance], &survey.ledger);
    let mut answered: Vec<_> =
        reads.iter().flat_map(|tried| &tried.casings).chain(&ledger.casings).copied().collect();
    answered.sort_by_key(|casing| casing.segment());
    answered.dedup();
    let own = paths(&[facts.purchase_path]);
    match answered.as_slice() {
        [] => None,
        casings if casings.contains(&facts.purchase_path) => {
            Some(Verdict::ok(format!("Purchases go to {own}, where reads are answered as well.")))
        }
        casings => {
            let others = paths(casings);
            let named = others.trim_matches('/');
            Some(Verdict::warning(
                format!(
                    "Purchases go to {own}, and reads are answered under {others} alone: Vobiz's newer documentation has \
                     {others} for purchases too, and the wrong path sells nothing (404)."
                ),
                format!(
                    "If numbers that are in stock are not found, set VOBIZ_PURCHASE_PATH={named} (chart: \
                     vobiz.purchasePath)"
                ),
            ))
        }
    }
}

pub fn deprecation(facts: &Facts) -> Option<Verdict> {
    let notices = &facts.survey()?.notices;
    let told = notices.iter().map(|notice| format!("{} ({}: {})", notice.path, notice.header, notice.value));
    Some(match some(told) {
        Some(told) => Verdict::warning(
            format!("Vobiz announces the end of what the operator reads: {told}."),
            "Look for a version of the operator that reads what follows it, in CHANGELOG.md, before that day",
        ),
        None => Verdict::ok("Vobiz announces no end of what is read (Deprecation, Sunset)."),
    })
}

pub fn clocks(facts: &Facts) -> Verdict {
    let one = |(name, ahead): (&str, Option<SignedDuration>)| {
        let ahead = ahead.filter(|ahead| is_notable(*ahead))?;
        let (minutes, way) = (
            (ahead.as_secs().unsigned_abs() + 30) / 60,
            if ahead.is_negative() { "behind" } else { "ahead" },
        );
        Some(format!("{name} clock is {minutes} min {way}"))
    };
    let peers = [("Vobiz's", facts.clocks.vobiz), ("the API server's", facts.clocks.kubernetes)];
    let Some(apart) = some(peers.into_iter().filter_map(one)) else {
        return Verdict::ok("The clocks agree, as far as answers are dated.");
    };
    let mend = "Put the clocks right: timedatectl, chronyc tracking";
    let message = format!("By the clock of this machine, {apart}.");
    if facts.clocks.are_wrong() {
        Verdict::error(format!("{message} An operator here would buy nothing (from 10 min on)."), mend)
    } else {
        Verdict::warning(format!("{message} From 10 min on an operator would buy nothing."), mend)
    }
}

/// A proxy tunnels, unless it opens TLS: then it sees purchases, and could repeat one.
pub fn proxies(facts: &Facts) -> Verdict {
    let address = &facts.address;
    match &facts.proxy {
        Some(proxy) => Verdict::warning(
            format!(
                "The environment puts the proxy {proxy} before {address}. One that opens TLS could send a purchase twice, \
                 which is paid twice."
            ),
            "Let it pass what it tunnels as it is, or except the host: NO_PROXY",
        ),
        None => Verdict::ok(format!("The environment puts no proxy before {address}.")),
    }
}
