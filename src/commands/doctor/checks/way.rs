//! The way to Vobiz: the casing of paths, what it announces, clocks and proxies.

use jiff::SignedDuration;

use super::{
    super::{
        facts::{Asked, Facts},
        finding::{Verdict, some},
    },
    reads::paths,
};
use crate::domain::{Clocks, is_notable};

/// The path of the purchase cannot be tried without buying. What is known is which paths of reads there are.
pub fn purchase_path(facts: &Facts, asked: &Asked) -> Option<Verdict> {
    let survey = asked.survey()?;
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

pub fn deprecation(asked: &Asked) -> Option<Verdict> {
    let notices = &asked.survey()?.notices;
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
    let clocks = facts.clocks;
    if clocks == Clocks::default() {
        return Verdict::warning(
            "No answer of Vobiz's or of the API server's was dated, so no clock was held against this machine's.",
            "Compare this machine's clock yourself: timedatectl, date -u",
        );
    }
    let one = |name: &str, ahead: Option<SignedDuration>| {
        let Some(ahead) = ahead else { return format!("{name} was not seen") };
        let minutes = (ahead.as_secs().unsigned_abs() + 30) / 60;
        match (is_notable(ahead), ahead.is_negative()) {
            (false, _) => format!("{name} agrees"),
            (true, true) => format!("{name} is {minutes} min behind"),
            (true, false) => format!("{name} is {minutes} min ahead"),
        }
    };
    let (vobiz, kubernetes) =
        (one("Vobiz's clock", clocks.vobiz), one("the API server's", clocks.kubernetes));
    let message = format!("By the clock of this machine, {vobiz}, and {kubernetes}.");
    if !clocks.are_notable() {
        return Verdict::ok(message);
    }
    let mend = "Put the clocks right: timedatectl, chronyc tracking";
    if clocks.are_wrong() {
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
