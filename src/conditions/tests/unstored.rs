//! An answer that is known, and not stored yet.

use super::*;

/// What a claim is told while this process knows that answer, and the API server does not store it.
fn told_unstored(answer: Answer, now: i64) -> (Reason, String) {
    let record = record(AttemptState::Open, Origin::Purchase, None);
    let unstored = Unstored {
        change: Change::Answered { answer: Box::new(answer), bought: None },
        why: Some("the API server did not store it: no space".into()),
        since: Duration::ZERO,
    };
    let given = Given { unstored: Some(unstored), ..of(&record) };
    let (status, reason) = given.tell(moment(now)).unwrap();
    (reason, status.conditions[0].message.clone())
}

#[test]
fn an_answer_that_is_known_and_not_stored_is_told_at_once_and_for_ever() {
    for now in [6, 41, 100_000] {
        for (outcome, status, expected, part) in [
            (
                Outcome::Purchased,
                200,
                Reason::Purchasing,
                "The number is bought, but that cannot be recorded",
            ),
            (Outcome::NotFound, 404, Reason::NumberNotFound, "not in Vobiz's inventory"),
            (Outcome::Unknown, 502, Reason::OutcomeUnknown, "its outcome is unknown"),
        ] {
            let (reason, message) = told_unstored(answer(outcome, status, None), now);
            assert_eq!(reason, expected, "{message}");
            for part in [part, "no space", "tries again", "kubectl get validatingwebhookconfigurations"] {
                assert!(message.contains(part), "{message}");
            }
            assert!(!message.contains("process stopped"), "{message}");
        }
    }
}

#[test]
fn that_a_process_stopped_is_not_said_where_only_an_answer_is_missing() {
    let claim = wish();
    for state in [AttemptState::Open, AttemptState::Failed] {
        let record = record(state, Origin::Purchase, None);
        let (status, _) = Given { claim: claim.clone(), ..of(&record) }.tell(moment(60)).unwrap();
        let message = &status.conditions[0].message;
        assert!(message.starts_with("No answer to the purchase"), "{message}");
    }
}
