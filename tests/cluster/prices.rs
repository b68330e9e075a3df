//! Ceilings: nothing is sent above one, or at a price that is not known; and what is charged beyond the quote is told.

use std::time::Duration;

use faults::{
    call::Call,
    trap::{Moment, Release, Trap},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use vobiz_sim::{Fault, FaultRule, InventoryNumber, Operation, OwnedNumber, Price, PriceField, Target};

use crate::{
    caught::hold,
    harness::{eventually, run},
    health::{address, samples, served},
    operator::Setup,
    table::{ADOPTED, NUMBER_NOT_FOUND, PRICE_EXCEEDED, PRICE_UNKNOWN, PURCHASED, condition, message},
    world::{World, state},
};

/// Looks at the prices again every second.
pub fn impatient(world: &World) -> Setup {
    world.setup().env("VOBIZ_RESYNC_INTERVAL", "1s")
}

/// A number that costs 50 INR and 52 INR a month.
pub fn offered(world: &World) -> InventoryNumber {
    InventoryNumber::new(world.number(), "INR", 50, 52)
}

/// Offers a number, and claims it for so much a month at most.
pub async fn claim(world: &World, name: &str, offer: InventoryNumber, monthly: &str) -> String {
    let number = offer.e164.clone();
    world.vobiz.put_number(offer).unwrap();
    let spec = json!({ "e164": number, "maxPrice": { "currency": "INR", "monthlyFee": monthly } });
    world.claim_in(&world.namespace, name, &spec, &json!({})).await;
    number
}

fn reads(journal: &vobiz_sim::Journal) -> usize {
    journal.requests.iter().filter(|request| request.operation == Operation::Inventory).count()
}

/// Waits until the inventory has been read so often more.
pub async fn looked_again(world: &World, times: usize) {
    let before = reads(&world.journal());
    world.asked(|journal| reads(journal) >= before + times).await;
}

pub async fn events(world: &World, claim: &Value, reason: &str) -> usize {
    let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", world.namespace);
    let events = world.cluster.get(&path).await.unwrap();
    let about =
        |event: &&Value| event["regarding"]["uid"] == claim["metadata"]["uid"] && event["reason"] == reason;
    events["items"].as_array().unwrap().iter().filter(about).count()
}

async fn until_price(world: &World, name: &str, as_quoted: &str) -> Value {
    eventually(&format!("{name} has PriceAsQuoted={as_quoted}"), async || {
        let claim = world.get(name).await.unwrap();
        let said = condition(&claim, "PriceAsQuoted").is_some_and(|said| said["status"] == as_quoted);
        if said { Ok(claim) } else { Err(claim["status"].to_string()) }
    })
    .await
}

#[test]
fn a_price_above_the_ceiling_waits_until_the_ceiling_is_raised() {
    run(async |world| {
        let operator = impatient(&world).start();
        let number = claim(&world, "office", offered(&world), "51.99").await;
        let held = world.until("office", PRICE_EXCEEDED).await;
        for words in ["a monthly fee of 52 INR", "a monthly fee of 51.99 INR", "Nothing was sent"] {
            assert!(message(&held).contains(words), "{words}: {}", message(&held));
        }
        let quote = &held["status"]["quote"];
        assert_eq!(
            (&quote["setupFee"], &quote["monthlyFee"], &quote["currency"]),
            (&json!("50"), &json!("52"), &json!("INR"))
        );
        world.event(&held, "PriceExceeded").await;
        // It is looked at again, and again after a restart: without a write, and without another event.
        looked_again(&world, 3).await;
        let operator = operator.restart().await;
        looked_again(&world, 2).await;
        assert_eq!(world.get("office").await.unwrap(), held);
        assert_eq!(events(&world, &held, "PriceExceeded").await, 1);
        assert!(world.record(&number).await.is_none());
        assert_eq!(world.spent(&number), (0, 0));

        let message = message(&held);
        let command = &message[message.find("kubectl ").unwrap()..message.find("}'").unwrap() + 2];
        world.cluster.type_command(command).await;
        let bought = world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
        let attempt = &world.record(&number).await.unwrap()["spec"]["attempt"];
        assert_eq!(attempt["quote"]["monthlyFee"], "52");
        assert_eq!((&bought["status"]["quote"], attempt.get("spentTokens")), (&attempt["quote"], None));
        let post = world.journal().requests.into_iter().find(|request| request.e164.is_some()).unwrap();
        assert_eq!(post.currency.as_deref(), Some("INR"));
        assert_eq!(condition(&bought, "PriceAsQuoted").unwrap()["status"], "True");
        drop(operator);
    });
}

#[test]
fn a_ceiling_that_is_lowered_while_the_claim_waits_holds_it_back() {
    run(async |world| {
        let setup = served(world.patient().env("PURCHASE_CONCURRENCY", "1"));
        let _operator = setup.start();
        let held = ["first", "second", "third"];
        for name in held {
            world.claim_held(name).await;
        }
        let number = claim(&world, "office", offered(&world), "52").await;
        samples(&address(&setup).await, &["purchase_queue_depth 1"]).await;
        let lowered = json!({ "spec": { "maxPrice": { "monthlyFee": "51" } } });
        world.cluster.merge(&world.claim_path("office"), &lowered).await;
        world.until("office", PRICE_EXCEEDED).await;
        assert_eq!(world.vobiz.release_all(None), 3);
        for name in held {
            world.until(name, PURCHASED).await;
        }
        world.served().await;
        assert_eq!(world.spent(&number), (0, 0));
        assert!(world.record(&number).await.is_none());
    });
}

#[test]
fn a_ceiling_that_is_lowered_once_the_intent_is_written_withholds_it() {
    run(async |world| {
        let offer = offered(&world);
        let intent = Trap { call: Call::CreateRecord, nth: 1, moment: Moment::Withheld };
        let (setup, _door, caught) = hold(&world, impatient(&world), intent, &offer.e164, "office").await;
        let _operator = setup.start();
        let number = claim(&world, "office", offer, "52").await;
        let written = caught.await.unwrap();
        let lowered = json!({ "spec": { "maxPrice": { "monthlyFee": "51" } } });
        world.cluster.merge(&world.claim_path("office"), &lowered).await;
        written.release.send(Release::Pass).unwrap();
        let record = world.until_record(&number, |record| state(record) == "Failed").await;
        assert_eq!(record["spec"]["attempt"]["answer"]["code"], "Withheld");
        world.until("office", PRICE_EXCEEDED).await;
        assert_eq!(world.spent(&number), (0, 0));
    });
}

#[test]
fn a_price_that_grew_old_in_the_queue_is_read_in_the_turn() {
    run(async |world| {
        let offer = offered(&world);
        let intent = Trap { call: Call::CreateRecord, nth: 1, moment: Moment::Before };
        let setup = served(world.patient().env("PURCHASE_CONCURRENCY", "1"));
        let (setup, _door, caught) = hold(&world, setup, intent, &offer.e164, "office").await;
        let _operator = setup.start();
        for name in ["first", "second", "third"] {
            world.claim_held(name).await;
        }
        let number = claim(&world, "office", offer, "52").await;
        samples(&address(&setup).await, &["purchase_queue_depth 1"]).await;
        // No price may be older than a minute.
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert_eq!(reads(&world.journal()), 1);
        assert_eq!(world.vobiz.release_all(None), 3);
        // The readings are counted while the intent is held on its way: an API server that hangs later has more of them made.
        let intent = caught.await.unwrap();
        assert_eq!((reads(&world.journal()), world.spent(&number)), (2, (0, 0)));
        // It took no second turn.
        samples(&address(&setup).await, &["purchase_queue_latency_seconds_count 4"]).await;
        intent.release.send(Release::Pass).unwrap();
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn what_is_charged_beyond_the_quote_is_told_once_and_bought_once() {
    run(async |world| {
        let setup = served(impatient(&world));
        let operator = setup.start();
        let charged = Price { currency: "INR".into(), setup_fee: 60.into(), monthly_fee: 52.into() };
        let dearer = InventoryNumber { charged: Some(charged), ..offered(&world) };
        let dear = claim(&world, "dear", dearer, "52").await;
        let fair = claim(&world, "fair", offered(&world), "52").await;
        world.until("dear", PURCHASED).await;
        world.until("fair", PURCHASED).await;
        let claim = until_price(&world, "dear", "False").await;
        let told = condition(&claim, "PriceAsQuoted").unwrap();
        let words = told["message"].as_str().unwrap();
        assert!(words.contains("50 INR") && words.contains("60 INR"), "{words}");
        assert_eq!(told["reason"], "FeeDiffers");
        assert_eq!(world.event(&claim, "FeeDiffers").await["type"], "Warning");
        // The fee rises later.
        until_price(&world, "fair", "True").await;
        let rise =
            OwnedNumber { monthly_fee: Some(Decimal::from(53)), ..OwnedNumber::new(&fair, &world.account) };
        world.vobiz.put_owned(rise).unwrap();
        let risen = until_price(&world, "fair", "False").await;
        world.event(&risen, "FeeDiffers").await;
        world.until("fair", PURCHASED).await;
        samples(&address(&setup).await, &["fee_differs_total 2"]).await;

        let _operator = operator.restart().await;
        world.served().await;
        for (claim, number) in [(&claim, &dear), (&risen, &fair)] {
            assert_eq!(events(&world, claim, "FeeDiffers").await, 1);
            assert_eq!(world.spent(number), (1, 1));
        }
    });
}

#[test]
fn what_is_not_a_known_price_in_the_ceilings_currency_is_not_paid() {
    run(async |world| {
        let _operator = impatient(&world).start();
        let lacks = |field| InventoryNumber { lacks: vec![field], ..offered(&world) };
        let garbled = InventoryNumber { garbles: vec![PriceField::MonthlyFee], ..offered(&world) };
        let fault = |code| {
            let offer = offered(&world);
            world.arm(
                FaultRule::new(Target::Inventory, Fault::status(code, "{}")).e164(&offer.e164).forever(),
            );
            offer
        };
        let absent = InventoryNumber { status: vobiz_sim::NumberStatus::Blocked, ..offered(&world) };
        let mut numbers = Vec::new();
        for (name, offer, row) in [
            ("dollars", InventoryNumber::new(world.number(), "USD", 0, 1), PRICE_EXCEEDED),
            ("lacks-fee", lacks(PriceField::MonthlyFee), PRICE_UNKNOWN),
            ("lacks-currency", lacks(PriceField::Currency), PRICE_UNKNOWN),
            ("garbled", garbled, PRICE_UNKNOWN),
            ("absent", absent, NUMBER_NOT_FOUND.settled()),
            ("fails", fault(500), PRICE_UNKNOWN),
            ("no-endpoint", fault(404), PRICE_UNKNOWN),
        ] {
            numbers.push((name, claim(&world, name, offer, "52").await, row));
        }
        for (name, _, row) in &numbers {
            let claim = world.until(name, *row).await;
            world.event(&claim, row.reason).await;
        }
        // Others are bought meanwhile, and a fee that the ceiling does not name may be missing.
        let number = claim(&world, "lacks-other", lacks(PriceField::SetupFee), "52").await;
        world.until("lacks-other", PURCHASED).await;
        world.served().await;
        assert_eq!(world.spent(&number), (1, 1));
        for (_, number, _) in &numbers {
            assert_eq!(world.spent(number), (0, 0));
            assert!(world.record(number).await.is_none());
        }

        for (_, number, _) in &numbers {
            world.vobiz.put_number(InventoryNumber::new(number, "INR", 50, 52)).unwrap();
        }
        world.vobiz.disarm(None);
        for (name, number, _) in &numbers {
            world.until(name, PURCHASED).await;
            assert_eq!(world.spent(number), (1, 1));
        }
    });
}

#[test]
fn a_price_is_asked_for_only_where_a_ceiling_needs_it() {
    run(async |world| {
        let owned = world.number();
        world.vobiz.put_owned(OwnedNumber::new(&owned, &world.account)).unwrap();
        let numbers = [world.stocked(), world.stocked(), world.number()];
        let _operator = impatient(&world).start();
        for (at, number) in numbers.iter().enumerate() {
            world.claim(&format!("office-{at}"), number).await;
        }
        // What is owned is adopted at any price.
        let spec = json!({ "e164": owned, "maxPrice": { "currency": "INR", "setupFee": "0" } });
        world.claim_in(&world.namespace, "owned", &spec, &json!({})).await;
        let adopted = world.until("owned", ADOPTED).await;
        assert_eq!((adopted["status"].get("quote"), condition(&adopted, "PriceAsQuoted")), (None, None));
        for (name, row) in
            [("office-0", PURCHASED), ("office-1", PURCHASED), ("office-2", NUMBER_NOT_FOUND.settled())]
        {
            let claim = world.until(name, row).await;
            assert_eq!((claim["status"].get("quote"), condition(&claim, "PriceAsQuoted")), (None, None));
        }
        world.served().await;
        assert_eq!(reads(&world.journal()), 0);

        let number = claim(&world, "priced", offered(&world), "52").await;
        world.until("priced", PURCHASED).await;
        assert_eq!((reads(&world.journal()), world.spent(&number)), (1, (1, 1)));
    });
}
