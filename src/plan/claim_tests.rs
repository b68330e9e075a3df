//! The claim's decisions, as tables over the pure function.

use std::time::Duration;

use kube::core::ObjectMeta;

use super::{
    Change, ClaimObserved, ClaimStep, ConflictWith, Evidence, Gate, GateCause, Goal, Holder, Intent,
    LedgerRead, Moment, Need, Reading, Relation, Rows, claim, goal, relation,
};
use crate::{
    api::{
        Answer, Attempt, AttemptState, ClaimRef, Debit, Origin, Outcome, Ownership, PhoneNumber,
        PhoneNumberClaim, PhoneNumberSpec,
    },
    domain::{AccountId, AttemptId, Time},
    vobiz::{LedgerRow, ListedNumber},
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
    Attempt { state, answer, ..Intent::for_tests().open(AttemptId::from_random([7; 16]), at(0).wall) }
}

fn record(attempt: Attempt) -> PhoneNumber {
    let spec = PhoneNumberSpec {
        e164: NUMBER.parse().unwrap(),
        account: "MA_1".parse().unwrap(),
        claim_ref: Some(ClaimRef { namespace: "a".into(), name: "b".into(), uid: "c".into() }),
        attempt,
    };
    PhoneNumber { metadata: ObjectMeta::default(), spec, status: None }
}

fn of(namespace: &str, uid: &str, state: AttemptState) -> PhoneNumber {
    let mut record = record(attempt(state, None));
    record.spec.claim_ref = Some(ClaimRef { namespace: namespace.into(), name: "b".into(), uid: uid.into() });
    record
}

/// Neither owned nor debited, in answers begun at that moment.
fn clear(begun: Moment) -> Evidence {
    let from = begun.wall.saturating_sub(Duration::from_hours(48)).unwrap();
    Evidence {
        search: Reading::Read { begun, value: Rows::from(Vec::new()) },
        ledger: Reading::Read { begun, value: LedgerRead { from, rows: Vec::new().into() } },
        ..Evidence::default()
    }
}

fn listed(begun: Moment) -> Reading<Rows> {
    let number = crate::api::Number { status: "active".parse().ok(), ..Default::default() };
    let (e164, owner) = (NUMBER.parse().unwrap(), "MA_1".parse().ok());
    Reading::Read { begun, value: Rows::from(vec![ListedNumber { e164, owner, number }]) }
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
    holder: Holder,
    gate: Gate,
    evidence: Evidence,
    token: Option<&'static str>,
    slot: bool,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            claim: wish(),
            record: None,
            holder: Holder::Lives,
            gate: Gate::Open,
            evidence: clear(at(1)),
            token: None,
            slot: true,
        }
    }
}

