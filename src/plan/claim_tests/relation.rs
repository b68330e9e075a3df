//! Whose claim a record serves.

use super::*;

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
    let gone = ClaimLiveness::Gone;
    for (record, liveness, expected) in [
        (of("a", "c", Open), ClaimLiveness::Lives, Relation::Ours),
        (of("a", "x", Bound), ClaimLiveness::Lives, Relation::Conflict(ConflictWith::Claim)),
        (of("a", "x", Bound), ClaimLiveness::Unwatched, Relation::Conflict(ConflictWith::Claim)),
        (of("a", "x", Bound), gone, Relation::Inherits),
        (of("a", "x", NeedsDecision), gone, Relation::Inherits),
        (of("a", "x", Open), gone, Relation::AwaitsSettlement),
        (of("z", "x", Bound), gone, Relation::Conflict(ConflictWith::Namespace)),
        (of("z", "x", Open), gone, Relation::Conflict(ConflictWith::Namespace)),
        (of("z", "x", Failed), gone, Relation::Inherits),
    ] {
        let state = record.spec.attempt.state;
        let given = Given { record: Some(record), liveness, ..Given::default() };
        assert_eq!(
            given.with(|observed| decide(observed, at(2)).relation),
            expected,
            "{state:?} {liveness:?}"
        );
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
fn a_claim_that_is_being_deleted_attempts_nothing_and_takes_nothing_over() {
    let mut claim = wish();
    claim.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at(0).wall));
    let bound = Some(of("a", "x", AttemptState::Bound));
    assert_eq!(Given { claim: claim.clone(), ..Given::default() }.step(), ClaimStep::Rest);
    let inherits = Given { claim, record: bound.clone(), liveness: ClaimLiveness::Gone, ..Given::default() };
    assert_eq!(inherits.step(), ClaimStep::Rest);
    assert_eq!(
        Given { record: bound, liveness: ClaimLiveness::Gone, ..Given::default() }.step(),
        ClaimStep::Bind
    );
}
