//! The steps that can be decided for a record, and its changes, each applied by a compare-and-swap.

use jiff::Timestamp;

use super::{
    Moment, bounds,
    evidence::{EvidenceRequest, FundsRead},
    rules,
};
use crate::{
    api::{
        Answer, Attempt, AttemptState, ClaimRef, ConditionType, Funds, Outcome, Ownership, PhoneNumber,
        PhoneNumberStatus, Verification,
    },
    domain::{AccountId, Debit, ListedNumber, Time},
};

#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub enum RecordStep {
    /// Nothing, until something changes.
    Rest,
    /// Nothing before that moment.
    Wait(Moment),
    Read(EvidenceRequest),
    /// The same, of each account that may be of the family: what it shows may tell.
    AskOthers(EvidenceRequest),
    Write(Change),
    Delete,
    DropFinalizer,
}

/// One change of a record, applied by a compare-and-swap.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Vobiz's answer to the purchase arrived, or was given up.
    Answered {
        answer: Box<Answer>,
        bought: Option<Box<ListedNumber>>,
    },
    Bind {
        listed: Box<ListedNumber>,
        begun: Moment,
    },
    /// Settled: not bought by this attempt; another account of the family may have the number.
    Fail(Ownership, Option<AccountId>),
    /// The evidence does not decide. The number may be listed under another account of the family.
    AskForDecision {
        debits: Vec<Debit>,
        ownership: Ownership,
        owner: Option<AccountId>,
    },
    /// Price and balance, read after a failed debit.
    Funds(Funds, FundsRead),
    /// A bound number is described anew, or is back.
    Refresh {
        listed: Box<ListedNumber>,
        ownership: Ownership,
        begun: Moment,
    },
    /// A bound number is gone, or listed under another account of the family.
    Lose {
        owner: Option<AccountId>,
        begun: Moment,
    },
    /// The claim is gone; the number stays.
    Unclaim,
    /// Another claim takes over what is recorded.
    Claim(ClaimRef),
}

impl Change {
    pub fn apply(self, record: &mut PhoneNumber, now: Timestamp) {
        let status = record.status.get_or_insert_with(PhoneNumberStatus::default);
        let attempt = &mut record.spec.attempt;
        match self {
            Self::Answered { answer, bought } => answered(attempt, status, *answer, bought.as_deref()),
            Self::Bind { listed, begun } => {
                settle(attempt, AttemptState::Bound, now);
                forget_debits(attempt);
                status.number.get_or_insert_default().update(&listed.number);
                status.verification = Some(seen(None, begun.wall, Ownership::Owned));
            }
            Self::Fail(ownership, owner) => {
                settle(attempt, AttemptState::Failed, now);
                forget_debits(attempt);
                status.verification = Some(seen(owner, now, ownership));
            }
            Self::AskForDecision { debits, ownership, owner } => {
                settle(attempt, AttemptState::NeedsDecision, now);
                forget_debits(attempt);
                attempt.unexplained_debits = debits;
                status.verification = Some(seen(owner, now, ownership));
            }
            Self::Funds(funds, read) => {
                if let Some(answer) = &mut attempt.answer {
                    answer.funds = Some(funds);
                    answer.required = answer.required.or(read.required);
                    answer.available = answer.available.or(read.available);
                    answer.currency = answer.currency.or(read.currency);
                }
            }
            Self::Refresh { listed, ownership, begun } => {
                status.number.get_or_insert_default().update(&listed.number);
                status.verification = Some(seen(None, begun.wall, ownership));
            }
            Self::Lose { owner, begun } => {
                status.verification = Some(seen(owner, begun.wall, Ownership::Absent));
            }
            Self::Unclaim => {}
            Self::Claim(claim) => record.spec.claim_ref = Some(claim),
        }
        bounds::bound(&mut record.spec.attempt);
    }

