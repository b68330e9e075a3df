//! The record's decisions, as tables over the pure function.

use std::time::Duration;

use kube::core::ObjectMeta;

use super::{
    Change, Clocks, Evidence, EvidenceRequest, FundsRead, Holder, LedgerRead, Moment, NewAttempt, Reading,
    RecordObserved, RecordStep, Removal, Rows, Source, Spans, record,
};
use crate::{
    api::{
        Answer, AttemptState, ClaimRef, Number, Outcome, Ownership, PhoneNumber, PhoneNumberSpec,
        PhoneNumberStatus, Verification,
    },
    domain::{AccountId, AttemptId, LedgerRow, ListedNumber, Time},
};

const OPENED: &str = "2026-01-02T03:04:05Z";
const SPANS: Spans = Spans { purchase_timeout: Duration::from_secs(2), settle: Duration::from_secs(3) };

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
    Rows::from(vec![ListedNumber {
        e164: "+911234500000".parse().unwrap(),
        owner: owner.parse().ok(),
        number,
    }])
}

fn asks_for(step: &RecordStep, is_it: fn(&Source) -> bool) -> bool {
    matches!(step, RecordStep::Read(EvidenceRequest { sources, .. }) if sources.iter().any(is_it))
}

fn read<T>(begun: Moment, value: T) -> Reading<T> {
    Reading::Read { begun, value }
}

fn ledger(begun: Moment, rows: &[&str]) -> Reading<LedgerRead> {
    let rows = rows.iter().map(|row| LedgerRow::for_tests(row)).collect();
    read(begun, LedgerRead { from: "2026-01-01T00:00:00Z".parse().unwrap(), rows })
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
    let account: AccountId = "MA_1".parse().unwrap();
    let observed =
        RecordObserved { first_read, unsettled: &unsettled, clocks, ..seen_by(observed, &account, evidence) };
    record(&observed, now)
}

fn seen_by<'a>(
    record: &'a PhoneNumber,
    account: &'a AccountId,
    evidence: &'a Evidence,
) -> RecordObserved<'a> {
    RecordObserved {
        record,
        account,
        holder: Holder::Lives,
        sending: false,
        first_read: at(0),
        evidence,
        absent_since: None,
        explained: &[],
        unsettled: &[],
        known: &[],
        spans: SPANS,
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
    assert_eq!(step(&record, &absent(at(15)), at(16)), RecordStep::Write(Change::Fail(Ownership::Absent)));
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
        let elsewhere = Change::FailElsewhere("SA_2".parse().unwrap());
        assert_eq!(step(&record, &evidence, at(16)), RecordStep::Write(elsewhere));
        // Whose debit it is, nobody can tell: all accounts of a family have one ledger.
        let debited = Evidence { ledger: ledger(at(15), &[NAMED]), ..evidence };
        let RecordStep::Write(Change::AskForDecision { debits, owner, .. }) = step(&record, &debited, at(16))
        else {
            panic!("{outcome:?}")
        };
        assert_eq!((debits.len(), owner), (1, "SA_2".parse().ok()));
    }
}

/// A number that was bound at the beginning, in a status, and last seen so.
fn bound_record(status: Option<&str>, verification: Option<(Ownership, Option<&str>)>) -> PhoneNumber {
    let mut record = open_record(Some(Outcome::Purchased));
    record.spec.attempt.state = AttemptState::Bound;
    record.spec.attempt.settled_at = Some(Time::micros(at(0).wall));
    record.status = Some(PhoneNumberStatus {
        number: Some(Number { status: status.map(|word| word.parse().unwrap()), ..Number::default() }),
        verification: verification.map(|(ownership, owner)| Verification {
            at: Time::micros(at(0).wall),
            ownership,
            owner: owner.map(|owner| owner.parse().unwrap()),
        }),
        ..PhoneNumberStatus::default()
    });
    record
}

