//! Purchases over HTTP.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod common;

use common::{NUMBER, client, send, start, state};
use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::json;
use vobiz_sim::{
    Account, AccountOptions, AccountPatch, InventoryNumber, NumberStyle, Price, Shape, ShortBalance,
};

const PATH: &str = "numbers/purchase-from-inventory";

#[tokio::test]
async fn a_purchase_debits_both_fees_and_answers_as_example_a() {
    let sim = start(state()).await;
    let got = client(&sim, "MA_1", "secret").buy(NUMBER).await.unwrap();
    assert_eq!(got.status, 200, "{}", got.text);
    let body = got.json();
    let number = &body["number"];
    assert_eq!(body["message"], "Number purchased successfully");
    assert_eq!(number["account_id"], "MA_1");
    assert_eq!(number["region"], "Goa");
    assert_eq!((&number["setup_fee"], &number["monthly_fee"]), (&json!(50), &json!(2)));
    assert_eq!(number["source"], "inventory");
    assert_eq!(number["purchased_at"].as_str().unwrap().len(), "2026-01-02T03:04:05Z".len());
    assert!(body["items"][0]["setup_fee"].is_null());
    assert_eq!(sim.admin().owner(NUMBER).as_deref(), Some("MA_1"));
    assert_eq!(sim.admin().account("MA_1").unwrap().balances["INR"], Decimal::from(948));
    assert_eq!((sim.admin().purchase_calls(NUMBER), sim.admin().debits(NUMBER)), (1, 1));
}

