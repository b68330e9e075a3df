//! What a claim is told: what its record says, or what its next attempt waits for.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{
    case::{self, Case, SHOWN_AFTER, Unstored},
    cluster, message,
    message::Audience,
    newer, price,
    status::{condition, conditions},
};
use crate::{
    api::{
        Answer, AttemptState, ConditionType, PhoneNumber, PhoneNumberClaimStatus, PhoneNumberRef, Quote,
        Reason, Status,
    },
    plan::{
        self, AttemptCause, ClaimObserved, ClaimStep, Decision, Gate, GateCause, Moment, Reading, Relation,
        RetryToken, Timeouts, Told, Wake,
    },
};

pub struct ClaimFacts<'a> {
    pub observed: &'a ClaimObserved<'a>,
    pub decision: &'a Decision,
    /// What the API server says to the write that the decision calls for, while it does not take it.
    pub refused: Option<&'a str>,
    /// What this process knows of the attempt, and the API server does not store.
    pub unstored: Option<&'a Unstored>,
    /// What a look at the account was last asked for with, among those that were made.
    pub handled: Option<&'a str>,
    /// How many claims are in line for their turn with the account.
    pub line_length: usize,
    pub timeouts: Timeouts,
}

impl ClaimFacts<'_> {
    /// For how long the attempt has been wanted, if one is.
    pub fn waited(&self, now: Moment) -> Option<Duration> {
        self.decision.wanted.as_ref().map(|wanted| now.mono.saturating_sub(wanted.since.mono))
    }

    /// For how long what passes by itself is waited for in silence. A claim that has been told nothing is in progress by
    /// its `observedGeneration` alone, and its turn comes; what was told of an earlier attempt must not stay for long.
    pub fn silent_for(&self) -> Duration {
        let ClaimObserved { claim, .. } = self.observed;
        let ready = claim.status.as_ref().and_then(|status| status.condition(ConditionType::Ready));
        let comes =
            matches!(self.decision.step, ClaimStep::Purchase(_) | ClaimStep::Await(Wake::Evidence(_)));
        // A user who asked for a look waits for the word that it was made.
        let answered = claim.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
        let is_in_line = comes && ready.is_none() && self.refused.is_none() && self.handled == answered;
        if is_in_line { case::turn_shown_after(self.line_length) } else { SHOWN_AFTER }
    }
}

/// The status that the claim should have, and its reason. `None` while it is too early to say anything.
pub fn claim_status(facts: &ClaimFacts<'_>, now: Moment) -> Option<(PhoneNumberClaimStatus, Reason)> {
    let case = explain(facts, now)?;
    let (claim, relation) = (facts.observed.claim, facts.decision.relation);
    let ours =
        facts.observed.record.filter(|_| matches!(relation, Relation::Ours | Relation::AwaitsSettlement));
    // What a newer version has said about its record stays said.
    let kept = claim.status.as_ref().filter(|_| relation == Relation::Newer);
    let previous = claim.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let bound = matches!(case.reason.row(case.settled).purchased, Status::True);
    let generation = claim.metadata.generation;
    let mut conditions = conditions(previous, &case, generation, now.wall);
    // Of a record that a newer version has written, what was said of its price stays.
    if relation != Relation::Newer {
        let type_ = ConditionType::PriceAsQuoted;
        conditions.retain(|old| old.type_ != type_.into_str());
        conditions.extend(ours.and_then(price::as_quoted).map(|(status, reason, message)| Condition {
            observed_generation: generation,
            ..condition(previous, type_, status, reason.into_str(), &message, now.wall)
        }));
    }
    let status = PhoneNumberClaimStatus {
        observed_generation: generation,
        conditions,
        phone_number_ref: ours
            .map(|record| PhoneNumberRef { name: record.spec.e164.digits() })
            .or_else(|| kept?.phone_number_ref.clone()),
        number: ours
            .filter(|_| bound)
            .and_then(|record| record.described().cloned())
            .or_else(|| kept?.number.clone()),
        quote: quote(facts, ours).or_else(|| kept?.quote),
        last_handled_reconcile_at: facts.handled.map(str::to_owned),
    };
    Some((status, case.reason))
}

/// The price that the claim is decided about, or was bought at.
fn quote(facts: &ClaimFacts<'_>, ours: Option<&PhoneNumber>) -> Option<Quote> {
    let claim = facts.observed.claim;
    if facts.decision.wanted.is_none() || claim.spec.max_price.is_none() {
        return ours?.spec.attempt.quote;
    }
    let shown = claim.status.as_ref().and_then(|status| status.quote);
    // What was read is kept for minutes. A price that is read again and has not changed is worth no write.
    let same = |new: &Quote| shown.filter(|shown| shown.is_same_price(new)).unwrap_or(*new);
    match facts.observed.evidence.quote {
        Reading::Never => shown,
        Reading::Read { .. } | Reading::NoSuchEndpoint { .. } => plan::quoted(facts.observed).map(same),
    }
}

