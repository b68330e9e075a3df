//! The claim's decisions, as tables over the pure function.

use std::time::Duration;

use kube::core::ObjectMeta;

use super::{
    AttemptCause, Change, ClaimObserved, ClaimStep, Clocks, ConflictWith, Decision, Evidence,
    EvidenceRequest, Gate, GateCause, Holder, LedgerRead, Moment, NewAttempt, Reading, Relation, Rows,
    Source, Wake, Wanted, claim,
};
use crate::{
    api::{
        Answer, Attempt, AttemptState, ClaimRef, Debit, Origin, Outcome, Ownership, PhoneNumber,
        PhoneNumberClaim, PhoneNumberSpec, Reason,
    },
    domain::{AccountId, AttemptId, LedgerRow, ListedNumber, Time},
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
        search: Reading::Read { begun, value: Rows::from(Vec::new()) },
        ledger: Reading::Read { begun, value: LedgerRead { from, rows: Vec::new().into() } },
        ..Evidence::default()
    }
}

/// From when on a step asks for the ledger.
fn ledger_from(step: &ClaimStep) -> jiff::Timestamp {
    let ClaimStep::Await(Wake::Evidence(need)) = step else { panic!("{step:?}") };
    let from = |source: &Source| if let Source::Ledger { from } = source { Some(*from) } else { None };
    need.sources.iter().find_map(from).unwrap()
}

fn listed(begun: Moment) -> Reading<Rows> {
    let number = crate::api::Number { status: "active".parse().ok(), ..Default::default() };
    let (e164, owner) = (NUMBER.parse().unwrap(), "MA_1".parse().ok());
    Reading::Read { begun, value: Rows::from(vec![ListedNumber { e164, owner, number }]) }
}

fn listed_under(owner: &str, begun: Moment) -> Reading<Rows> {
    let number = crate::api::Number { status: "active".parse().ok(), ..Default::default() };
    let (e164, owner) = (NUMBER.parse().unwrap(), owner.parse().ok());
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
    clocks: Clocks,
    evidence: Evidence,
    token: Option<&'static str>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            claim: wish(),
            record: None,
            holder: Holder::Lives,
            gate: Gate::Open,
            clocks: Clocks::default(),
            evidence: clear(at(1)),
            token: None,
        }
    }
}

