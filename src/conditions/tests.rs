//! The conditions table, row by row.

use std::time::Duration;

use kube::core::ObjectMeta;

use super::{ClaimFacts, Reason, Unstored};
use crate::{
    api::{
        Answer, AttemptState, ClaimRef, Debit, Funds, Number, NumberStatus, Origin, Outcome, Ownership,
        PhoneNumber, PhoneNumberClaim, PhoneNumberClaimStatus, PhoneNumberSpec, PhoneNumberStatus,
        Verification,
    },
    domain::{AttemptId, ListedNumber, Time},
    plan::{
        self, Change, ClaimObserved, Clocks, ConflictWith, Evidence, Gate, GateCause, Holder, LedgerRead,
        Moment, NewAttempt, Reading, Relation, Rows, Spans,
    },
};

const SPANS: Spans = Spans { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };

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
                (reason.as_str(), Some(3))
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
}

impl Default for Given {
    fn default() -> Self {
        let begun = moment(1);
        let ledger = LedgerRead { from: jiff::Timestamp::UNIX_EPOCH, rows: Vec::new().into() };
        let evidence = Evidence {
            search: Reading::Read { begun, value: Rows::from(Vec::new()) },
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
        }
    }
}

impl Given {
    fn tell(&self, now: Moment) -> Option<(PhoneNumberClaimStatus, Reason)> {
        let observed = ClaimObserved {
            claim: &self.claim,
            record: self.record.as_ref(),
            newer: self.newer,
            holder: Holder::Gone,
            account: "MA_1".parse().unwrap(),
            gate: self.gate.clone(),
            clocks: self.clocks,
            evidence: self.evidence.clone(),
            retry_token: self.token,
            not_before: self.not_before,
            hold_until: self.hold_until,
        };
        let first = plan::claim(&observed, None, moment(0));
        let mut decision = plan::claim(&observed, first.wanted.as_ref(), now);
        decision.relation = self.relation.unwrap_or(decision.relation);
        let facts = ClaimFacts {
            observed: &observed,
            decision: &decision,
            refused: self.refused,
            unstored: self.unstored.as_ref(),
            spans: SPANS,
        };
        super::claim(&facts, now)
    }

    fn message(&self) -> String {
        self.tell(moment(20)).unwrap().0.conditions[0].message.clone()
    }
}

