//! What is looked for before a purchase: the number itself, and debits.

use std::sync::Arc;

use super::*;

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
        value.rows = Arc::new([debit("t1")].into_iter().collect());
    });
    let found = NewAttempt { origin: Origin::Adoption, found_debits: vec![debit("t1").debit()], ..intent() };
    assert_eq!(debited, ClaimStep::OpenUnsent(found));
    let early = |evidence: &mut Evidence| *evidence = clear(at(0));
    let ClaimStep::Await(Wake::Evidence(need)) = with(&early) else { panic!() };
    assert!(
        need.since == at(1) && matches!(need.sources[..], [Source::Search(_), Source::LedgerSoFar { .. }])
    );
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
        value.rows = Arc::new([debit("t1")].into_iter().collect());
    });
    assert_eq!(debited, elsewhere);
    // What was shown stays true while the account cannot be read.
    let held = with(&|given| {
        given.evidence.search = listed_under("SA_2", at(1));
        given.gate = Gate::Closed(GateCause::Unavailable, "500".into());
    });
    assert_eq!(held, elsewhere);
    // A retry that is asked for is held back as well, and its token is not used up.
    let asked = with(&|given| {
        given.record = Some(record(attempt(AttemptState::Failed, Some(Outcome::NotFound))));
        given.token = Some("new");
        given.evidence.search = listed_under("SA_2", at(1));
    });
    assert_eq!(asked, elsewhere);
    // By the newest list the number was handed back, or has no owner any more.
    let handed_back = with(&|given| {
        given.evidence.search = listed_under("SA_2", at(1));
        given.evidence.listing = listed(at(2));
    });
    assert!(matches!(handed_back, ClaimStep::OpenUnsent(_)), "{handed_back:?}");
    let released = with(&|given| {
        given.evidence.search = listed_under("SA_2", at(1));
        given.evidence.listing = Reading::Read { begun: at(2), value: Rows::default() };
    });
    assert_eq!(released, ClaimStep::Purchase(intent()));
    // A list from before the claim says nothing.
    let early = with(&|given| given.evidence.listing = listed_under("SA_2", at(0)));
    assert_eq!(early, ClaimStep::Purchase(intent()));
}

#[test]
fn where_an_endpoint_does_not_exist_it_is_bought_all_the_same_and_noted() {
    let missing = Reading::NoSuchEndpoint { begun: at(1) };
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
    Reading::NoSuchEndpoint { begun }
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
