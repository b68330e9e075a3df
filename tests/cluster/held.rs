//! Claims that hold their own purchase back: paused ones, and those that only adopt; and looks that users ask for.

use http::Method;
use serde_json::{Value, json};
use vobiz_sim::{Fault, FaultRule, InventoryNumber, NumberStatus, Operation, OwnedNumber, Target};

use crate::{
    harness::{eventually, run},
    prices::{claim, events, impatient, looked_again, offered},
    table::{
        ADOPTED, NOT_OWNED, NOT_PURCHASED, NUMBER_BLOCKED, NUMBER_NOT_FOUND, OUTCOME_UNKNOWN, PAUSED,
        PRICE_EXCEEDED, PURCHASED,
    },
    world::World,
};

#[test]
fn a_claim_paused_while_it_waits_for_its_turn_buys_once_it_goes_on() {
    run(async |world| {
        let _operator = world.patient().env("PURCHASE_CONCURRENCY", "1").start();
        // As many as have a place while Vobiz hangs at them.
        let held = ["first", "second", "third"];
        for name in held {
            world.claim_held(name).await;
        }
        let number = world.stocked();
        world.claim("office", &number).await;
        // Looked up, so that it waits for nothing but its turn.
        world.verified(1).await;
        world.pause("office", Some("true")).await;
        let claim = world.until("office", PAUSED).await;
        world.event(&claim, "Paused").await;
        assert_eq!(world.vobiz.release_all(None), 3);
        for name in held {
            world.until(name, PURCHASED).await;
        }
        world.served().await;
        assert_eq!((world.spent(&number), world.record(&number).await), ((0, 0), None));

        // Only "true" pauses.
        world.pause("office", Some("false")).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_paused_claim_s_open_attempt_settles_after_a_kill() {
    run(async |world| {
        // A list that lags keeps both attempts open until the kill.
        world.arm(FaultRule::new(Target::AnyRead, Fault::Lag { ms: Some(6000) }).forever());
        let operator = world.unhurried().start();
        let (bought, lost) = (world.stocked(), world.stocked());
        for (name, number, fault) in
            [("bought", &bought, Fault::CommitThenDrop), ("lost", &lost, Fault::DropBefore)]
        {
            world.arm(FaultRule::new(Target::Purchase, fault).e164(number));
            world.claim(name, number).await;
            world.until(name, OUTCOME_UNKNOWN).await;
            world.pause(name, Some("true")).await;
        }
        let _operator = operator.restart().await;
        world.until("bought", PURCHASED).await;
        world.until("lost", NOT_PURCHASED).await;
        world.retry("lost", "again").await;
        world.until("lost", PAUSED).await;
        world.served().await;
        assert_eq!((world.spent(&bought), world.spent(&lost)), ((1, 1), (1, 0)));
        // The token that was given meanwhile is as good as before.
        world.pause("lost", None).await;
        world.until("lost", PURCHASED).await;
        assert_eq!(world.spent(&lost), (2, 1));
    });
}

#[test]
fn a_paused_claim_goes_and_its_namespace_with_it() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        for name in ["office", "shop"] {
            let annotations = json!({ "telephony.vobiz.ai/paused": "true" });
            world.claim_in(&world.namespace, name, &json!({ "e164": number }), &annotations).await;
            let claim = world.until(name, PAUSED).await;
            assert_eq!(
                claim["metadata"]["finalizers"],
                Value::Null,
                "what would have it wait for the operator"
            );
        }
        world.delete("office").await;
        let path = format!("/api/v1/namespaces/{}", world.namespace);
        world.cluster.request(Method::DELETE, &path, "application/json", &Value::Null).await;
        eventually("the namespace is gone", async || match world.cluster.get(&path).await {
            None => Ok(()),
            Some(namespace) => Err(namespace["status"].to_string()),
        })
        .await;
        assert_eq!((world.spent(&number), world.record(&number).await), ((0, 0), None));
    });
}

async fn adopts_only(world: &World, name: &str, number: &str) {
    let spec = json!({ "e164": number, "acquire": "AdoptOnly" });
    world.claim_in(&world.namespace, name, &spec, &json!({})).await;
    let claim = world.until(name, NOT_OWNED).await;
    world.event(&claim, "NotOwned").await;
}