/// What is written of a bound number that a listing shows like that.
fn kept(record: &PhoneNumber, owner: Option<&str>, status: Option<&str>) -> String {
    let number = Number { status: status.map(|word| word.parse().unwrap()), ..Number::default() };
    let row = ListedNumber {
        owner: owner.map(|owner| owner.parse().unwrap()),
        number,
        ..listed("MA_1")[0].clone()
    };
    let evidence = Evidence { listing: read(at(15), Rows::from(vec![row])), ..Evidence::default() };
    match step(record, &evidence, at(16)) {
        RecordStep::Rest => "rests".into(),
        RecordStep::Write(Change::Refresh { listed, ownership, .. }) => {
            let word = listed.number.status.map_or_else(|| "no status".into(), |word| word.to_string());
            format!("{ownership:?} {word}")
        }
        RecordStep::Write(Change::Move { owner, .. }) => format!("moved to {owner}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_bound_number_follows_its_row_whatever_that_says() {
    let (ours, sub) = (Some("MA_1"), Some("SA_2"));
    let (owned, lost) = (Some((Ownership::Owned, None)), Some((Ownership::Absent, None)));
    let (moved, in_doubt) = (Some((Ownership::Absent, sub)), Some((Ownership::Undecided, None)));
    let (active, suspended) = (Some("active"), Some("suspended"));
    for (known, seen, owner, status, expected) in [
        (active, owned, ours, active, "rests"),
        (active, owned, ours, Some("pending_purchase"), "Owned pending_purchase"),
        (active, owned, ours, suspended, "Undecided suspended"),
        (suspended, in_doubt, ours, suspended, "rests"),
        (suspended, in_doubt, ours, active, "Owned active"),
        (suspended, in_doubt, ours, Some("expired"), "Undecided expired"),
        // A row without a status, or without an owner, is no news.
        (active, owned, ours, None, "rests"),
        (suspended, in_doubt, ours, None, "rests"),
        (active, owned, None, active, "rests"),
        (active, lost, None, active, "rests"),
        // What was gone is back, in whatever status.
        (active, lost, ours, active, "Owned active"),
        (active, lost, ours, suspended, "Undecided suspended"),
        (active, lost, ours, None, "Undecided no status"),
        (active, in_doubt, ours, active, "Owned active"),
        (active, moved, ours, active, "Owned active"),
        (active, moved, ours, suspended, "Undecided suspended"),
        // Handed to another account, by one listing.
        (active, owned, sub, active, "moved to SA_2"),
        (active, owned, sub, suspended, "moved to SA_2"),
        (active, None, sub, None, "moved to SA_2"),
        (active, lost, sub, active, "moved to SA_2"),
        (active, moved, sub, active, "rests"),
        (active, moved, Some("sa_2"), active, "rests"),
        (active, moved, Some("SA_3"), active, "moved to SA_3"),
        (active, moved, None, active, "rests"),
    ] {
        let record = bound_record(known, seen);
        assert_eq!(kept(&record, owner, status), expected, "{known:?} {seen:?} {owner:?} {status:?}");
    }
}

#[test]
fn a_number_that_was_bought_for_another_account_has_not_moved_to_it() {
    let mut record = bound_record(Some("active"), None);
    if let Some(answer) = &mut record.spec.attempt.answer {
        answer.owner = "SA_2".parse().ok();
    }
    assert_eq!(kept(&record, Some("SA_2"), Some("active")), "rests");
    assert_eq!(kept(&record, Some("SA_3"), Some("active")), "moved to SA_3");
}

#[test]
fn what_a_listing_says_before_a_purchase_has_settled_moves_nothing() {
    let record = bound_record(Some("active"), None);
    let evidence = Evidence { listing: read(at(2), listed("SA_2")), ..Evidence::default() };
    assert_eq!(step(&record, &evidence, at(16)), RecordStep::Rest);
}

#[test]
fn what_a_backup_dropped_of_a_number_is_read_as_soon_as_a_listing_counts() {
    let described = bound_record(Some("active"), None);
    let mut restored = described.clone();
    restored.status = None;
    let seen_at = |begun| Evidence { listing: read(begun, listed("MA_1")), ..Evidence::default() };
    let (early, late) = (seen_at(at(0)), seen_at(at(30)));
    let step = |record: &PhoneNumber, evidence: &Evidence, first_read: Moment, now: Moment| {
        step_read_at(record, evidence, first_read, now)
    };
    // The listing of the start began before the record was read: another one is asked for, and no sooner than it counts.
    let RecordStep::Read(need) = step(&restored, &early, at(25), at(25)) else { panic!() };
    assert_eq!((need.since.mono, need.sources), (at(25).mono, vec![Source::Listing]));
    assert!(matches!(step(&restored, &early, at(1), at(1)), RecordStep::Wait(_)));
    assert!(matches!(step(&restored, &late, at(25), at(31)), RecordStep::Write(Change::Refresh { .. })));
    assert_eq!(step(&described, &early, at(25), at(25)), RecordStep::Rest);
    let missing = Evidence { listing: Reading::Missing { begun: at(30) }, ..Evidence::default() };
    assert_eq!(step(&restored, &missing, at(25), at(31)), RecordStep::Rest);
}

#[test]
fn a_moved_number_that_is_listed_nowhere_is_lost_after_two_listings() {
    let record = bound_record(Some("active"), Some((Ownership::Absent, Some("SA_2"))));
    let step = |since, begun| {
        let evidence = absent(begun);
        let account: AccountId = "MA_1".parse().unwrap();
        let observed = RecordObserved { absent_since: Some(since), ..seen_by(&record, &account, &evidence) };
        super::record(&observed, begun)
    };
    assert!(matches!(step(at(20), at(20)), RecordStep::Wait(_)));
    assert!(matches!(step(at(20), at(80)), RecordStep::Write(Change::Lose { .. })));
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
        RecordStep::Write(Change::Fail(_))
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
        assert_eq!(settled == RecordStep::Write(Change::Fail(Ownership::Absent)), settles, "{settled:?}");
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
const UNNAMED: &str = r#"{"id":"u","type":"debit","amount":52,"currency":"INR","reference_type":"did_purchase","created_at":"2026-01-02T03:04:10Z"}"#;

#[test]
fn a_debit_without_ownership_needs_a_decision() {
    let priced = |required: Option<&str>| FundsRead {
        inventory_read: true,
        required: required.map(|sum| sum.parse().unwrap()),
        currency: "INR".parse().ok(),
        available: None,
    };
    for (row, outcome, price, decides) in [
        (NAMED, Some(Outcome::NotFound), None, true),
        (UNNAMED, Some(Outcome::Unknown), Some("52.0"), true),
        (UNNAMED, Some(Outcome::Unknown), Some("53"), false),
        // Out of stock, so without a price: only Vobiz's own refusal clears it.
        (UNNAMED, None, None, true),
        (UNNAMED, Some(Outcome::NotFound), None, false),
        // The documented 500 may hide a debit.
        (UNNAMED, Some(Outcome::PaymentFailed), None, true),
    ] {
        let evidence =
            Evidence { ledger: ledger(at(15), &[row]), funds: read(at(15), priced(price)), ..absent(at(15)) };
        let step = step(&open_record(outcome), &evidence, at(16));
        let asked =
            matches!(&step, RecordStep::Write(Change::AskForDecision { debits, .. }) if debits.len() == 1);
        assert_eq!(asked, decides, "{row} {outcome:?} {price:?}: {step:?}");
    }
}

#[test]
fn without_evidence_only_an_explicit_refusal_stands_on_its_word() {
    for (outcome, fails) in [
        (Some(Outcome::NotFound), true),
        (Some(Outcome::PaymentFailed), true),
        (Some(Outcome::Rejected), true),
        (Some(Outcome::Unauthorized), true),
        (Some(Outcome::Unknown), false),
        (None, false),
    ] {
        let missing = Evidence {
            listing: Reading::Missing { begun: at(15) },
            ledger: Reading::Missing { begun: at(15) },
            ..Evidence::default()
        };
        let step = step(&open_record(outcome), &missing, at(16));
        assert_eq!(
            step == RecordStep::Write(Change::Fail(Ownership::Unverifiable)),
            fails,
            "{outcome:?}: {step:?}"
        );
        assert_eq!(matches!(step, RecordStep::Write(Change::AskForDecision { .. })), !fails, "{outcome:?}");
    }
}

#[test]
fn an_unreadable_ledger_keeps_an_attempt_open() {
    let evidence = Evidence { ledger: Reading::Never, ..absent(at(15)) };
    let step = step(&open_record(Some(Outcome::Unknown)), &evidence, at(1000));
    assert!(asks_for(&step, |source| matches!(source, Source::Ledger { .. })));
}

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
fn a_debit_that_another_purchase_under_way_may_explain_is_no_question_yet() {
    let record = open_record(Some(Outcome::Unknown));
    let row = |at: Moment| {
        format!(
            r#"{{"id":"d","type":"debit","amount":52,"currency":"INR","reference_type":"did_purchase",
            "description":"DID purchase","created_at":"{}"}}"#,
            at.wall
        )
    };
    let price = FundsRead {
        inventory_read: true,
        required: "52".parse().ok(),
        available: None,
        currency: "INR".parse().ok(),
    };
    let evidence = |row: &str| Evidence {
        listing: read(at(15), Rows::default()),
        ledger: ledger(at(15), &[row]),
        funds: read(at(15), price),
        ..Evidence::default()
    };
    let debited = evidence(&row(at(15)));
    let beside = |others: &[Moment], now| step_beside(others, &record, &debited, at(0), now);
    assert!(matches!(beside(&[], at(16)), RecordStep::Write(Change::AskForDecision { .. })));
    assert!(matches!(beside(&[at(14)], at(16)), RecordStep::Wait(_)));
    // It has had its own time, and asks as well: neither waits for the other.
    assert!(matches!(beside(&[at(14)], at(29)), RecordStep::Write(Change::AskForDecision { .. })));
    // A busy account cannot keep it open for ever: a debit that comes so late is another's.
    let late = evidence(&row(at(15 + 601)));
    assert_eq!(
        step_beside(&[at(610)], &record, &late, at(0), at(617)),
        RecordStep::Write(Change::Fail(Ownership::Absent))
    );
}

const OLD: &str = r#"{"id":"o","type":"debit","amount":52,"reference_type":"did_purchase","reference":"911234500000","created_at":"2026-01-01T00:30:00Z"}"#;
const OLD_REFUND: &str = r#"{"id":"r","type":"credit","amount":52,"reference_type":"refund","reference":"911234500000","created_at":"2026-01-01T08:00:00Z"}"#;

/// An attempt that was opened after a look that went back further than a day.
fn looked(origin: crate::api::Origin, found: &[&str]) -> PhoneNumber {
    let mut record = open_record(None);
    let found = found.iter().map(|row| LedgerRow::for_tests(row).debit()).collect();
    let debits_from = Some("2026-01-01T00:10:00Z".parse().unwrap());
    let intent = NewAttempt { origin, debits_from, found_debits: found, ..NewAttempt::for_tests() };
    record.spec.attempt = intent.open(record.spec.attempt.id, at(0).wall);
    record
}

#[test]
fn what_the_look_before_an_attempt_found_is_not_lost_by_waiting() {
    use crate::api::Origin::{Adoption, Purchase};
    for (origin, found, rows, asked) in [
        (Adoption, vec![OLD], vec![OLD], 1),
        // Found owned at first, so that its debit was not looked at.
        (Adoption, vec![], vec![OLD], 1),
        // Only a refund settles it, not a ledger that does not show it any more.
        (Adoption, vec![OLD], vec![], 1),
        (Adoption, vec![OLD], vec![OLD_REFUND], 1),
        (Adoption, vec![OLD], vec![OLD, OLD_REFUND], 0),
        (Adoption, vec![], vec![], 0),
        // A ledger that lags: the look had not seen it.
        (Purchase, vec![], vec![OLD], 1),
        (Purchase, vec![], vec![OLD, OLD_REFUND], 0),
    ] {
        let evidence = Evidence { ledger: ledger(at(15), &rows), ..absent(at(15)) };
        let step = step(&looked(origin, &found), &evidence, at(16));
        let told = match &step {
            RecordStep::Write(Change::AskForDecision { debits, .. }) => debits.len(),
            RecordStep::Write(Change::Fail(Ownership::Absent)) => 0,
            other => panic!("{other:?}"),
        };
        assert_eq!(told, asked, "{origin:?} {found:?} {rows:?}: {step:?}");
    }
    // Without a ledger, what had been found is still what is asked about.
    let missing = Evidence { ledger: Reading::Missing { begun: at(15) }, ..absent(at(15)) };
    let asked = step(&looked(Adoption, &[OLD]), &missing, at(16));
    assert!(matches!(asked, RecordStep::Write(Change::AskForDecision { debits, .. }) if debits.len() == 1));
}

#[test]
fn the_ledger_is_read_as_far_back_as_the_look_went() {
    let record = looked(crate::api::Origin::Adoption, &[OLD]);
    let mut evidence = absent(at(15));
    let Reading::Read { value, .. } = &mut evidence.ledger else { panic!() };
    value.from = "2026-01-02T00:00:00Z".parse().unwrap();
    let RecordStep::Read(need) = step(&record, &evidence, at(16)) else { panic!() };
    let from = "2026-01-01T00:00:00Z".parse().unwrap();
    assert!(need.sources.contains(&Source::Ledger { from }), "{need:?}");
}