impl Given {
    fn with<T>(&self, look: impl FnOnce(&mut ClaimObserved<'_>) -> T) -> T {
        let account: AccountId = "MA_1".parse().unwrap();
        look(&mut ClaimObserved {
            claim: &self.claim,
            record: self.record.as_ref(),
            newer: false,
            holder: self.holder,
            account,
            gate: self.gate.clone(),
            clocks: self.clocks,
            evidence: self.evidence.clone(),
            retry_token: self.token,
            not_before: None,
            hold_until: None,
        })
    }

    fn step(&self) -> ClaimStep {
        self.with(|observed| step(observed, at(2)))
    }
}

/// The decision on what was first wanted in the first second.
fn decide(observed: &ClaimObserved<'_>, now: Moment) -> Decision {
    let first = claim(observed, None, at(1));
    claim(observed, first.wanted.as_ref(), now)
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
fn between_clocks_that_disagree_nothing_is_attempted() {
    for (clocks, waits) in [
        (Clocks::default(), false),
        (clocks(0, 0), false),
        (clocks(10, -10), false),
        (clocks(15, 0), true),
        (clocks(-15, 0), true),
        (clocks(0, 15), true),
        (Clocks { vobiz: None, ..clocks(0, -15) }, true),
    ] {
        let failed = record(attempt(AttemptState::Failed, Some(Outcome::NotSent)));
        let owned = Evidence { search: listed(at(1)), ..clear(at(1)) };
        for given in [
            Given { clocks, ..Given::default() },
            Given { clocks, evidence: owned, ..Given::default() },
            Given { clocks, evidence: Evidence::default(), ..Given::default() },
            Given { clocks, record: Some(failed), ..Given::default() },
        ] {
            let step = given.step();
            assert_eq!(step == ClaimStep::Await(Wake::ClocksAgree), waits, "{clocks:?}: {step:?}");
        }
        let bound = of("a", "x", AttemptState::Bound);
        let inherits = Given { clocks, record: Some(bound), holder: Holder::Gone, ..Given::default() };
        assert_eq!(inherits.step(), ClaimStep::Bind, "{clocks:?}");
    }
}

#[test]
fn a_wait_within_this_process_is_as_long_however_the_wall_clock_is_set() {
    for hours in [-3, 0, 3] {
        let set =
            |moment: Moment| Moment { wall: moment.wall + jiff::SignedDuration::from_hours(hours), ..moment };
        let waits = |now: Moment, hold: bool| {
            Given::default().with(|observed| {
                (observed.hold_until, observed.not_before) =
                    (hold.then_some(at(60)), (!hold).then_some(at(60)));
                match step(observed, now) {
                    ClaimStep::Await(Wake::At(until)) => Some(now.until(until).as_secs()),
                    _ => None,
                }
            })
        };
        for hold in [true, false] {
            assert_eq!(waits(set(at(2)), hold), Some(58), "{hours}");
            assert_eq!(waits(set(at(60)), hold), None, "{hours}");
        }
    }
}

#[test]
fn debits_are_looked_for_before_a_moment_that_was_dated_ahead() {
    // A day and more ahead when the claim was seen, and right since.
    let now = Moment { wall: at(0).wall - jiff::SignedDuration::from_hours(30), ..at(2) };
    let given = Given { evidence: Evidence::default(), ..Given::default() };
    let step = given.with(|observed| step(observed, now));
    let from = ledger_from(&step);
    assert!(from <= now.wall - jiff::SignedDuration::from_hours(24), "{from}");
}

#[test]
fn a_record_that_cannot_be_read_occupies_its_number_and_nothing_is_done() {
    for token in [None, Some("t")] {
        Given { token, ..Given::default() }.with(|observed| {
            observed.newer = true;
            assert_eq!(decide(observed, at(2)).relation, Relation::Newer);
            assert_eq!(decide(observed, at(2)).wanted.map(|wanted| wanted.cause), None);
            assert_eq!(step(observed, at(2)), ClaimStep::Rest);
        });
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
        assert_eq!(given.with(|observed| decide(observed, at(2)).relation), expected, "{state:?} {holder:?}");
    }
    let mut elsewhere = of("a", "c", Bound);
    elsewhere.spec.account = "MA_2".parse().unwrap();
    let given = Given { record: Some(elsewhere), ..Given::default() };
    assert_eq!(
        given.with(|observed| decide(observed, at(2)).relation),
        Relation::Conflict(ConflictWith::Account)
    );
}

#[test]
fn a_number_handed_over_is_bound_to_the_claim_that_the_record_names() {
    use AttemptState::{Bound, Failed, NeedsDecision, Open};
    for (state, claimed, expected) in [
        (Bound, Some("False"), ClaimStep::Bind),
        (NeedsDecision, Some("False"), ClaimStep::Bind),
        (Bound, Some("True"), ClaimStep::Rest),
        (Bound, None, ClaimStep::Rest),
        (Open, Some("False"), ClaimStep::Rest),
        (Failed, Some("True"), ClaimStep::Rest),
    ] {
        let mut record = record(attempt(state, Some(Outcome::NotFound)));
        let claimed_is = claimed.map(|status| {
            serde_json::json!({
                "type": "Claimed", "status": status, "reason": "Unclaimed", "message": "",
                "lastTransitionTime": "2026-01-02T03:04:05Z",
            })
        });
        let status = serde_json::json!({ "conditions": claimed_is.into_iter().collect::<Vec<_>>() });
        record.status = serde_json::from_value(status).unwrap();
        let given = Given { record: Some(record), ..Given::default() };
        assert_eq!(given.step(), expected, "{state:?} {claimed:?}");
        // Not to one that goes.
        let mut leaves = given;
        leaves.claim.metadata.deletion_timestamp = serde_json::from_str("\"2026-01-02T03:04:06Z\"").unwrap();
        assert_eq!(leaves.step(), ClaimStep::Rest, "{state:?} {claimed:?}");
    }
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
    value.rows = vec![debit("t1")].into();
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
fn nothing_is_sent_before_fresh_answers_say_neither_owned_nor_debited() {
    let with = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = clear(at(1));
        change(&mut evidence);
        Given { evidence, ..Given::default() }.step()
    };
    assert_eq!(with(&|_| ()), ClaimStep::Purchase(intent()));
    let adoption = ClaimStep::OpenUnsent(NewAttempt { origin: Origin::Adoption, ..intent() });
    assert_eq!(with(&|evidence| evidence.search = listed(at(1))), adoption);
    assert_eq!(with(&|evidence| evidence.listing = listed(at(1))), adoption);
    let debited = with(&|evidence| {
        let Reading::Read { value, .. } = &mut evidence.ledger else { panic!() };
        value.rows = vec![debit("t1")].into();
    });
    let found = NewAttempt { origin: Origin::Adoption, found_debits: vec![debit("t1").debit()], ..intent() };
    assert_eq!(debited, ClaimStep::OpenUnsent(found));
    let early = |evidence: &mut Evidence| *evidence = clear(at(0));
    let ClaimStep::Await(Wake::Evidence(need)) = with(&early) else { panic!() };
    assert!(need.since == at(1) && matches!(need.sources[..], [Source::Search(_), Source::Ledger { .. }]));
}

#[test]
fn nothing_is_sent_for_a_number_that_another_account_of_the_family_has() {
    let elsewhere = ClaimStep::Await(Wake::NextListing);
    let with = |change: &dyn Fn(&mut Given)| {
        let mut given = Given::default();
        change(&mut given);
        let decision = given.with(|observed| decide(observed, at(2)));
        let told = decision.told.filter(|told| told.reason == Reason::Conflict);
        let owner = told.is_some_and(|told| told.message.contains("the account SA_2"));
        assert_eq!(owner, decision.step == elsewhere);
        decision.step
    };
    assert_eq!(with(&|given| given.evidence.search = listed_under("SA_2", at(1))), elsewhere);
    assert_eq!(with(&|given| given.evidence.listing = listed_under("SA_2", at(2))), elsewhere);
    // What it was debited for is in the ledger of the whole family.
    let debited = with(&|given| {
        given.evidence.search = listed_under("SA_2", at(1));
        let Reading::Read { value, .. } = &mut given.evidence.ledger else { panic!() };
        value.rows = vec![debit("t1")].into();
    });
    assert_eq!(debited, elsewhere);
    // What was shown stays true while the account cannot be read.
    let held = with(&|given| {
        given.evidence.search = listed_under("SA_2", at(1));
        given.gate = Gate::Held(GateCause::Unavailable, "500".into());
    });
    assert_eq!(held, elsewhere);
    // A retry that is asked for is held back as well, and its token is not used up.
    let asked = with(&|given| {
        given.record = Some(record(attempt(AttemptState::Failed, Some(Outcome::NotFound))));
        given.token = Some("new");
        given.evidence.search = listed_under("SA_2", at(1));
    });
    assert_eq!(asked, elsewhere);
    // By the newest list it was handed back, or is nobody's any more.
    let handed_back = with(&|given| {
        given.evidence.search = listed_under("SA_2", at(1));
        given.evidence.listing = listed(at(2));
    });
    assert!(matches!(handed_back, ClaimStep::OpenUnsent(_)), "{handed_back:?}");
    let released = with(&|given| {
        given.evidence.search = listed_under("SA_2", at(1));
        given.evidence.listing = Reading::Read { begun: at(2), value: Rows::from(Vec::new()) };
    });
    assert_eq!(released, ClaimStep::Purchase(intent()));
    // A list from before the claim says nothing.
    let early = with(&|given| given.evidence.listing = listed_under("SA_2", at(0)));
    assert_eq!(early, ClaimStep::Purchase(intent()));
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
        let expected = ClaimStep::Purchase(NewAttempt { looked_up: false, ..intent() });
        assert_eq!(Given { evidence, ..Given::default() }.step(), expected);
    }
}

fn missing_rows(begun: Moment) -> Reading<Rows> {
    Reading::Missing { begun }
}

#[test]
fn while_purchases_are_limited_a_claim_looks_and_adopts_and_sends_nothing() {
    let held = |cause| Gate::Held(cause, "429".into());
    let owned = || Evidence { search: listed(at(1)), ..clear(at(1)) };
    for (cause, looks) in [
        (GateCause::PurchasesLimited, true),
        (GateCause::RateLimited, false),
        (GateCause::Credentials, false),
        (GateCause::Unavailable, false),
    ] {
        let step = |evidence| Given { gate: held(cause), evidence, ..Given::default() }.step();
        assert_eq!(step(clear(at(1))), ClaimStep::Await(Wake::GateOpens), "{cause:?}");
        assert_eq!(
            matches!(step(Evidence::default()), ClaimStep::Await(Wake::Evidence(_))),
            looks,
            "{cause:?}"
        );
        assert_eq!(matches!(step(owned()), ClaimStep::OpenUnsent(_)), looks, "{cause:?}");
    }
}

#[test]
fn a_held_account_and_a_hold_keep_a_purchase_back() {
    let gate = Gate::Held(GateCause::Unavailable, "500".into());
    assert_eq!(Given { gate, ..Given::default() }.step(), ClaimStep::Await(Wake::GateOpens));
    let held = Given::default().with(|observed| {
        observed.hold_until = Some(at(9));
        step(observed, at(2))
    });
    assert_eq!(held, ClaimStep::Await(Wake::At(at(9))));
}

#[test]
fn what_was_read_during_a_wait_is_read_again_afterwards() {
    let waited = |look: &dyn Fn(&mut ClaimObserved<'_>)| {
        Given { evidence: clear(at(3)), ..Given::default() }.with(|observed| {
            look(observed);
            step(observed, at(5))
        })
    };
    for until in [at(3), at(4)] {
        let held = waited(&|observed| observed.hold_until = Some(until));
        let vanished = waited(&|observed| observed.not_before = Some(until));
        for step in [held, vanished] {
            let expected = if until == at(3) {
                ClaimStep::Purchase(intent())
            } else {
                // A day, and what the clocks may differ.
                let from = at(1).wall.saturating_sub(Duration::from_mins(24 * 60 + 10)).unwrap();
                let since = Moment { mono: until.mono, ..at(1) };
                let search = Source::Search(NUMBER.parse().unwrap());
                let request = EvidenceRequest::new(since, [search, Source::Ledger { from }]);
                ClaimStep::Await(Wake::Evidence(request))
            };
            assert_eq!(step, expected);
        }
    }
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
    assert_eq!(step, ClaimStep::Purchase(NewAttempt { spent_tokens: vec!["t".into()], ..intent() }));
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

#[test]
fn debits_are_looked_for_from_a_day_before_the_claim_or_the_last_attempt() {
    use AttemptState::Failed;
    let hours_ago = |hours| at(1).wall.saturating_sub(Duration::from_hours(hours)).unwrap();
    let failed = |hours, origin, from: Option<u64>| {
        let from = from.map(|from| Time::micros(hours_ago(from)));
        let opened_at = Time::micros(hours_ago(hours));
        Some(record(Attempt { opened_at, origin, debits_from: from, ..attempt(Failed, None) }))
    };
    for (created, record, expected) in [
        (None, None, 24 * 60),
        (Some(0), None, 24 * 60),
        (Some(6), None, 30 * 60),
        (Some(47), None, 71 * 60),
        (Some(9_000), None, 72 * 60),
        // The claim is old, and what was attempted for it is not.
        (Some(9_000), failed(1, Origin::Purchase, None), 24 * 60),
        (Some(9_000), failed(1, Origin::Purchase, Some(40)), 40 * 60),
        (Some(9_000), failed(40, Origin::Purchase, None), 40 * 60 + 10),
        (Some(9_000), failed(9_000, Origin::Purchase, Some(9_024)), 72 * 60),
        (None, failed(90, Origin::Adoption, None), (90 + 24) * 60),
        (None, failed(90, Origin::Adoption, Some(120)), 120 * 60),
    ] {
        let mut claim = wish();
        claim.metadata.creation_timestamp =
            created.map(|hours| k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(hours_ago(hours)));
        let shown = format!("{created:?} {:?}", record.as_ref().map(|record| record.spec.attempt.clone()));
        let step = Given { claim, record, evidence: Evidence::default(), ..Given::default() }.step();
        let minutes = ledger_from(&step).duration_until(at(1).wall).as_secs() / 60;
        assert_eq!(minutes, expected + 10, "{shown}");
    }
}

#[test]
fn a_clock_that_was_set_back_since_the_look_hides_nothing_that_it_saw() {
    let opened =
        |intent: NewAttempt, at: Moment| intent.open(AttemptId::from_random([7; 16]), at.wall).debits_from;
    assert_eq!(opened(intent(), at(2)), intent().debits_from.map(Time::micros));
    let earlier = at(0).wall.saturating_sub(Duration::from_hours(1)).unwrap();
    let expected = earlier.saturating_sub(Duration::from_hours(24)).ok().map(Time::micros);
    assert_eq!(opened(intent(), Moment { wall: earlier, ..at(0) }), expected);
}

#[test]
fn a_claim_that_is_told_of_a_held_account_is_woken_when_it_opens() {
    use GateCause::{Credentials, PurchasesLimited, RateLimited, Unavailable};
    for cause in [Credentials, RateLimited, Unavailable, PurchasesLimited] {
        for (hold, back_off) in [(None, None), (Some(at(9)), None), (None, Some(at(9)))] {
            let gate = Gate::Held(cause, "500".into());
            let decision = Given { gate, ..Given::default() }.with(|observed| {
                (observed.hold_until, observed.not_before) = (hold, back_off);
                decide(observed, at(2))
            });
            let told = decision.told.is_some_and(|told| told.reason.holds_the_account());
            let woken = decision.step == ClaimStep::Await(Wake::GateOpens);
            assert_eq!(told, woken, "{cause:?}, hold {hold:?}, back-off {back_off:?}");
            assert!(told || cause == PurchasesLimited, "{cause:?}, hold {hold:?}, back-off {back_off:?}");
        }
    }
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
        let wanted = given.with(|observed| claim(observed, remembered, at(5))).wanted.unwrap();
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
