//! The conditions of a record.

use jiff::Timestamp;

use super::{case, message::Audience, status::condition};
use crate::{
    api::{ConditionType, PhoneNumber, PhoneNumberStatus, Reason, Status},
    plan::{Change, Timeouts},
};

/// Sets the conditions of a record: `Ready`, in the words that its claim uses, and `Claimed`.
pub fn set_record_conditions(
    record: &mut PhoneNumber,
    claimed: Option<bool>,
    timeouts: Timeouts,
    now: Timestamp,
) {
    let previous = record.conditions().to_vec();
    let (status, reason, message) = match case::of_record(record, Audience::Administrators, timeouts, now) {
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
