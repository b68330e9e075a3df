//! The record's decisions, as tables over the pure function.

mod bound;
mod debits;

use std::sync::Arc;
use std::time::Duration;

use kube::core::ObjectMeta;

use super::{
    Change, ClaimLiveness, Clocks, Evidence, EvidenceRequest, FundsRead, LedgerRead, LedgerRows, Moment,
    Neighbours, NewAttempt, Reading, RecordObserved, RecordStep, Removal, Rows, Source, Timeouts,
    decide_record, decide_unserved,
};
use crate::{
    api::{
        Answer, AttemptState, ClaimRef, Number, Outcome, Ownership, PhoneNumber, PhoneNumberSpec,
        PhoneNumberStatus, Verification,
    },
    domain::{AccountId, AttemptId, LedgerRow, ListedNumber, Time},
};

const OPENED: &str = "2026-01-02T03:04:05Z";
const TIMEOUTS: Timeouts =
    Timeouts { purchase_timeout: Duration::from_secs(2), settle: Duration::from_secs(3) };

fn at(seconds: u64) -> Moment {
    let opened = Moment { wall: OPENED.parse().unwrap(), mono: Duration::from_secs(1000) };
    opened.plus(Duration::from_secs(seconds))
}

fn open_record(outcome: Option<Outcome>) -> PhoneNumber {
    let intent = NewAttempt::for_tests();
    let mut attempt = intent.open(AttemptId::from_random([7; 16]), at(0).wall);
    attempt.answer = outcome.map(|outcome| Answer {
        outcome,
        http_status: Some(if outcome == Outcome::PaymentFailed { 500 } else { 404 }),
        code: Some("not found".into()),
        message: None,
        funds: Some(crate::api::Funds::Unknown),
        required: None,
        available: None,
        currency: None,
        owner: None,
        at: Time::micros(at(1).wall),
    });
    let claim_ref = Some(ClaimRef { namespace: "a".into(), name: "b".into(), uid: "c".into() });
    let spec = PhoneNumberSpec {
        e164: "+911234500000".parse().unwrap(),
        account: "MA_1".parse().unwrap(),
        claim_ref,
        attempt,
        later: crate::api::Later::default(),
    };
    PhoneNumber { metadata: ObjectMeta::default(), spec, status: None }
}

fn listed(owner: &str) -> Rows {
    let number = Number { status: "active".parse().ok(), ..Default::default() };
    let e164 = "+911234500000".parse().unwrap();
    Rows::from(vec![Box::new(ListedNumber { e164, owner: owner.parse().ok(), number })])
}

fn asks_for(step: &RecordStep, is_it: fn(&Source) -> bool) -> bool {
    matches!(step, RecordStep::Read(EvidenceRequest { sources, .. }) if sources.iter().any(is_it))
}

fn read<T>(begun: Moment, value: T) -> Reading<T> {
    Reading::Read { begun, value }
}

fn ledger(begun: Moment, rows: &[&str]) -> Reading<LedgerRead> {
    let rows = rows.iter().map(|row| LedgerRow::for_tests(row)).collect();
    read(begun, LedgerRead { from: "2026-01-01T00:00:00Z".parse().unwrap(), rows: Arc::new(rows) })
}

fn step(record: &PhoneNumber, evidence: &Evidence, now: Moment) -> RecordStep {
    step_read_at(record, evidence, at(0), now)
}

fn step_read_at(observed: &PhoneNumber, evidence: &Evidence, first_read: Moment, now: Moment) -> RecordStep {
    step_beside(&[], observed, evidence, first_read, now)
}

/// Beside other purchases that were opened at those moments and have not settled.
fn step_beside(
    others: &[Moment],
    observed: &PhoneNumber,
    evidence: &Evidence,
    first_read: Moment,
    now: Moment,
) -> RecordStep {
    step_between(Clocks::default(), others, observed, evidence, first_read, now)
}

fn step_between(
    clocks: Clocks,
    others: &[Moment],
    observed: &PhoneNumber,
    evidence: &Evidence,
    first_read: Moment,
    now: Moment,
) -> RecordStep {
    let unsettled: Vec<_> = others.iter().map(|other| other.wall).collect();
    let neighbours =
        |_, rows: &Arc<LedgerRows>| Arc::new(Neighbours::for_tests(rows.clone(), &[], &[], &unsettled));
    let account: AccountId = "MA_1".parse().unwrap();
    let alone = seen_by(observed, &account, evidence);
    let observed = RecordObserved { first_read, neighbours: &neighbours, clocks, ..alone };
    decide_record(&observed, now)
}

