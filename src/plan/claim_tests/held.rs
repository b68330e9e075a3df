//! Claims that hold their own purchase back: paused ones, and those that only adopt.

use std::sync::Arc;

use super::*;
use crate::api::{Acquire, PAUSED_ANNOTATION, WITHHELD};

fn paused(value: &str) -> PhoneNumberClaim {
    let mut claim = wish();
    claim.metadata.annotations = Some([(PAUSED_ANNOTATION.to_owned(), value.to_owned())].into());
    claim
}

fn adopts_only() -> PhoneNumberClaim {
    let mut claim = wish();
    claim.spec.acquire = Acquire::AdoptOnly;
    claim
}

fn owned() -> Evidence {
    Evidence { search: listed(at(1)), ..clear(at(1)) }
}

fn failed(outcome: Outcome) -> PhoneNumber {
    record(attempt(AttemptState::Failed, Some(outcome)))
}

#[test]
fn a_paused_claim_attempts_nothing_whatever_else_is_known() {
    let changes: [fn(&mut Given); 7] = [
        |_| (),
        |given| given.evidence = Evidence::default(),
        |given| given.evidence = owned(),
        |given| given.gate = Gate::Closed(GateCause::Credentials, "401".into()),
        |given| given.clocks = clocks(15, 0),
        |given| given.record = Some(failed(Outcome::NotSent)),
        |given| (given.record, given.token) = (Some(failed(Outcome::NotFound)), Some("new")),
    ];
    for change in changes {
        let decided = |claim| {
            let mut given = Given { claim, ..Given::default() };
            change(&mut given);
            given.with(|observed| decide(observed, at(2)))
        };
        let decision = decided(paused("true"));
        assert_eq!(decision.step, ClaimStep::Await(Wake::ClaimChanges));
        assert_eq!(decision.to_remember(), None, "what is wanted after a pause is looked up anew");
        assert_eq!(decision.told.unwrap().reason, Reason::Paused);
        for value in ["false", "", "True", "yes"] {
            assert_eq!(decided(paused(value)), decided(wish()), "{value}");
        }
    }
}

#[test]
fn what_is_recorded_goes_on_while_a_claim_is_held_back() {
    for claim in [paused("true"), adopts_only()] {
        let with = |record, liveness| {
            Given { claim: claim.clone(), record: Some(record), liveness, ..Given::default() }.step()
        };
        for state in [AttemptState::Bound, AttemptState::NeedsDecision] {
            assert_eq!(with(of("a", "x", state), ClaimLiveness::Gone), ClaimStep::Bind, "{state:?}");
        }
        for state in [AttemptState::Open, AttemptState::Bound, AttemptState::NeedsDecision] {
            let ours = record(attempt(state, None));
            assert_eq!(with(ours, ClaimLiveness::Lives), ClaimStep::Rest, "{state:?}");
        }
    }
}

#[test]
fn a_claim_that_only_adopts_takes_what_is_owned_and_sends_nothing() {
    let no_endpoint = Reading::NoSuchEndpoint { begun: at(1) };
    let mut debited = clear(at(1));
    let Reading::Read { value, .. } = &mut debited.ledger else { panic!() };
    value.rows = Arc::new([debit("t1")].into_iter().collect());
    let decided = |evidence: &Evidence, record: Option<PhoneNumber>, token| {
        let given =
            Given { claim: adopts_only(), evidence: evidence.clone(), record, token, ..Given::default() };
        given.with(|observed| decide(observed, at(2)))
    };
    let unlisted = Evidence { search: no_endpoint.clone(), listing: no_endpoint, ..clear(at(1)) };
    for evidence in [clear(at(1)), debited, unlisted] {
        for (record, token) in [
            (None, None),
            (Some(failed(Outcome::NotFound)), Some("new")),
            (Some(failed(Outcome::NotSent)), None),
        ] {
            let decision = decided(&evidence, record, token);
            assert_eq!(decision.step, ClaimStep::Await(Wake::NextListing));
            assert_eq!(decision.told.unwrap().reason, Reason::NotOwned);
        }
    }
    let adopts = decided(&owned(), None, None).step;
    assert!(matches!(&adopts, ClaimStep::OpenUnsent(NewAttempt { origin: Origin::Adoption, .. })));
    // The ledger is not read for it.
    let search = [Source::Search(NUMBER.parse().unwrap())];
    let asks = ClaimStep::Await(Wake::Evidence(EvidenceRequest::new(at(1), search)));
    assert_eq!(decided(&Evidence::default(), None, None).step, asks);
}

#[test]
fn what_held_a_claim_back_is_told_until_it_is_read_anew() {
    let told_of = |mut claim: PhoneNumberClaim, generation, reason: Reason| {
        let ready = serde_json::json!({ "type": "Ready", "status": "False", "reason": reason.into_str(),
            "message": "words", "lastTransitionTime": "2026-01-02T03:04:05Z" });
        let status = serde_json::json!({ "observedGeneration": generation, "conditions": [ready] });
        claim.metadata.generation = Some(1);
        claim.status = serde_json::from_value(status).unwrap();
        claim
    };
    for (claim, generation, reason, told) in [
        (adopts_only(), 1, Reason::NotOwned, ("words", Reason::NotOwned)),
        (adopts_only(), 0, Reason::NotOwned, ("Asking Vobiz", Reason::Purchasing)),
        (adopts_only(), 1, Reason::Paused, ("Asking Vobiz", Reason::Purchasing)),
        (wish(), 1, Reason::PriceExceeded, ("words", Reason::PriceExceeded)),
        (wish(), 1, Reason::NumberNotFound, ("Asking Vobiz", Reason::Purchasing)),
    ] {
        let claim = told_of(claim, generation, reason);
        let given = Given { claim, evidence: Evidence::default(), ..Given::default() };
        let decision = given.with(|observed| decide(observed, at(20)));
        assert!(matches!(decision.step, ClaimStep::Await(Wake::Evidence(_))), "{decision:?}");
        let said = decision.told.unwrap();
        assert!(said.reason == told.1 && said.message.starts_with(told.0), "{said:?}");
    }
}

#[test]
fn a_withheld_purchase_is_made_without_a_token_once_nothing_holds_it() {
    let mut withheld = attempt(AttemptState::Failed, Some(Outcome::NotSent));
    withheld.answer.as_mut().unwrap().code = Some(WITHHELD.into());
    withheld.spent_tokens = vec!["t".into()];
    let with = |claim| {
        let record = Some(record(withheld.clone()));
        Given { claim, record, token: Some("t"), ..Given::default() }
    };
    assert_eq!(with(paused("true")).step(), ClaimStep::Await(Wake::ClaimChanges));
    assert_eq!(with(adopts_only()).step(), ClaimStep::Await(Wake::NextListing));
    let expected = NewAttempt { spent_tokens: vec!["t".into()], ..intent() };
    assert_eq!(with(wish()).step(), ClaimStep::Purchase(expected));
}
