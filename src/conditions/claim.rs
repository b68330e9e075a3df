//! The conditions of a claim.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    ConditionType, Status, case,
    case::{Case, SHOWN_AFTER},
    clocks, cluster, condition,
    message::{self, Audience},
    newer, number,
    reason::{Progress, Reason},
};
use crate::{
    api::{AttemptState, PhoneNumber, PhoneNumberClaim, PhoneNumberClaimStatus, PhoneNumberRef},
    domain::AccountId,
    plan::{self, Change, Clocks, Gate, GateCause, Goal, Relation, RetryToken, Spans},
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
    /// Our clock and others' disagree.
    Clocks(Clocks),
    /// A slot of the limits.
    Turn,
    /// The API server does not take the intent, and why.
    Cluster(String),
    /// Another account of the family has the number.
    Elsewhere(AccountId),
    /// The API server does not take that a claim stands behind what is recorded, and why.
    Binding(String),
}

/// The status that the claim should have, and its reason. `None` while it is too early to say anything.
#[must_use]
pub fn claim(facts: &ClaimFacts<'_>, now: Timestamp) -> Option<(PhoneNumberClaimStatus, Reason)> {
    let case = judge(facts, now)?;
    let ours = facts.record.filter(|_| matches!(facts.relation, Relation::Ours | Relation::AwaitsSettlement));
    // What a newer version has said about its record stays said.
    let kept = facts.claim.status.as_ref().filter(|_| facts.relation == Relation::Newer);
    let previous = facts.claim.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let bound = matches!(case.reason.row(case.settled).purchased, Status::True);
    let status = PhoneNumberClaimStatus {
        observed_generation: facts.claim.metadata.generation,
        conditions: conditions(previous, &case, facts.claim.metadata.generation, now),
        phone_number_ref: ours
            .map(|record| PhoneNumberRef { name: record.spec.e164.digits() })
            .or_else(|| kept?.phone_number_ref.clone()),
        number: ours
            .filter(|_| bound)
            .and_then(|record| record.status.as_ref())
            .and_then(|status| status.number.clone())
            .or_else(|| kept?.number.clone()),
    };
    Some((status, case.reason))
}

fn judge(facts: &ClaimFacts<'_>, now: Timestamp) -> Option<Case> {
    match (facts.relation, facts.record) {
        (Relation::Newer, _) => {
            Some(Case::open(Reason::NewerVersion, newer::newer_record(&facts.claim.spec.e164.digits())))
        }
        (Relation::Conflict(with), Some(record)) => {
            Some(Case::settled(Reason::Conflict, message::conflict(with, record, facts.claim)))
        }
        (Relation::Ours, Some(record)) => match facts.goal {
            Some(_) if matches!(facts.waits, Waits::Elsewhere(_)) => waiting(facts),
            // Asked for, or due by itself: what stands in the way now matters more than what happened before.
            Some(Goal::Token(_)) => waiting(facts),
            Some(_) if *facts.gate != Gate::Open || matches!(facts.waits, Waits::Clocks(_)) => waiting(facts),
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
    let case = case::of_record(record, Audience::Tenants, facts.spans, now);
    let asked_in_vain = matches!(attempt.state, AttemptState::Failed | AttemptState::NeedsDecision)
        && plan::retry_token(facts.claim) == RetryToken::TooLong;
    if asked_in_vain {
        return case.map(|case| Case { message: cluster::token_too_long(&case.message, record), ..case });
    }
    if attempt.state != AttemptState::Open {
        return case;
    }
    if let Waits::Clocks(clocks) = facts.waits {
        return case.map(|case| Case { message: clocks::undated(&case.message, clocks), ..case });
    }
    let Gate::Held(GateCause::Credentials, _) = facts.gate else { return case };
    // A 403 to the purchase and to the list as well speaks of the account, not of the number.
    if attempt.answer.as_ref().is_some_and(|answer| answer.http_status == Some(403)) {
        return waiting(facts);
    }
    case.map(|case| Case { message: message::unverifiable(&case.message), ..case })
}

fn waiting(facts: &ClaimFacts<'_>) -> Option<Case> {
    if let Waits::Elsewhere(owner) = &facts.waits {
        return Some(Case::settled(Reason::Conflict, number::elsewhere(owner)));
    }
    if let Gate::Held(cause, _) = facts.gate {
        return Some(held(facts.claim, *cause));
    }
    if let Waits::Clocks(clocks) = facts.waits {
        return Some(Case::settled(Reason::ClockSkew, clocks::nothing_bought(clocks)));
    }
    // Nothing is attempted, so nothing has waited; that it lasts, whoever says so has seen.
    if facts.waited < SHOWN_AFTER && !matches!(facts.waits, Waits::Binding(_)) {
        return None;
    }
    Some(Case::open(Reason::Purchasing, message::waiting(&facts.waits)))
}

/// What a held account is told as: by its cause, and by nothing that differs between two calls. A cause that holds it
/// still, in another way, is not worth a write of every claim that waits; that the credentials are refused is.
fn held(claim: &PhoneNumberClaim, cause: GateCause) -> Case {
    let of = |cause: GateCause| Case::open(cause.into(), message::gate(cause));
    let conditions = claim.status.iter().flat_map(|status| &status.conditions);
    let ready = conditions.into_iter().find(|condition| condition.type_ == ConditionType::Ready.as_str());
    let told = |case: &Case| {
        ready.is_some_and(|ready| ready.reason == case.reason.as_str() && ready.message == case.message)
    };
    let passing = [GateCause::RateLimited, GateCause::Unavailable];
    let before = passing.contains(&cause).then(|| passing.map(of).into_iter().find(told)).flatten();
    before.unwrap_or_else(|| of(cause))
}

/// What the claim was told about its purchase.
fn said(previous: &[Condition]) -> Status {
    let told = previous.iter().find(|old| old.type_ == ConditionType::Purchased.as_str());
    let statuses = [Status::True, Status::False];
    let same = |status: &Status| told.is_some_and(|told| told.status == status.as_str());
    statuses.into_iter().find(same).unwrap_or(Status::Unknown)
}

/// The types that are the operator's to write, and to remove.
pub(super) const KNOWN: [&str; 4] = ["Purchased", "Ready", "Reconciling", "Stalled"];

pub(super) fn conditions(
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
    let purchased = if case.reason == Reason::NewerVersion { said(previous) } else { row.purchased };
    let ours = [
        Some((ConditionType::Purchased, purchased)),
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
    conditions.extend(previous.iter().filter(|old| !KNOWN.contains(&old.type_.as_str())).cloned());
    conditions
}
