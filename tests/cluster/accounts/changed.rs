//! Accounts that are unwell, put right, declared twice, deleted, or declared in place of the flags.

use std::time::Duration;

use serde_json::{Value, json};
use vobiz_sim::{Fault, FaultRule, HoldAt, Target};

use super::{alone, path, without_flags};
use crate::{
    harness::eventually,
    table::{ACCOUNT_NOT_FOUND, INVALID_CREDENTIALS, PURCHASED, message},
    world::token,
};

#[test]
fn a_token_that_is_wrong_or_missing_holds_its_own_claims_alone() {
    alone(async |world| {
        world.account("well", json!({})).await;
        world.open_account("wrong");
        world.keep_token("wrong", "nonsense").await;
        world.declare("wrong", json!({})).await;
        world.open_account("missing");
        world.declare("missing", json!({})).await;
        let _operator = without_flags(world).env("VOBIZ_RESYNC_INTERVAL", "10h").start();
        let numbers = ["wrong", "missing"].map(|name| (name, world.stocked()));
        for (name, number) in &numbers {
            world.claim_with(name, number, name).await;
            world.until(name, INVALID_CREDENTIALS).await;
        }
        let missing = world.until_account("missing", "SecretNotFound").await;
        assert!(message(&missing).contains("There is no Secret"), "{}", message(&missing));
        world.until_account("wrong", "InvalidCredentials").await;
        for index in 0..3 {
            let number = world.stocked();
            world.claim_with(&format!("well-{index}"), &number, "well").await;
            world.until(&format!("well-{index}"), PURCHASED).await;
        }
        assert_eq!(world.calls("missing"), 0);
        // Put right without a restart.
        let right = json!({ "stringData": { "auth-token": token(&world.account_id("wrong")) } });
        world.cluster.merge(&world.secret_path("wrong"), &right).await;
        world.keep_token("missing", &token(&world.account_id("missing"))).await;
        for (name, number) in &numbers {
            world.until(name, PURCHASED).await;
            world.until_account(name, "Accepted").await;
            assert_eq!(world.spent(number), (1, 1));
        }
        // And a rotation while all is well.
        world.vobiz.set_token(&world.account_id("well"), "rotated").unwrap();
        let rotated = json!({ "stringData": { "auth-token": "rotated" } });
        world.cluster.merge(&world.secret_path("well"), &rotated).await;
        let number = world.stocked();
        world.claim_with("after", &number, "well").await;
        world.until("after", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn of_two_defaults_or_two_objects_of_one_account_none_is_guessed() {
    alone(async |world| {
        world.account("one", json!({ "default": true })).await;
        world.account("two", json!({ "default": true })).await;
        let _operator = world.setup().start();
        let number = world.stocked();
        world.claim("office", &number).await;
        let claim = world.until("office", ACCOUNT_NOT_FOUND).await;
        assert!(message(&claim).contains("Two VobizAccounts, one and two"), "{}", message(&claim));
        assert_eq!(world.spent(&number), (0, 0));
        world.change_account("two", json!({ "default": false })).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.vobiz.owner(&number), Some(world.account_id("one")));

        world.keep_token("two-again", &token(&world.account_id("two"))).await;
        world.declare("two-again", json!({ "authId": world.account_id("two") })).await;
        let again = world.until_account("two-again", "DuplicateAuthId").await;
        assert!(message(&again).contains("VobizAccount two"), "{}", message(&again));
        let number = world.stocked();
        world.claim_with("second", &number, "two-again").await;
        world.until("second", ACCOUNT_NOT_FOUND).await;
        world.cluster.delete(&path("two")).await;
        world.until("second", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
        assert_eq!(world.vobiz.owner(&number), Some(world.account_id("two")));
    });
}

#[test]
fn a_deleted_account_stays_until_its_open_attempt_is_settled() {
    alone(async |world| {
        world.account("acme", json!({})).await;
        let _operator =
            without_flags(world).env("VOBIZ_PURCHASE_TIMEOUT", "5m").env("VOBIZ_SETTLE_TIME", "5m").start();
        let (number, later) = (world.stocked(), world.stocked());
        let hold = FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before });
        world.vobiz.arm(hold.account(world.account_id("acme")).e164(&number));
        world.claim_with("office", &number, "acme").await;
        world.held(&number).await;
        world.cluster.delete(&path("acme")).await;
        eventually("the deletion is seen", async || {
            if world.log().contains("is being deleted") { Ok(()) } else { Err(world.log()) }
        })
        .await;
        world.claim_with("later", &later, "acme").await;
        let claim = world.until("later", ACCOUNT_NOT_FOUND).await;
        assert!(message(&claim).contains("is being deleted"), "{}", message(&claim));
        // Longer than it would take without the attempt.
        tokio::time::sleep(Duration::from_secs(15)).await;
        let account = world.cluster.get(&path("acme")).await.expect("it went before its attempt was settled");
        assert_ne!(account["metadata"]["deletionTimestamp"], Value::Null);
        let told = world.until_account("acme", "Deleting").await;
        assert!(message(&told).contains(&format!("phonenumber/{} is settled", &number[1..])), "{told}");
        world.release();
        world.until("office", PURCHASED).await;
        eventually("the account is gone", async || match world.cluster.get(&path("acme")).await {
            None => Ok(()),
            Some(account) => Err(account.to_string()),
        })
        .await;
        // What was bought stays bought, and says why nothing is asked about it.
        eventually("the claim says so", async || {
            let claim = world.until("office", PURCHASED).await;
            if message(&claim).contains("is declared no more") { Ok(()) } else { Err(message(&claim)) }
        })
        .await;
        world.until("later", ACCOUNT_NOT_FOUND).await;
        assert_eq!((world.spent(&number), world.spent(&later)), ((1, 1), (0, 0)));
        world.declare("acme", json!({})).await;
        world.until("later", PURCHASED).await;
        eventually("the claim says so no more", async || {
            let claim = world.until("office", PURCHASED).await;
            if message(&claim).contains("is declared no more") { Err(message(&claim)) } else { Ok(()) }
        })
        .await;
        assert_eq!((world.spent(&number), world.spent(&later)), ((1, 1), (1, 1)));
    });
}

#[test]
fn the_account_of_the_flags_becomes_an_object_without_a_purchase() {
    alone(async |world| {
        let operator = world.setup().start();
        let mut before = Vec::new();
        for index in 0..5 {
            let (name, number) = (format!("office-{index}"), world.stocked());
            world.claim(&name, &number).await;
            world.until(&name, PURCHASED).await;
            before.push((name, number));
        }
        let mut claims = Vec::new();
        for (name, _) in &before {
            claims.push(world.get(name).await.unwrap());
        }
        world.keep_token("acme", &token(&world.account)).await;
        world.declare("acme", json!({ "authId": world.account, "default": true })).await;
        world.until_account("acme", "Accepted").await;
        world.served().await;
        // And without the flags.
        operator.stop().await;
        let _operator = without_flags(world).start();
        world.served().await;
        for ((name, number), before) in before.iter().zip(claims) {
            assert_eq!(world.spent(number), (1, 1));
            assert_eq!(world.get(name).await.unwrap(), before, "{name}");
        }
    });
}