#[tokio::test]
async fn example_b_names_the_owner_otherwise_and_writes_fees_as_floats() {
    let sim = start(state()).await;
    let listed = InventoryNumber::new("+911234500001", "INR", 0, 1).with_shape(Shape::B);
    sim.admin().put_number(listed).unwrap();
    let got = client(&sim, "MA_1", "secret").buy("+911234500001").await.unwrap();
    let body = got.json();
    assert_eq!(body["number"]["auth_id"], "MA_1");
    assert_eq!(body["number"]["provider"], "manual");
    assert!(got.text.contains(r#""setup_fee":0.0,"monthly_fee":1.0"#), "{}", got.text);
    for absent in ["account_id", "capabilities", "source", "is_blocked"] {
        assert!(body["number"].get(absent).is_none(), "{absent}");
    }
    assert!(body.get("items").is_none());
}

#[tokio::test]
async fn fees_are_written_with_the_digits_of_the_listing_when_so_told() {
    let sim = start(state()).await;
    let mut listed = InventoryNumber::new("+911234500002", "INR", Decimal::new(5000, 2), Decimal::new(10, 2));
    listed.fees = Some(NumberStyle::AsWritten);
    sim.admin().put_number(listed).unwrap();
    let got = client(&sim, "MA_1", "secret").buy("+911234500002").await.unwrap();
    assert!(got.text.contains(r#""setup_fee":50.00,"monthly_fee":0.10"#), "{}", got.text);
    assert_eq!(sim.admin().account("MA_1").unwrap().balances["INR"].to_string(), "949.90");
}

#[tokio::test]
async fn both_casings_of_the_path_work_and_no_third() {
    let sim = start(state()).await;
    sim.admin().put_number(InventoryNumber::new("+911234500001", "INR", 1, 1)).unwrap();
    let me = client(&sim, "MA_1", "secret");
    for (casing, e164, status) in
        [("ACCOUNT", NUMBER, 404), ("Account", NUMBER, 200), ("account", "+911234500001", 200)]
    {
        let request = me.http.post(format!("{}/api/v1/{casing}/MA_1/{PATH}", sim.url()));
        let request = request.header("X-Auth-ID", "MA_1").header("X-Auth-Token", "secret");
        let got = send(request.body(json!({"e164": e164}).to_string())).await.unwrap();
        assert_eq!(got.status, status, "{casing}: {}", got.text);
    }
}

#[tokio::test]
async fn a_number_that_is_owned_or_unknown_is_not_found_and_costs_nothing() {
    let sim = start(state()).await;
    client(&sim, "MA_2", "other").buy(NUMBER).await.unwrap();
    for e164 in [NUMBER, "+911234599999"] {
        let got = client(&sim, "MA_1", "secret").buy(e164).await.unwrap();
        assert_eq!(got.status, 404);
        assert_eq!(got.json(), json!({"error": "not found", "message": "number not found in inventory"}));
    }
    assert_eq!(sim.admin().account("MA_1").unwrap().balances["INR"], Decimal::from(1000));
}

#[tokio::test]
async fn a_short_balance_is_the_documented_500_and_the_number_stays_for_sale() {
    let sim = start(state()).await;
    sim.admin().set_balance("MA_1", "INR", Decimal::new(5199, 2)).unwrap();
    let got = client(&sim, "MA_1", "secret").buy(NUMBER).await.unwrap();
    assert_eq!(got.status, 500);
    assert_eq!(
        got.json(),
        json!({"error": "internal server error", "message": "failed to purchase number from provider"})
    );
    assert_eq!(sim.admin().inventory().len(), 1);
    sim.admin().set_balance("MA_1", "INR", 52).unwrap();
    assert_eq!(client(&sim, "MA_1", "secret").buy(NUMBER).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_short_balance_is_a_402_with_the_missing_amount_where_so_set() {
    let sim = start(state()).await;
    let options = AccountOptions { short_balance: ShortBalance::Status402, ..AccountOptions::default() };
    sim.admin()
        .patch_account(AccountPatch {
            auth_id: "MA_1".to_owned(),
            balances: [("INR".to_owned(), Decimal::new(125, 1))].into(),
            options: Some(options),
            ..AccountPatch::default()
        })
        .unwrap();
    let got = client(&sim, "MA_1", "secret").buy(NUMBER).await.unwrap();
    assert_eq!(got.status, 402);
    let error = &got.json()["error"];
    assert_eq!(error["code"], "INSUFFICIENT_BALANCE");
    assert_eq!(
        error["details"],
        json!({"required": 52, "available": 12.5, "currency": "INR", "shortfall": 39.5})
    );
}

#[tokio::test]
async fn a_sub_account_owns_what_its_master_account_pays_for() {
    let sim = start(state()).await;
    let got = client(&sim, "SA_1", "sub-secret").buy(NUMBER).await.unwrap();
    assert_eq!(got.json()["number"]["account_id"], "SA_1");
    assert_eq!(sim.admin().account("MA_1").unwrap().balances["INR"], Decimal::from(948));
    let master = client(&sim, "MA_1", "secret").get("numbers").await.json();
    assert_eq!(master["items"][0]["account_id"], "SA_1");
    let ledger = client(&sim, "SA_1", "sub-secret").get("transactions").await.json();
    assert_eq!(ledger["transactions"][0]["account_id"], "MA_1");
}

#[tokio::test]
async fn only_a_currency_in_which_the_number_is_listed_is_accepted() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    let mut listed = InventoryNumber::new("+911234500003", "INR", 50, 2);
    listed.also_listed.push(Price {
        currency: "USD".to_owned(),
        setup_fee: 1.into(),
        monthly_fee: Decimal::new(5, 1),
    });
    sim.admin().put_number(listed).unwrap();
    sim.admin().set_balance("MA_1", "USD", 10).unwrap();
    let got = me.buy_with(&json!({"e164": "+911234500003", "currency": "EUR"})).await.unwrap();
    assert_eq!((got.status.as_u16(), &got.json()["status"]), (400, &json!("error")));
    let body = json!({"e164": "+911234500003", "currency": "USD", "hint": {"ignored": true}});
    assert_eq!(me.buy_with(&body).await.unwrap().json()["number"]["currency"], "USD");
    assert_eq!(sim.admin().account("MA_1").unwrap().balances["USD"], Decimal::new(85, 1));
    assert_eq!(me.buy_with(&json!({"e164": NUMBER})).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_malformed_number_or_body_is_a_bad_request() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    for body in [
        json!({"e164": "911234500000"}),
        json!({"e164": "+0123"}),
        json!({}),
        json!([1]),
        json!({"e164": 91}),
    ] {
        let got = me.buy_with(&body).await.unwrap();
        assert_eq!(got.status, 400, "{body}");
        assert!(got.json()["error"]["code"].is_string());
    }
}

#[tokio::test]
async fn credentials_are_two_headers_and_must_be_those_of_the_path() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    let url = format!("{}/api/v1/account/MA_1/numbers", sim.url());
    let bearer = send(me.http.get(&url).header("authorization", "Bearer secret")).await.unwrap();
    assert_eq!((bearer.status.as_u16(), &bearer.json()["error"]["code"]), (401, &json!(401)));
    assert_eq!(client(&sim, "MA_1", "wrong").get("numbers").await.status, 401);
    let other = me.http.get(&url).header("x-auth-id", "MA_2").header("x-auth-token", "other");
    assert_eq!(send(other).await.unwrap().status, 403);
    sim.admin().set_token("MA_1", "rotated").unwrap();
    assert_eq!(me.get("numbers").await.status, 401);
    assert_eq!(client(&sim, "MA_1", "rotated").get("numbers").await.status, 200);
}

#[tokio::test]
async fn many_accounts_that_race_for_a_number_get_it_once() {
    let sim = start(state()).await;
    let buyers: Vec<_> = (0..16)
        .map(|n| {
            let id = format!("MA_R{n}");
            sim.admin().put_account(Account::new(&id, "t").with_balance("INR", 100));
            let buyer = client(&sim, &id, "t");
            tokio::spawn(async move { buyer.buy(NUMBER).await.unwrap().status.as_u16() })
        })
        .collect();
    let mut won = 0;
    for buyer in buyers {
        won += usize::from(buyer.await.unwrap() == 200);
    }
    assert_eq!((won, sim.admin().purchase_calls(NUMBER), sim.admin().debits(NUMBER)), (1, 16, 1));
}

#[tokio::test]
async fn what_nobody_should_ask_for_is_journalled_and_not_found() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    let got = send(me.request(Method::DELETE, "numbers/%2B911234500000")).await.unwrap();
    assert_eq!(got.status, 404);
    let journal = sim.admin().journal(&vobiz_sim::JournalFilter::account("MA_1"));
    assert_eq!(journal.requests[0].method, "DELETE");
    assert_eq!(journal.requests[0].operation, vobiz_sim::Operation::Other);
}
