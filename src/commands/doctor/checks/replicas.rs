//! Whether a replica holds the Lease, and renews it.

use jiff::SignedDuration;

use super::super::{
    facts::{Facts, LeaseSeen},
    finding::Verdict,
};
use crate::domain::Time;

/// For how long a holder is respected that does not say it.
const USUAL: i32 = 15;

/// By so much the holder's clock may differ, before its Lease is taken for expired.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(2);

pub fn lease(facts: &Facts) -> Verdict {
    let LeaseSeen { namespace, name, expected, found } = &facts.lease;
    let lease = match found {
        Ok(Some(lease)) => lease,
        Ok(None) if *expected => {
            return Verdict::error(
                format!("There is no Lease {namespace}/{name}, so no operator has ever been elected."),
                format!("kubectl get pods -n {namespace}, and see the log of the operator"),
            );
        }
        Ok(None) => {
            return Verdict::warning(
                format!(
                    "There is no Lease {namespace}/{name}, so whether an operator works is not seen from here. One without \
                     leader election has none."
                ),
                "Say where it is: --leader-election-namespace NAMESPACE --leader-election-name NAME",
            );
        }
        Err(why) => {
            return Verdict::warning(
                format!("The Lease {namespace}/{name} cannot be read: {why}."),
                format!("kubectl auth can-i get leases -n {namespace}"),
            );
        }
    };
    let mend = format!("kubectl get pods -n {namespace}, and see the log of the operator");
    let Some(holder) = lease.holder_identity.as_deref().filter(|holder| !holder.is_empty()) else {
        return Verdict::error(
            format!("Nothing holds the Lease {namespace}/{name}: no operator works."),
            mend,
        );
    };
    let lasts = SignedDuration::from_secs(lease.lease_duration_seconds.unwrap_or(USUAL).into());
    let renewed = lease.renew_time.as_ref().map(|renewed| renewed.0);
    let is_alive = renewed.is_some_and(|renewed| facts.now.duration_since(renewed) <= lasts + CLOCKS_APART);
    let when = renewed.map_or_else(|| "never".into(), |renewed| Time::seconds(renewed).to_string());
    if is_alive {
        Verdict::ok(format!("{holder} holds the Lease {namespace}/{name}."))
    } else {
        Verdict::error(
            format!(
                "{holder} holds the Lease {namespace}/{name} and has renewed it last: {when}. No operator works."
            ),
            mend,
        )
    }
}
