//! The claim's decisions, as tables over the pure function.

mod checks;
mod gives_way;
mod held;
mod look;
mod relation;

use std::sync::Arc;
use std::time::Duration;

use kube::core::ObjectMeta;

use super::{
    AttemptCause, Change, ClaimLiveness, ClaimObserved, ClaimStep, Clocks, ConflictWith, Decision, Evidence,
    EvidenceRequest, Gate, GateCause, LedgerRead, Moment, NewAttempt, Reading, Relation, Rows, Source, Wake,
    Wanted, decide_claim,
};
use crate::{
    api::{
        Answer, Attempt, AttemptState, ClaimRef, Debit, Origin, Outcome, Ownership, PhoneNumber,
        PhoneNumberClaim, PhoneNumberSpec, Reason,
    },
    domain::{AttemptId, LedgerRow, ListedNumber, Time},
};

const NUMBER: &str = "+911234500000";

fn at(seconds: u64) -> Moment {
    let start = Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::from_secs(1000) };
    start.plus(Duration::from_secs(seconds))
}

fn wish() -> PhoneNumberClaim {
    let metadata = ObjectMeta {
        namespace: Some("a".into()),
        name: Some("b".into()),
        uid: Some("c".into()),
        ..ObjectMeta::default()
    };
    let spec = serde_json::from_value(serde_json::json!({ "e164": NUMBER })).unwrap();
    PhoneNumberClaim { metadata, spec, status: None }
}

fn attempt(state: AttemptState, outcome: Option<Outcome>) -> Attempt {
    let answer = outcome.map(|outcome| Answer {
        outcome,
        http_status: None,
        code: None,
        message: None,
        funds: None,
        required: None,
        available: None,
        currency: None,
        owner: None,
        at: Time::micros(at(0).wall),
    });
    Attempt { state, answer, ..NewAttempt::for_tests().open(AttemptId::from_random([7; 16]), at(0).wall) }
}

fn record(attempt: Attempt) -> PhoneNumber {
    let spec = PhoneNumberSpec {
        e164: NUMBER.parse().unwrap(),
        account: "MA_1".parse().unwrap(),
        claim_ref: Some(ClaimRef { namespace: "a".into(), name: "b".into(), uid: "c".into() }),
        attempt,
        later: crate::api::Later::default(),
    };
    PhoneNumber { metadata: ObjectMeta::default(), spec, status: None }
}

fn of(namespace: &str, uid: &str, state: AttemptState) -> PhoneNumber {
    let mut record = record(attempt(state, None));
    record.spec.claim_ref = Some(ClaimRef { namespace: namespace.into(), name: "b".into(), uid: uid.into() });
    record
}

/// After a look for debits of the last day.
fn intent() -> NewAttempt {
    let from = at(1).wall.saturating_sub(Duration::from_hours(24)).ok();
    NewAttempt { debits_from: from, ..NewAttempt::for_tests() }
}

/// Neither owned nor debited, in answers begun at that moment.
fn clear(begun: Moment) -> Evidence {
    let from = begun.wall.saturating_sub(Duration::from_hours(48)).unwrap();
    Evidence {
        search: Reading::Read { begun, value: Rows::default() },
        ledger: Reading::Read { begun, value: LedgerRead { from, rows: Arc::default() } },
        ..Evidence::default()
    }
}

/// From when on a step asks for the ledger.
fn ledger_from(step: &ClaimStep) -> jiff::Timestamp {
    let ClaimStep::Await(Wake::Evidence(need)) = step else { panic!("{step:?}") };
    let from = |source: &Source| if let Source::LedgerSoFar { from } = source { Some(*from) } else { None };
    need.sources.iter().find_map(from).unwrap()
}

fn listed(begun: Moment) -> Reading<Rows> {
    let number = crate::api::Number { status: "active".parse().ok(), ..Default::default() };
    let (e164, owner) = (NUMBER.parse().unwrap(), "MA_1".parse().ok());
    Reading::Read { begun, value: Rows::from(vec![Box::new(ListedNumber { e164, owner, number })]) }
}