impl Given {
    fn with<T>(&self, look: impl FnOnce(&mut ClaimObserved<'_>) -> T) -> T {
        let account: AccountId = "MA_1".parse().unwrap();
        look(&mut ClaimObserved {
            claim: &self.claim,
            record: self.record.as_ref(),
            holder: self.holder,
            account: &account,
            gate: &self.gate,
            evidence: &self.evidence,
            retry_token: self.token,
            goal_since: at(1),
            not_before: None,
            hold_until: None,
            slot: self.slot,
        })
    }

    fn step(&self) -> ClaimStep {
        self.with(|observed| claim(observed, at(2)))
    }
}

#[test]
fn whose_claim_a_record_serves_is_told_by_uid_life_and_namespace() {
    use AttemptState::{Bound, Failed, NeedsDecision, Open};
    let gone = Holder::Gone;
    for (record, holder, expected) in [
        (of("a", "c", Open), Holder::Lives, Relation::Ours),
        (of("a", "x", Bound), Holder::Lives, Relation::Conflict(ConflictWith::Claim)),
        (of("a", "x", Bound), Holder::Unwatched, Relation::Conflict(ConflictWith::Claim)),
        (of("a", "x", Bound), gone, Relation::Inherits),
        (of("a", "x", NeedsDecision), gone, Relation::Inherits),
        (of("a", "x", Open), gone, Relation::AwaitsSettlement),
        (of("z", "x", Bound), gone, Relation::Conflict(ConflictWith::Namespace)),
        (of("z", "x", Open), gone, Relation::Conflict(ConflictWith::Namespace)),
        (of("z", "x", Failed), gone, Relation::Inherits),
    ] {
        let state = record.spec.attempt.state;
        let given = Given { record: Some(record), holder, ..Given::default() };
        assert_eq!(given.with(|observed| relation(observed)), expected, "{state:?} {holder:?}");
    }
    let mut elsewhere = of("a", "c", Bound);
    elsewhere.spec.account = "MA_2".parse().unwrap();
    let given = Given { record: Some(elsewhere), ..Given::default() };
    assert_eq!(given.with(|observed| relation(observed)), Relation::Conflict(ConflictWith::Account));
}

#[test]
fn after_a_failure_for_the_claims_own_sake_only_a_fresh_token_permits_another_attempt() {
    let own = [Outcome::NotFound, Outcome::PaymentFailed, Outcome::Rejected, Outcome::Unknown];
    let ours = [Outcome::NotSent, Outcome::Unauthorized, Outcome::RateLimited];
    let goal_of = |outcome, token| {
        let mut attempt = attempt(AttemptState::Failed, outcome);
        attempt.spent_tokens = vec!["old".into()];
        let given = Given { record: Some(record(attempt)), token, ..Given::default() };
        given.with(|observed| goal(observed))
    };
    for outcome in own {
        assert_eq!(goal_of(Some(outcome), None), None, "{outcome:?}");
        assert_eq!(goal_of(Some(outcome), Some("old")), None, "{outcome:?}");
        assert_eq!(goal_of(Some(outcome), Some("")), None, "{outcome:?}");
        assert_eq!(goal_of(Some(outcome), Some("new")), Some(Goal::Token("new".into())), "{outcome:?}");
    }
    for outcome in ours.map(Some).into_iter().chain([None]) {
        assert_eq!(goal_of(outcome, None), Some(Goal::Automatic), "{outcome:?}");
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
fn a_decision_is_answered_by_the_attempts_own_id_alone_and_its_debits_are_not_asked_about_again() {
    let mut undecided = attempt(AttemptState::NeedsDecision, Some(Outcome::Unknown));
    undecided.unexplained_debits = vec![Debit { id: "t1".into(), amount: None, currency: None, at: None }];
    let id: &'static str = Box::leak(undecided.id.to_string().into_boxed_str());
    let mut evidence = clear(at(1));
    let Reading::Read { value, .. } = &mut evidence.ledger else { panic!() };
    value.rows = vec![debit("t1")].into();
    let step = |token| {
        let (record, evidence) = (Some(record(undecided.clone())), evidence.clone());
        Given { record, evidence, token, ..Given::default() }.step()
    };
    assert_eq!(step(None), ClaimStep::Rest);
    assert_eq!(step(Some("another")), ClaimStep::Rest);
    let expected =
        Intent { spent_tokens: vec![id.into()], answered_debits: vec!["t1".into()], ..Intent::for_tests() };
    assert_eq!(step(Some(id)), ClaimStep::Purchase(expected));
}

#[test]
fn nothing_is_sent_before_answers_begun_after_the_claim_was_seen_say_neither_owned_nor_debited() {
    let with = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = clear(at(1));
        change(&mut evidence);
        Given { evidence, ..Given::default() }.step()
    };
    assert_eq!(with(&|_| ()), ClaimStep::Purchase(Intent::for_tests()));
    let adoption = ClaimStep::OpenUnsent(Intent { origin: Origin::Adoption, ..Intent::for_tests() });
    assert_eq!(with(&|evidence| evidence.search = listed(at(1))), adoption);
    assert_eq!(with(&|evidence| evidence.listing = listed(at(1))), adoption);
    let debited = with(&|evidence| {
        let Reading::Read { value, .. } = &mut evidence.ledger else { panic!() };
        value.rows = vec![debit("t1")].into();
    });
    assert_eq!(debited, adoption);
    let early = |evidence: &mut Evidence| *evidence = clear(at(0));
    let ClaimStep::Read(need) = with(&early) else { panic!() };
    assert!(need.presence == Some(at(1)) && need.ledger.is_some());
}

#[test]
fn where_an_endpoint_does_not_exist_it_is_bought_all_the_same_and_noted() {
    let missing = Reading::Missing { begun: at(1) };
    for (presence, ledger) in [(true, false), (false, true), (true, true)] {
        let mut evidence = clear(at(1));
        if presence {
            evidence.search = missing_rows(at(1));
        }
        if ledger {
            evidence.ledger = missing.clone();
        }
        let expected = ClaimStep::Purchase(Intent { looked_up: false, ..Intent::for_tests() });
        assert_eq!(Given { evidence, ..Given::default() }.step(), expected);
    }
}

fn missing_rows(begun: Moment) -> Reading<Rows> {
    Reading::Missing { begun }
}

#[test]
fn a_held_account_a_hold_and_a_missing_slot_keep_a_purchase_back() {
    let gate = Gate::Held(GateCause::Unavailable, "500".into());
    assert_eq!(Given { gate, ..Given::default() }.step(), ClaimStep::AwaitGate);
    assert_eq!(Given { slot: false, ..Given::default() }.step(), ClaimStep::Queue);
    let held = Given::default().with(|observed| {
        observed.hold_until = Some(at(9));
        claim(observed, at(2))
    });
    assert_eq!(held, ClaimStep::Wait(at(9)));
}

#[test]
fn what_was_read_while_something_had_to_be_waited_for_is_read_again_afterwards() {
    let waited = |look: &dyn Fn(&mut ClaimObserved<'_>)| {
        Given { evidence: clear(at(3)), ..Given::default() }.with(|observed| {
            look(observed);
            claim(observed, at(5))
        })
    };
    for until in [at(3), at(4)] {
        let held = waited(&|observed| observed.hold_until = Some(until));
        let vanished = waited(&|observed| observed.not_before = Some(until));
        for step in [held, vanished] {
            let expected = if until == at(3) {
                ClaimStep::Purchase(Intent::for_tests())
            } else {
                let from = at(1).wall.saturating_sub(Duration::from_hours(24)).unwrap();
                let since = Moment { mono: until.mono, ..at(1) };
                ClaimStep::Read(Need {
                    presence: Some(since),
                    ledger: Some((since, from)),
                    ..Need::default()
                })
            };
            assert_eq!(step, expected);
        }
    }
}

#[test]
fn an_answer_holds_for_all_debits_that_the_decision_is_about_not_only_for_those_listed() {
    let ids: Vec<String> = (0..400).map(|id| format!("t{id}")).collect();
    let unexplained = |id: &String| Debit { id: id.clone(), amount: None, currency: None, at: None };
    let mut undecided = record(attempt(AttemptState::Open, Some(Outcome::Unknown)));
    let asked = Change::AskForDecision {
        debits: ids.iter().map(unexplained).collect(),
        ownership: Ownership::Absent,
    };
    asked.apply(&mut undecided, at(1).wall);
    assert_eq!(undecided.spec.attempt.unexplained_debits.len(), 50);
    let id: &'static str = Box::leak(undecided.spec.attempt.id.to_string().into_boxed_str());
    let step = |more: &[&str]| {
        let mut evidence = clear(at(1));
        let Reading::Read { value, .. } = &mut evidence.ledger else { panic!() };
        value.rows = ids.iter().map(String::as_str).chain(more.iter().copied()).map(debit).collect();
        Given { record: Some(undecided.clone()), evidence, token: Some(id), ..Given::default() }.step()
    };
    assert!(matches!(step(&[]), ClaimStep::Purchase(_)), "{:?}", step(&[]));
    // What came later was not answered.
    assert!(matches!(step(&["later"]), ClaimStep::OpenUnsent(_)), "{:?}", step(&["later"]));
}

#[test]
fn a_token_that_stood_there_at_the_first_attempt_is_used_up() {
    let step = Given { token: Some("t"), ..Given::default() }.step();
    assert_eq!(step, ClaimStep::Purchase(Intent { spent_tokens: vec!["t".into()], ..Intent::for_tests() }));
}

#[test]
fn a_claim_that_is_being_deleted_attempts_nothing_and_takes_nothing_over() {
    let mut claim = wish();
    claim.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(0).wall));
    let bound = Some(of("a", "x", AttemptState::Bound));
    assert_eq!(Given { claim: claim.clone(), ..Given::default() }.step(), ClaimStep::Rest);
    let inherits = Given { claim, record: bound.clone(), holder: Holder::Gone, ..Given::default() };
    assert_eq!(inherits.step(), ClaimStep::Rest);
    assert_eq!(Given { record: bound, holder: Holder::Gone, ..Given::default() }.step(), ClaimStep::Bind);
}
