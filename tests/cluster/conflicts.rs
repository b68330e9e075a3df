//! One number serves one claim.

use serde_json::json;
use vobiz_sim::OwnedNumber;

use crate::{
    harness::{eventually, run},
    table::{ADOPTED, CONFLICT, NUMBER_NOT_FOUND, PURCHASED, condition, message},
    world::{claim_path, claimed, record_path, token},
};

#[test]
fn twenty_claims_for_one_number_are_one_purchase_and_nineteen_conflicts() {
    run(async |world| {
        let number = world.stocked();
        let names: Vec<_> = (0..20).map(|index| format!("office-{index}")).collect();
        for name in &names {
            world.claim(name, &number).await;
        }
        let _operator = world.operator();
        let record = world.until_record(&number, |record| claimed(record) == Some("True")).await;
        let winner = record["spec"]["claimRef"]["name"].as_str().unwrap();
        world.until(winner, PURCHASED).await;
        for name in names.iter().filter(|name| *name != winner) {
            let claim = world.until(name, CONFLICT).await;
            assert!(
                message(&claim).contains(&format!("{}/{winner}", world.namespace)),
                "{}",
                message(&claim)
            );
            assert_eq!(claim["status"].get("number"), None);
            world.event(&claim, "Conflict").await;
        }
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn the_loser_takes_over_when_the_winner_leaves_without_having_bought() {
    run(async |world| {
        let number = world.number();
        let _operator = world.operator();
        world.claim("winner", &number).await;
        world.until("winner", NUMBER_NOT_FOUND).await;
        world.claim("loser", &number).await;
        world.until("loser", CONFLICT).await;
        world.until("winner", NUMBER_NOT_FOUND.settled()).await;
        world.until("loser", CONFLICT).await;
        assert_eq!(world.spent(&number), (1, 0));

        world.stock(&number);
        world.delete("winner").await;
        world.until("loser", PURCHASED).await;
        assert_eq!(world.spent(&number), (2, 1));
        assert_eq!(world.record(&number).await.unwrap()["spec"]["claimRef"]["name"], "loser");
    });
}

#[test]
fn the_loser_inherits_what_the_winner_has_bought_at_no_cost() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("winner", &number).await;
        world.until("winner", PURCHASED).await;
        world.claim("loser", &number).await;
        world.until("loser", CONFLICT).await;
        world.delete("winner").await;
        world.until("loser", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn only_an_administrator_hands_a_number_to_another_namespace() {
    run(async |world| {
        let number = world.stocked();
        let other = world.other_namespace().await;
        let third = format!("{}-third", world.namespace);
        world.create_namespace(&third).await;
        let all = format!("{},{other},{third}", world.namespace);
        let _operator = world.setup().env("WATCH_NAMESPACES", all).start();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        // Older than the claim that it is meant for: a reference that is merely cleared would go to this one.
        world.claim_in(&third, "squatter", &json!({ "e164": number }), &json!({})).await;
        world.until_in(&third, "squatter", CONFLICT).await;
        world.delete("office").await;
        world.until_record(&number, |record| claimed(record) == Some("False")).await;

        world.claim_in(&other, "office", &json!({ "e164": number }), &json!({})).await;
        let claim = world.until_in(&other, "office", CONFLICT).await;
        let words = message(&claim);
        let theirs = format!("{}/", world.namespace);
        assert!(!words.contains(&theirs), "another namespace's claim is named: {words}");
        let command = &words[words.find("kubectl ").expect("there is no command")..];
        world.cluster.type_command(command).await;
        world.until_in(&other, "office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
        let record = world.until_record(&number, |record| claimed(record) == Some("True")).await;
        assert_eq!(record["spec"]["claimRef"]["namespace"], other.as_str());
        world.until_in(&third, "squatter", CONFLICT).await;
        world.served().await;
        world.until_in(&other, "office", PURCHASED).await;
        assert_eq!(world.record(&number).await.unwrap()["spec"]["claimRef"]["namespace"], other.as_str());
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_number_of_an_unwatched_namespace_is_left_alone() {
    run(async |world| {
        let number = world.stocked();
        let other = world.other_namespace().await;
        let _here = world.operator();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        let there = world.setup().env("WATCH_NAMESPACES", &other).start();
        world.claim_in(&other, "office", &json!({ "e164": number }), &json!({})).await;
        world.until_in(&other, "office", CONFLICT).await;
        there.stop().await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_record_of_another_account_is_never_acted_on() {
    run(async |world| {
        let number = world.stocked();
        let stranger = format!("{}_STRANGER", world.account);
        let account = vobiz_sim::Account::new(&stranger, token(&stranger)).with_balance("INR", 1000);
        world.vobiz.put_account(account);
        let operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        operator.stop().await;
        let before = world.record(&number).await.unwrap();
        // The other account even owns the number by now.
        world.vobiz.put_owned(OwnedNumber::new(&number, &stranger)).unwrap();

        let theirs = world.setup().env("VOBIZ_AUTH_ID", &stranger).env("VOBIZ_AUTH_TOKEN", token(&stranger));
        let _operator = theirs.start();
        // What was bought stays bought, and its claim learns why nothing is read of it.
        let claim = eventually("the account is named", async || {
            let claim = world.until("office", PURCHASED).await;
            if message(&claim).contains("is declared no more") { Ok(claim) } else { Err(message(&claim)) }
        })
        .await;
        assert!(message(&claim).contains(&world.account), "{}", message(&claim));
        world.served().await;
        assert_eq!(world.record(&number).await.unwrap(), before);
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn two_operators_for_the_same_claims_buy_each_number_once() {
    run(async |world| {
        let numbers: Vec<_> = (0..20).map(|_| world.stocked()).collect();
        let _first = world.operator();
        let _second = world.operator();
        for (index, number) in numbers.iter().enumerate() {
            world.claim(&format!("office-{index}"), number).await;
        }
        for (index, number) in numbers.iter().enumerate() {
            let path = claim_path(&world.namespace, &format!("office-{index}"));
            eventually("both are content", async || {
                let claim = world.cluster.get(&path).await.unwrap();
                let ready = condition(&claim, "Ready").map(|ready| ready["status"] == "True");
                if ready == Some(true) { Ok(()) } else { Err(claim["status"].to_string()) }
            })
            .await;
            assert_eq!(world.spent(number), (1, 1), "{index}");
        }
    });
}

#[test]
fn the_record_of_a_bought_number_stays_until_an_administrator_forgets_it() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;

        // The record of a bought number does not go, unless an administrator forgets it.
        let name = &number[1..];
        world.cluster.kubectl(&["delete", "pn", name, "--wait=false"]).await;
        world.served().await;
        let record = world.record(&number).await.expect("the record went");
        assert_ne!(record["metadata"]["deletionTimestamp"], serde_json::Value::Null);
        world.until("office", PURCHASED).await;

        let forgotten = record["metadata"]["uid"].clone();
        let annotation = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/forget": "true" } } });
        world.cluster.merge(&record_path(&number), &annotation).await;
        world.until("office", ADOPTED).await;
        assert_ne!(world.record(&number).await.unwrap()["metadata"]["uid"], forgotten);
        assert_eq!(world.spent(&number), (1, 1));
    });
}