#[test]
fn a_claim_that_only_adopts_buys_nothing_before_it_is_told_to() {
    run(async |world| {
        let (wanted, given) = (world.stocked(), world.number());
        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "1s").start();
        adopts_only(&world, "wanted", &wanted).await;
        adopts_only(&world, "given", &given).await;
        world.verified(12).await;
        assert_eq!((world.spent(&wanted), world.record(&wanted).await), ((0, 0), None));

        world.vobiz.put_owned(OwnedNumber::new(&given, &world.account)).unwrap();
        world.until("given", ADOPTED).await;
        let patch = json!({ "spec": { "acquire": "Purchase" } });
        world.cluster.merge(&world.claim_path("wanted"), &patch).await;
        world.until("wanted", PURCHASED).await;
        assert_eq!((world.spent(&wanted), world.spent(&given)), ((1, 1), (0, 0)));
    });
}

#[test]
fn a_claim_asks_for_a_look_and_learns_that_it_was_made() {
    const FLUX: &str = "reconcile.fluxcd.io/requestedAt";
    const OURS: &str = "telephony.vobiz.ai/requested-at";
    run(async |world| {
        let (number, missing) = (world.stocked(), world.number());
        let _operator = world.operator();
        world.claim("missing", &missing).await;
        world.until("missing", NUMBER_NOT_FOUND.settled()).await;
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        let ask = async |name: &str, annotation: &str, value: &str| {
            let patch = json!({ "metadata": { "annotations": { annotation: value } } });
            world.cluster.merge(&world.claim_path(name), &patch).await;
        };
        let handled = async |name: &str, value: &str| {
            eventually(&format!("{value} is handled"), async || {
                let status = world.get(name).await.unwrap()["status"].clone();
                if status["lastHandledReconcileAt"] == value { Ok(()) } else { Err(status.to_string()) }
            })
            .await;
        };
        ask("office", FLUX, "1").await;
        handled("office", "1").await;
        let listed = || {
            let requests = world.journal().requests;
            requests.iter().filter(|request| request.operation == Operation::List).count()
        };
        let before = listed();
        world.vobiz.set_status(&number, NumberStatus::Blocked).unwrap();
        for value in 0..100 {
            ask("office", OURS, &value.to_string()).await;
            ask("missing", OURS, &value.to_string()).await;
        }
        handled("office", "99").await;
        handled("missing", "99").await;
        world.until("office", NUMBER_BLOCKED).await;
        // The last ones came during the pause after the first, so that one more listing has served them.
        assert!(listed() - before <= 2, "{} listings", listed() - before);
        // It is no permission to buy.
        world.stock(&missing);
        ask("missing", FLUX, "please").await;
        handled("missing", "please").await;
        assert_eq!((world.spent(&number), world.spent(&missing)), ((1, 1), (1, 0)));
    });
}

#[test]
fn a_look_is_told_to_be_made_once_the_price_is_read_anew() {
    run(async |world| {
        let _operator = world.operator();
        let number = claim(&world, "office", offered(&world), "51").await;
        world.until("office", PRICE_EXCEEDED).await;
        world.vobiz.put_number(InventoryNumber::new(&number, "INR", 50, 53)).unwrap();
        world.arm(FaultRule::new(Target::Inventory, Fault::DelayReply { ms: 1_500 }).forever());
        let asks = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/requested-at": "1" } } });
        world.cluster.merge(&world.claim_path("office"), &asks).await;
        let looked = eventually("the look is handled", async || {
            let claim = world.get("office").await.unwrap();
            let is_handled = claim["status"]["lastHandledReconcileAt"] == "1";
            if is_handled { Ok(claim) } else { Err(claim["status"].to_string()) }
        })
        .await;
        assert_eq!(looked["status"]["quote"]["monthlyFee"], "53");
    });
}

#[test]
fn a_number_that_is_out_of_stock_still_after_a_429_is_no_news() {
    run(async |world| {
        let _operator = impatient(&world).start();
        let absent = InventoryNumber { status: NumberStatus::Blocked, ..offered(&world) };
        claim(&world, "office", absent, "52").await;
        let held = world.until("office", NUMBER_NOT_FOUND.settled()).await;
        world.event(&held, "NumberNotFound").await;
        world.arm(FaultRule::new(Target::Inventory, Fault::status(429, "{}")));
        world.event(&held, "RateLimited").await;
        world.until("office", NUMBER_NOT_FOUND.settled()).await;
        looked_again(&world, 2).await;
        assert_eq!(events(&world, &held, "NumberNotFound").await, 1);
    });
}