fn explain(facts: &ClaimFacts<'_>, now: Moment) -> Option<Case> {
    let claim = facts.observed.claim;
    match (facts.decision.relation, facts.observed.record) {
        (Relation::Newer, _) => {
            Some(Case::open(Reason::NewerVersion, newer::newer_record(&claim.number().digits())))
        }
        (Relation::Conflict(with), Some(record)) => {
            Some(Case::settled(Reason::Conflict, message::conflict(with, record, claim)))
        }
        (Relation::Ours | Relation::AwaitsSettlement, Some(record))
            if !outweighs(facts.decision) && !is_withheld(record) =>
        {
            recorded(facts, record, now).map(|case| kept_if_gone(facts, record, case))
        }
        _ => waiting(facts, now),
    }
}

/// What was bought stays as it is told while its account is declared no more; nothing new is learnt of it.
fn kept_if_gone(facts: &ClaimFacts<'_>, record: &PhoneNumber, case: Case) -> Case {
    if !facts.observed.served.gone {
        return case;
    }
    Case { message: message::gone(&case.message, &record.spec.account), ..case }
}

/// What held the claim back then, it is told while it does.
fn is_withheld(record: &PhoneNumber) -> bool {
    let attempt = &record.spec.attempt;
    attempt.state == AttemptState::Failed && attempt.answer.as_ref().is_some_and(Answer::is_withheld)
}

/// Whether what stands in the way of the next attempt matters more than what happened before: if it was asked for, or if
/// the obstacle is more than a matter of time.
fn outweighs(decision: &Decision) -> bool {
    let asked = decision.wanted.as_ref().is_some_and(|wanted| matches!(wanted.cause, AttemptCause::Token(_)));
    asked || decision.told.as_ref().is_some_and(|told| told.reason != Reason::Purchasing)
}

/// What the record says, and what keeps it from being verified: without the credentials the record would be open for
/// ever, and its user would not learn why.
fn recorded(facts: &ClaimFacts<'_>, record: &PhoneNumber, now: Moment) -> Option<Case> {
    let attempt = &record.spec.attempt;
    // This process knows the answer, even if it is not stored: the claim must not say that nothing is known.
    if let Some(unstored) = facts.unstored.filter(|_| attempt.state == AttemptState::Open) {
        return case::of_unstored(record, unstored, facts.timeouts, now.wall);
    }
    let case = case::of_record(record, Audience::Tenants, facts.timeouts, now.wall);
    let asked_in_vain = matches!(attempt.state, AttemptState::Failed | AttemptState::NeedsDecision)
        && plan::retry_token(facts.observed.claim) == RetryToken::TooLong;
    if asked_in_vain {
        return case.map(|case| Case { message: cluster::token_too_long(&case.message, record), ..case });
    }
    if attempt.state != AttemptState::Open {
        return case;
    }
    let clocks = facts.observed.clocks;
    if clocks.are_wrong() {
        return case.map(|case| Case { message: message::undated(&case.message, clocks), ..case });
    }
    let Gate::Closed(GateCause::Credentials, _) = facts.observed.gate else { return case };
    // A 403 to the purchase and to the list as well speaks of the account, not of the number.
    if attempt.answer.as_ref().is_some_and(|answer| answer.http_status == Some(403)) {
        return Some(told(&plan::credentials_refused(&facts.observed.served)));
    }
    case.map(|case| Case { message: message::unverifiable(&case.message), ..case })
}

/// What the next attempt waits for. What passes by itself is told only when it lasts; that a binding lasts, the caller
/// has seen.
fn waiting(facts: &ClaimFacts<'_>, now: Moment) -> Option<Case> {
    let pause = facts.decision.told.as_ref();
    if let Some(obstacle) = pause.filter(|told| told.reason != Reason::Purchasing) {
        return Some(told(obstacle));
    }
    let purchasing = |message| Some(Case::open(Reason::Purchasing, message));
    match (facts.refused, &facts.decision.step) {
        (Some(why), ClaimStep::Bind) => purchasing(cluster::not_bound(why)),
        _ if facts.waited(now).is_none_or(|waited| waited < facts.silent_for()) => None,
        (Some(why), _) => purchasing(cluster::not_recorded(why)),
        (None, _) => pause.map(told),
    }
}

fn told(told: &Told) -> Case {
    // Nothing was sent, so nothing is being verified.
    Case::settled(told.reason, told.message.clone().into_owned())
}
