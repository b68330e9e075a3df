//! Whether a replica holds the Lease, and renews it.

use jiff::SignedDuration;
use k8s_openapi::api::coordination::v1::LeaseSpec;

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
    match found {
        Ok(Some(lease)) => held(facts, lease),
        Ok(None) if *expected => Verdict::error(
            format!("There is no Lease {namespace}/{name}, so no operator has ever been elected."),
            see_pods(namespace),
        ),
        Ok(None) => Verdict::warning(
            format!(
                "There is no Lease {namespace}/{name}, so whether an operator works is not seen from here. One without leader \
                 election has none."
            ),
            "Say where it is: --leader-election-namespace NAMESPACE --leader-election-name NAME",
        ),
        Err(why) => Verdict::warning(
            format!("The Lease {namespace}/{name} cannot be read: {why}."),
            format!("kubectl auth can-i get leases -n {namespace}"),
        ),
    }
}

fn see_pods(namespace: &str) -> String {
    format!("kubectl get pods -n {namespace}, and see the log of the operator")
}

fn held(facts: &Facts, lease: &LeaseSpec) -> Verdict {
    let LeaseSeen { namespace, name, expected, .. } = &facts.lease;
    let holder = lease.holder_identity.as_deref().filter(|holder| !holder.is_empty());
    let lasts = SignedDuration::from_secs(lease.lease_duration_seconds.unwrap_or(USUAL).into());
    let renewed = lease.renew_time.as_ref().map(|renewed| renewed.0);
    let is_alive = renewed.is_some_and(|renewed| facts.now.duration_since(renewed) <= lasts + CLOCKS_APART);
    let when = renewed.map_or_else(|| "never".into(), |renewed| Time::seconds(renewed).to_string());
    let told = match holder {
        Some(holder) if is_alive => {
            return Verdict::ok(format!("{holder} holds the Lease {namespace}/{name}."));
        }
        Some(holder) => {
            format!("{holder} holds the Lease {namespace}/{name} and has renewed it last: {when}.")
        }
        None => format!("Nothing holds the Lease {namespace}/{name}."),
    };
    if *expected {
        return Verdict::error(format!("{told} No operator works."), see_pods(namespace));
    }
    // It stays behind where the replicas have become one, which elects nobody.
    Verdict::warning(
        format!(
            "{told} If leaders are elected, no operator works. If they are not any more, it is left over, and whether an \
             operator works is not seen from here."
        ),
        format!("{}; if it is left over: kubectl delete lease {name} -n {namespace}", see_pods(namespace)),
    )
}
