//! A record whose number is bound follows the listing.

use super::*;

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
        ..listed("MA_1").into_iter().next().unwrap().clone()
    };
    let evidence = Evidence { listing: read(at(15), Rows::from(vec![Box::new(row)])), ..Evidence::default() };
    match step(record, &evidence, at(16)) {
        RecordStep::Rest => "rests".into(),
        RecordStep::Write(Change::Refresh { listed, ownership, .. }) => {
            let word = listed.number.status.map_or_else(|| "no status".into(), |word| word.to_string());
            format!("{ownership:?} {word}")
        }
        RecordStep::Write(Change::Lose { owner: Some(owner), .. }) => format!("moved to {owner}"),
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
        // A number that was gone is back, in any status.
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
    let missing = Evidence { listing: Reading::NoSuchEndpoint { begun: at(30) }, ..Evidence::default() };
    assert_eq!(step(&restored, &missing, at(25), at(31)), RecordStep::Rest);
}

#[test]
fn a_moved_number_that_is_listed_nowhere_is_lost_after_two_listings() {
    let record = bound_record(Some("active"), Some((Ownership::Absent, Some("SA_2"))));
    let step = |since, begun| {
        let evidence = absent(begun);
        let account: AccountId = "MA_1".parse().unwrap();
        let observed = RecordObserved { absent_since: Some(since), ..seen_by(&record, &account, &evidence) };
        decide_record(&observed, begun)
    };
    assert!(matches!(step(at(20), at(20)), RecordStep::Wait(_)));
    assert!(matches!(step(at(20), at(80)), RecordStep::Write(Change::Lose { owner: None, .. })));
}