fn seen_by<'a>(
    record: &'a PhoneNumber,
    account: &'a AccountId,
    evidence: &'a Evidence,
) -> RecordObserved<'a> {
    RecordObserved {
        record,
        account,
        liveness: ClaimLiveness::Lives,
        sending: false,
        first_read: at(0),
        evidence,
        absent_since: None,
        neighbours: &|_, rows| Arc::new(Neighbours::for_tests(rows.clone(), &[], &[], &[])),
        timeouts: TIMEOUTS,
        clocks: Clocks::default(),
        removal: Removal::default(),
    }
}

/// Send window, purchase timeout and settle time: 15 s.
fn absent(at: Moment) -> Evidence {
    Evidence { listing: read(at, Rows::default()), ledger: ledger(at, &[]), ..Evidence::default() }
}

#[test]
fn absence_counts_only_in_answers_begun_after_the_attempts_time() {
    let record = open_record(Some(Outcome::NotFound));
    assert!(matches!(step(&record, &absent(at(14)), at(14)), RecordStep::Wait(_)));
    assert!(
        matches!(step(&record, &absent(at(14)), at(15)), RecordStep::Read(need) if need.sources.contains(&Source::Listing))
    );
    assert_eq!(
        step(&record, &absent(at(15)), at(16)),
        RecordStep::Write(Change::Fail(Ownership::Absent, None))
    );
}

#[test]
fn a_search_serves_for_presence_and_never_for_absence() {
    let record = open_record(Some(Outcome::Unknown));
    let search =
        |rows| Evidence { search: read(at(15), rows), ledger: ledger(at(15), &[]), ..Evidence::default() };
    assert!(matches!(step(&record, &search(Rows::default()), at(16)), RecordStep::Read(_)));
    assert!(matches!(step(&record, &search(listed("MA_1")), at(16)), RecordStep::Write(Change::Bind { .. })));
}

#[test]
fn a_number_of_another_account_never_binds() {
    for outcome in [Some(Outcome::NotFound), Some(Outcome::Unknown), None] {
        let record = open_record(outcome);
        let evidence = Evidence { listing: read(at(15), listed("SA_2")), ..absent(at(15)) };
        let elsewhere = Change::Fail(Ownership::Absent, "SA_2".parse().ok());
        assert_eq!(step(&record, &evidence, at(16)), RecordStep::Write(elsewhere));
        // The operator cannot tell whose debit it is: all accounts of a family have one ledger.
        let debited = Evidence { ledger: ledger(at(15), &[NAMED]), ..evidence };
        let RecordStep::Write(Change::AskForDecision { debits, owner, .. }) = step(&record, &debited, at(16))
        else {
            panic!("{outcome:?}")
        };
        assert_eq!((debits.len(), owner), (1, "SA_2".parse().ok()));
    }
}

#[test]
fn both_clocks_must_pass_after_an_attempt_is_opened_and_first_read() {
    let record = open_record(None);
    // Read after a restart, long after it was opened: our own clock has not seen the time pass.
    let late = at(100);
    let soon = late.plus(Duration::from_secs(14));
    assert!(!matches!(step_read_at(&record, &absent(soon), late, soon), RecordStep::Write(_)));
    // The wall clock was set back after the attempt was opened: evidence from before it has caught up is too old.
    let early = Moment { wall: at(0).wall.saturating_sub(Duration::from_mins(1)).unwrap(), ..at(0) };
    let (before, after) = (early.plus(Duration::from_secs(20)), early.plus(Duration::from_secs(80)));
    assert!(matches!(step_read_at(&record, &absent(before), early, before), RecordStep::Wait(_)));
    assert!(matches!(step_read_at(&record, &absent(before), early, after), RecordStep::Read(_)));
    assert!(matches!(
        step_read_at(&record, &absent(after), early, after),
        RecordStep::Write(Change::Fail(..))
    ));
}

