//! The conditions table, row by row.

mod price;
mod table;
mod unstored;
mod waiting;
mod words;

use std::{sync::Arc, time::Duration};

use kube::core::ObjectMeta;

use super::{ClaimFacts, Unstored, set_record_conditions};
use crate::{
    api::{
        Answer, AttemptState, ClaimRef, Debit, Funds, Number, NumberStatus, Origin, Outcome, Ownership,
        PhoneNumber, PhoneNumberClaim, PhoneNumberClaimStatus, PhoneNumberSpec, PhoneNumberStatus, Reason,
        Verification,
    },
    domain::{AttemptId, ListedNumber, Time},
    plan::{
        self, Change, ClaimLiveness, ClaimObserved, Clocks, ConflictWith, Evidence, Gate, GateCause,
        LedgerRead, Moment, NewAttempt, Reading, Relation, Rows, Timeouts,
    },
};

const TIMEOUTS: Timeouts =
    Timeouts { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };

fn at(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_767_323_045 + seconds).unwrap()
}

fn answer(outcome: Outcome, http_status: i32, funds: Option<Funds>) -> Answer {
    Answer {
        outcome,
        http_status: Some(http_status),
        code: None,
        message: Some("words".into()),
        funds,
        required: "52".parse().ok(),
        available: "12.50".parse().ok(),
        currency: "INR".parse().ok(),
        owner: None,
        at: Time::micros(at(1)),
    }
}

fn record(state: AttemptState, origin: Origin, answer: Option<Answer>) -> PhoneNumber {
    let intent = NewAttempt { origin, automatic_retry_used: true, ..NewAttempt::for_tests() };
    let mut attempt = intent.open(AttemptId::from_random([7; 16]), at(0));
    (attempt.state, attempt.answer) = (state, answer);
    let spec = PhoneNumberSpec {
        e164: "+911234500000".parse().unwrap(),
        account: "MA_1".parse().unwrap(),
        claim_ref: Some(ClaimRef { namespace: "a".into(), name: "b".into(), uid: "u".into() }),
        attempt,
        later: crate::api::Later::default(),
    };
    PhoneNumber { metadata: ObjectMeta::default(), spec, status: Some(PhoneNumberStatus::default()) }
}

fn bound(status: NumberStatus, ownership: Ownership) -> PhoneNumber {
    let mut record = record(AttemptState::Bound, Origin::Purchase, None);
    record.status = Some(PhoneNumberStatus {
        conditions: Vec::new(),
        number: Some(Number { status: Some(status), ..Number::default() }),
        verification: Some(Verification { at: Time::micros(at(0)), ownership, owner: None }),
    });
    record
}

fn bound_under(owner: &str) -> PhoneNumber {
    let mut record = bound(NumberStatus::Active, Ownership::Absent);
    let verification = record.status.as_mut().and_then(|status| status.verification.as_mut()).unwrap();
    verification.owner = owner.parse().ok();
    record
}

fn message(record: &PhoneNumber) -> String {
    of(record).message()
}

fn other(word: &str) -> NumberStatus {
    word.parse().unwrap()
}

/// What the claim is told: reason, Purchased, Ready, and what it is in besides.
fn told(given: &Given) -> Option<(Reason, String, String, String)> {
    let (status, reason) = given.tell(moment(20))?;
    let of = |type_: &str| {
        let found = status.conditions.iter().find(|condition| condition.type_ == type_);
        found.map(|condition| {
            assert_eq!(
                (condition.reason.as_str(), condition.observed_generation),
                (reason.into_str(), Some(3))
            );
            assert!(!condition.message.is_empty());
            condition.status.clone()
        })
    };
    let also: Vec<_> = ["Reconciling", "Stalled"].into_iter().filter(|type_| of(type_).is_some()).collect();
    assert!(also.len() <= 1, "{also:?}");
    assert_eq!(status.observed_generation, Some(3));
    Some((reason, of("Purchased").unwrap(), of("Ready").unwrap(), also.concat()))
}

