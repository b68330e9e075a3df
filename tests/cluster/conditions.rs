//! The rows of the table: what a claim is told in each case.

use serde_json::json;
use vobiz_sim::{Fault, FaultRule, InventoryNumber, NumberStyle, OwnedNumber, Shape, Target};

use crate::{
    harness::run,
    table::{ADOPTED, NUMBER_NOT_FOUND, PURCHASED, PURCHASING, REJECTED, message},
    world::{claimed, state},
};

#[test]
fn a_bought_number_is_described_in_full() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        let claim = world.until("office", PURCHASED).await;
        let bought = &claim["status"]["number"];
        assert_eq!(bought["status"], "active");
        assert_eq!((&bought["country"], &bought["region"]), (&json!("IN"), &json!("Goa")));
        assert_eq!((&bought["setupFee"], &bought["monthlyFee"]), (&json!("50"), &json!("2")));
        assert_eq!(bought["currency"], "INR");
        assert_eq!(bought["capabilities"]["voice"], true);
        assert!(bought["purchasedAt"].as_str().unwrap().ends_with('Z'), "{bought}");
        let owned = world.vobiz.owned(Some(&world.account));
        assert_eq!(bought["id"].as_str(), owned[0].id.as_deref());
        assert_eq!(claim["status"]["phoneNumberRef"]["name"], number[1..]);

        let record = world.record(&number).await.unwrap();
        assert_eq!((state(&record), claimed(&record)), ("Bound", Some("True")));
        assert_eq!(record["spec"]["attempt"]["origin"], "Purchase");
        assert_eq!(&record["status"]["number"], bought);
        assert_eq!(world.event(&claim, "Purchased").await["type"], "Normal");
        assert_eq!(world.spent(&number), (1, 1));
        let post = world.journal().requests.into_iter().find(|request| request.e164.is_some()).unwrap();
        assert_eq!(post.currency, None, "a currency that was not asked for is left to Vobiz");
        assert!(post.user_agent.unwrap().starts_with("vobiz-operator/"));
    });
}

#[test]
fn a_claim_with_the_longest_name_is_told_like_any_other() {
    run(async |world| {
        let name = "a.b-c".repeat(50) + "-de";
        assert_eq!(name.len(), 253);
        let number = world.stocked();
        let _operator = world.operator();
        world.claim(&name, &number).await;
        let claim = world.until(&name, PURCHASED).await;
        let event = world.event(&claim, "Purchased").await;
        assert_eq!(event["regarding"]["name"], name.as_str());
        assert_eq!(event["reportingController"], "vobiz-operator");
        let record = world.record(&number).await.unwrap();
        assert_eq!(record["spec"]["claimRef"]["name"], name.as_str());
    });
}

#[test]
fn the_other_documented_answer_is_read_as_well_and_its_fees_to_the_digit() {
    run(async |world| {
        let number = world.number();
        let mut listed = InventoryNumber::new(&number, "USD", 0, 1).with_shape(Shape::B);
        listed.fees = Some(NumberStyle::Float);
        world.vobiz.put_number(listed).unwrap();
        let _operator = world.operator();
        let spec = json!({ "e164": number, "currency": "USD" });
        world.claim_in(&world.namespace, "office", &spec, &json!({})).await;
        let claim = world.until("office", PURCHASED).await;
        let bought = &claim["status"]["number"];
        assert_eq!((&bought["setupFee"], &bought["monthlyFee"]), (&json!("0.0"), &json!("1.0")));
        assert_eq!(bought["currency"], "USD");
        assert_eq!(world.spent(&number), (1, 1));
        let post = world.journal().requests.into_iter().find(|request| request.e164.is_some()).unwrap();
        assert_eq!(post.currency.as_deref(), Some("USD"));
        assert_eq!(world.record(&number).await.unwrap()["spec"]["attempt"]["currency"], "USD");
    });
}

#[test]
fn a_number_that_the_account_owns_already_is_adopted_and_not_bought() {
    run(async |world| {
        let number = world.number();
        world.vobiz.put_owned(OwnedNumber::new(&number, &world.account)).unwrap();
        let _operator = world.operator();
        world.claim("office", &number).await;
        let claim = world.until("office", ADOPTED).await;
        assert_eq!(claim["status"]["number"]["status"], "active");
        let record = world.record(&number).await.unwrap();
        assert_eq!((state(&record), &record["spec"]["attempt"]["origin"]), ("Bound", &json!("Adoption")));
        assert_eq!(world.event(&claim, "Adopted").await["type"], "Normal");
        assert_eq!(world.spent(&number), (0, 0));
    });
}

#[test]
fn a_number_not_in_stock_is_told_at_once_and_for_good_once_verified() {
    run(async |world| {
        let number = world.number();
        let _operator = world.operator();
        world.claim("office", &number).await;
        let claim = world.until("office", NUMBER_NOT_FOUND).await;
        assert!(message(&claim).contains("number not found in inventory"), "{}", message(&claim));
        assert_eq!(state(&world.record(&number).await.unwrap()), "Open");
        assert_eq!(world.event(&claim, "NumberNotFound").await["type"], "Warning");

        let claim = world.until("office", NUMBER_NOT_FOUND.settled()).await;
        assert!(message(&claim).contains("number not found in inventory"), "{}", message(&claim));
        assert!(message(&claim).contains("telephony.vobiz.ai/retry"), "{}", message(&claim));
        assert_eq!(state(&world.record(&number).await.unwrap()), "Failed");
        assert_eq!(world.spent(&number), (1, 0));
    });
}

#[test]
fn every_other_refusal_is_rejected_in_the_words_of_vobiz() {
    run(async |world| {
        let refused = [400, 403, 409, 422].map(|code| (code, world.stocked()));
        for (code, number) in &refused {
            let body = json!({ "error": "no", "message": format!("because of {code}") }).to_string();
            world.arm(FaultRule::new(Target::Purchase, Fault::status(*code, body)).e164(number).forever());
        }
        let _operator = world.unhurried().start();
        for (code, number) in &refused {
            world.claim(&format!("office-{code}"), number).await;
        }
        for row in [REJECTED, REJECTED.settled()] {
            for (code, number) in &refused {
                let claim = world.until(&format!("office-{code}"), row).await;
                assert!(message(&claim).contains(&format!("because of {code}")), "{}", message(&claim));
                assert_eq!(world.event(&claim, "Rejected").await["type"], "Warning");
                assert_eq!(world.spent(number), (1, 0));
            }
        }
        for (_, number) in &refused {
            assert_eq!(state(&world.record(number).await.unwrap()), "Failed");
        }
    });
}

#[test]
fn a_purchase_that_takes_long_is_shown_while_it_lasts() {
    run(async |world| {
        let number = world.stocked();
        let slow = Fault::Hold { at: vobiz_sim::HoldAt::Before };
        world.arm(FaultRule::new(Target::Purchase, slow));
        let _operator = world.patient().start();
        world.claim("office", &number).await;
        world.held(&number).await;
        let claim = world.until("office", PURCHASING).await;
        assert_eq!(claim["status"]["phoneNumberRef"]["name"], number[1..]);
        world.release();
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}