fn of(record: &PhoneNumber) -> Given {
    Given { record: Some(record.clone()), ..Given::default() }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_a_record_says_is_told_as_the_table_says() {
    use AttemptState::{Bound, Failed, NeedsDecision, Open};
    use Origin::{Adoption, Purchase};
    let short = Some(Funds::Insufficient);
    let not_found = answer(Outcome::NotFound, 404, None);
    let rejected = answer(Outcome::Rejected, 422, None);
    let unknown = answer(Outcome::Unknown, 502, None);
    let failed_debit = |status, funds| Some(answer(Outcome::PaymentFailed, status, funds));
    let (t, f, u) = ("True", "False", "Unknown");
    for (record, expected) in vec![
        (record(Open, Purchase, None), (Reason::Purchasing, u, f, "Reconciling")),
        (bound(NumberStatus::Active, Ownership::Owned), (Reason::Purchased, t, t, "")),
        (record(Bound, Adoption, None), (Reason::Adopted, t, t, "")),
        (record(Open, Purchase, Some(not_found.clone())), (Reason::NumberNotFound, f, f, "Reconciling")),
        (record(Failed, Purchase, Some(not_found)), (Reason::NumberNotFound, f, f, "Stalled")),
        (
            record(Open, Purchase, failed_debit(402, short)),
            (Reason::InsufficientBalance, f, f, "Reconciling"),
        ),
        (record(Failed, Purchase, failed_debit(402, short)), (Reason::InsufficientBalance, f, f, "Stalled")),
        (
            record(Open, Purchase, failed_debit(500, short)),
            (Reason::InsufficientBalance, f, f, "Reconciling"),
        ),
        (
            record(Open, Purchase, failed_debit(500, Some(Funds::Sufficient))),
            (Reason::OutcomeUnknown, u, u, "Reconciling"),
        ),
        (
            record(Failed, Purchase, failed_debit(500, Some(Funds::Sufficient))),
            (Reason::NotPurchased, f, f, "Stalled"),
        ),
        (record(Open, Purchase, Some(unknown.clone())), (Reason::OutcomeUnknown, u, u, "Reconciling")),
        (record(Failed, Purchase, Some(unknown)), (Reason::NotPurchased, f, f, "Stalled")),
        (record(Failed, Purchase, None), (Reason::NotPurchased, f, f, "Stalled")),
        (record(NeedsDecision, Purchase, None), (Reason::NeedsDecision, u, u, "Stalled")),
        (record(Open, Purchase, Some(rejected.clone())), (Reason::Rejected, f, f, "Reconciling")),
        (record(Failed, Purchase, Some(rejected)), (Reason::Rejected, f, f, "Stalled")),
        (bound(NumberStatus::Active, Ownership::Absent), (Reason::NumberLost, t, f, "Stalled")),
        (bound(NumberStatus::Blocked, Ownership::Owned), (Reason::NumberBlocked, t, f, "Stalled")),
        (bound(NumberStatus::PendingRelease, Ownership::Owned), (Reason::NumberReleasing, t, f, "Stalled")),
        (bound_under("SA_2"), (Reason::NumberMoved, t, f, "Stalled")),
        (
            bound(NumberStatus::PendingPurchase, Ownership::Owned),
            (Reason::NumberPending, t, f, "Reconciling"),
        ),
        (bound(other("suspended"), Ownership::Undecided), (Reason::NumberStatusUnknown, t, u, "Reconciling")),
        (bound(other("suspended"), Ownership::Absent), (Reason::NumberLost, t, f, "Stalled")),
        // Our own 200 may say anything.
        (bound(NumberStatus::Released, Ownership::Owned), (Reason::NumberStatusUnknown, t, u, "Reconciling")),
        // It was lost, and is listed again without a status.
        (
            bound(NumberStatus::Active, Ownership::Undecided),
            (Reason::NumberStatusUnknown, t, u, "Reconciling"),
        ),
    ] {
        let (reason, purchased, ready, also) = told(&of(&record)).unwrap();
        assert_eq!((reason, purchased.as_str(), ready.as_str(), also.as_str()), expected);
    }
}

#[test]
fn what_keeps_a_purchase_back_is_told_as_the_table_says() {
    let held = |cause| Gate::Held(cause, "why".into());
    for (gate, expected) in [
        (Gate::Open, (Reason::Purchasing, "Reconciling")),
        (held(GateCause::Credentials), (Reason::InvalidCredentials, "Stalled")),
        (held(GateCause::RateLimited), (Reason::RateLimited, "Reconciling")),
        (held(GateCause::Unavailable), (Reason::VobizUnavailable, "Reconciling")),
    ] {
        let (reason, purchased, ready, also) = told(&Given { gate, ..Given::default() }).unwrap();
        assert_eq!((reason, also.as_str()), expected);
        assert_eq!((purchased.as_str(), ready.as_str()), ("Unknown", "False"));
    }
}

#[test]
fn a_number_of_somebody_else_is_a_conflict_whoever_that_is() {
    let record = record(AttemptState::Bound, Origin::Purchase, None);
    for with in [ConflictWith::Claim, ConflictWith::Namespace, ConflictWith::Account] {
        let given = Given { relation: Some(Relation::Conflict(with)), ..of(&record) };
        let expected = (Reason::Conflict, "False".into(), "False".into(), "Stalled".into());
        assert_eq!(told(&given), Some(expected), "{with:?}");
    }
}

#[test]
fn a_number_of_another_account_of_the_family_is_a_conflict() {
    let failed =
        |outcome| Some(record(AttemptState::Failed, Origin::Purchase, Some(answer(outcome, 404, None))));
    let held = Gate::Held(GateCause::Unavailable, "500".into());
    let row = ListedNumber {
        e164: "+911234500000".parse().unwrap(),
        owner: "SA_2".parse().ok(),
        number: Number { status: Some(NumberStatus::Active), ..Number::default() },
    };
    for (record, token, gate) in [
        (None, None, Gate::Open),
        (None, None, held),
        (failed(Outcome::NotFound), Some("t"), Gate::Open),
        (failed(Outcome::NotSent), None, Gate::Open),
    ] {
        let shown = format!("{token:?} {gate:?}");
        let search = Reading::Read { begun: moment(0), value: Rows::from(vec![row.clone()]) };
        let evidence = Evidence { search, ..Given::default().evidence };
        let given = Given { record, gate, evidence, token, ..Given::default() };
        let expected = (Reason::Conflict, "False".into(), "False".into(), "Stalled".into());
        assert_eq!(told(&given), Some(expected), "{shown}");
        // At once: nothing is waited for.
        let message = &given.tell(moment(0)).unwrap().0.conditions[0].message;
        assert!(message.contains("SA_2") && message.contains("nothing is sent"), "{message}");
    }
}

#[test]
fn what_became_of_a_number_is_told_with_the_way_out() {
    let forget = "kubectl annotate phonenumber/911234500000 telephony.vobiz.ai/forget=true";
    let mut adopted = bound(NumberStatus::PendingRelease, Ownership::Absent);
    adopted.spec.attempt.origin = Origin::Adoption;
    let mut failed =
        record(AttemptState::Failed, Origin::Purchase, Some(answer(Outcome::NotFound, 404, None)));
    failed.status = bound_under("SA_2").status;
    let mut undecided = record(AttemptState::NeedsDecision, Origin::Purchase, None);
    undecided.status = bound_under("SA_2").status;
    undecided.spec.attempt.unexplained_debits =
        vec![Debit { id: "t".into(), amount: None, currency: None, at: None }];
    for (record, parts, never) in [
        (bound_under("SA_2"), vec!["was bought", "under the account SA_2", "MA_1", forget], "no longer"),
        (bound(other("suspended"), Ownership::Undecided), vec!["\"suspended\"", "ask Vobiz"], "forget"),
        (bound(NumberStatus::PendingPurchase, Ownership::Owned), vec!["pending_purchase"], "forget"),
        (
            bound(NumberStatus::Active, Ownership::Absent),
            vec!["was bought", "Two full listings", forget],
            "released",
        ),
        (adopted, vec!["adopted, and not bought", "being released", "a new claim", forget], "was bought."),
        (failed, vec!["neither bought", "SA_2", "telephony.vobiz.ai/retry"], "kubectl delete"),
        (undecided, vec!["transaction t", "SA_2", "telephony.vobiz.ai/retry"], "kubectl delete"),
    ] {
        let message = message(&record);
        assert!(parts.iter().all(|part| message.contains(part)), "{parts:?}: {message}");
        assert!(!message.contains(never), "{never}: {message}");
    }
}

#[test]
fn a_claim_is_told_no_other_namespaces_claims_and_its_own_ones_by_name() {
    let mut claim = wish();
    claim.metadata.namespace = Some("ours".into());
    let mut record = bound(NumberStatus::Active, Ownership::Owned);
    let mut message = |namespace: &str, with| {
        let of = ClaimRef { namespace: namespace.into(), name: "secret".into(), uid: "u".into() };
        record.spec.claim_ref = Some(of);
        let relation = Some(Relation::Conflict(with));
        Given { relation, claim: claim.clone(), ..self::of(&record) }.message()
    };
    assert!(message("ours", ConflictWith::Claim).contains("ours/secret"));
    for with in [ConflictWith::Claim, ConflictWith::Namespace, ConflictWith::Account] {
        let message = message("theirs", with);
        assert!(!message.contains("secret") && !message.contains("theirs"), "{message}");
    }
}

#[test]
fn a_claim_shows_the_balance_only_where_it_falls_short() {
    use AttemptState::{Failed, Open};
    let (short, enough) = (Some(Funds::Insufficient), Some(Funds::Sufficient));
    for (state, outcome, status, funds, required, shown) in [
        (Failed, Outcome::PaymentFailed, 402, short, Some("52"), true),
        (Failed, Outcome::PaymentFailed, 500, short, Some("52"), true),
        (Open, Outcome::PaymentFailed, 500, enough, Some("12"), false),
        (Failed, Outcome::PaymentFailed, 500, enough, Some("12"), false),
        (Failed, Outcome::PaymentFailed, 402, enough, Some("12"), false),
        (Failed, Outcome::PaymentFailed, 500, Some(Funds::Unknown), None, false),
        (Open, Outcome::Unknown, 502, None, Some("12"), false),
    ] {
        let required = required.map(|sum| sum.parse().unwrap());
        let mut record =
            record(state, Origin::Purchase, Some(Answer { required, ..answer(outcome, status, funds) }));
        assert_eq!(message(&record).contains("12.50"), shown, "{outcome:?} {status}: {}", message(&record));
        super::record(&mut record, None, SPANS, at(20));
        let conditions = record.status.unwrap().conditions;
        assert!(conditions[0].message.contains("12.50"), "{}", conditions[0].message);
    }
}

#[test]
fn two_errors_of_one_cause_and_two_passing_causes_are_one_status() {
    use GateCause::{Credentials, RateLimited, Unavailable};
    let status = |claim: &PhoneNumberClaim, cause, why: &str, seconds| {
        let gate = Gate::Held(cause, why.into());
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
    super::record(&mut record, None, SPANS, at(0));
    super::record(&mut record, None, SPANS, at(0));
    let conditions = &record.status.unwrap().conditions;
    let types: Vec<_> = conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(types, ["Ready", "Claimed", "Released"]);
}

#[test]
fn a_bound_claim_keeps_its_conditions_while_the_account_cannot_be_read() {
    let gate = Gate::Held(GateCause::Credentials, "401".into());
    let given = Given { gate, ..of(&bound(NumberStatus::Active, Ownership::Owned)) };
    assert_eq!(told(&given).unwrap().0, Reason::Purchased);
}

#[test]
fn waiting_is_not_worth_a_write_before_it_has_lasted_five_seconds() {
    let waited = moment(0).plus(Duration::from_millis(4_999));
    assert_eq!(Given::default().tell(waited), None);
}

#[test]
fn a_short_balance_gives_both_sums_and_a_decision_the_command() {
    let short = answer(Outcome::PaymentFailed, 402, Some(Funds::Insufficient));
    let short = message(&record(AttemptState::Failed, Origin::Purchase, Some(short)));
    for part in ["52 INR", "12.50 INR", "\"words\"", "telephony.vobiz.ai/retry="] {
        assert!(short.contains(part), "{short}");
    }
    let undecided = record(AttemptState::NeedsDecision, Origin::Purchase, None);
    let command = format!("telephony.vobiz.ai/retry={}", undecided.spec.attempt.id);
    assert!(message(&undecided).contains(&command));
}

#[test]
fn what_is_waited_for_is_said() {
    let (hold, vanished) = (Some(moment(60)), Some(moment(60)));
    let refused = Some("the API server refused: no");
    for (given, part) in [
        (Given { hold_until: hold, ..Given::default() }, "--hold-purchases"),
        (Given { evidence: Evidence::default(), ..Given::default() }, "whether the account owns the number"),
        (Given { not_before: vanished, ..Given::default() }, "2026-01-02T03:05:05Z"),
        (Given::default(), "rate limit"),
        (Given { refused, ..Given::default() }, "the API server refused: no"),
        (Given { refused, record: Some(handed_over()), ..Given::default() }, "cannot be bound to the record"),
    ] {
        let (status, reason) = given.tell(moment(20)).unwrap();
        let message = &status.conditions[0].message;
        assert!(reason == Reason::Purchasing && message.contains(part), "{message}");
    }
}

/// A number without a claim, which an administrator hands to this one.
fn handed_over() -> PhoneNumber {
    let mut record = bound(NumberStatus::Active, Ownership::Owned);
    record.spec.claim_ref = None;
    record
}

#[test]
fn clocks_that_disagree_are_told_before_anything_is_bought() {
    let skew = |seconds| Some(jiff::SignedDuration::from_secs(seconds));
    for (clocks, words) in [
        (
            Clocks { vobiz: skew(900), kubernetes: skew(0) },
            "Vobiz's is 15 min ahead and the API server's agrees",
        ),
        (
            Clocks { vobiz: skew(-899), kubernetes: skew(-901) },
            "Vobiz's is 15 min behind and the API server's is 15 min behind",
        ),
        (Clocks { vobiz: None, kubernetes: skew(7200) }, ", the API server's is 120 min ahead"),
    ] {
        for waited in [0, 20] {
            let given = Given { clocks, ..Given::default() };
            let (status, reason) = given.tell(moment(waited)).unwrap();
            let message = &status.conditions[0].message;
            assert_eq!(reason, Reason::ClockSkew);
            assert!(message.contains(words) && message.contains("Nothing is bought"), "{message}");
            assert!(message.contains("timedatectl") && message.contains("by itself"), "{message}");
        }
        let open = record(AttemptState::Open, Origin::Purchase, Some(answer(Outcome::NotFound, 404, None)));
        let (status, reason) = Given { clocks, ..of(&open) }.tell(moment(20)).unwrap();
        let message = &status.conditions[0].message;
        assert!(reason == Reason::NumberNotFound && message.contains("cannot be settled while"), "{message}");
        let bound = bound(NumberStatus::Active, Ownership::Owned);
        assert_eq!(Given { clocks, ..of(&bound) }.tell(moment(20)).unwrap().1, Reason::Purchased);
    }
}

#[test]
fn a_decision_about_many_debits_has_a_message_that_can_be_stored() {
    let claim = wish();
    let mut record = record(AttemptState::NeedsDecision, Origin::Purchase, None);
    let debit =
        |id: usize| Debit { id: format!("t{id}"), amount: "52".parse().ok(), currency: None, at: None };
    record.spec.attempt.unexplained_debits = (0..10_000).map(debit).collect();
    let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(20)).unwrap();
    let message = &status.conditions[0].message;
    assert!(message.contains("transaction t4), and 9995 more") && message.len() < 2_000, "{message}");
    let debits = record.spec.attempt.unexplained_debits.clone();
    Change::AskForDecision { debits, ownership: Ownership::Absent, owner: None }.apply(&mut record, at(20));
    assert_eq!(record.spec.attempt.unexplained_debits.len(), 50);
    let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(20)).unwrap();
    assert!(status.conditions[0].message.contains("and 9995 more"), "{:?}", status.conditions[0]);
}

