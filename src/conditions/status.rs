//! Conditions as they are stored: which types there are, and what becomes of those that stood there before.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    case::{Case, of_record},
    cluster::bounded,
    message::Audience,
};
use crate::{
    api::{ConditionType, PhoneNumber, PhoneNumberStatus, Progress, Reason, Status},
    plan::{Change, Timeouts},
};

/// A condition whose time of transition stays, unless its status changed.
pub(super) fn condition(
    previous: &[Condition],
    type_: ConditionType,
    status: Status,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> Condition {
    let same = previous.iter().find(|old| old.type_ == type_.into_str() && old.status == status.into_str());
    Condition {
        type_: type_.into_str().to_owned(),
        status: status.into_str().to_owned(),
        reason: reason.to_owned(),
        message: bounded(message).to_owned(),
        // Whole seconds, as the API server stores them: anything finer would differ on every comparison.
        last_transition_time: same.map_or_else(
            || Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
            |old| old.last_transition_time.clone(),
        ),
        observed_generation: None,
    }
}

/// What the claim was told about its purchase.
fn said(previous: &[Condition]) -> Status {
    let told = ConditionType::Purchased.of(previous);
    let statuses = [Status::True, Status::False];
    let same = |status: &Status| told.is_some_and(|told| told.status == status.into_str());
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
            let reason = case.reason.into_str();
            let condition = condition(previous, type_, status, reason, &case.message, now);
            Condition { observed_generation: generation, ..condition }
        })
        .collect();
    // Types that others have added are theirs to remove.
    conditions.extend(previous.iter().filter(|old| !KNOWN.contains(&old.type_.as_str())).cloned());
    conditions
}

/// Sets the conditions of a record: `Ready`, in the words that its claim uses, and `Claimed`.
pub fn set_record_conditions(
    record: &mut PhoneNumber,
    claimed: Option<bool>,
    timeouts: Timeouts,
    now: Timestamp,
) {
    let previous = record.conditions().to_vec();
    let (status, reason, message) = match of_record(record, Audience::Administrators, timeouts, now) {
        Some(case) => (case.reason.row(case.settled).ready, case.reason, case.message),
        None => (Status::False, Reason::Purchasing, "The purchase is being sent.".to_owned()),
    };
    let ready = condition(&previous, ConditionType::Ready, status, reason.into_str(), &message, now);
    let claimed = claimed.unwrap_or(!Change::is_unclaimed(record));
    let (status, reason, message) = match (claimed, &record.spec.claim_ref) {
        (true, Some(claim)) => {
            (Status::True, "Claimed", format!("Claimed by {}/{}.", claim.namespace, claim.name))
        }
        _ => (
            Status::False,
            "Unclaimed",
            "No claim stands behind this number; its monthly fee goes on. A claim for it in the same namespace \
             takes it over without a purchase."
                .to_owned(),
        ),
    };
    let claimed = condition(&previous, ConditionType::Claimed, status, reason, &message, now);
    // Types that a later version has added are its own.
    let ours = [ready.type_.clone(), claimed.type_.clone()];
    let others = previous.into_iter().filter(|old| !ours.contains(&old.type_));
    let conditions = [ready, claimed].into_iter().chain(others).collect();
    record.status.get_or_insert_with(PhoneNumberStatus::default).conditions = conditions;
}
