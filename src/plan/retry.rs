//! What causes another attempt of a claim, after one of its own (R6 and R10).

use super::{AttemptCause, bounds, rules};
use crate::api::{Attempt, AttemptState, Origin};

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

/// Whether a user who asks with that token permits another attempt.
pub fn permits(attempt: &Attempt, token: &str) -> bool {
    matches!(permitted(attempt, Some(token)), Some(AttemptCause::Token(_)))
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
