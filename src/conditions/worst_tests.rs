//! The largest objects that users, Vobiz and the API server can make of ours.

use std::time::Duration;

use kube::core::ObjectMeta;
use serde::Serialize;

use super::{ClaimFacts, Unstored, claim_status, set_record_conditions};
use crate::{
    api::{
        Answer, Attempt, ClaimRef, Debit, Funds, Number, NumberStatus, Outcome, Ownership, PhoneNumber,
        PhoneNumberClaim, PhoneNumberSpec, PhoneNumberStatus,
    },
    domain::{AttemptId, Time, presentable},
    plan::{Change, ClaimObserved, ClaimStep, Decision, Moment, NewAttempt, Relation, Timeouts},
};

const TIMEOUTS: Timeouts =
    Timeouts { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };

/// Nothing of ours comes near 100 kB.
const LARGEST: usize = 75_000;

fn now() -> jiff::Timestamp {
    "2026-01-02T03:04:05.123456Z".parse().unwrap()
}

/// Bytes as the API server stores them: it escapes these three signs as well.
fn stored_size(object: &impl Serialize) -> usize {
    let json = serde_json::to_string(object).unwrap();
    json.len() + 5 * json.chars().filter(|c| "<>&".contains(*c)).count()
}

/// Words of Vobiz at their worst: what is shown of them is escaped with six bytes for each sign.
fn words() -> String {
    presentable(&"<".repeat(1_000_000))
}

fn answer() -> Answer {
    Answer {
        outcome: Outcome::PaymentFailed,
        http_status: Some(500),
        code: Some(words()),
        message: Some(words()),
        funds: Some(Funds::Insufficient),
        required: format!("{:028}", 1).parse().ok(),
        available: format!("{:028}", 1).parse().ok(),
        currency: "INR".parse().ok(),
        owner: "A".repeat(128).parse().ok(),
        at: Time::micros(now()),
    }
}

fn debit(id: usize) -> Debit {
    Debit {
        id: format!("{id:064}"),
        amount: format!("{:028}", 1).parse().ok(),
        currency: "INR".parse().ok(),
        at: Some(Time::micros(now())),
    }
}

fn attempt() -> Attempt {
    let mut attempt = NewAttempt {
        spent_tokens: (0..1000).map(|token| format!("{token:0253}")).collect(),
        answered_debits: (0..5000).map(|id| format!("{id:064}")).collect(),
        ..NewAttempt::for_tests()
    }
    .open(AttemptId::from_random([7; 16]), now());
    attempt.answer = Some(answer());
    attempt.settled_at = Some(Time::micros(now()));
    attempt
}

fn worst() -> PhoneNumber {
    let number = Number {
        id: Some(words()),
        status: Some(NumberStatus::Other(words().into())),
        country: Some(words()),
        region: Some(words()),
        purchased_at: Some(Time::micros(now())),
        ..Number::default()
    };
    let claim_ref = ClaimRef { namespace: "n".repeat(63), name: "c".repeat(253), uid: "u".repeat(36) };
    let spec = PhoneNumberSpec {
        e164: "+911234500000".parse().unwrap(),
        account: "A".repeat(128).parse().unwrap(),
        claim_ref: Some(claim_ref),
        attempt: attempt(),
        later: crate::api::Later::default(),
    };
    let status = PhoneNumberStatus { number: Some(number), ..PhoneNumberStatus::default() };
    PhoneNumber { metadata: ObjectMeta::default(), spec, status: Some(status) }
}

#[test]
fn the_worst_record_and_the_worst_status_stay_small() {
    let debits = (0..12_000).map(debit).collect();
    let asked = Change::AskForDecision { debits, ownership: Ownership::Absent, owner: None };
    let unanswered = Change::Fail(Ownership::Absent, None);
    let mut wish: PhoneNumberClaim = serde_json::from_str(
        r#"{"apiVersion":"v","kind":"k","metadata":{"generation":1},"spec":{"e164":"+911234500000"}}"#,
    )
    .unwrap();
    wish.metadata.annotations = Some([(crate::api::RETRY_ANNOTATION.to_owned(), "x".repeat(254))].into());
    for change in [asked, unanswered] {
        let mut stored = worst();
        let unstored = Unstored { change: change.clone(), why: Some(words()), since: Duration::ZERO };
        change.apply(&mut stored, now());
        set_record_conditions(&mut stored, Some(true), TIMEOUTS, now());
        let observed = ClaimObserved { record: Some(&stored), ..ClaimObserved::for_tests(&wish) };
        let facts = ClaimFacts {
            observed: &observed,
            decision: &Decision { relation: Relation::Ours, wanted: None, step: ClaimStep::Rest, told: None },
            refused: None,
            unstored: Some(&unstored),
            handled: None,
            line_length: 0,
            timeouts: TIMEOUTS,
        };
        let now = Moment { wall: now(), mono: Duration::from_mins(1) };
        let (status, _) = claim_status(&facts, now).unwrap();
        let sizes = (stored_size(&stored), stored_size(&status));
        assert!(sizes.0 < LARGEST && sizes.1 < LARGEST, "{sizes:?}");
    }
}
