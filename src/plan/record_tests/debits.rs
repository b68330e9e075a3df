//! Debits without ownership, and what explains them.

use super::*;
use crate::plan::neighbours::Explained;

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
            listing: Reading::NoSuchEndpoint { begun: at(15) },
            ledger: Reading::NoSuchEndpoint { begun: at(15) },
            ..Evidence::default()
        };
        let step = step(&open_record(outcome), &missing, at(16));
        assert_eq!(
            step == RecordStep::Write(Change::Fail(Ownership::Unverifiable, None)),
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
        RecordStep::Write(Change::Fail(Ownership::Absent, None))
    );
}

/// What is decided of an attempt at 52 beside a debit that names no number, and a purchase of another number at that sum, of
/// which the neighbours know so.
fn decided_beside(
    amount: &str,
    opened: Moment,
    now: Moment,
    known: impl Fn(Neighbours, Explained) -> Neighbours + Sync,
) -> RecordStep {
    let record = open_record(Some(Outcome::Unknown));
    let account: AccountId = "MA_1".parse().unwrap();
    let price =
        FundsRead { inventory_read: true, required: "52".parse().ok(), available: None, currency: None };
    let evidence = Evidence {
        listing: read(at(15), Rows::default()),
        ledger: ledger(at(15), &[UNNAMED]),
        funds: read(at(15), price),
        ..Evidence::default()
    };
    let other = Explained {
        e164: "+911234500009".parse().unwrap(),
        amount: amount.parse().unwrap(),
        currency: None,
        opened: opened.wall,
        settled: opened.wall,
    };
    let neighbours = |_, rows: &Arc<LedgerRows>| {
        Arc::new(known(Neighbours::for_tests(rows.clone(), &[], &[], &[]), other))
    };
    decide_record(&RecordObserved { neighbours: &neighbours, ..seen_by(&record, &account, &evidence) }, now)
}

#[test]
fn a_purchase_whose_own_debit_need_not_show_yet_explains_no_other() {
    let decided = |opened: Moment, amount: &str, now: Moment| {
        decided_beside(amount, opened, now, |neighbours, other| neighbours.with_young(&[other]))
    };
    // Its debit must show from the 29th second on, in rows that are read anew then.
    assert_eq!(decided(at(14), "52", at(28)), RecordStep::Wait(at(29)));
    let RecordStep::Read(need) = decided(at(14), "52", at(30)) else { panic!() };
    assert_eq!(need.since, at(29));
    assert!(matches!(need.sources[..], [Source::Ledger { .. }]), "{need:?}");
    for (opened, amount) in [(at(14), "53"), (at(606), "52")] {
        let step = decided(opened, amount, at(16));
        assert!(matches!(step, RecordStep::Write(Change::AskForDecision { .. })), "{step:?}");
    }
}

#[test]
fn an_account_that_may_be_family_is_read_first_and_not_waited_for_long() {
    let decided = |amount: &str, read_last: Option<Moment>, now: Moment| {
        decided_beside(amount, at(0), now, |neighbours, other| neighbours.with_untold(other, read_last))
    };
    let asks = |step| match step {
        RecordStep::AskOthers(need) => {
            assert_eq!(need.since, at(15));
            assert!(matches!(need.sources[..], [Source::LedgerSoFar { .. }]), "{need:?}");
            true
        }
        RecordStep::Write(Change::AskForDecision { .. }) => false,
        step => panic!("{step:?}"),
    };
    for (amount, read_last, now, expected) in [
        ("52", None, 16, true),
        ("52", Some(at(14)), 16, true),
        ("52", None, 29, true),
        // It has been read since, and is not known to be family; it cannot be read; it explains no such debit.
        ("52", Some(at(15)), 16, false),
        ("52", None, 30, false),
        ("53", None, 16, false),
    ] {
        assert_eq!(asks(decided(amount, read_last, at(now))), expected, "{amount} {read_last:?} {now}");
    }
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
            RecordStep::Write(Change::Fail(Ownership::Absent, None)) => 0,
            other => panic!("{other:?}"),
        };
        assert_eq!(told, asked, "{origin:?} {found:?} {rows:?}: {step:?}");
    }
    // Without a ledger, what had been found is still what is asked about.
    let missing = Evidence { ledger: Reading::NoSuchEndpoint { begun: at(15) }, ..absent(at(15)) };
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
