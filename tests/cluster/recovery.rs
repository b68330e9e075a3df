//! What is left behind when a process dies, a status is lost, or a claim comes and goes.

use jiff::Timestamp;
use serde_json::{Value, json};
use vobiz_sim::{Fault, FaultRule, HoldAt, Target};

use crate::{
    harness::{eventually, run},
    table::{INVALID_CREDENTIALS, NOT_PURCHASED, NUMBER_NOT_FOUND, PURCHASED, PURCHASING, message},
    world::{World, claimed, record_path, state, token},
};

/// An operator is killed while Vobiz holds its purchase; Vobiz goes on; another operator finds what was left.
async fn killed_during_the_purchase(world: &World, at: HoldAt) -> String {
    let number = world.stocked();
    world.arm(FaultRule::new(Target::Purchase, Fault::Hold { at }));
    let operator = world.patient().start();
    world.claim("office", &number).await;
    world.held(&number).await;
    operator.kill9().await;
    let record = world.record(&number).await.expect("nothing was written before the purchase was sent");
    assert_eq!((state(&record), record["spec"]["attempt"].get("answer")), ("Open", None));
    number
}

#[test]
fn killed_with_the_purchase_on_its_way_it_ends_purchased_with_one_post() {
    run(async |world| {
        let number = killed_during_the_purchase(&world, HoldAt::Before).await;
        let _operator = world.unhurried().start();
        world.verified(2).await;
        world.release();
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn killed_between_debit_and_answer_it_ends_purchased_with_one_post() {
    run(async |world| {
        let number = killed_during_the_purchase(&world, HoldAt::After).await;
        world.release();
        let _operator = world.operator();
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn killed_with_a_purchase_that_never_arrives_it_buys_with_one_new_attempt() {
    run(async |world| {
        world.arm(FaultRule::new(Target::Purchase, Fault::DropBefore));
        let number = killed_during_the_purchase(&world, HoldAt::Before).await;
        world.release();
        let _operator = world.operator();
        world.verified(2).await;
        assert_eq!(world.spent(&number), (1, 0), "sent again before it was settled");
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (2, 1));
    });
}

/// The record that a process leaves behind which dies between writing the intent and sending anything.
async fn leave_an_intent(world: &World, claim: &Value, number: &str, automatic_retry_used: bool) {
    let metadata = &claim["metadata"];
    let record = json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1",
        "kind": "PhoneNumber",
        "metadata": { "name": number[1..], "finalizers": ["telephony.vobiz.ai/record"] },
        "spec": {
            "e164": number,
            "account": world.account,
            "claimRef": {
                "namespace": world.namespace, "name": metadata["name"], "uid": metadata["uid"],
            },
            "attempt": {
                "id": "8d0b5b5e-6c3b-4d0a-9d57-0d5d2f0c7a11",
                "openedAt": Timestamp::now().to_string(),
                "origin": "Purchase",
                "state": "Open",
                "automaticRetryUsed": automatic_retry_used,
            },
        },
    });
    let path = record_path(number);
    let (folder, _) = path.rsplit_once('/').unwrap();
    world.cluster.create(folder, &record).await;
}

#[test]
fn an_intent_whose_purchase_never_left_settles_and_is_then_sent_once() {
    run(async |world| {
        let number = world.stocked();
        let claim = world.claim("office", &number).await;
        leave_an_intent(&world, &claim, &number, false).await;
        let _operator = world.operator();
        world.verified(2).await;
        assert_eq!(world.spent(&number), (0, 0), "whoever reads an open attempt never sends it");
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn after_a_second_death_a_third_attempt_waits_to_be_asked_for() {
    run(async |world| {
        let number = world.stocked();
        let claim = world.claim("office", &number).await;
        leave_an_intent(&world, &claim, &number, true).await;
        let _operator = world.operator();
        world.until("office", NOT_PURCHASED).await;
        world.served().await;
        assert_eq!(world.spent(&number), (0, 0));
        world.retry("office", "again").await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_wiped_status_comes_back_from_the_record_without_a_purchase() {
    run(async |world| {
        let number = world.stocked();
        let operator = world.operator();
        world.claim("office", &number).await;
        let before = world.until("office", PURCHASED).await;
        operator.kill9().await;
        let path = format!("{}/status", world.claim_path("office"));
        let wiped = world.cluster.merge(&path, &json!({ "status": null })).await;
        assert_eq!(wiped["status"], json!({ "observedGeneration": -1 }));
        // As after a restore from a backup that kept specs only.
        world.cluster.merge(&record_path(&number), &json!({ "status": null })).await;

        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        world.until("office", PURCHASED).await;
        let number_is_back = async || {
            let claim = world.get("office").await.unwrap();
            let same = claim["status"]["number"] == before["status"]["number"];
            if same { Ok(()) } else { Err(claim["status"].to_string()) }
        };
        eventually("the number is described again", number_is_back).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_claim_that_is_deleted_and_created_again_binds_without_a_purchase() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        world.delete("office").await;
        let record = world.until_record(&number, |record| claimed(record) == Some("False")).await;
        assert_eq!(state(&record), "Bound");
        world.claim("office", &number).await;
        let claim = world.until("office", PURCHASED).await;
        let record = world.until_record(&number, |record| claimed(record) == Some("True")).await;
        assert_eq!(record["spec"]["claimRef"]["uid"], claim["metadata"]["uid"]);
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_rebuilt_namespace_costs_nothing() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        world.cluster.kubectl(&["delete", "namespace", &world.namespace, "--timeout=80s"]).await;
        world.until_record(&number, |record| claimed(record) == Some("False")).await;
        world.create_namespace(&world.namespace).await;
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_restart_writes_nothing_and_sends_nothing() {
    run(async |world| {
        let (bought, missing) = (world.stocked(), world.number());
        let operator = world.operator();
        world.claim("bought", &bought).await;
        world.claim("missing", &missing).await;
        let before = [
            world.until("bought", PURCHASED).await,
            world.until("missing", NUMBER_NOT_FOUND.settled()).await,
            world.record(&bought).await.unwrap(),
            world.record(&missing).await.unwrap(),
        ];
        let _operator = operator.restart().await;
        world.served().await;
        let after = [
            world.get("bought").await.unwrap(),
            world.get("missing").await.unwrap(),
            world.record(&bought).await.unwrap(),
            world.record(&missing).await.unwrap(),
        ];
        assert_eq!(after, before);
        assert_eq!((world.spent(&bought), world.spent(&missing)), ((1, 1), (1, 0)));
    });
}

#[test]
fn a_claim_that_is_deleted_during_its_purchase_leaves_the_number_recorded() {
    run(async |world| {
        let _operator = world.patient().start();
        let number = world.claim_held("office").await;
        world.delete("office").await;
        world.release();
        let gone = |record: &Value| state(record) == "Bound" && claimed(record) == Some("False");
        world.until_record(&number, gone).await;
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_failures_record_goes_with_its_claim_and_a_new_claim_may_try() {
    run(async |world| {
        let number = world.number();
        let _operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", NUMBER_NOT_FOUND).await;
        world.delete("office").await;
        world.until_no_record(&number).await;
        assert_eq!(world.spent(&number), (1, 0));
        world.stock(&number);
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (2, 1));
    });
}

#[test]
fn purchases_on_hold_are_not_sent_before_the_span_has_passed() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.unhurried().env("HOLD_PURCHASES", "true").start();
        world.claim("office", &number).await;
        let claim = world.until("office", PURCHASING).await;
        assert_eq!(world.spent(&number), (0, 0));
        let words = message(&claim);
        let until = words.split("on hold until ").nth(1).unwrap().split_once(' ').unwrap().0;
        let until: Timestamp = until.parse().unwrap();
        world.until("office", PURCHASED).await;
        let post = world.journal().requests.into_iter().find(|request| request.e164.is_some()).unwrap();
        assert!(post.received_at >= until, "{} is before {until}", post.received_at);
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_claim_on_hold_is_told_when_the_account_is_well_again() {
    run(async |world| {
        world.vobiz.set_token(&world.account, "another").unwrap();
        let number = world.stocked();
        // On hold for minutes: longer than this test waits for anything.
        let _operator = world.patient().env("HOLD_PURCHASES", "true").start();
        world.claim("office", &number).await;
        world.until("office", INVALID_CREDENTIALS).await;
        world.vobiz.set_token(&world.account, token(&world.account)).unwrap();
        let claim = world.until("office", PURCHASING).await;
        assert!(message(&claim).contains("--hold-purchases"), "{}", message(&claim));
        assert_eq!(world.spent(&number), (0, 0));
    });
}
