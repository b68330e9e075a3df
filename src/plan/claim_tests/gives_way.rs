//! When a failed attempt gives its number up to another claim, though its own claim lives.

use super::*;
use crate::api::RETRY_ANNOTATION;

const HOUR: u64 = 3600;

/// Another namespace's claim.
fn holder(token: Option<&str>) -> PhoneNumberClaim {
    let mut holder = wish();
    holder.metadata.namespace = Some("z".into());
    holder.metadata.uid = Some("x".into());
    holder.metadata.annotations = token.map(|token| [(RETRY_ANNOTATION.to_owned(), token.to_owned())].into());
    holder
}

fn seconds_ago(seconds: u64) -> jiff::Timestamp {
    at(2).wall.saturating_sub(Duration::from_secs(seconds)).unwrap()
}

/// An attempt that has settled so many seconds ago.
fn settled(state: AttemptState, outcome: Option<Outcome>, seconds: u64) -> Attempt {
    Attempt { settled_at: Some(Time::micros(seconds_ago(seconds))), ..attempt(state, outcome) }
}

fn refused(seconds: u64) -> Attempt {
    settled(AttemptState::Failed, Some(Outcome::NotFound), seconds)
}

/// A claim that finds that attempt of a claim that lives.
fn finds(attempt: Attempt) -> Given {
    let mut record = of("z", "x", attempt.state);
    record.spec.attempt = attempt;
    Given { record: Some(record), holder: Some(holder(None)), ..Given::default() }
}

fn relation(given: &Given) -> Relation {
    given.with(|observed| decide(observed, at(2)).relation)
}

#[test]
fn a_failure_gives_way_an_hour_after_it_has_settled() {
    use AttemptState::{Bound, Failed, NeedsDecision, Open};
    let conflict = Relation::Conflict;
    let when = |seconds: u64| Some(seconds_ago(seconds).saturating_add(Duration::from_hours(1)).unwrap());
    for (attempt, expected) in [
        (refused(HOUR), Relation::Inherits),
        (refused(HOUR - 1), conflict(ConflictWith::Failure(when(HOUR - 1)))),
        (refused(0), conflict(ConflictWith::Failure(when(0)))),
        // Another attempt is made unasked.
        (settled(Failed, Some(Outcome::NotSent), 9 * HOUR), conflict(ConflictWith::Failure(None))),
        (settled(Failed, None, 9 * HOUR), conflict(ConflictWith::Failure(None))),
        (Attempt { automatic_retry_used: true, ..settled(Failed, None, 9 * HOUR) }, Relation::Inherits),
        (Attempt { settled_at: None, ..refused(0) }, conflict(ConflictWith::Claim)),
        (settled(Open, None, 9 * HOUR), conflict(ConflictWith::Claim)),
        (settled(Bound, None, 9 * HOUR), conflict(ConflictWith::Claim)),
        (settled(NeedsDecision, None, 9 * HOUR), conflict(ConflictWith::Claim)),
    ] {
        assert_eq!(relation(&finds(attempt.clone())), expected, "{attempt:?}");
    }
    // A claim that cannot be read may have asked.
    let unreadable = Given { holder: None, liveness: ClaimLiveness::Unwatched, ..finds(refused(9 * HOUR)) };
    assert_eq!(relation(&unreadable), conflict(ConflictWith::Claim));
}

#[test]
fn a_failure_gives_way_to_none_while_its_own_claim_asks() {
    let spent = Attempt { spent_tokens: vec!["spent".into()], ..refused(HOUR) };
    for (token, expected) in [
        ("new", Relation::Conflict(ConflictWith::Failure(None))),
        ("spent", Relation::Inherits),
        ("", Relation::Inherits),
    ] {
        let given = Given { holder: Some(holder(Some(token))), ..finds(spent.clone()) };
        assert_eq!(relation(&given), expected, "{token}");
    }
}

#[test]
fn a_claim_that_has_given_way_makes_no_other_attempt_unasked() {
    let gave_way = |seconds| Attempt {
        earlier_claims: vec!["c".into()],
        spent_tokens: vec!["spent".into()],
        ..refused(seconds)
    };
    for (token, expected) in [
        (None, Relation::Conflict(ConflictWith::Claim)),
        (Some("spent"), Relation::Conflict(ConflictWith::Claim)),
        (Some("new"), Relation::Inherits),
    ] {
        assert_eq!(relation(&Given { token, ..finds(gave_way(HOUR)) }), expected, "{token:?}");
    }
    let early = relation(&Given { token: Some("new"), ..finds(gave_way(0)) });
    assert!(matches!(early, Relation::Conflict(ConflictWith::Failure(Some(_)))), "{early:?}");
}

#[test]
fn a_claim_that_waits_for_a_failure_is_woken_when_it_gives_way() {
    for (attempt, seconds) in [
        (refused(HOUR - 100), 100),
        // Its claim may cease to ask, which nothing tells.
        (settled(AttemptState::Failed, Some(Outcome::NotSent), 0), HOUR),
    ] {
        let step = finds(attempt).step();
        assert_eq!(step, ClaimStep::Await(Wake::At(at(2).plus(Duration::from_secs(seconds)))));
    }
}

#[test]
fn what_is_known_of_the_debits_of_a_failure_goes_along_with_the_number() {
    let from = Some(Time::micros(seconds_ago(40 * HOUR)));
    let attempt = Attempt {
        answered_debits: vec!["t1".into()],
        spent_tokens: vec!["spent".into()],
        debits_from: from,
        earlier_claims: vec!["w".into()],
        ..refused(2 * HOUR)
    };
    let mut given = finds(attempt.clone());
    let Reading::Read { value, .. } = &mut given.evidence.ledger else { panic!() };
    value.rows = Arc::new([debit("t1")].into_iter().collect());
    let expected = NewAttempt {
        answered_debits: attempt.answered_debits.clone(),
        spent_tokens: attempt.spent_tokens.clone(),
        debits_from: from.map(Time::at),
        earlier_claims: vec!["w".into(), "x".into()],
        ..intent()
    };
    assert_eq!(given.step(), ClaimStep::Purchase(expected));
    // What shows late was not answered for.
    let Reading::Read { value, .. } = &mut given.evidence.ledger else { panic!() };
    value.rows = Arc::new([debit("t1"), debit("t2")].into_iter().collect());
    let ClaimStep::OpenUnsent(adoption) = given.step() else { panic!("{:?}", given.step()) };
    assert_eq!(adoption.found_debits.iter().map(|debit| debit.id.as_str()).collect::<Vec<_>>(), ["t2"]);
}
