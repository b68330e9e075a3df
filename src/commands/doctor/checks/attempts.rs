//! Attempts that stay open, and those that wait for a decision.

use std::{sync::Arc, time::Duration};

use super::super::{
    facts::Facts,
    finding::{Verdict, some},
};
use crate::{
    api::{AttemptState, PhoneNumber},
    domain::Time,
};

/// An attempt is settled in the moment from which absence counts, if Vobiz can be read then. After so long it cannot: the
/// alert `VobizOutcomeUnknown` waits as long.
const SETTLED_WITHIN: Duration = Duration::from_mins(30);

pub fn open(facts: &Facts) -> Option<Verdict> {
    let within = facts.timeouts.until_settled() + SETTLED_WITHIN;
    let stays_open = |record: &&Arc<PhoneNumber>| {
        let attempt = &record.spec.attempt;
        attempt.state == AttemptState::Open && attempt.opened_at.after(within) < facts.now
    };
    let told = |record: &Arc<PhoneNumber>| {
        format!("{} (since {})", named(record), Time::seconds(record.spec.attempt.opened_at.at()))
    };
    let left_out = facts.left_out();
    Some(match some(facts.own_records()?.filter(stays_open).map(told)) {
        Some(names) => Verdict::error(
            format!(
                "What became of these purchases has not been known for more than {} min: {names}.{left_out}",
                within.as_secs() / 60
            ),
            "See what is waited for, kubectl vobiz why CLAIM -n NAMESPACE, and that an operator runs that can read Vobiz",
        ),
        None => Verdict::ok(format!("No attempt stays open.{left_out}")),
    })
}

pub fn decisions(facts: &Facts) -> Option<Verdict> {
    let waits = |record: &&Arc<PhoneNumber>| record.spec.attempt.state == AttemptState::NeedsDecision;
    let left_out = facts.left_out();
    Some(match some(facts.own_records()?.filter(waits).map(named)) {
        Some(names) => Verdict::error(
            format!(
                "Money may have been paid for numbers that are not there, and nothing is bought for them before it is \
                 decided: {names}.{left_out}"
            ),
            "Look into Vobiz's console; then kubectl vobiz retry CLAIM -n NAMESPACE, which says what it permits and asks",
        ),
        None => Verdict::ok(format!("No attempt waits for a decision.{left_out}")),
    })
}

/// The number, and the claim that it was to be bought for.
fn named(record: &Arc<PhoneNumber>) -> String {
    let e164 = record.spec.e164;
    match &record.spec.claim_ref {
        Some(claim) => format!("{e164} for {}/{}", claim.namespace, claim.name),
        None => e164.to_string(),
    }
}
