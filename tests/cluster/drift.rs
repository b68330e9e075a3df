//! A bought number that changes at Vobiz: blocked, released, moved or gone.

use jiff::Timestamp;
use serde_json::json;
use vobiz_sim::{Account, Fault, FaultRule, NumberStatus, OwnedNumber, Target};

use crate::{
    harness::run,
    table::{
        NUMBER_BLOCKED, NUMBER_LOST, NUMBER_MOVED, NUMBER_PENDING, NUMBER_RELEASING, NUMBER_STATUS_UNKNOWN,
        PURCHASED, message,
    },
    world::{state, token},
};

#[test]
fn a_number_blocked_or_released_elsewhere_is_told_and_recovers() {
    run(async |world| {
        let (blocked, releasing) = (world.stocked(), world.stocked());
        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        world.claim("blocked", &blocked).await;
        world.claim("releasing", &releasing).await;
        world.until("blocked", PURCHASED).await;
        world.until("releasing", PURCHASED).await;

        world.vobiz.set_status(&blocked, NumberStatus::Blocked).unwrap();
        world.vobiz.set_status(&releasing, NumberStatus::PendingRelease).unwrap();
        let claim = world.until("blocked", NUMBER_BLOCKED).await;
        assert_eq!(claim["status"]["number"]["status"], "blocked");
        world.event(&claim, "NumberBlocked").await;
        let claim = world.until("releasing", NUMBER_RELEASING).await;
        assert_eq!(claim["status"]["number"]["status"], "pending_release");
        world.event(&claim, "NumberReleasing").await;

        world.vobiz.set_status(&blocked, NumberStatus::Active).unwrap();
        world.vobiz.set_status(&releasing, NumberStatus::Active).unwrap();
        for (name, number) in [("blocked", &blocked), ("releasing", &releasing)] {
            world.until(name, PURCHASED).await;
            assert_eq!(world.spent(number), (1, 1));
        }
    });
}

#[test]
fn a_number_that_is_pending_or_oddly_listed_is_not_ready_and_recovers() {
    run(async |world| {
        let (pending, unknown) = (world.stocked(), world.stocked());
        let answer = json!({ "number": {
            "e164": pending, "account_id": world.account, "status": "pending_purchase", "currency": "INR",
        }});
        world.arm(FaultRule::new(Target::Purchase, succeeds(&answer)).e164(&pending));
        let operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        world.claim("pending", &pending).await;
        world.claim("unknown", &unknown).await;
        // At once, by the answer to the purchase, and still so by the list.
        let claim = world.until("pending", NUMBER_PENDING).await;
        world.vobiz.set_status(&pending, NumberStatus::PendingPurchase).unwrap();
        assert_eq!(world.event(&claim, "NumberPending").await["type"], "Normal");
        world.until("unknown", PURCHASED).await;
        world.vobiz.set_status(&unknown, NumberStatus::Suspended).unwrap();
        let claim = world.until("unknown", NUMBER_STATUS_UNKNOWN).await;
        assert_eq!(claim["status"]["number"]["status"], "suspended");
        assert!(message(&claim).contains("suspended"), "{}", message(&claim));
        world.event(&claim, "NumberStatusUnknown").await;
        let record = world.record(&unknown).await.unwrap();
        assert_eq!((state(&record), &record["status"]["number"]["status"]), ("Bound", &json!("suspended")));

        let _operator = operator.restart().await;
        world.served().await;
        world.until("pending", NUMBER_PENDING).await;
        world.until("unknown", NUMBER_STATUS_UNKNOWN).await;
        for (name, number) in [("pending", &pending), ("unknown", &unknown)] {
            world.vobiz.set_status(number, NumberStatus::Active).unwrap();
            world.until(name, PURCHASED).await;
            assert_eq!(world.spent(number), (1, 1));
        }
    });
}

/// The purchase is made, and answered like that.
fn succeeds(answer: &serde_json::Value) -> Fault {
    let (body, content_type) = (answer.to_string(), "application/json".into());
    Fault::Status { code: 200, body, content_type, headers: [].into(), commit: true }
}

#[test]
fn a_number_that_is_handed_to_a_sub_account_has_moved_and_comes_back() {
    run(async |world| {
        let (number, sub) = (world.stocked(), world.account.replace("MA_", "SA_"));
        world.vobiz.put_account(Account::new(&sub, token(&sub)).with_parent(&world.account));
        let operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        world.vobiz.put_owned(OwnedNumber::new(&number, &sub)).unwrap();
        let claim = world.until("office", NUMBER_MOVED).await;
        assert!(message(&claim).contains(&sub), "{}", message(&claim));
        world.event(&claim, "NumberMoved").await;
        let record = world.record(&number).await.unwrap();
        assert_eq!((state(&record), &record["status"]["verification"]["owner"]), ("Bound", &json!(sub)));

        let _operator = operator.restart().await;
        world.served().await;
        world.until("office", NUMBER_MOVED).await;
        world.vobiz.put_owned(OwnedNumber::new(&number, &world.account)).unwrap();
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_number_adopted_while_it_is_released_is_bought_only_by_a_new_claim() {
    run(async |world| {
        let number = world.stocked();
        let releasing = OwnedNumber::new(&number, &world.account).with_status(NumberStatus::PendingRelease);
        world.vobiz.put_owned(releasing).unwrap();
        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        world.claim("office", &number).await;
        world.until("office", NUMBER_RELEASING).await;
        world.vobiz.remove_number(&number, true).unwrap();
        let claim = world.until("office", NUMBER_LOST).await;
        let words = message(&claim);
        assert!(words.contains("adopted, and not bought") && words.contains("released"), "{words}");
        world.served().await;
        assert_eq!(world.spent(&number), (0, 0));

        world.delete("office").await;
        let commands = &words[words.find("kubectl ").expect("there is no command")..];
        world.cluster.type_command(commands).await;
        world.until_no_record(&number).await;
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_number_missing_from_two_listings_is_lost_and_not_bought_again() {
    run(async |world| {
        let number = world.stocked();
        let operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        let removed = Timestamp::now();
        world.vobiz.remove_number(&number, true).unwrap();
        let claim = world.until("office", NUMBER_LOST).await;
        world.event(&claim, "NumberLost").await;
        let record = world.record(&number).await.unwrap();
        assert_eq!(
            (state(&record), &record["status"]["verification"]["ownership"]),
            ("Bound", &json!("Absent"))
        );
        let found: Timestamp = record["status"]["verification"]["at"].as_str().unwrap().parse().unwrap();
        assert!(found.duration_since(removed).as_secs() >= 60, "{found} is too soon after {removed}");

        // Though it is for sale again.
        let _operator = operator.restart().await;
        world.served().await;
        world.until("office", NUMBER_LOST).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}
