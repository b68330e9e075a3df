//! The owned numbers, the inventory, the balance and the ledger over HTTP.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod common;

use common::{NUMBER, client, start, state};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use vobiz_sim::{
    AccountOptions, AccountPatch, InventoryNumber, LedgerEntry, LedgerKind, NumberNaming, NumberStatus,
    NumberStyle, OwnedNumber, Price, PriceField, RowStatus, RowType, Sim,
};

fn numbers(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["e164"].as_str().unwrap()).collect()
}

fn stock(sim: &Sim, count: u32) {
    for n in 0..count {
        let e164 = format!("+9122{n:08}");
        sim.admin().put_owned(OwnedNumber::new(e164, "MA_1")).unwrap();
    }
}

#[tokio::test]
async fn the_owned_list_is_paged_and_says_how_many_there_are() {
    let sim = start(state()).await;
    stock(&sim, 130);
    let me = client(&sim, "MA_1", "secret");
    let first = me.get("numbers").await.json();
    assert_eq!((first["page"].as_u64(), first["per_page"].as_u64()), (Some(1), Some(25)));
    assert_eq!((first["total"].as_u64(), numbers(&first).len()), (Some(130), 25));
    let capped = me.get("numbers?per_page=500&limit=7&offset=3").await.json();
    assert_eq!((capped["per_page"].as_u64(), numbers(&capped).len()), (Some(100), 100));
    let last = me.get("numbers?per_page=100&page=2").await.json();
    assert_eq!(numbers(&last).len(), 30);
    assert!(numbers(&me.get("numbers?page=99").await.json()).is_empty());
}

#[tokio::test]
async fn a_search_needs_its_plus_encoded_once() {
    let sim = start(state()).await;
    stock(&sim, 3);
    let me = client(&sim, "MA_1", "secret");
    for (query, found) in
        [("%2B912200000001", 1), ("00000", 3), ("+912200000001", 0), ("%252B912200000001", 0)]
    {
        let page = me.get(&format!("numbers?search={query}")).await.json();
        assert_eq!(numbers(&page).len(), found, "{query}");
    }
}

#[tokio::test]
async fn an_owned_number_shows_its_status_and_its_routing() {
    let sim = start(state()).await;
    let number = OwnedNumber {
        application_id: Some("98765432109876543210".to_owned()),
        is_blocked: Some(true),
        setup_fee: Some(Decimal::from(50)),
        released_at: Some(Timestamp::UNIX_EPOCH),
        ..OwnedNumber::new("+911234500009", "MA_1").with_status(NumberStatus::PendingRelease)
    };
    sim.admin().put_owned(number).unwrap();
    let page = client(&sim, "MA_1", "secret").get("numbers").await.json();
    let item = &page["items"][0];
    assert_eq!(item["status"], "pending_release");
    assert_eq!(item["source"], "purchased");
    assert_eq!(item["application_id"], "98765432109876543210");
    assert_eq!(item["is_blocked"], true);
    assert!(item.get("trunk_group_id").is_none());
    assert_eq!(item["created_at"].as_str().unwrap().len(), "2026-01-02T03:04:05.123456Z".len());
}

#[tokio::test]
async fn a_number_can_be_handed_over_blocked_removed_and_restocked_at_run_time() {
    let sim = start(state()).await;
    let admin = sim.admin();
    let me = client(&sim, "MA_1", "secret");
    me.buy(NUMBER).await.unwrap();
    admin.set_status(NUMBER, NumberStatus::Blocked).unwrap();
    assert_eq!(me.get("numbers").await.json()["items"][0]["status"], "blocked");
    admin.put_owned(OwnedNumber::new(NUMBER, "MA_2")).unwrap();
    assert_eq!(me.get("numbers").await.json()["total"], 0);
    admin.remove_number(NUMBER, true).unwrap();
    assert_eq!(me.get("inventory/numbers").await.json()["total"], 1);
    admin.remove_number(NUMBER, false).unwrap();
    assert_eq!(me.get("inventory/numbers").await.json()["total"], 0);
}