fn listed_under(owner: &str, begun: Moment) -> Reading<Rows> {
    let number = crate::api::Number { status: "active".parse().ok(), ..Default::default() };
    let (e164, owner) = (NUMBER.parse().unwrap(), owner.parse().ok());
    Reading::Read { begun, value: Rows::from(vec![Box::new(ListedNumber { e164, owner, number })]) }
}

fn debit(id: &str) -> LedgerRow {
    let at = at(0).wall;
    LedgerRow::for_tests(&format!(
        r#"{{"id":"{id}","type":"debit","amount":52,"reference_type":"did_purchase","reference":"{NUMBER}","created_at":"{at}"}}"#
    ))
}

struct Given {
    claim: PhoneNumberClaim,
    record: Option<PhoneNumber>,
    liveness: ClaimLiveness,
    holder: Option<PhoneNumberClaim>,
    gate: Gate,
    clocks: Clocks,
    evidence: Evidence,
    token: Option<&'static str>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            claim: wish(),
            record: None,
            liveness: ClaimLiveness::Lives,
            holder: None,
            gate: Gate::Open,
            clocks: Clocks::default(),
            evidence: clear(at(1)),
            token: None,
        }
    }
}

impl Given {
    fn with<T>(&self, look: impl FnOnce(&mut ClaimObserved<'_>) -> T) -> T {
        look(&mut ClaimObserved {
            record: self.record.as_ref(),
            liveness: self.liveness,
            holder: self.holder.as_ref(),
            gate: self.gate.clone(),
            clocks: self.clocks,
            evidence: self.evidence.clone(),
            retry_token: self.token,
            ..ClaimObserved::for_tests(&self.claim)
        })
    }

    fn step(&self) -> ClaimStep {
        self.with(|observed| step(observed, at(2)))
    }
}

/// The decision on what was first wanted in the first second.
fn decide(observed: &ClaimObserved<'_>, now: Moment) -> Decision {
    let first = decide_claim(observed, None, at(1));
    decide_claim(observed, first.wanted.as_ref(), now)
}

fn step(observed: &ClaimObserved<'_>, now: Moment) -> ClaimStep {
    decide(observed, now).step
}

/// The other clocks are ahead by so many minutes.
fn clocks(vobiz: i64, kubernetes: i64) -> Clocks {
    let minutes = |minutes| Some(jiff::SignedDuration::from_mins(minutes));
    Clocks { vobiz: minutes(vobiz), kubernetes: minutes(kubernetes) }
}

#[test]
fn after_a_failure_only_a_fresh_token_permits_another_attempt() {
    let own = [Outcome::NotFound, Outcome::PaymentFailed, Outcome::Rejected, Outcome::Unknown];
    let ours = [Outcome::NotSent, Outcome::Unauthorized, Outcome::RateLimited];
    let goal_of = |outcome, token| {
        let mut attempt = attempt(AttemptState::Failed, outcome);
        attempt.spent_tokens = vec!["old".into()];
        let given = Given { record: Some(record(attempt)), token, ..Given::default() };
        given.with(|observed| decide(observed, at(2)).wanted.map(|wanted| wanted.cause))
    };
    for outcome in own {
        assert_eq!(goal_of(Some(outcome), None), None, "{outcome:?}");
        assert_eq!(goal_of(Some(outcome), Some("old")), None, "{outcome:?}");
        assert_eq!(goal_of(Some(outcome), Some("")), None, "{outcome:?}");
        assert_eq!(
            goal_of(Some(outcome), Some("new")),
            Some(AttemptCause::Token("new".into())),
            "{outcome:?}"
        );
    }
    for outcome in ours.map(Some).into_iter().chain([None]) {
        assert_eq!(goal_of(outcome, None), Some(AttemptCause::Automatic), "{outcome:?}");
    }
}

#[test]
fn after_a_process_died_one_attempt_is_made_unasked_and_no_second() {
    let mut died = attempt(AttemptState::Failed, None);
    let given = Given { record: Some(record(died.clone())), ..Given::default() };
    let ClaimStep::Purchase(second) = given.step() else { panic!("{:?}", given.step()) };
    assert!(second.automatic_retry_used);
    died.automatic_retry_used = true;
    assert_eq!(Given { record: Some(record(died)), ..Given::default() }.step(), ClaimStep::Rest);
}

#[test]
fn only_the_attempts_own_id_answers_a_decision_and_its_debits_count_once() {
    let mut undecided = attempt(AttemptState::NeedsDecision, Some(Outcome::Unknown));
    undecided.unexplained_debits = vec![Debit { id: "t1".into(), amount: None, currency: None, at: None }];
    let id: &'static str = Box::leak(undecided.id.to_string().into_boxed_str());
    let mut evidence = clear(at(1));
    let Reading::Read { value, .. } = &mut evidence.ledger else { panic!() };
    value.rows = Arc::new([debit("t1")].into_iter().collect());
    let step = |token| {
        let (record, evidence) = (Some(record(undecided.clone())), evidence.clone());
        Given { record, evidence, token, ..Given::default() }.step()
    };
    assert_eq!(step(None), ClaimStep::Rest);
    assert_eq!(step(Some("another")), ClaimStep::Rest);
    let expected =
        NewAttempt { spent_tokens: vec![id.into()], answered_debits: vec!["t1".into()], ..intent() };
    assert_eq!(step(Some(id)), ClaimStep::Purchase(expected));
}

#[test]
fn an_answer_holds_for_all_debits_that_the_decision_is_about() {
    let ids: Vec<String> = (0..400).map(|id| format!("t{id}")).collect();
    let unexplained = |id: &String| Debit { id: id.clone(), amount: None, currency: None, at: None };
    let mut undecided = record(attempt(AttemptState::Open, Some(Outcome::Unknown)));
    let asked = Change::AskForDecision {
        debits: ids.iter().map(unexplained).collect(),
        ownership: Ownership::Absent,
        owner: None,
    };
    asked.apply(&mut undecided, at(1).wall);
    assert_eq!(undecided.spec.attempt.unexplained_debits.len(), 50);
    let id: &'static str = Box::leak(undecided.spec.attempt.id.to_string().into_boxed_str());
    let step = |more: &[&str]| {
        let mut evidence = clear(at(1));
        let Reading::Read { value, .. } = &mut evidence.ledger else { panic!() };
        value.rows =
            Arc::new(ids.iter().map(String::as_str).chain(more.iter().copied()).map(debit).collect());
        Given { record: Some(undecided.clone()), evidence, token: Some(id), ..Given::default() }.step()
    };
    assert!(matches!(step(&[]), ClaimStep::Purchase(_)), "{:?}", step(&[]));
    // What came later was not answered.
    assert!(matches!(step(&["later"]), ClaimStep::OpenUnsent(_)), "{:?}", step(&["later"]));
}

#[test]
fn a_token_that_stood_there_at_the_first_attempt_is_used_up() {
    let step = Given { token: Some("t"), ..Given::default() }.step();
    assert_eq!(step, ClaimStep::Purchase(NewAttempt { spent_tokens: vec!["t".into()], ..intent() }));
}

#[test]
fn an_attempt_is_wanted_anew_when_it_or_the_one_before_it_changes() {
    let failed = |id| {
        let attempt = Attempt {
            id: AttemptId::from_random([id; 16]),
            ..attempt(AttemptState::Failed, Some(Outcome::NotSent))
        };
        Some(record(attempt))
    };
    let since = |given: Given, remembered: Option<&Wanted>| {
        let wanted = given.with(|observed| decide_claim(observed, remembered, at(5))).wanted.unwrap();
        (wanted.since, wanted)
    };
    let (new, first) = since(Given::default(), None);
    assert_eq!(new, at(5));
    let first = Wanted { since: at(1), ..first };
    assert_eq!(since(Given::default(), Some(&first)).0, at(1));
    let (after_first, second) = since(Given { record: failed(1), ..Given::default() }, Some(&first));
    assert_eq!(after_first, at(5));
    let second = Wanted { since: at(2), ..second };
    assert_eq!(since(Given { record: failed(1), ..Given::default() }, Some(&second)).0, at(2));
    assert_eq!(since(Given { record: failed(2), ..Given::default() }, Some(&second)).0, at(5));
    let asked = Given { record: failed(1), token: Some("t"), ..Given::default() };
    assert_eq!(since(asked, Some(&second)).0, at(5));
}
