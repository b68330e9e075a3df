//! The claims of examples/, and what must come of each.

use vobiz_sim::{Fault, FaultRule, SimAdmin, Target};

use crate::claims::{self, Seen};
use crate::error::{E2eError, expect};
use crate::stage::{EXAMPLES, Stage};
use crate::terminal::step;
use testbed::terminal::{quote, say};

struct Example {
    claim: &'static str,
    ready: bool,
    reason: &'static str,
    calls: u64,
    debits: u64,
}

const fn example(claim: &'static str, ready: bool, reason: &'static str, calls: u64, debits: u64) -> Example {
    Example { claim, ready, reason, calls, debits }
}

const ALL: [Example; 7] = [
    example("buy-inr", true, "Purchased", 1, 1),
    example("buy-usd", true, "Purchased", 1, 1),
    example("lost-reply", true, "Purchased", 1, 1),
    example("already-owned", true, "Adopted", 0, 0),
    example("not-in-inventory", false, "NumberNotFound", 1, 0),
    example("short-balance", false, "InsufficientBalance", 1, 0),
    example("ceiling", false, "PriceExceeded", 0, 0),
];

/// The purchase for examples/lost-reply.yaml is made and paid for, and its reply never arrives.
pub fn lose_a_reply(vobiz: &SimAdmin) {
    vobiz.arm(FaultRule::new(Target::Purchase, Fault::CommitThenDrop).e164("+911234500005"));
}

/// Applies them, and waits for those that can be had at once.
pub async fn apply(stage: &Stage) -> Result<(), E2eError> {
    step("A user: kubectl apply -f examples/");
    quote(&stage.node.kubectl(["apply", "-f", EXAMPLES]).await?);
    let names: Vec<_> = ALL.iter().filter(|it| it.ready).map(|it| format!("pnc/{}", it.claim)).collect();
    let mut wait = vec!["wait", "--for=condition=Ready", "--timeout=120s"];
    wait.extend(names.iter().map(String::as_str));
    quote(&stage.node.kubectl_with("", &wait).await?);
    for refused in ALL.iter().filter(|it| !it.ready) {
        let reason =
            format!("--for=jsonpath={{.status.conditions[?(@.type==\"Ready\")].reason}}={}", refused.reason);
        let claim = format!("pnc/{}", refused.claim);
        stage.node.kubectl(["wait", &reason, "--timeout=120s", &claim]).await?;
    }
    quote(&stage.node.kubectl(["get", "pnc,pn"]).await?);
    Ok(())
}

/// Holds every example, once all are settled, against what it says to expect.
pub fn check(claims: &[Seen], vobiz: &SimAdmin) -> Result<(), E2eError> {
    for example in &ALL {
        let seen = claims.iter().find(|it| it.namespace == "default" && it.name == example.claim);
        let as_expected = seen.is_some_and(|seen| {
            seen.reason == example.reason
                && seen.is("Ready") == example.ready
                && seen.is("Stalled") != example.ready
                && vobiz.purchase_calls(&seen.e164) == example.calls
                && vobiz.debits(&seen.e164) == example.debits
        });
        let Example { claim, reason, calls, debits, .. } = example;
        let expected = format!("{claim}: {reason}, {calls} purchase calls, {debits} debits");
        expect(as_expected, expected.clone(), || {
            let counts = seen.map(|it| (vobiz.purchase_calls(&it.e164), vobiz.debits(&it.e164)));
            format!("{seen:?}, (calls, debits): {counts:?}")
        })?;
        say(format!("    {expected}"));
    }
    Ok(())
}

/// Whether a claim is one that must not be ready.
pub fn is_refused(claim: &Seen) -> bool {
    ALL.iter().any(|it| claim.namespace == "default" && it.claim == claim.name && !it.ready)
}

/// The claims that belong to no example.
pub fn others(seen: &[Seen]) -> impl Iterator<Item = &Seen> {
    seen.iter().filter(|it| it.namespace == claims::NAMESPACE)
}