#[test]
fn a_purchase_that_could_not_be_looked_up_says_so() {
    let message = |ownership| message(&bound(NumberStatus::Active, ownership));
    assert!(message(Ownership::Unverifiable).contains("offers no list"));
    assert!(!message(Ownership::Owned).contains("offers no list"));
}

#[test]
fn types_that_others_have_added_stay() {
    let mut claim = wish();
    claim.status = serde_json::from_str(
        r#"{"conditions":[{"type":"Routed","status":"True","reason":"R","message":"","lastTransitionTime":"2026-01-02T03:04:05Z"}]}"#,
    )
    .ok();
    let record = bound(NumberStatus::Active, Ownership::Owned);
    let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(20)).unwrap();
    assert!(status.conditions.iter().any(|condition| condition.type_ == "Routed"));
}

/// What a claim is told while this process knows that answer, and the API server does not store it.
fn told_unstored(answer: Answer, now: i64) -> (Reason, String) {
    let record = record(AttemptState::Open, Origin::Purchase, None);
    let unstored = Unstored {
        change: Change::Answered { answer: Box::new(answer), bought: None },
        why: Some("the API server did not store it: no space".into()),
        since: Duration::ZERO,
    };
    let given = Given { unstored: Some(unstored), ..of(&record) };
    let (status, reason) = given.tell(moment(now)).unwrap();
    (reason, status.conditions[0].message.clone())
}

