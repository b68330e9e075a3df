//! The rows of the table: which conditions a claim has in each case.

use super::*;
use crate::api::{Acquire, PAUSED_ANNOTATION, WITHHELD};

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
    let held = |cause| Gate::Closed(cause, "why".into());
    for (gate, expected) in [
        (Gate::Open, (Reason::Purchasing, "Reconciling")),
        (held(GateCause::Credentials), (Reason::InvalidCredentials, "Stalled")),
        (held(GateCause::RateLimited), (Reason::RateLimited, "Reconciling")),
        (held(GateCause::Unavailable), (Reason::VobizUnavailable, "Reconciling")),
    ] {
        let (reason, purchased, ready, also) =
            told(&Given { gate, refused: Some("no"), ..Given::default() }).unwrap();
        assert_eq!((reason, also.as_str()), expected);
        assert_eq!((purchased.as_str(), ready.as_str()), ("Unknown", "False"));
    }
}

#[test]
fn a_claim_that_holds_its_purchase_back_is_told_so_at_once() {
    let mut paused = wish();
    paused.metadata.annotations = Some([(PAUSED_ANNOTATION.to_owned(), "true".to_owned())].into());
    let mut adopts = wish();
    adopts.spec.acquire = Acquire::AdoptOnly;
    let mut withheld = answer(Outcome::NotSent, 0, None);
    (withheld.code, withheld.message) = (Some(WITHHELD.into()), Some("Paused: words".into()));
    let withheld = record(AttemptState::Failed, Origin::Purchase, Some(withheld));
    let not_found =
        record(AttemptState::Failed, Origin::Purchase, Some(answer(Outcome::NotFound, 404, None)));
    for (record, token) in [(None, None), (Some(withheld.clone()), None), (Some(not_found), Some("t"))] {
        for (claim, row, words) in [
            (&paused, (Reason::Paused, "Unknown", "False", ""), "kubectl annotate -n a phonenumberclaim/b"),
            (
                &adopts,
                (Reason::NotOwned, "False", "False", "Stalled"),
                "kubectl patch -n a phonenumberclaim/b",
            ),
        ] {
            let given = Given { claim: claim.clone(), record: record.clone(), token, ..Given::default() };
            let (reason, purchased, ready, also) = told(&given).unwrap();
            assert_eq!((reason, purchased.as_str(), ready.as_str(), also.as_str()), row);
            let message = &given.tell(moment(2)).unwrap().0.conditions[0].message;
            assert!(message.contains(words), "{message}");
        }
    }
    // What was withheld, and is not held any more, says nothing but that it goes on.
    let was_paused = Given { claim: paused, ..of(&withheld) }.tell(moment(2)).unwrap().0;
    let goes_on = Given { claim: PhoneNumberClaim { status: Some(was_paused), ..wish() }, ..of(&withheld) };
    assert_eq!(goes_on.tell(moment(2)), None);
    assert_eq!(told(&goes_on).unwrap().0, Reason::Purchasing);
    let mut record = withheld;
    set_record_conditions(&mut record, None, TIMEOUTS, at(2));
    let ready = &record.conditions()[0];
    assert!(ready.reason == "Purchasing" && ready.message.ends_with("Paused: words"), "{ready:?}");
}

#[test]
fn a_number_of_somebody_else_is_a_conflict_whoever_that_is() {
    let record = record(AttemptState::Bound, Origin::Purchase, None);
    let failed = ConflictWith::Failure;
    for with in [
        ConflictWith::Claim,
        failed(None),
        failed(Some(moment(60).wall)),
        ConflictWith::Namespace,
        ConflictWith::Account,
    ] {
        let given = Given { relation: Some(Relation::Conflict(with)), ..of(&record) };
        let expected = (Reason::Conflict, "False".into(), "False".into(), "Stalled".into());
        assert_eq!(told(&given), Some(expected), "{with:?}");
    }
}

#[test]
fn a_number_of_another_account_of_the_family_is_a_conflict() {
    let failed =
        |outcome| Some(record(AttemptState::Failed, Origin::Purchase, Some(answer(outcome, 404, None))));
    let held = Gate::Closed(GateCause::Unavailable, "500".into());
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
        let search = Reading::Read { begun: moment(0), value: Rows::from(vec![Box::new(row.clone())]) };
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
