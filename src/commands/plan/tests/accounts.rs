//! Plans where more than one account serves.

use serde_json::{Value, json};

use super::{NUMBER, OTHER, scene::Scene, spec};

#[test]
fn each_claim_is_planned_with_the_account_that_serves_it() {
    let with = |account: &str| json!({ "e164": NUMBER, "accountRef": { "name": account } });
    let stocked = || Scene::new().stocked(NUMBER, "50", "2").declared("red", json!({}));
    let default = |spec: Value| Scene::new().stocked(NUMBER, "50", "2").declared("blue", spec);
    let closed = json!({ "default": true, "allowedNamespaces": { "names": ["b"] } });
    for (scene, told, account) in [
        (stocked().claim("x", with("red")), "x Buy Purchasing", Some("MA_RED")),
        (stocked().claim("x", spec()), "x Buy Purchasing", Some("MA_1")),
        (default(json!({ "default": true })).claim("x", spec()), "x Buy Purchasing", Some("MA_BLUE")),
        (stocked().claim("x", with("grey")), "x Blocked AccountNotFound", None),
        (default(closed).claim("x", spec()), "x Blocked AccountNotAllowed", None),
        (
            default(json!({ "default": true, "suspend": true })).claim("x", spec()),
            "x Wait Paused",
            Some("MA_BLUE"),
        ),
        (stocked().owned(NUMBER).claim("x", spec()), "x Adopt Adopted", Some("MA_1")),
        (stocked().owned(NUMBER).claim("x", with("red")), "x Buy Purchasing", Some("MA_RED")),
        // What is bought stays with the account of its record.
        (
            stocked().live("x", NUMBER, &json!({})).record(NUMBER, "x", "Bound").claim("x", with("red")),
            "x None Purchased",
            Some("MA_1"),
        ),
        (
            stocked().record(NUMBER, "gone", "Bound").claim("x", with("red")),
            "x Blocked Conflict",
            Some("MA_1"),
        ),
    ] {
        assert_eq!(scene.told(), [told]);
        let planned = scene.plan().claims.remove(0);
        assert_eq!(planned.account, account.map(|account| account.parse().unwrap()), "{planned:?}");
    }
    let two = stocked().claim("x", spec()).claim("y", with("red"));
    assert_eq!(two.told(), ["x Buy Purchasing", "y Blocked Conflict"], "a number is bought in one account");
}

#[test]
fn each_account_spends_its_own_balance() {
    let with = |number: &str| json!({ "e164": number, "accountRef": { "name": "red" } });
    let scene = Scene { balance: Some("60"), ..Scene::new() }
        .declared("red", json!({}))
        .stocked(NUMBER, "50", "2")
        .stocked(OTHER, "50", "2")
        .stocked("+911234500002", "50", "2")
        .claim("x", spec())
        .claim("y", with(OTHER))
        .claim("z", with("+911234500002"));
    assert_eq!(scene.told(), ["x Buy Purchasing", "y Buy Purchasing", "z Blocked InsufficientBalance"]);
    let balance =
        |account: &str| json!({ "account": account, "currency": "INR", "before": "60", "after": "8" });
    let balances = serde_json::to_value(scene.plan().balances).unwrap();
    assert_eq!(balances, json!([balance("MA_1"), balance("MA_RED")]));
}