    /// Whether a claim stands behind the record afterwards, if the change says anything about it.
    pub fn claimed(&self) -> Option<bool> {
        match self {
            Self::Unclaim => Some(false),
            Self::Claim(_) => Some(true),
            _ => None,
        }
    }

    /// Whether a row, and what it says of ownership, is news of a bound number.
    pub fn would_refresh(record: &PhoneNumber, row: &ListedNumber, ownership: Ownership) -> bool {
        let otherwise = match record.verification().map(|seen| seen.ownership) {
            Some(Ownership::Absent) => true,
            Some(Ownership::Undecided) => ownership == Ownership::Owned,
            Some(Ownership::Owned | Ownership::Unverifiable) | None => false,
        };
        otherwise || record.described().cloned().unwrap_or_default().update(&row.number)
    }

    /// Whether the record says that the account has a bound number no more.
    pub fn is_away(record: &PhoneNumber) -> bool {
        record.verification().is_some_and(|seen| seen.ownership == Ownership::Absent)
    }

    /// Whether the record says that a bound number is gone.
    pub fn is_lost(record: &PhoneNumber) -> bool {
        Self::is_away(record) && Self::moved_to(record).is_none()
    }

    /// Which other account of the family has a bound number, as the record says.
    pub fn moved_to(record: &PhoneNumber) -> Option<&AccountId> {
        record.verification()?.owner.as_ref()
    }

    /// Whether the record says that no claim stands behind it.
    pub fn is_unclaimed(record: &PhoneNumber) -> bool {
        record.conditions().iter().any(|condition| {
            condition.type_ == ConditionType::Claimed.into_str() && condition.status == "False"
        })
    }
}

fn answered(
    attempt: &mut Attempt,
    status: &mut PhoneNumberStatus,
    answer: Answer,
    bought: Option<&ListedNumber>,
) {
    match answer.outcome {
        Outcome::Purchased => {
            settle(attempt, AttemptState::Bound, answer.at.at());
            // What verification did not find in time, or could not tell, says nothing of what is bought now.
            status
                .verification
                .take_if(|seen| matches!(seen.ownership, Ownership::Absent | Ownership::Undecided));
        }
        other if rules::stays_open(other) => {}
        _ => settle(attempt, AttemptState::Failed, answer.at.at()),
    }
    if let Some(bought) = bought {
        status.number.get_or_insert_default().update(&bought.number);
    }
    attempt.answer = Some(answer);
}

fn forget_debits(attempt: &mut Attempt) {
    attempt.unexplained_debits.clear();
    attempt.further_debits.clear();
    attempt.unexplained_debits_count = None;
}

fn settle(attempt: &mut Attempt, state: AttemptState, now: Timestamp) {
    attempt.state = state;
    attempt.settled_at = Some(Time::micros(now));
}

