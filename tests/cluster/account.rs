//! Whose number it is, and who pays.

use serde_json::json;
use vobiz_sim::{
    Account, Fault, FaultRule, LedgerEntry, NumberStatus, OwnedNumber, RowStatus, RowType, Target,
};

use crate::{
    harness::run,
    table::{
        ADOPTED, CONFLICT, INSUFFICIENT_BALANCE, NEEDS_DECISION, NUMBER_NOT_FOUND, PURCHASED, REJECTED,
        message,
    },
    world::{World, state, token},
};

/// A sub-account of this world's account, without money.
fn sub_account(world: &World) -> String {
    let sub = world.account.replace("MA_", "SA_");
    world.vobiz.put_account(Account::new(&sub, token(&sub)).with_parent(&world.account));
    sub
}

#[test]
fn a_sub_account_buys_and_its_master_account_pays() {
    run(async |world| {
        let sub = sub_account(&world);
        let number = world.stocked();
        let setup = world.setup().env("VOBIZ_AUTH_ID", &sub).env("VOBIZ_AUTH_TOKEN", token(&sub));
        let _operator = setup.start();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        let debits = world.journal().debits;
        assert_eq!(debits.len(), 1);
        assert_eq!((&debits[0].buyer, &debits[0].account), (&sub, &world.account));
        assert_eq!(debits[0].amount, 52.into());
        assert_eq!(world.vobiz.owner(&number), Some(sub.clone()));
        assert_eq!(world.record(&number).await.unwrap()["spec"]["account"], sub.as_str());
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_reply_to_a_sub_account_that_is_lost_ends_purchased_with_one_debit() {
    run(async |world| {
        let sub = sub_account(&world);
        let number = world.stocked();
        world.vobiz.arm(FaultRule::new(Target::Purchase, Fault::CommitThenDrop).account(&sub));
        let setup = world.setup().env("VOBIZ_AUTH_ID", &sub).env("VOBIZ_AUTH_TOKEN", token(&sub));
        let _operator = setup.start();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_number_of_another_account_is_never_taken_for_ours() {
    run(async |world| {
        let stranger = format!("{}_STRANGER", world.account);
        world.vobiz.put_account(Account::new(&stranger, token(&stranger)));
        let (strangers, released) = (world.number(), world.number());
        world.vobiz.put_owned(OwnedNumber::new(&strangers, &stranger)).unwrap();
        let given_back = OwnedNumber::new(&released, &world.account).with_status(NumberStatus::Released);
        world.vobiz.put_owned(given_back).unwrap();
        let _operator = world.operator();
        let numbers = [("strangers", &strangers), ("released", &released)];
        for (name, number) in numbers {
            world.claim(name, number).await;
        }
        for (name, number) in numbers {
            let claim = world.until(name, NUMBER_NOT_FOUND.settled()).await;
            assert_eq!(claim["status"].get("number"), None);
            assert_eq!(state(&world.record(number).await.unwrap()), "Failed", "{name}");
            assert_eq!(world.spent(number), (1, 0), "{name}");
        }
    });
}

#[test]
fn a_number_of_the_family_costs_no_call_and_is_adopted_once_ours() {
    run(async |world| {
        let sub = sub_account(&world);
        let (subs, freed) = (world.number(), world.stocked());
        for number in [&subs, &freed] {
            world.vobiz.put_owned(OwnedNumber::new(number, &sub)).unwrap();
        }
        let _operator = world.setup().env("VOBIZ_RESYNC_INTERVAL", "2s").start();
        for (name, number) in [("subs", &subs), ("freed", &freed)] {
            world.claim(name, number).await;
            let claim = world.until(name, CONFLICT).await;
            assert!(message(&claim).contains(&sub), "{}", message(&claim));
            world.event(&claim, "Conflict").await;
        }
        world.served().await;
        for (name, number) in [("subs", &subs), ("freed", &freed)] {
            world.until(name, CONFLICT).await;
            assert_eq!((world.record(number).await, world.spent(number)), (None, (0, 0)), "{name}");
        }
        world.vobiz.put_owned(OwnedNumber::new(&subs, &world.account)).unwrap();
        world.vobiz.remove_number(&freed, true).unwrap();
        world.until("subs", ADOPTED).await;
        world.until("freed", PURCHASED).await;
        assert_eq!((world.spent(&subs), world.spent(&freed)), ((0, 0), (1, 1)));
    });
}

/// A debit of the right sum for another number.
fn paid_for(world: &World, number: &str) -> LedgerEntry {
    LedgerEntry {
        account: world.account.clone(),
        kind: RowType::Debit,
        amount: 52.into(),
        currency: "INR".into(),
        description: String::new(),
        reference: Some(number.to_owned()),
        reference_type: Some("did_purchase".into()),
        status: RowStatus::Completed,
        at: None,
    }
}

#[test]
fn a_longer_number_that_contains_ours_is_never_taken_for_ours() {
    run(async |world| {
        let (stocked, missing) = (world.stocked(), world.number());
        for number in [&stocked, &missing] {
            let longer = format!("{number}7");
            world.vobiz.put_owned(OwnedNumber::new(&longer, &world.account)).unwrap();
            world.vobiz.put_ledger(paid_for(&world, &longer)).unwrap();
        }
        let _operator = world.operator();
        world.claim("stocked", &stocked).await;
        world.claim("missing", &missing).await;
        world.until("stocked", PURCHASED).await;
        world.until("missing", NUMBER_NOT_FOUND.settled()).await;
        assert_eq!((world.spent(&stocked), world.spent(&missing)), ((1, 1), (1, 0)));
    });
}

/// Claims for whose purchases a Vobiz without any other endpoint has an answer each, and their numbers.
async fn claim_each_answer(world: &World) -> Vec<String> {
    let refused = [
        ("not-found", 404, r#"{"error":"not found","message":"number not found in inventory"}"#),
        ("no-money", 402, r#"{"status":"error","error":{"code":"INSUFFICIENT_BALANCE","message":"short"}}"#),
        (
            "failed",
            500,
            r#"{"error":"internal server error","message":"failed to purchase number from provider"}"#,
        ),
        ("rejected", 422, r#"{"error":"unprocessable","message":"KYC is missing"}"#),
    ];
    let mut numbers = vec![world.stocked()];
    world.claim("bought", &numbers[0]).await;
    for (name, code, body) in refused {
        let number = world.stocked();
        world.arm(FaultRule::new(Target::Purchase, Fault::status(code, body)).e164(&number));
        world.claim(name, &number).await;
        numbers.push(number);
    }
    numbers
}

#[test]
fn without_reads_every_documented_outcome_has_its_condition() {
    run(async |world| {
        world.arm(FaultRule::new(Target::AnyRead, Fault::MissingEndpoint).forever());
        let _operator = world.unhurried().start();
        let numbers = claim_each_answer(&world).await;
        let lost = world.stocked();
        world.arm(FaultRule::new(Target::Purchase, Fault::CommitThenDrop).e164(&lost));
        world.claim("lost", &lost).await;

        world.until("bought", PURCHASED).await;
        let rows = [
            ("not-found", NUMBER_NOT_FOUND),
            ("no-money", INSUFFICIENT_BALANCE),
            ("failed", INSUFFICIENT_BALANCE),
            ("rejected", REJECTED),
        ];
        for (name, row) in rows {
            world.until(name, row).await;
        }
        for (name, row) in rows {
            let claim = world.until(name, row.settled()).await;
            assert!(message(&claim).contains("no list or ledger"), "{name}: {}", message(&claim));
        }
        // Nobody can know what became of this one, so nobody guesses.
        world.until("lost", NEEDS_DECISION).await;
        let spent: Vec<_> = numbers.iter().map(|number| world.spent(number)).collect();
        assert_eq!(spent, [(1, 1), (1, 0), (1, 0), (1, 0), (1, 0)]);
        assert_eq!(world.spent(&lost), (1, 1));
        assert_eq!(world.record(&numbers[0]).await.unwrap()["status"]["number"]["currency"], json!("INR"));
    });
}

#[test]
fn a_number_on_a_later_page_of_the_list_is_adopted() {
    run(async |world| {
        let owned: Vec<_> = (0..230).map(|_| world.number()).collect();
        for number in &owned {
            world.vobiz.put_owned(OwnedNumber::new(number, &world.account)).unwrap();
        }
        let _operator = world.operator();
        let claimed = [0, 99, 100, 150, 200, 229];
        for index in claimed {
            world.claim(&format!("office-{index}"), &owned[index]).await;
        }
        for index in claimed {
            world.until(&format!("office-{index}"), ADOPTED).await;
            assert_eq!(world.spent(&owned[index]), (0, 0));
        }
    });
}
