//! A master account and its sub-accounts: what they share, and what each has of its own.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod common;

use common::{Client, NUMBER, client, start, state};
use serde_json::{Value, json};
use vobiz_sim::{
    Account, AccountOptions, AccountPatch, Fault, FaultRule, InventoryNumber, JournalFilter, RowAccount, Sim,
    State, Target,
};

const OTHER: &str = "+911234500001";

/// `MA_1` with its `SA_1` and `SA_2`, `MA_2`, and two numbers.
async fn family() -> (Sim, [Client; 4]) {
    let mut state: State = state();
    state.accounts.push(Account::new("SA_2", "sub-token").with_parent("MA_1"));
    state.inventory.push(InventoryNumber::new(OTHER, "INR", 50, 2));
    let sim = start(state).await;
    let all = [("MA_1", "secret"), ("SA_1", "sub-secret"), ("SA_2", "sub-token"), ("MA_2", "other")];
    let clients = all.map(|(id, token)| client(&sim, id, token));
    (sim, clients)
}

/// What all rows say of that field.
async fn column(of: &Client, path: &str, list: &str, field: &str) -> Vec<String> {
    let page = of.get(path).await.json();
    let rows = page[list].as_array().unwrap().iter();
    rows.map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_family_has_one_balance_and_one_ledger_and_strangers_another() {
    let (_sim, [master, one, two, stranger]) = family().await;
    one.buy(NUMBER).await.unwrap();
    two.buy(OTHER).await.unwrap();
    let ids = async |of: &Client| column(of, "transactions", "transactions", "id").await;
    let all = ids(&master).await;
    assert_eq!(all.len(), 2);
    assert_eq!([ids(&one).await, ids(&two).await, ids(&stranger).await], [all.clone(), all, Vec::new()]);
    for (of, balance) in [(&master, 896), (&one, 896), (&two, 896), (&stranger, 1000)] {
        assert_eq!(of.get("balance/INR").await.json()["available_balance"], json!(balance), "{}", of.id);
    }
}

#[tokio::test]
async fn the_master_lists_all_numbers_with_their_owners_and_a_sub_its_own() {
    let (_sim, [master, one, two, stranger]) = family().await;
    one.buy(NUMBER).await.unwrap();
    two.buy(OTHER).await.unwrap();
    let owners = async |of: &Client| column(of, "numbers", "items", "account_id").await;
    let mut all = owners(&master).await;
    all.sort();
    assert_eq!(all, ["SA_1", "SA_2"]);
    assert_eq!([owners(&one).await, owners(&two).await], [["SA_1"], ["SA_2"]]);
    assert!(owners(&stranger).await.is_empty());
}

#[tokio::test]
async fn rows_are_of_who_pays_or_buys_or_say_nothing_as_they_are_told() {
    for (row_account, ledger, balance) in [
        (RowAccount::Payer, "MA_1", json!("MA_1")),
        (RowAccount::Buyer, "SA_1", json!("SA_1")),
        (RowAccount::Nobody, "", Value::Null),
    ] {
        let (sim, [master, one, ..]) = family().await;
        let options = Some(AccountOptions { row_account, ..AccountOptions::default() });
        let patch = AccountPatch { auth_id: "MA_1".to_owned(), options, ..AccountPatch::default() };
        sim.admin().patch_account(patch).unwrap();
        one.buy(NUMBER).await.unwrap();
        assert_eq!(column(&master, "transactions", "transactions", "account_id").await, [ledger]);
        assert_eq!(one.get("balance/INR").await.json()["account_id"], balance);
    }
}

#[tokio::test]
async fn each_has_a_token_misbehaviour_and_a_journal_of_its_own() {
    let (sim, [master, one, two, _]) = family().await;
    assert_eq!(client(&sim, "SA_1", "sub-token").get("numbers").await.status, 401);
    sim.admin().arm(FaultRule::new(Target::Any, Fault::status(500, "{}")).account("SA_1").forever());
    for (of, status) in [(&master, 200), (&one, 500), (&two, 200)] {
        assert_eq!(of.get("numbers").await.status, status, "{}", of.id);
    }
    let calls = |account: &str| sim.admin().journal(&JournalFilter::account(account)).requests.len();
    assert_eq!([calls("MA_1"), calls("SA_1"), calls("SA_2"), calls("MA_2")], [1, 2, 1, 0]);
}