fn wish() -> PhoneNumberClaim {
    let spec = serde_json::from_str(r#"{"e164":"+911234500000"}"#).unwrap();
    let metadata = ObjectMeta {
        namespace: Some("a".into()),
        name: Some("b".into()),
        uid: Some("u".into()),
        generation: Some(3),
        ..ObjectMeta::default()
    };
    PhoneNumberClaim { metadata, spec, status: None }
}

fn moment(seconds: i64) -> Moment {
    Moment { wall: at(seconds), mono: Duration::from_secs(seconds.unsigned_abs()) }
}

/// What is known of a claim that has wanted an attempt since the first moment, and whose number may be bought.
struct Given {
    claim: PhoneNumberClaim,
    record: Option<PhoneNumber>,
    newer: bool,
    /// The one that is decided upon, if not this one.
    relation: Option<Relation>,
    gate: Gate,
    clocks: Clocks,
    evidence: Evidence,
    token: Option<&'static str>,
    not_before: Option<Moment>,
    hold_until: Option<Moment>,
    refused: Option<&'static str>,
    unstored: Option<Unstored>,
    line_length: usize,
    handled: Option<&'static str>,
}

impl Default for Given {
    fn default() -> Self {
        let begun = moment(1);
        let ledger = LedgerRead { from: jiff::Timestamp::UNIX_EPOCH, rows: Arc::default() };
        let evidence = Evidence {
            search: Reading::Read { begun, value: Rows::default() },
            ledger: Reading::Read { begun, value: ledger },
            ..Evidence::default()
        };
        Self {
            claim: wish(),
            record: None,
            newer: false,
            relation: None,
            gate: Gate::Open,
            clocks: Clocks::default(),
            evidence,
            token: None,
            not_before: None,
            hold_until: None,
            refused: None,
            unstored: None,
            line_length: 0,
            handled: None,
        }
    }
}

impl Given {
    fn tell(&self, now: Moment) -> Option<(PhoneNumberClaimStatus, Reason)> {
        let observed = ClaimObserved {
            record: self.record.as_ref(),
            newer: self.newer,
            liveness: ClaimLiveness::Gone,
            gate: self.gate.clone(),
            clocks: self.clocks,
            evidence: self.evidence.clone(),
            retry_token: self.token,
            not_before: self.not_before,
            hold_until: self.hold_until,
            ..ClaimObserved::for_tests(&self.claim)
        };
        let first = plan::decide_claim(&observed, None, moment(0));
        let mut decision = plan::decide_claim(&observed, first.wanted.as_ref(), now);
        decision.relation = self.relation.unwrap_or(decision.relation);
        let facts = ClaimFacts {
            observed: &observed,
            decision: &decision,
            refused: self.refused,
            unstored: self.unstored.as_ref(),
            handled: self.handled,
            line_length: self.line_length,
            timeouts: TIMEOUTS,
        };
        super::claim_status(&facts, now)
    }

    fn message(&self) -> String {
        self.tell(moment(20)).unwrap().0.conditions[0].message.clone()
    }
}

fn of(record: &PhoneNumber) -> Given {
    Given { record: Some(record.clone()), ..Given::default() }
}

#[test]
fn two_errors_of_one_cause_and_two_passing_causes_are_one_status() {
    use GateCause::{Credentials, RateLimited, Unavailable};
    let status = |claim: &PhoneNumberClaim, cause, why: &str, seconds| {
        let gate = Gate::Closed(cause, why.into());
        Given { claim: claim.clone(), gate, ..Given::default() }.tell(moment(seconds)).unwrap().0
    };
    for (first, second, same) in [
        (Unavailable, Unavailable, true),
        (RateLimited, RateLimited, true),
        (Credentials, Credentials, true),
        (Unavailable, RateLimited, true),
        (RateLimited, Unavailable, true),
        (Unavailable, Credentials, false),
        (RateLimited, Credentials, false),
        (Credentials, Unavailable, false),
    ] {
        let mut claim = wish();
        claim.status = Some(status(&claim, first, "Vobiz answered 502", 20));
        let later = status(&claim, second, "no answer in time", 60);
        assert_eq!(claim.status.as_ref() == Some(&later), same, "{first:?} {second:?}: {later:?}");
    }
}

#[test]
fn a_record_of_a_newer_version_leaves_outcome_and_number_as_they_were() {
    let mut claim = wish();
    let of_newer = |claim: &PhoneNumberClaim| {
        let given = Given { newer: true, claim: claim.clone(), ..Given::default() };
        (told(&given).unwrap(), given.tell(moment(20)).unwrap().0)
    };
    let expected = |purchased: &str| {
        (Reason::NewerVersion, purchased.to_owned(), "Unknown".to_owned(), "Reconciling".to_owned())
    };
    assert_eq!(of_newer(&claim).0, expected("Unknown"));
    let record = bound(NumberStatus::Active, Ownership::Owned);
    let bought = of(&record).tell(moment(20)).unwrap().0;
    claim.status = Some(bought.clone());
    let (told, status) = of_newer(&claim);
    assert_eq!(told, expected("True"));
    assert_eq!((&status.number, &status.phone_number_ref), (&bought.number, &bought.phone_number_ref));
    let message = &status.conditions[0].message;
    assert!(message.contains("kubectl get phonenumber/911234500000"), "{message}");
}

#[test]
fn conditions_that_a_later_version_has_added_to_a_record_stay() {
    let mut record = bound(NumberStatus::Active, Ownership::Owned);
    let later = r#"{"type":"Released","status":"True","reason":"R","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}"#;
    record.status.as_mut().unwrap().conditions = vec![serde_json::from_str(later).unwrap()];
    set_record_conditions(&mut record, None, TIMEOUTS, at(0));
    set_record_conditions(&mut record, None, TIMEOUTS, at(0));
    let conditions = &record.status.unwrap().conditions;
    let types: Vec<_> = conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(types, ["Ready", "Claimed", "Released"]);
}

#[test]
fn a_bound_claim_keeps_its_conditions_while_the_account_cannot_be_read() {
    let gate = Gate::Closed(GateCause::Credentials, "401".into());
    let given = Given { gate, ..of(&bound(NumberStatus::Active, Ownership::Owned)) };
    assert_eq!(told(&given).unwrap().0, Reason::Purchased);
}

/// A number without a claim, which an administrator hands to this one.
fn handed_over() -> PhoneNumber {
    let mut record = bound(NumberStatus::Active, Ownership::Owned);
    record.spec.claim_ref = None;
    record
}

#[test]
fn types_that_others_have_added_stay() {
    let mut claim = wish();
    claim.status = serde_json::from_str(
        r#"{"conditions":[{"type":"Routed","status":"True","reason":"R","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}]}"#,
    )
    .ok();
    let given = Given { claim, ..of(&bound(NumberStatus::Active, Ownership::Owned)) };
    assert!(given.tell(moment(20)).unwrap().0.conditions.iter().any(|condition| condition.type_ == "Routed"));
}
