//! Accounts that buy side by side: many claims in each, with one operator and with two of which one is killed; and beside
//! an account that is held.

use serde_json::json;
use vobiz_sim::{Fault, FaultRule, HoldAt, JournalFilter, Operation, Target};

use super::{alone, without_flags};
use crate::{
    leader::{replica, two},
    operator::Setup,
    table::{INVALID_CREDENTIALS, PURCHASED},
    world::World,
};

/// In each of the two accounts.
const CLAIMS: usize = 100;
const ACCOUNTS: [&str; 2] = ["red", "blue"];

fn claim_name(account: &str, index: usize) -> String {
    format!("{account}-{index}")
}

/// Declares both accounts, and claims numbers in both, in turn. Returns the numbers of each.
async fn claim_many(world: &World) -> [Vec<String>; 2] {
    for account in ACCOUNTS {
        world.account(account, json!({ "rateLimit": "100" })).await;
        world.vobiz.set_balance(&world.account_id(account), "INR", 10_000).unwrap();
    }
    let numbers = ACCOUNTS.map(|_| (0..CLAIMS).map(|_| world.stocked()).collect::<Vec<_>>());
    for index in 0..CLAIMS {
        for (account, numbers) in ACCOUNTS.iter().zip(&numbers) {
            world.claim_with(&claim_name(account, index), &numbers[index], account).await;
        }
    }
    numbers
}

/// Each account was asked for its own numbers, for each of them once, and has paid for each once.
async fn each_has_bought_its_own(world: &World, numbers: [Vec<String>; 2]) {
    for (account, numbers) in ACCOUNTS.iter().zip(numbers) {
        for index in 0..CLAIMS {
            world.until(&claim_name(account, index), PURCHASED).await;
        }
        let id = world.account_id(account);
        let debits = world.vobiz.journal(&JournalFilter::account(&id)).debits;
        assert!(debits.iter().all(|debit| debit.account == id && debit.buyer == id), "{account}");
        let mut paid: Vec<_> = debits.into_iter().map(|debit| debit.e164).collect();
        let mut posted = world.posted(account);
        posted.sort();
        paid.sort();
        assert_eq!((&posted, &paid), (&numbers, &numbers), "{account}");
        for number in &numbers {
            assert_eq!(world.vobiz.owner(number).as_ref(), Some(&id));
            assert_eq!(world.record(number).await.unwrap()["spec"]["account"], id.as_str());
        }
    }
}

#[test]
fn a_hundred_claims_in_each_of_two_accounts_are_one_post_each() {
    alone(async |world| {
        let _operator = without_flags(world).start();
        let numbers = claim_many(world).await;
        each_has_bought_its_own(world, numbers).await;
    });
}

#[test]
fn two_operators_of_which_one_is_killed_buy_once_in_each_account() {
    alone(async |world| {
        let replica = |name: &str| -> Setup {
            // Longer than it takes until one purchase of each account is held.
            let setup =
                replica(world, name).env("VOBIZ_PURCHASE_TIMEOUT", "10s").env("VOBIZ_SETTLE_TIME", "10s");
            setup.without("VOBIZ_AUTH_ID").without("VOBIZ_AUTH_TOKEN")
        };
        let numbers = claim_many(world).await;
        let on_their_way = [&numbers[0][CLAIMS / 2], &numbers[1][CLAIMS / 2]];
        for number in on_their_way {
            world.vobiz.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::After }).e164(number));
        }
        let [(_, leads), (_, _waits)] = two([replica("first.log"), replica("second.log")]).await;
        for number in on_their_way {
            world.held(number).await;
        }
        leads.kill9().await;
        world.vobiz.release_all(None);
        each_has_bought_its_own(world, numbers).await;
    });
}

#[test]
fn no_purchase_waits_for_an_account_whose_token_is_wrong() {
    const PURCHASES: usize = 15;
    alone(async |world| {
        world.account("well", json!({})).await;
        world.open_account("wrong");
        world.keep_token("wrong", "nonsense").await;
        world.declare("wrong", json!({})).await;
        let _operator = without_flags(world).env("PURCHASE_CONCURRENCY", "1").start();
        for index in 0..PURCHASES {
            for account in ["wrong", "well"] {
                world.claim_with(&claim_name(account, index), &world.stocked(), account).await;
            }
        }
        for index in 0..PURCHASES {
            world.until(&claim_name("well", index), PURCHASED).await;
            world.until(&claim_name("wrong", index), INVALID_CREDENTIALS).await;
        }
        assert_eq!((world.posted("well").len(), world.posted("wrong").len()), (PURCHASES, 0));
        // They come one after the other. If each waited for a call of the account that is held, there would be one between each
        // two; that account is asked every few seconds, so there are none or few, however busy the machine is.
        let requests = world.journal().requests;
        let is_purchase = |request: &&vobiz_sim::RequestEntry| request.operation == Operation::Purchase;
        let first = requests.iter().find(is_purchase).unwrap().received_at;
        let last = requests.iter().rfind(is_purchase).unwrap().received_at;
        let wrong = world.account_id("wrong");
        let held = requests.iter().filter(|request| request.account.as_ref() == Some(&wrong));
        let between =
            held.filter(|request| first < request.received_at && request.received_at < last).count();
        assert!(between < PURCHASES / 3, "{between} calls between the purchases");
        eprintln!(
            "{PURCHASES} purchases in {:.1?}, {between} calls between them",
            last.duration_since(first)
        );
    });
}
