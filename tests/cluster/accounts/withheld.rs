//! An account that is closed, and a claim that names another account, when the intent is written and nothing is sent yet.

use faults::{
    call::Call,
    door::Door,
    trap::{Caught, Moment, Release, Trap},
};
use serde_json::{Value, json};

use super::{alone, without_flags};
use crate::{
    caught::hold,
    operator::Operator,
    table::{ACCOUNT_NOT_ALLOWED, CONFLICT, PURCHASED, message},
    world::{World, record_path, state},
};

/// Has the claim `office` written its intent for the account acme, of which the operator is not told yet.
async fn intent_written(world: &World, number: &str) -> (Operator, Door, Caught) {
    let intent = Trap { call: Call::CreateRecord, nth: 1, moment: Moment::Withheld };
    let (setup, door, caught) = hold(world, without_flags(world), intent, number, "office").await;
    let operator = setup.start();
    world.claim_with("office", number, "acme").await;
    (operator, door, caught.await.unwrap())
}

/// Nothing was sent for the attempt, and its record says why.
async fn withheld(world: &World, number: &str, why: &str) -> Value {
    let record = world.until_record(number, |record| state(record) == "Failed").await;
    let answer = &record["spec"]["attempt"]["answer"];
    assert_eq!((&answer["outcome"], &answer["code"]), (&json!("NotSent"), &json!("Withheld")), "{answer}");
    assert!(answer["message"].as_str().unwrap().starts_with(why), "{answer}");
    assert_eq!((world.spent(number), world.posted("acme")), ((0, 0), vec![]));
    record
}

#[test]
fn an_account_closed_once_the_intent_is_written_sends_nothing() {
    alone(async |world| {
        world.account("acme", json!({})).await;
        let number = world.stocked();
        let (_operator, _door, caught) = intent_written(world, &number).await;
        world
            .change_account("acme", json!({ "allowedNamespaces": { "from": "Names", "names": ["another"] } }))
            .await;
        // Until the operator has seen that.
        world.claim_with("later", &world.number(), "acme").await;
        world.until("later", ACCOUNT_NOT_ALLOWED).await;
        caught.release.send(Release::Pass).unwrap();
        withheld(world, &number, "AccountNotAllowed: ").await;
        world.until("office", ACCOUNT_NOT_ALLOWED).await;
        world.change_account("acme", json!({ "allowedNamespaces": { "from": "All", "names": null } })).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_claim_that_names_another_account_by_then_buys_there_alone() {
    alone(async |world| {
        world.account("acme", json!({})).await;
        world.account("other", json!({})).await;
        let number = world.stocked();
        let (_operator, _door, caught) = intent_written(world, &number).await;
        // Until it serves claims, it holds them back for a reason of its own.
        world.until_account("other", "Accepted").await;
        let edited = json!({ "spec": { "accountRef": { "name": "other" } } });
        world.cluster.merge(&world.claim_path("office"), &edited).await;
        caught.release.send(Release::Pass).unwrap();
        let record = withheld(world, &number, "Conflict: ").await;
        assert_eq!(record["spec"]["account"], world.account_id("acme").as_str());
        let claim = world.until("office", CONFLICT).await;
        assert!(message(&claim).contains(&world.account_id("acme")), "{}", message(&claim));
        assert_eq!((world.spent(&number), world.record(&number).await), ((0, 0), Some(record)));
        // The record of an attempt that has failed is let go.
        world.cluster.delete(&record_path(&number)).await;
        world.until("office", PURCHASED).await;
        assert_eq!((world.spent(&number), world.posted("acme")), ((1, 1), vec![]));
        let other = world.account_id("other");
        assert_eq!(world.vobiz.owner(&number).as_ref(), Some(&other));
        assert_eq!(world.record(&number).await.unwrap()["spec"]["account"], other.as_str());
    });
}
