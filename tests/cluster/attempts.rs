//! After a failure: who may ask for another attempt, and how often.

use serde_json::json;
use vobiz_sim::{Account, AccountOptions, Fault, FaultRule, ShortBalance, Target};

use crate::{
    harness::run,
    table::{INSUFFICIENT_BALANCE, NEEDS_DECISION, NUMBER_NOT_FOUND, PURCHASED, message},
    world::{World, state, token},
};

#[test]
fn a_retry_token_works_once_and_only_once() {
    run(async |world| {
        let number = world.number();
        let operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", NUMBER_NOT_FOUND.settled()).await;
        world.retry("office", "once").await;
        attempt_settled(&world, &number, "once").await;
        assert_eq!(world.spent(&number), (2, 0));

        // The number is in stock now, but nobody has asked again: the token is spent, whoever reads it.
        world.stock(&number);
        let _operator = operator.restart().await;
        world.retry("office", "").await;
        world.retry("office", "once").await;
        world.served().await;
        assert_eq!(world.spent(&number), (2, 0));

        world.retry("office", "twice").await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (3, 1));
        let record = world.record(&number).await.unwrap();
        assert_eq!(record["spec"]["attempt"]["spentTokens"], json!(["once", "twice"]));
    });
}

/// Waits until an attempt that was asked for with that token has settled as not bought.
async fn attempt_settled(world: &World, number: &str, token: &str) {
    let spent = |record: &serde_json::Value| {
        let tokens = record["spec"]["attempt"]["spentTokens"].as_array();
        tokens.is_some_and(|tokens| tokens.contains(&json!(token)))
    };
    world.until_record(number, |record| spent(record) && state(record) == "Failed").await;
}

#[test]
fn a_retry_token_that_is_there_at_the_first_attempt_counts_as_used() {
    run(async |world| {
        let number = world.number();
        let _operator = world.operator();
        let annotations = json!({ "telephony.vobiz.ai/retry": "from-the-start" });
        world.claim_in(&world.namespace, "office", &json!({ "e164": number }), &annotations).await;
        world.until("office", NUMBER_NOT_FOUND.settled()).await;
        world.served().await;
        assert_eq!(world.spent(&number), (1, 0));
    });
}

#[test]
fn a_short_balance_names_the_sums_and_a_command_that_later_buys() {
    run(async |world| {
        let options = AccountOptions { short_balance: ShortBalance::Status402, ..AccountOptions::default() };
        let poor = Account::new(&world.account, token(&world.account)).with_balance("INR", 10);
        world.vobiz.put_account(poor.with_options(options));
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        let claim = world.until("office", INSUFFICIENT_BALANCE).await;
        assert!(message(&claim).contains("52 INR"), "{}", message(&claim));
        assert!(message(&claim).contains("10 INR"), "{}", message(&claim));
        world.event(&claim, "InsufficientBalance").await;
        let claim = world.until("office", INSUFFICIENT_BALANCE.settled()).await;
        assert_eq!(world.spent(&number), (1, 0));
        assert_eq!(state(&world.record(&number).await.unwrap()), "Failed");

        world.vobiz.set_balance(&world.account, "INR", 52).unwrap();
        world.cluster.type_command(&command(&message(&claim))).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (2, 1));
    });
}

/// The command line in a message.
fn command(message: &str) -> String {
    message[message.find("kubectl ").expect("there is no command")..].to_owned()
}

#[test]
fn the_documented_500_is_a_short_balance_with_sums_that_were_read() {
    run(async |world| {
        let poor = Account::new(&world.account, token(&world.account))
            .with_balance("INR", "10.50".parse::<rust_decimal::Decimal>().unwrap());
        world.vobiz.put_account(poor);
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        let claim = world.until("office", INSUFFICIENT_BALANCE).await;
        for words in ["52 INR", "10.5", "failed to purchase number from provider"] {
            assert!(message(&claim).contains(words), "{words}: {}", message(&claim));
        }
        let claim = world.until("office", INSUFFICIENT_BALANCE.settled()).await;
        assert!(message(&claim).contains("52 INR"), "{}", message(&claim));
        assert_eq!(world.spent(&number), (1, 0));
        assert_eq!(state(&world.record(&number).await.unwrap()), "Failed");
    });
}

/// Vobiz takes the money for a number and does not give it, until the claim needs a decision.
async fn undecided(world: &World) -> (String, serde_json::Value) {
    let number = world.stocked();
    world.arm(FaultRule::new(Target::Purchase, Fault::DebitWithoutAssignment).e164(&number));
    world.claim("office", &number).await;
    let claim = world.until("office", NEEDS_DECISION).await;
    world.event(&claim, "NeedsDecision").await;
    assert_eq!(world.spent(&number), (1, 1));
    (number, claim)
}

#[test]
fn a_debit_without_a_number_needs_a_decision_by_its_own_token() {
    run(async |world| {
        let operator = world.operator();
        let (number, claim) = undecided(&world).await;
        let record = world.record(&number).await.unwrap();
        let id = record["spec"]["attempt"]["id"].as_str().unwrap();
        assert_eq!(state(&record), "NeedsDecision");
        for words in [id, "52 INR"] {
            assert!(message(&claim).contains(words), "{words}: {}", message(&claim));
        }

        world.retry("office", "please").await;
        world.served().await;
        let _operator = operator.restart().await;
        world.served().await;
        world.until("office", NEEDS_DECISION).await;
        assert_eq!(world.spent(&number), (1, 1));

        world.cluster.type_command(&command(&message(&claim))).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (2, 2));
        let record = world.record(&number).await.unwrap();
        assert_ne!(record["spec"]["attempt"]["id"], id);
        assert_eq!(record["spec"]["attempt"]["spentTokens"], json!([id]));
    });
}

#[test]
fn ownership_that_appears_after_all_decides_by_itself() {
    run(async |world| {
        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        let (number, _) = undecided(&world).await;
        world.vobiz.put_owned(vobiz_sim::OwnedNumber::new(&number, &world.account)).unwrap();
        world.until("office", PURCHASED).await;
        assert_eq!(state(&world.record(&number).await.unwrap()), "Bound");
        assert_eq!(world.spent(&number), (1, 1));
    });
}
