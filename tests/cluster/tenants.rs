//! What one namespace does costs no other: numbers at which Vobiz hangs, and numbers that cannot be bought.

use jiff::{Timestamp, ToSpan};
use serde_json::json;

use crate::{
    harness::run,
    table::{CONFLICT, NUMBER_NOT_FOUND, PURCHASED, message},
    world::{World, record_path},
};

#[test]
fn numbers_at_which_vobiz_hangs_leave_places_for_others() {
    run(async |world| {
        let other = world.other_namespace().await;
        let both = format!("{},{other}", world.namespace);
        let setup = world.patient().env("WATCH_NAMESPACES", both).env("PURCHASE_CONCURRENCY", "1");
        let _operator = setup.start();
        // More of them than there are ever places, each for as long as the test lasts.
        for name in ["first", "second", "third"] {
            world.claim_held(name).await;
        }
        let fourth = world.stocked();
        world.claim("fourth", &fourth).await;
        for name in ["a", "b", "c"] {
            let number = world.stocked();
            world.claim_in(&other, name, &json!({ "e164": number }), &json!({})).await;
            world.until_in(&other, name, PURCHASED).await;
            assert_eq!(world.spent(&number), (1, 1));
        }
        assert_eq!(world.spent(&fourth), (0, 0), "its namespace has taken the last place");
        assert_eq!(world.vobiz.release_all(None), 3, "they hang all the time");
        world.until("fourth", PURCHASED).await;
    });
}

/// Has the failure of that number settled so many seconds ago.
async fn date_back(world: &World, number: &str, seconds: i64) {
    let settled = Timestamp::now() - seconds.seconds();
    let patch = json!({ "spec": { "attempt": { "settledAt": settled.to_string() } } });
    world.cluster.merge(&record_path(number), &patch).await;
}

#[test]
fn an_hour_after_a_failure_the_number_goes_to_a_claim_that_waits() {
    run(async |world| {
        let number = world.number();
        let other = world.other_namespace().await;
        let _operator = world.setup().env("WATCH_NAMESPACES", format!("{},{other}", world.namespace)).start();
        world.claim_in(&other, "squatter", &json!({ "e164": number }), &json!({})).await;
        world.until_in(&other, "squatter", NUMBER_NOT_FOUND.settled()).await;
        world.claim("office", &number).await;
        let waits = world.until("office", CONFLICT).await;
        assert!(message(&waits).contains("nothing to do until then"), "{}", message(&waits));
        assert_eq!(world.spent(&number), (1, 0));

        world.stock(&number);
        // No event wakes the claim then.
        date_back(&world, &number, 3600 - 5).await;
        world.until("office", PURCHASED).await;
        world.until_in(&other, "squatter", CONFLICT).await;
        assert_eq!(world.spent(&number), (2, 1));
    });
}

#[test]
fn two_claims_for_a_number_that_cannot_be_bought_do_not_take_turns() {
    run(async |world| {
        let number = world.number();
        let _operator = world.operator();
        world.claim("first", &number).await;
        world.until("first", NUMBER_NOT_FOUND.settled()).await;
        world.claim("second", &number).await;
        world.until("second", CONFLICT).await;
        date_back(&world, &number, 3600).await;
        world.until("second", NUMBER_NOT_FOUND.settled()).await;
        world.until("first", CONFLICT).await;
        date_back(&world, &number, 3600).await;
        world.served().await;
        assert_eq!(world.spent(&number), (2, 0), "the first has had its attempt");

        world.retry("first", "once more").await;
        world.until("first", NUMBER_NOT_FOUND.settled()).await;
        world.until("second", CONFLICT).await;
        assert_eq!(world.spent(&number), (3, 0));
    });
}