#[tokio::test]
async fn the_inventory_is_filtered_by_country_search_and_excluded_prefixes() {
    let sim = start(state()).await;
    for (e164, country) in [("+912212345678", "IN"), ("+14155550100", "US"), ("+919234500000", "IN")] {
        sim.admin().put_number(InventoryNumber::new(e164, "INR", 1, 1).in_region(country, "x")).unwrap();
    }
    let me = client(&sim, "MA_1", "secret");
    for (query, found) in [
        ("", 4),
        ("country=US", 1),
        ("search=%2B9122", 1),
        ("exclude=9122,91923&country=IN", 1),
        ("exclude=%2B9122&exclude=1415", 2),
        ("per_page=3", 3),
    ] {
        let page = me.get(&format!("inventory/numbers?{query}")).await.json();
        assert_eq!(numbers(&page).len(), found, "{query}");
    }
    let page = me.get("inventory/numbers?search=%2B911234500000").await.json();
    let item = &page["items"][0];
    assert!(item.get("account_id").is_none() && item["tags"].is_null());
    assert_eq!((&item["setup_fee"], &item["status"]), (&json!(50), &json!("active")));
}

#[tokio::test]
async fn a_balance_is_what_is_available_and_a_sub_account_sees_its_masters() {
    let sim = start(state()).await;
    sim.admin()
        .patch_account(AccountPatch {
            auth_id: "MA_1".to_owned(),
            reserved: [("INR".to_owned(), Decimal::new(1875, 1))].into(),
            ..AccountPatch::default()
        })
        .unwrap();
    let got = client(&sim, "MA_1", "secret").get("balance/INR").await;
    assert!(got.text.contains(r#""available_balance":812.5"#), "{}", got.text);
    assert!(got.text.contains(r#""balance":1000,"reserved_funds":187.5"#), "{}", got.text);
    assert_eq!(client(&sim, "SA_1", "sub-secret").get("balance/INR").await.json()["account_id"], "MA_1");
    assert_eq!(client(&sim, "MA_1", "secret").get("balance/EUR").await.status, 404);
}

fn row(day: &str, kind: RowType, description: &str) -> LedgerEntry {
    LedgerEntry {
        account: "MA_1".to_owned(),
        kind,
        amount: Decimal::new(105, 1),
        currency: "INR".to_owned(),
        description: description.to_owned(),
        reference: Some(format!("ref-{day}")),
        reference_type: Some("manual_adjustment".to_owned()),
        status: RowStatus::Completed,
        at: Some(format!("{day}T12:00:00Z").parse().unwrap()),
    }
}

#[tokio::test]
async fn the_ledger_is_newest_first_and_takes_every_documented_filter() {
    let sim = start(state()).await;
    for (day, kind) in
        [("2026-01-02", RowType::Debit), ("2026-01-03", RowType::Credit), ("2026-01-01", RowType::Debit)]
    {
        sim.admin().put_ledger(row(day, kind, &format!("on {day}"))).unwrap();
    }
    let me = client(&sim, "MA_1", "secret");
    let all = me.get("transactions").await.json();
    let rows = all["transactions"].as_array().unwrap();
    let days: Vec<_> = rows.iter().map(|row| &row["created_at"].as_str().unwrap()[..10]).collect();
    assert_eq!(days, ["2026-01-03", "2026-01-02", "2026-01-01"]);
    assert_eq!(all["summary"]["total_debits"], 21);
    let by_id = format!("transaction_id={}", rows[1]["id"].as_str().unwrap());
    for (query, found) in [
        ("from_date=2026-01-02", 2),
        ("from_date=2026-01-02&to_date=2026-01-02", 1),
        ("type=credit", 1),
        ("status=failed", 0),
        ("currency=USD", 0),
        ("reference_type=manual_adjustment", 3),
        ("reference_type=did_purchase", 0),
        ("reference=ref-2026-01-01", 1),
        ("description=2026-01", 3),
        (by_id.as_str(), 1),
    ] {
        let page = me.get(&format!("transactions?{query}")).await.json();
        assert_eq!(page["total"], found, "{query}");
    }
}

#[tokio::test]
async fn ledger_pages_of_more_than_a_thousand_rows_become_fifty() {
    let sim = start(state()).await;
    for _ in 0..120 {
        sim.admin().put_ledger(row("2026-01-02", RowType::Debit, "x")).unwrap();
    }
    let me = client(&sim, "MA_1", "secret");
    let page = me.get("transactions?per_page=1001").await.json();
    assert_eq!(
        (&page["per_page"], &page["total_pages"], &page["total"]),
        (&json!(50), &json!(3), &json!(120))
    );
    let page = me.get("transactions?per_page=1000").await.json();
    assert_eq!(page["transactions"].as_array().unwrap().len(), 120);
}

#[tokio::test]
async fn calls_are_rows_of_the_ledger_in_the_order_of_time() {
    let sim = start(state()).await;
    let options = AccountOptions { calls_a_day: 24, ..AccountOptions::default() };
    let account = sim.admin().account("MA_1").unwrap().with_options(options);
    sim.admin().put_account(account);
    let mut debit = row("2026-01-02", RowType::Debit, "x");
    debit.reference_type = Some("did_purchase".into());
    sim.admin().put_ledger(debit).unwrap();
    let me = client(&sim, "MA_1", "secret");
    let from = "from_date=2026-01-01&to_date=2026-01-03";
    let mut times = Vec::new();
    for page in 1..=8 {
        let page = me.get(&format!("transactions?{from}&per_page=10&page={page}")).await.json();
        assert_eq!(page["total"], 73);
        let rows = page["transactions"].as_array().unwrap();
        times.extend(rows.iter().map(|row| row["created_at"].as_str().unwrap().to_owned()));
    }
    assert!(times.len() == 73 && times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    for (filter, total) in
        [("reference_type=cdr", 72), ("reference_type=did_purchase", 1), ("type=debit", 73)]
    {
        let page = me.get(&format!("transactions?{from}&{filter}")).await.json();
        assert_eq!(page["total"], total, "{filter}");
    }
}

#[tokio::test]
async fn a_malformed_date_is_the_documented_500() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    for date in ["2026-01-02T00:00:00+05:30", "yesterday", "2026-13-01"] {
        let got = me.get(&format!("transactions?from_date={date}")).await;
        assert_eq!(got.status, 500, "{date}");
        assert_eq!(got.json(), json!({"error": "Failed to retrieve transactions"}));
    }
    assert_eq!(me.get("transactions?from_date=2026-01-02T00:00:00%2B05:30").await.status, 200);
}

#[tokio::test]
async fn a_debits_row_is_worded_as_the_paying_accounts_options_say() {
    let cases = [
        (LedgerKind::DidPurchase, NumberNaming::Reference, "debit", json!("did_purchase")),
        (LedgerKind::DidRental, NumberNaming::Description, "debit", json!("did_rental")),
        (LedgerKind::LegacyDidRental, NumberNaming::Nowhere, "did_rental", Value::Null),
    ];
    for (ledger_kind, ledger_names_number, kind, reference_type) in cases {
        let sim = start(state()).await;
        let options = AccountOptions {
            ledger_kind,
            ledger_names_number,
            number_style: NumberStyle::Text,
            ..AccountOptions::default()
        };
        let patch =
            AccountPatch { auth_id: "MA_1".to_owned(), options: Some(options), ..AccountPatch::default() };
        sim.admin().patch_account(patch).unwrap();
        let me = client(&sim, "SA_1", "sub-secret");
        me.buy(NUMBER).await.unwrap();
        let row = me.get("transactions").await.json()["transactions"][0].clone();
        assert_eq!((&row["type"], &row["reference_type"]), (&json!(kind), &reference_type));
        assert_eq!(row["amount"], "52");
        let (reference, description) = (row["reference"].to_string(), row["description"].to_string());
        let named = (reference.contains(NUMBER), description.contains(NUMBER));
        let expected = (
            ledger_names_number == NumberNaming::Reference,
            ledger_names_number == NumberNaming::Description,
        );
        assert_eq!(named, expected);
    }
}

#[tokio::test]
async fn a_row_of_the_inventory_lacks_or_garbles_its_price_when_so_told() {
    let sim = start(state()).await;
    let charged = Price { currency: "INR".into(), setup_fee: 60.into(), monthly_fee: 3.into() };
    let listed = InventoryNumber {
        lacks: vec![PriceField::Currency],
        garbles: vec![PriceField::SetupFee],
        charged: Some(charged),
        ..InventoryNumber::new(NUMBER, "INR", 50, 2)
    };
    sim.admin().put_number(listed).unwrap();
    let me = client(&sim, "MA_1", "secret");
    let page = me.get("inventory/numbers").await.json();
    let row = page["items"].as_array().unwrap().iter().find(|row| row["e164"] == NUMBER).unwrap();
    assert_eq!((&row["setup_fee"], &row["monthly_fee"]), (&json!("on request"), &json!(2)));
    assert!(row.get("currency").is_none());
    let bought = me.buy(NUMBER).await.unwrap().json();
    assert_eq!((&bought["number"]["setup_fee"], &bought["number"]["monthly_fee"]), (&json!(60), &json!(3)));
    let owned = me.get("numbers").await.json();
    assert_eq!(
        (&owned["items"][0]["setup_fee"], &owned["items"][0]["currency"]),
        (&json!(60), &json!("INR"))
    );
}
