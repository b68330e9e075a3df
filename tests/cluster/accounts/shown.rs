//! What an account says of its token: what Vobiz has said to the one in use, and soon.

use serde_json::json;
use vobiz_sim::{Fault, FaultRule, HoldAt, JournalFilter, Target};

use super::{alone, without_flags};
use crate::{harness::PATIENCE, table::message, world::token};

#[test]
fn a_token_is_accepted_when_vobiz_says_so_of_that_one() {
    alone(async |world| {
        let _operator = world.setup().start();
        world.served().await;
        // The object takes over from the flags, whose token Vobiz has accepted.
        world.keep_token("main", "nonsense").await;
        let hold = FaultRule::new(Target::List, Fault::Hold { at: HoldAt::Before });
        world.vobiz.arm(hold.account(&world.account));
        world.declare("main", json!({ "authId": world.account, "default": true })).await;
        let asked = JournalFilter::account(&world.account);
        world.vobiz.wait_for_held(&asked, PATIENCE).await.expect("the token is shown");
        world.until_account("main", "Checking").await;
        world.release();
        world.until_account("main", "InvalidCredentials").await;
        // Another Secret, and the same one with other contents: no claim waits, and no listing is due.
        world.keep_token("right", &token(&world.account)).await;
        let right = json!({ "namespace": world.namespace, "name": "right" });
        world.change_account("main", json!({ "tokenSecretRef": right })).await;
        world.until_account("main", "Accepted").await;
        let wrong = json!({ "stringData": { "auth-token": "nonsense" } });
        world.cluster.merge(&world.secret_path("right"), &wrong).await;
        let refused = world.until_account("main", "InvalidCredentials").await;
        assert!(message(&refused).contains("key auth-token"), "{}", message(&refused));
    });
}

#[test]
fn a_secret_that_comes_later_is_used_though_nothing_waits() {
    alone(async |world| {
        // The first account is listed at once, the second one later than this test waits for anything.
        let _operator = without_flags(world).env("VOBIZ_RESYNC_INTERVAL", "10h").start();
        world.account("first", json!({})).await;
        world.until_account("first", "Accepted").await;
        world.open_account("late");
        world.declare("late", json!({})).await;
        world.until_account("late", "SecretNotFound").await;
        world.keep_token("late", &token(&world.account_id("late"))).await;
        world.until_account("late", "Accepted").await;
    });
}
