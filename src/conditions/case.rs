//! What is known of a claim or a record, as one reason and one message.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    cluster,
    message::{self, Audience},
    number,
};
use crate::{
    api::{
        Answer, Attempt, AttemptState, Funds, NumberStatus, Origin, Outcome, Ownership, PhoneNumber, Reason,
    },
    plan::{Change, SEND_WINDOW, Timeouts, is_retried_unasked},
};

#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub reason: Reason,
    pub settled: bool,
    pub message: String,
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

/// "Waiting" is worth a write only when it lasts.
pub const SHOWN_AFTER: Duration = Duration::from_secs(5);

/// A first attempt that waits for its turn alone, by itself, ...
const TURN_SHOWN_AFTER: Duration = Duration::from_mins(1);

/// ... longer for each claim in line with the account, ...
const LONGER_FOR_EACH: Duration = Duration::from_millis(100);

/// ... and however many do.
const TURN_SHOWN_BY: Duration = Duration::from_mins(5);

/// When a first attempt that waits for its turn alone is told so, where so many claims are in line with the account. Where thousands
/// are, a write for each would be one more in four, and all would wait the longer for it. As long as ten a second are bought, which is
/// half of what the default rate limit lets be called, up to 2,400 claims in line are bought before they would be told.
pub fn turn_shown_after(line_length: usize) -> Duration {
    let longer = LONGER_FOR_EACH.saturating_mul(u32::try_from(line_length).unwrap_or(u32::MAX));
    TURN_SHOWN_AFTER.saturating_add(longer).min(TURN_SHOWN_BY)
}

impl Case {
    pub fn open(reason: Reason, message: String) -> Self {
        Self { reason, settled: false, message }
    }

    pub fn settled(reason: Reason, message: String) -> Self {
        Self { reason, settled: true, message }
    }
}

/// What a record says. `None` while it is too early to say anything.
pub fn of_record(
    record: &PhoneNumber,
    audience: Audience,
    timeouts: Timeouts,
    now: Timestamp,
) -> Option<Case> {
    let attempt = &record.spec.attempt;
    match attempt.state {
        AttemptState::Open => of_open(record, audience, timeouts, now),
        AttemptState::Bound => Some(of_bound(record)),
        AttemptState::NeedsDecision => {
            Some(Case::settled(Reason::NeedsDecision, message::needs_decision(record)))
        }
        AttemptState::Failed => Some(of_failed(record, audience)),
    }
}

/// What this process knows of an open attempt, while the API server does not store it. `None` as in [`of_record`].
pub fn of_unstored(
    record: &PhoneNumber,
    unstored: &Unstored,
    timeouts: Timeouts,
    now: Timestamp,
) -> Option<Case> {
    let mut known = record.clone();
    unstored.change.clone().apply(&mut known, now);
    let why = unstored.why.as_deref();
    if known.spec.attempt.state == AttemptState::Bound {
        return Some(Case::open(Reason::Purchasing, cluster::bought_and_not_stored(why)));
    }
    let case = of_record(&known, Audience::Tenants, timeouts, now)?;
    Some(Case::open(case.reason, cluster::not_stored(&case.message, why)))
}

fn of_open(record: &PhoneNumber, audience: Audience, timeouts: Timeouts, now: Timestamp) -> Option<Case> {
    let attempt = &record.spec.attempt;
    let until = message::settles(attempt, timeouts);
    let Some(answer) = &attempt.answer else { return of_unanswered(attempt, timeouts, now) };
    let reason = answered(answer, now)?;
    Some(Case::open(reason, message::being_verified(reason, answer, audience, &until)))
}

/// Being sent, or left behind by a process that died: after the time in which it could have been answered, the
/// difference is known, and every replica sees the same.
fn of_unanswered(attempt: &Attempt, timeouts: Timeouts, now: Timestamp) -> Option<Case> {
    let answered_by = attempt.opened_at.after(SEND_WINDOW + timeouts.purchase_timeout);
    if attempt.origin == Origin::Purchase && now > answered_by {
        return Some(Case::open(
            Reason::OutcomeUnknown,
            message::unanswered(&message::settles(attempt, timeouts)),
        ));
    }
    if now < attempt.opened_at.after(SHOWN_AFTER) {
        return None;
    }
    Some(match attempt.origin {
        Origin::Purchase => Case::open(Reason::Purchasing, message::sending()),
        Origin::Adoption => {
            Case::open(Reason::Purchasing, message::confirming(&message::settles(attempt, timeouts)))
        }
    })
}

fn answered(answer: &Answer, now: Timestamp) -> Option<Reason> {
    Some(match answer.outcome {
        Outcome::NotFound => Reason::NumberNotFound,
        Outcome::PaymentFailed => return payment_failed(answer, now),
        Outcome::Unauthorized => Reason::InvalidCredentials,
        Outcome::RateLimited => Reason::RateLimited,
        Outcome::Rejected => Reason::Rejected,
        Outcome::Unknown | Outcome::Purchased | Outcome::NotSent => Reason::OutcomeUnknown,
    })
}

/// A 500 is believed to be a short balance unless the sums say otherwise; until they are read (at once, normally)
/// nothing is said.
fn payment_failed(answer: &Answer, now: Timestamp) -> Option<Reason> {
    match answer.funds {
        None if answer.http_status != Some(402) && now < answer.at.after(SHOWN_AFTER) => None,
        Some(Funds::Sufficient) if answer.http_status != Some(402) => Some(Reason::OutcomeUnknown),
        _ => Some(Reason::InsufficientBalance),
    }
}

fn of_failed(record: &PhoneNumber, audience: Audience) -> Case {
    let attempt = &record.spec.attempt;
    let settled = |reason| Case::settled(reason, message::settled(reason, record, audience));
    let Some(answer) = &attempt.answer else {
        return if is_retried_unasked(attempt) {
            Case::open(Reason::Purchasing, message::trying_again())
        } else {
            settled(Reason::NotPurchased)
        };
    };
    if answer.is_withheld() {
        return Case::open(Reason::Purchasing, message::withheld(answer));
    }
    settled(match answered(answer, Timestamp::MAX) {
        _ if answer.outcome == Outcome::NotSent => Reason::VobizUnavailable,
        Some(Reason::OutcomeUnknown) | None => Reason::NotPurchased,
        Some(reason) => reason,
    })
}

fn of_bound(record: &PhoneNumber) -> Case {
    let word = record.described().and_then(|number| number.status.as_ref());
    let seen = record.verification().map(|seen| seen.ownership);
    let reason = match word {
        _ if Change::moved_to(record).is_some() => Reason::NumberMoved,
        _ if Change::is_lost(record) => Reason::NumberLost,
        Some(NumberStatus::Blocked) => Reason::NumberBlocked,
        Some(NumberStatus::PendingRelease) => Reason::NumberReleasing,
        Some(NumberStatus::PendingPurchase) => Reason::NumberPending,
        // Our own 200 may say so; whether the number is gone, the listings tell.
        Some(NumberStatus::Released | NumberStatus::Other(_)) => Reason::NumberStatusUnknown,
        // It was gone, and is listed again without a status.
        Some(NumberStatus::Active) | None if seen == Some(Ownership::Undecided) => {
            Reason::NumberStatusUnknown
        }
        // Without a word of Vobiz's, nothing is known against what its answer, or its list, says.
        Some(NumberStatus::Active) | None => match record.spec.attempt.origin {
            Origin::Purchase => Reason::Purchased,
            Origin::Adoption => Reason::Adopted,
        },
    };
    Case::settled(reason, number::bound(reason, record))
}