fn seen(owner: Option<AccountId>, at: Timestamp, ownership: Ownership) -> Verification {
    Verification { at: Time::micros(at), ownership, owner }
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;

    use super::*;
    use crate::{
        api::{Number, PhoneNumberSpec},
        domain::AttemptId,
        plan::NewAttempt,
    };

    const NOW: &str = "2026-01-02T03:04:05Z";

    fn record() -> PhoneNumber {
        let intent = NewAttempt::for_tests();
        let attempt = intent.open(AttemptId::from_random([7; 16]), NOW.parse().unwrap());
        let (e164, account) = ("+12".parse().unwrap(), "MA_1".parse().unwrap());
        PhoneNumber {
            metadata: ObjectMeta::default(),
            spec: PhoneNumberSpec {
                e164,
                account,
                claim_ref: None,
                attempt,
                later: crate::api::Later::default(),
            },
            status: None,
        }
    }

    fn after(change: Change) -> PhoneNumber {
        let mut record = record();
        change.apply(&mut record, NOW.parse().unwrap());
        record
    }

    fn answered(outcome: Outcome) -> Change {
        let answer = serde_json::from_value(serde_json::json!({ "outcome": outcome, "at": NOW })).unwrap();
        Change::Answered { answer: Box::new(answer), bought: None }
    }

    #[test]
    fn only_a_success_and_what_was_never_sent_settle_an_attempt_by_themselves() {
        for (outcome, state) in [
            (Outcome::Purchased, AttemptState::Bound),
            (Outcome::NotSent, AttemptState::Failed),
            (Outcome::NotFound, AttemptState::Open),
            (Outcome::PaymentFailed, AttemptState::Open),
            (Outcome::Unauthorized, AttemptState::Open),
            (Outcome::RateLimited, AttemptState::Open),
            (Outcome::Rejected, AttemptState::Open),
            (Outcome::Unknown, AttemptState::Open),
        ] {
            let attempt = after(answered(outcome)).spec.attempt;
            assert_eq!((attempt.state, attempt.answer.map(|answer| answer.outcome)), (state, Some(outcome)));
            assert_eq!(attempt.settled_at.is_some(), state != AttemptState::Open);
        }
    }

    #[test]
    fn a_binding_forgets_the_debits_that_it_explains() {
        let mut record = record();
        let debit = Debit { id: "t".into(), amount: None, currency: None, at: None };
        let asked = Change::AskForDecision { debits: vec![debit], ownership: Ownership::Absent, owner: None };
        asked.apply(&mut record, NOW.parse().unwrap());
        assert_eq!(record.spec.attempt.state, AttemptState::NeedsDecision);
        let listed =
            Box::new(ListedNumber { e164: "+12".parse().unwrap(), owner: None, number: Number::default() });
        let begun = Moment { wall: NOW.parse().unwrap(), mono: std::time::Duration::ZERO };
        Change::Bind { listed, begun }.apply(&mut record, NOW.parse().unwrap());
        assert_eq!(record.spec.attempt.state, AttemptState::Bound);
        assert!(record.spec.attempt.unexplained_debits.is_empty() && !Change::is_lost(&record));
    }

    #[test]
    fn a_loss_keeps_what_was_bought_and_is_undone_by_a_later_listing() {
        let begun = Moment { wall: NOW.parse().unwrap(), mono: std::time::Duration::ZERO };
        let mut record = after(answered(Outcome::Purchased));
        Change::Lose { owner: None, begun }.apply(&mut record, NOW.parse().unwrap());
        assert!(Change::is_lost(&record) && record.spec.attempt.state == AttemptState::Bound);
        let listed =
            Box::new(ListedNumber { e164: "+12".parse().unwrap(), owner: None, number: Number::default() });
        let ownership = Ownership::Owned;
        assert!(Change::would_refresh(&record, &listed, ownership));
        Change::Refresh { listed, ownership, begun }.apply(&mut record, NOW.parse().unwrap());
        assert!(!Change::is_lost(&record));
    }

    #[test]
    fn a_move_is_stored_so_that_an_older_version_takes_it_for_a_loss() {
        let begun = Moment { wall: NOW.parse().unwrap(), mono: std::time::Duration::ZERO };
        let mut record = after(answered(Outcome::Purchased));
        Change::Lose { owner: "SA_2".parse().ok(), begun }.apply(&mut record, NOW.parse().unwrap());
        let stored = serde_json::to_value(&record).unwrap();
        let verification = &stored["status"]["verification"];
        assert_eq!((&verification["ownership"], &verification["owner"]), (&"Absent".into(), &"SA_2".into()));
        let read: PhoneNumber = serde_json::from_value(stored).unwrap();
        assert_eq!(Change::moved_to(&read), "SA_2".parse().ok().as_ref());
        assert!(Change::is_away(&read) && !Change::is_lost(&read));
        Change::Lose { owner: None, begun }.apply(&mut record, NOW.parse().unwrap());
        assert!(Change::is_lost(&record) && Change::moved_to(&record).is_none());
    }
}