#[test]
fn between_clocks_that_disagree_absence_settles_nothing() {
    let record = open_record(Some(Outcome::NotFound));
    let skew = |minutes| Some(jiff::SignedDuration::from_mins(minutes));
    for (clocks, settles) in [
        (Clocks::default(), true),
        (Clocks { vobiz: skew(9), kubernetes: skew(-9) }, true),
        (Clocks { vobiz: skew(15), kubernetes: skew(0) }, false),
        (Clocks { vobiz: None, kubernetes: skew(-15) }, false),
    ] {
        let step = |evidence: &Evidence, now| step_between(clocks, &[], &record, evidence, at(0), now);
        let settled = step(&absent(at(60)), at(61));
        assert_eq!(
            settled == RecordStep::Write(Change::Fail(Ownership::Absent, None)),
            settles,
            "{settled:?}"
        );
        // It goes on looking, at the usual pace.
        if let RecordStep::Wait(until) = settled {
            assert!(at(61).until(until) <= Duration::from_secs(15), "{until:?}");
        }
        let asks = step(&absent(at(60)), at(80));
        assert!(settles || asks_for(&asks, |source| matches!(source, Source::Search(_))), "{asks:?}");
        let owned = Evidence { search: read(at(60), listed("MA_1")), ..Evidence::default() };
        assert!(matches!(step(&owned, at(61)), RecordStep::Write(Change::Bind { .. })));
    }
}

#[test]
fn verification_goes_on_at_its_pace_however_the_wall_clock_is_set() {
    let record = open_record(Some(Outcome::Unknown));
    let asked = |begun| Evidence { search: read(begun, Rows::default()), ..Evidence::default() };
    for hours in [-3, 0, 3] {
        let now = Moment { wall: at(2).wall + jiff::SignedDuration::from_hours(hours), ..at(2) };
        let step = step_read_at(&record, &asked(at(1)), at(0), now);
        let RecordStep::Wait(until) = step else { panic!("{step:?}") };
        assert_eq!(now.until(until), Duration::from_secs(1), "{hours}");
    }
}

const NAMED: &str = r#"{"id":"n","type":"debit","amount":52,"reference_type":"did_purchase","reference":"911234500000","created_at":"2026-01-02T03:04:10Z"}"#;

#[test]
fn what_is_bound_or_needs_a_decision_is_never_failed_by_absence() {
    for state in [AttemptState::Bound, AttemptState::NeedsDecision] {
        let mut record = open_record(None);
        record.spec.attempt.state = state;
        record.spec.attempt.settled_at = Some(Time::micros(at(0).wall));
        assert_eq!(step(&record, &absent(at(500)), at(501)), RecordStep::Rest, "{state:?}");
    }
}

#[test]
fn of_an_account_without_a_token_only_what_needs_none_is_done() {
    use AttemptState::{Bound, Failed, NeedsDecision, Open};
    use ClaimLiveness::{Gone, Lives, Unwatched};
    let [keeps, deleting, forgotten] = [(false, false), (false, true), (true, true)]
        .map(|(forget, deleting)| Removal { forget, deleting, has_finalizer: true });
    let unclaim = RecordStep::Write(Change::Unclaim);
    for (state, liveness, removal, expected) in [
        // A failure holds nothing back, and goes with its claim.
        (Failed, Lives, keeps, RecordStep::Rest),
        (Failed, Lives, deleting, RecordStep::DropFinalizer),
        (Failed, Gone, keeps, RecordStep::Delete),
        (Failed, Gone, deleting, RecordStep::DropFinalizer),
        (Failed, Unwatched, deleting, RecordStep::Rest),
        // What may be paid for stays.
        (Open, Gone, keeps, RecordStep::Rest),
        (Open, Gone, deleting, RecordStep::Rest),
        (Bound, Lives, deleting, RecordStep::Rest),
        (Bound, Gone, keeps, unclaim.clone()),
        (NeedsDecision, Gone, deleting, unclaim),
        (NeedsDecision, Lives, keeps, RecordStep::Rest),
        (Open, Unwatched, forgotten, RecordStep::DropFinalizer),
        (Bound, Lives, forgotten, RecordStep::DropFinalizer),
    ] {
        let mut record = open_record(Some(Outcome::NotFound));
        record.spec.attempt.state = state;
        let step = decide_unserved(&record, liveness, removal);
        assert_eq!(step, expected, "{state:?} {liveness:?} {removal:?}");
    }
}