#[test]
fn an_answer_that_is_known_and_not_stored_is_told_at_once_and_for_ever() {
    for now in [6, 41, 100_000] {
        for (outcome, status, expected, part) in [
            (
                Outcome::Purchased,
                200,
                Reason::Purchasing,
                "The number is bought, but that cannot be recorded",
            ),
            (Outcome::NotFound, 404, Reason::NumberNotFound, "not in Vobiz's inventory"),
            (Outcome::Unknown, 502, Reason::OutcomeUnknown, "its outcome is unknown"),
        ] {
            let (reason, message) = told_unstored(answer(outcome, status, None), now);
            assert_eq!(reason, expected, "{message}");
            for part in [part, "no space", "tries again", "kubectl get validatingwebhookconfigurations"] {
                assert!(message.contains(part), "{message}");
            }
            assert!(!message.contains("process stopped"), "{message}");
        }
    }
}

#[test]
fn that_a_process_stopped_is_not_said_where_only_an_answer_is_missing() {
    let claim = wish();
    for state in [AttemptState::Open, AttemptState::Failed] {
        let record = record(state, Origin::Purchase, None);
        let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(60)).unwrap();
        let message = &status.conditions[0].message;
        assert!(message.starts_with("No answer to the purchase"), "{message}");
    }
}

