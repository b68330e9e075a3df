//! A new attempt: what it takes over from the claim and from the attempt before it.

use jiff::Timestamp;

use super::{AttemptCause, bounds, observed::ClaimObserved, rules, window::LEDGER_LOOKBACK};
use crate::{
    api::{Attempt, AttemptState, Origin},
    domain::{AttemptId, Currency, Debit, Quote, Time},
};

/// A new attempt, before it has an identity.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAttempt {
    /// `Purchase` may send, `Adoption` never does.
    pub origin: Origin,
    pub currency: Option<Currency>,
    /// The price that the claim's ceiling was held against.
    pub quote: Option<Quote>,
    pub spent_tokens: Vec<String>,
    /// Marks of those spent before them, and how many there were that are not among `spent_tokens`.
    pub older_spent_tokens: (Vec<String>, i64),
    pub automatic_retry_used: bool,
    pub answered_debits: Vec<String>,
    pub earlier_claims: Vec<String>,
    /// From when on the look before it looked for debits.
    pub debits_from: Option<Timestamp>,
    pub found_debits: Vec<Debit>,
    /// Whether Vobiz had the endpoints to look the number up before.
    pub looked_up: bool,
}

impl NewAttempt {
    /// What the claim wants now, after a look for debits from `from` on.
    pub(super) fn of(
        observed: &ClaimObserved<'_>,
        cause: &AttemptCause,
        origin: Origin,
        from: Timestamp,
    ) -> Self {
        let previous = observed.record.map(|record| &record.spec.attempt);
        let mut spent_tokens = previous.map(|attempt| attempt.spent_tokens.clone()).unwrap_or_default();
        let at_first = observed.retry_token.filter(|_| rules::is_spent_at_first(cause));
        spent_tokens.extend(at_first.map(str::to_owned));
        let retried = previous.is_some_and(|attempt| attempt.automatic_retry_used);
        let automatic_retry_used = match cause {
            AttemptCause::First => false,
            AttemptCause::Automatic => retried || previous.is_some_and(is_of_a_process_that_died),
            AttemptCause::Token(token) => {
                spent_tokens.extend(rules::used_token_is_spent().then(|| token.clone()));
                false
            }
        };
        Self {
            origin,
            currency: observed.claim.spec.currency,
            quote: None,
            spent_tokens,
            older_spent_tokens: previous.map(bounds::older_spent).unwrap_or_default(),
            automatic_retry_used,
            answered_debits: answered_debits(observed, cause),
            earlier_claims: earlier_claims(observed),
            debits_from: Some(from),
            found_debits: Vec::new(),
            looked_up: true,
        }
    }

    pub fn open(self, id: AttemptId, now: Timestamp) -> Attempt {
        let open = rules::begins_open(self.origin);
        // A clock that was set back since the look must not hide what it saw.
        let usual = now.saturating_sub(LEDGER_LOOKBACK).unwrap_or(now);
        let (older, before) = self.older_spent_tokens;
        let spent = before.saturating_add(i64::try_from(self.spent_tokens.len()).unwrap_or(i64::MAX));
        let mut attempt = Attempt {
            id,
            opened_at: Time::micros(now),
            state: if open { AttemptState::Open } else { AttemptState::Bound },
            origin: self.origin,
            currency: self.currency,
            quote: self.quote,
            answer: None,
            settled_at: None,
            spent_tokens: self.spent_tokens,
            older_spent_tokens: older,
            spent_tokens_count: Some(spent),
            automatic_retry_used: self.automatic_retry_used,
            debits_from: self.debits_from.map(|from| Time::micros(from.min(usual))),
            unexplained_debits: self.found_debits,
            further_debits: Vec::new(),
            unexplained_debits_count: None,
            answered_debits: self.answered_debits,
            earlier_claims: self.earlier_claims,
        };
        bounds::bound(&mut attempt);
        attempt
    }
}

/// Whether no answer to a purchase was stored.
fn is_of_a_process_that_died(attempt: &Attempt) -> bool {
    attempt.answer.is_none() && attempt.origin == Origin::Purchase
}

/// The debits that need no answer any more: those answered before, and, with the token of a decision, those that
/// the decision was about.
pub(super) fn answered_debits(observed: &ClaimObserved<'_>, cause: &AttemptCause) -> Vec<String> {
    let Some(attempt) = observed.record.map(|record| &record.spec.attempt) else { return Vec::new() };
    let mut answered = attempt.answered_debits.clone();
    if attempt.state == AttemptState::NeedsDecision && matches!(cause, AttemptCause::Token(_)) {
        answered.extend(bounds::unexplained(attempt));
    }
    answered
}

/// The claims that have given the number up, with the one that gives it up to this one now.
fn earlier_claims(observed: &ClaimObserved<'_>) -> Vec<String> {
    let mut claims =
        observed.record.map(|record| record.spec.attempt.earlier_claims.clone()).unwrap_or_default();
    let gives_way = observed.holder.and_then(|holder| holder.metadata.uid.clone());
    let new = gives_way.filter(|uid| !claims.contains(uid));
    claims.extend(new);
    claims
}

#[cfg(test)]
mod for_tests {
    use super::*;

    impl NewAttempt {
        pub(crate) fn for_tests() -> Self {
            Self {
                origin: Origin::Purchase,
                currency: None,
                quote: None,
                spent_tokens: Vec::new(),
                older_spent_tokens: (Vec::new(), 0),
                automatic_retry_used: false,
                answered_debits: Vec::new(),
                earlier_claims: Vec::new(),
                debits_from: None,
                found_debits: Vec::new(),
                looked_up: true,
            }
        }
    }
}
