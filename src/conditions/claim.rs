use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    ConditionType, Status, case,
    case::{Case, SHOWN_AFTER},
    cluster, condition, message,
    reason::{Progress, Reason},
};
use crate::{
    api::{AttemptState, PhoneNumber, PhoneNumberClaim, PhoneNumberClaimStatus, PhoneNumberRef},
    plan::{self, Change, Gate, GateCause, Goal, Relation, RetryToken, Spans},
};

/// All that a claim's status depends on.
pub struct ClaimFacts<'a> {
    pub claim: &'a PhoneNumberClaim,
    pub record: Option<&'a PhoneNumber>,
    pub relation: Relation,
    /// The attempt that is about to be made, if any.
    pub goal: Option<&'a Goal>,
    pub gate: &'a Gate,
    /// What the goal waits for.
    pub waits: Waits,
    /// For how long the goal has been waiting.
    pub waited: Duration,
    /// What this process knows of the attempt, and the API server does not store.
    pub unstored: Option<&'a Unstored>,
    pub spans: Spans,
}

/// An outcome that is known and not stored yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Unstored {
    pub change: Change,
    /// What the API server says, if it has said anything.
    pub why: Option<String>,
    /// Since when, monotonic.
    pub since: Duration,
}

/// What an attempt that is wanted waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waits {
    /// Purchases and adoptions are on hold until then (R11).
    Hold(Timestamp),
    /// Vobiz's answer to what the account owns.
    Evidence,
    /// What was sent before for this number may show until then.
    Pause(Timestamp),
    /// A slot of the limits.
    Turn,
    /// The API server does not take the intent, and why.
    Cluster(String),
    /// The API server does not take that a claim stands behind what is recorded, and why.
    Binding(String),
}

/// The status that the claim should have, and its reason. `None` while it is too early to say anything.
#[must_use]
pub fn claim(facts: &ClaimFacts<'_>, now: Timestamp) -> Option<(PhoneNumberClaimStatus, Reason)> {
    let case = judge(facts, now)?;
    let ours = facts.record.filter(|_| matches!(facts.relation, Relation::Ours | Relation::AwaitsSettlement));
    let previous = facts.claim.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let bound = matches!(case.reason.row(case.settled).purchased, Status::True);
    let status = PhoneNumberClaimStatus {
        observed_generation: facts.claim.metadata.generation,
        conditions: conditions(previous, &case, facts.claim.metadata.generation, now),
        phone_number_ref: ours.map(|record| PhoneNumberRef { name: record.spec.e164.digits() }),
        number: ours
            .filter(|_| bound)
            .and_then(|record| record.status.as_ref())
            .and_then(|status| status.number.clone()),
    };
    Some((status, case.reason))
}

fn judge(facts: &ClaimFacts<'_>, now: Timestamp) -> Option<Case> {
    match (facts.relation, facts.record) {
        (Relation::Conflict(with), Some(record)) => {
            Some(Case::settled(Reason::Conflict, message::conflict(with, record)))
        }
        (Relation::Ours, Some(record)) => match facts.goal {
            // Asked for, or due by itself: what stands in the way now matters more than what happened before.
            Some(Goal::Token(_)) => waiting(facts),
            Some(_) if *facts.gate != Gate::Open => waiting(facts),
            _ => recorded(facts, record, now),
        },
        (Relation::AwaitsSettlement, Some(record)) => recorded(facts, record, now),
        _ => waiting(facts),
    }
}

/// What the record says, and what keeps it from being verified: without the credentials it would be open for ever, and
/// nobody would know why.
fn recorded(facts: &ClaimFacts<'_>, record: &PhoneNumber, now: Timestamp) -> Option<Case> {
    let attempt = &record.spec.attempt;
    // Known here, whatever is stored: nobody is to read that nothing is known.
    if let Some(unstored) = facts.unstored.filter(|_| attempt.state == AttemptState::Open) {
        return case::of_unstored(record, unstored, facts.spans, now);
    }
    let case = case::of_record(record, facts.spans, now);
    let asked_in_vain = matches!(attempt.state, AttemptState::Failed | AttemptState::NeedsDecision)
        && plan::retry_token(facts.claim) == RetryToken::TooLong;
    if asked_in_vain {
        return case.map(|case| Case { message: cluster::token_too_long(&case.message, record), ..case });
    }
    let Gate::Held(GateCause::Credentials, why) = facts.gate else { return case };
    if attempt.state != AttemptState::Open {
        return case;
    }
    // A 403 to the purchase and to the list as well speaks of the account, not of the number.
    if attempt.answer.as_ref().is_some_and(|answer| answer.http_status == Some(403)) {
        return waiting(facts);
    }
    case.map(|case| Case { message: message::unverifiable(&case.message, why), ..case })
}

fn waiting(facts: &ClaimFacts<'_>) -> Option<Case> {
    if let Gate::Held(cause, why) = facts.gate {
        let reason = match cause {
            GateCause::Credentials => Reason::InvalidCredentials,
            GateCause::RateLimited => Reason::RateLimited,
            GateCause::Unavailable => Reason::VobizUnavailable,
        };
        return Some(Case::open(reason, message::gate(*cause, why)));
    }
    // Nothing is attempted, so nothing has waited; that it lasts, whoever says so has seen.
    if facts.waited < SHOWN_AFTER && !matches!(facts.waits, Waits::Binding(_)) {
        return None;
    }
    Some(Case::open(Reason::Purchasing, message::waiting(&facts.waits)))
}

fn conditions(
    previous: &[Condition],
    case: &Case,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let row = case.reason.row(case.settled);
    let progress = match row.progress {
        Progress::Done => None,
        Progress::Reconciling => Some(ConditionType::Reconciling),
        Progress::Stalled => Some(ConditionType::Stalled),
    };
    let ours = [
        Some((ConditionType::Purchased, row.purchased)),
        Some((ConditionType::Ready, row.ready)),
        progress.map(|type_| (type_, Status::True)),
    ];
    let mut conditions: Vec<_> = ours
        .into_iter()
        .flatten()
        .map(|(type_, status)| {
            let reason = case.reason.as_str();
            let condition = condition(previous, type_, status, reason, &case.message, now);
            Condition { observed_generation: generation, ..condition }
        })
        .collect();
    // Types that others have added are theirs to remove.
    let known = ["Purchased", "Ready", "Reconciling", "Stalled"];
    conditions.extend(previous.iter().filter(|old| !known.contains(&old.type_.as_str())).cloned());
    conditions
}