#[test]
fn no_message_outgrows_what_can_be_stored_many_times() {
    let words = Answer { message: Some("\u{1f4de}".repeat(10_000)), ..answer(Outcome::Rejected, 409, None) };
    let claim = wish();
    let record = record(AttemptState::Failed, Origin::Purchase, Some(words));
    let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(60)).unwrap();
    assert!(status.conditions.iter().all(|condition| condition.message.len() <= 4096));
}

#[test]
fn a_claim_is_told_that_its_token_is_too_long_and_what_to_type() {
    let mut claim = wish();
    let token = |length| Some([(crate::api::RETRY_ANNOTATION.to_owned(), "x".repeat(length))].into());
    for (state, command) in
        [(AttemptState::Failed, "retry=\"$(date +%s)\"."), (AttemptState::NeedsDecision, "retry=07070707")]
    {
        let record = record(state, Origin::Purchase, Some(answer(Outcome::NotFound, 404, None)));
        for (length, told) in [(253, false), (254, true)] {
            claim.metadata.annotations = token(length);
            let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(60)).unwrap();
            let message = &status.conditions[0].message;
            assert_eq!(message.contains("longer than 253 bytes and is ignored"), told, "{message}");
            assert!(message.contains(command) || !told, "{message}");
        }
    }
}
