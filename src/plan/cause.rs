//! Why an attempt is made for a claim, if one is, and since when that has been known (R6 and R10).

use super::{AttemptCause, Moment, bounds, observed::ClaimObserved, relation::Relation, rules};
use crate::{
    api::{Attempt, AttemptState, Origin},
    domain::AttemptId,
};

/// An attempt that a claim wants. What is looked at for it was asked for after it was first wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub cause: AttemptCause,
    pub after: Option<AttemptId>,
    /// Since when this process has known of it.
    pub since: Moment,
}

impl Wanted {
    /// What the claim wants, if anything: as it is remembered if it is the same as before, or from now on.
    pub(super) fn of(
        observed: &ClaimObserved<'_>,
        relation: Relation,
        remembered: Option<&Self>,
        now: Moment,
    ) -> Option<Self> {
        let cause = cause(observed, relation)?;
        let after = observed.record.map(|record| record.spec.attempt.id);
        let same = remembered.filter(|known| known.cause == cause && known.after == after);
        Some(Self { cause, after, since: same.map_or(now, |known| known.since) })
    }
}

/// What the claim may attempt now, if anything.
fn cause(observed: &ClaimObserved<'_>, relation: Relation) -> Option<AttemptCause> {
    if observed.claim.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let Some(record) = observed.record else {
        return (relation == Relation::NoRecord).then_some(AttemptCause::First);
    };
    let attempt = &record.spec.attempt;
    // A failure whose record is being deleted is about to be forgotten; a new attempt would be stored in what goes.
    if record.metadata.deletion_timestamp.is_some() && attempt.state == AttemptState::Failed {
        return None;
    }
    match relation {
        Relation::Ours => permitted(attempt, observed.retry_token),
        Relation::Inherits => rules::permits_another_claim(attempt).then_some(AttemptCause::First),
        Relation::NoRecord | Relation::AwaitsSettlement | Relation::Newer | Relation::Conflict(_) => None,
    }
}

/// R6 and R10: what causes another attempt after a failure.
pub(super) fn permitted(attempt: &Attempt, token: Option<&str>) -> Option<AttemptCause> {
    let fresh = fresh(attempt, token);
    let asked = |token: &str| AttemptCause::Token(token.to_owned());
    match attempt.state {
        AttemptState::Open => rules::reader_may_send().then_some(AttemptCause::Automatic),
        AttemptState::Bound => None,
        AttemptState::NeedsDecision => {
            fresh.filter(|token| rules::answers_the_decision(token, attempt)).map(asked)
        }
        AttemptState::Failed => {
            fresh.map(asked).or_else(|| is_retried_unasked(attempt).then_some(AttemptCause::Automatic))
        }
    }
}

/// The token, if it has not been used up yet.
pub(super) fn fresh<'a>(attempt: &Attempt, token: Option<&'a str>) -> Option<&'a str> {
    token.filter(|token| !token.is_empty() && !bounds::is_spent(attempt, token))
}

/// Whether a failure was not for the claim's own sake, or the process died before it could know.
pub fn is_retried_unasked(attempt: &Attempt) -> bool {
    if attempt.origin == Origin::Adoption {
        return true;
    }
    match attempt.answer.as_ref().map(|answer| answer.outcome) {
        None => rules::may_retry_after_a_death(attempt),
        Some(outcome) => outcome.holds_account() || !rules::user_asks_after_a_refusal(),
    }
}
