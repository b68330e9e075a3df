//! Plans over small worlds: what was read goes in, what would become of each claim comes out.

mod accounts;
mod scene;

use serde_json::{Value, json};

use self::scene::Scene;
use super::{
    funds::Funds,
    price::Price,
    summary::{Absent, Plan},
    verdict::{Action, Planned},
    written::{MARKER, as_markdown, as_table},
};
use crate::cli::FailOn;

const NUMBER: &str = "+911234500000";
const OTHER: &str = "+911234500001";

fn spec() -> Value {
    json!({ "e164": NUMBER })
}

fn ceiling(monthly: &str) -> Value {
    json!({ "e164": NUMBER, "maxPrice": { "currency": "INR", "monthlyFee": monthly } })
}

#[test]
fn the_verdict_is_the_operators_decision() {
    let stocked = || Scene::new().stocked(NUMBER, "50", "2");
    let paused = |value: &str| json!({ "telephony.vobiz.ai/paused": value });
    let adopt_only = || json!({ "e164": NUMBER, "acquire": "AdoptOnly" });
    for (scene, told) in [
        (stocked().claim("x", spec()), "x Buy Purchasing"),
        (Scene::new().claim("x", spec()), "x Blocked NumberNotFound"),
        (Scene::new().claim("x", ceiling("2")), "x Blocked NumberNotFound"),
        (stocked().claim("x", ceiling("2")), "x Buy Purchasing"),
        (stocked().claim("x", ceiling("1.99")), "x Blocked PriceExceeded"),
        (Scene { shut: true, ..stocked() }.claim("x", ceiling("2")), "x Wait PriceUnknown"),
        (Scene { shut: true, ..stocked() }.claim("x", spec()), "x Buy Purchasing"),
        (Scene::new().owned(NUMBER).claim("x", ceiling("1")), "x Adopt Adopted"),
        (Scene::new().owned(NUMBER).claim("x", adopt_only()), "x Adopt Adopted"),
        (stocked().claim("x", adopt_only()), "x Blocked NotOwned"),
        (stocked().annotated("x", spec(), paused("true")), "x Wait Paused"),
        (stocked().annotated("x", spec(), paused("false")), "x Buy Purchasing"),
        (stocked().live("x", NUMBER, &paused("true")).claim("x", spec()), "x Wait Paused"),
        (
            stocked().live("x", NUMBER, &paused("true")).annotated("x", spec(), paused("no")),
            "x Buy Purchasing",
        ),
        (Scene { balance: Some("51.99"), ..stocked() }.claim("x", spec()), "x Blocked InsufficientBalance"),
        (Scene { balance: None, ..stocked() }.claim("x", spec()), "x Buy Purchasing"),
        (
            Scene::new().live("x", NUMBER, &json!({})).record(NUMBER, "x", "Bound").claim("x", spec()),
            "x None Purchased",
        ),
        (Scene::new().record(NUMBER, "gone", "Bound").claim("x", spec()), "x Bind Purchased"),
        (Scene::new().record(NUMBER, "gone", "NeedsDecision").claim("x", spec()), "x Blocked NeedsDecision"),
        (
            Scene::new().live("o", NUMBER, &json!({})).record(NUMBER, "o", "Bound").claim("x", spec()),
            "x Blocked Conflict",
        ),
        (
            stocked().live("x", NUMBER, &json!({})).record(NUMBER, "x", "Failed").claim("x", spec()),
            "x Blocked NumberNotFound",
        ),
        (
            Scene::new().live("x", NUMBER, &json!({})).record(NUMBER, "x", "Open").claim("x", spec()),
            "x Wait NumberNotFound",
        ),
        (Scene::new().record(NUMBER, "gone", "Leased").claim("x", spec()), "x Wait NewerVersion"),
    ] {
        assert_eq!(scene.told(), [told], "{:?} {:?}", scene.manifests, scene.records);
    }
}

#[test]
fn what_one_claim_gets_another_cannot_have() {
    let two = Scene::new().stocked(NUMBER, "50", "2").claim("x", spec()).claim("y", spec());
    assert_eq!(two.told(), ["x Buy Purchasing", "y Blocked Conflict"]);
    assert!(two.plan().claims[1].message.contains("claimed by a/x"));
    let adopted = Scene::new().owned(NUMBER).claim("x", spec()).claim("y", spec());
    assert_eq!(adopted.told(), ["x Adopt Adopted", "y Blocked Conflict"]);
    let missing = Scene::new().claim("x", spec()).claim("y", spec());
    assert_eq!(missing.told(), ["x Blocked NumberNotFound", "y Blocked Conflict"]);
    let paused = json!({ "telephony.vobiz.ai/paused": "true" });
    let first_waits =
        Scene::new().stocked(NUMBER, "50", "2").annotated("x", spec(), paused).claim("y", spec());
    assert_eq!(first_waits.told(), ["x Wait Paused", "y Buy Purchasing"]);
}

#[test]
fn a_balance_is_used_up_in_the_order_of_the_manifests() {
    let scene = Scene { balance: Some("60"), ..Scene::new() }
        .stocked(NUMBER, "50", "2")
        .stocked(OTHER, "5", "2")
        .stocked("+911234500002", "5", "3")
        .claim("x", spec())
        .claim("y", json!({ "e164": "+911234500002" }))
        .claim("z", json!({ "e164": OTHER }));
    assert_eq!(scene.told(), ["x Buy Purchasing", "y Buy Purchasing", "z Blocked InsufficientBalance"]);
    let plan = scene.plan();
    assert!(
        plan.claims[2].message.contains("7 INR are due, and 0 INR are left"),
        "{}",
        plan.claims[2].message
    );
    assert_eq!(
        serde_json::to_value(&plan.balances).unwrap(),
        json!([{ "account": "MA_1", "currency": "INR", "before": "60", "after": "0" }])
    );
}

#[test]
fn sums_are_exact_and_what_is_not_known_is_not_in_them() {
    let mut scene = Scene::new()
        .stocked(NUMBER, "0.1", "0.2")
        .owned(OTHER)
        .claim("x", spec())
        .claim("y", json!({ "e164": OTHER }))
        .claim("z", json!({ "e164": "+911234500002", "currency": "USD" }));
    scene.stock.push(["+911234500002", "1", "1", "INR"]);
    let plan = scene.plan();
    let expected = json!([
        { "currency": null, "dueNow": null, "monthly": null },
        { "currency": "INR", "dueNow": "0.3", "monthly": "9.2" },
    ]);
    assert_eq!(serde_json::to_value(&plan.totals).unwrap(), expected);
    let monthly = |limit: &str| [FailOn::Monthly("INR".parse().unwrap(), limit.parse().unwrap())];
    assert!(plan.meets(&monthly("1000"))[0].contains("not known"));
    assert_eq!(plan.meets(&[FailOn::Buy, FailOn::Blocked]), ["2 to buy"]);
    scene.manifests.pop();
    assert_eq!(scene.plan().meets(&monthly("9.2")), [""; 0]);
    assert!(scene.plan().meets(&monthly("9.19"))[0].contains("9.2 INR a month"));
    assert_eq!(scene.plan().meets(&[FailOn::Monthly("USD".parse().unwrap(), "0".parse().unwrap())]), [""; 0]);
}

#[test]
fn a_setup_fee_that_is_not_known_makes_no_monthly_fee_unknown() {
    let scene = Scene::new().stocked(NUMBER, "?", "2").claim("x", spec());
    let inr = |limit: &str| FailOn::Monthly("INR".parse().unwrap(), limit.parse().unwrap());
    for (limit, met) in [("2", None), ("1.99", Some("2 INR a month, and at most 1.99 are allowed"))] {
        assert_eq!(scene.plan().meets(&[inr(limit)]), Vec::from_iter(met));
    }
}

#[test]
fn only_a_claim_that_is_being_deleted_is_said_to_be() {
    let mut scene = Scene::new().live("x", NUMBER, &json!({})).record(NUMBER, "x", "Open").claim("x", spec());
    // Its clock is a few seconds ahead.
    let attempt = &mut scene.records[0]["spec"]["attempt"];
    attempt["openedAt"] = json!("2026-01-02T04:04:15Z");
    attempt["answer"] = json!(null);
    for (deleted, told, words) in [
        (json!(null), "x Wait Purchasing", "An attempt has just begun"),
        (json!("2026-01-02T04:04:05Z"), "x Blocked Purchasing", "apply it again once it is gone"),
    ] {
        scene.live[0]["metadata"]["deletionTimestamp"] = deleted;
        assert_eq!(scene.told(), [told]);
        assert!(scene.plan().claims[0].message.contains(words));
    }
}

#[test]
fn a_claim_with_a_number_that_no_manifest_has_is_told_of() {
    let none = json!({});
    let mut scene = Scene::new()
        .live("old", OTHER, &none)
        .live("waits", "+911234500002", &none)
        .record(OTHER, "old", "Bound")
        .stocked(NUMBER, "50", "2")
        .claim("x", spec());
    let expected = |name: &str| Absent {
        namespace: "a".into(),
        name: name.into(),
        e164: OTHER.parse().unwrap(),
        monthly_fee: "7".parse().ok(),
        currency: "INR".parse().ok(),
    };
    assert_eq!(scene.plan().absent, [expected("old")]);
    scene.manifests = Vec::new();
    assert_eq!(scene.plan().absent, [], "no manifest names the namespace");
}

fn example() -> Plan {
    let paused = json!({ "telephony.vobiz.ai/paused": "true" });
    Scene::new()
        .live("old", OTHER, &json!({}))
        .record(OTHER, "old", "Bound")
        .stocked(NUMBER, "50", "2")
        .claim("office", spec())
        .annotated("later", json!({ "e164": "+911234500002" }), paused)
        .plan()
}

#[test]
fn people_read_a_table() {
    let text = anstream::adapter::strip_str(&as_table(&example())).to_string();
    let expected = "\
ACTION  CLAIM     NUMBER         ACCOUNT  DUE NOW  MONTHLY  REASON
Buy     a/office  +911234500000  MA_1      52 INR    2 INR  Purchasing
Wait    a/later   +911234500002  MA_1           -        -  Paused

a/later: Paused: The claim is paused, so nothing is bought or adopted for it. To go on: kubectl annotate -n a \
phonenumberclaim/later telephony.vobiz.ai/paused-

1 to buy, 1 waiting.
Due now 52 INR, and 2 INR a month.
Balance of MA_1: 1000 INR, 948 INR afterwards.

In no manifest, kept, and paid for:
CLAIM  NUMBER         MONTHLY
a/old  +911234500001    7 INR
";
    assert_eq!(text, expected);
}

#[test]
fn programs_read_json() {
    let expected = json!({
        "schemaVersion": 1,
        "claims": [
            {
                "namespace": "a", "name": "office", "e164": NUMBER, "action": "Buy", "reason": "Purchasing",
                "message": "Waiting for the purchase's turn (rate limit and concurrency of this operator).",
                "price": { "setupFee": "50", "monthlyFee": "2", "currency": "INR" }, "account": "MA_1",
            },
            {
                "namespace": "a", "name": "later", "e164": "+911234500002", "action": "Wait", "reason": "Paused",
                "message": example().claims[1].message,
                "price": { "setupFee": null, "monthlyFee": null, "currency": null }, "account": "MA_1",
            },
        ],
        "totals": [{ "currency": "INR", "dueNow": "52", "monthly": "2" }],
        "balances": [{ "account": "MA_1", "currency": "INR", "before": "1000", "after": "948" }],
        "absent": [{ "namespace": "a", "name": "old", "e164": OTHER, "monthlyFee": "7", "currency": "INR" }],
    });
    assert_eq!(serde_json::to_value(example()).unwrap(), expected);
}

#[test]
fn a_pull_request_gets_one_table() {
    let text = as_markdown(&example());
    let expected = "\
<!-- vobiz-plan -->
### Phone numbers

| Action | Claim | Number | Account | Due now | Monthly | Reason | |
|---|---|---|---|--:|--:|---|---|
| Buy | a/office | +911234500000 | MA\\_1 | 52 INR | 2 INR | Purchasing | Waiting for the purchase's turn (rate limit and \
concurrency of this operator). |
| Wait | a/later | +911234500002 | MA\\_1 | - | - | Paused | The claim is paused, so nothing is bought or adopted for it. To go on: \
kubectl annotate -n a phonenumberclaim/later telephony.vobiz.ai/paused- |

1 to buy, 1 waiting.

Due now 52 INR, and 2 INR a month.

Balance of MA_1: 1000 INR, 948 INR afterwards.

In no manifest, kept, and paid for: a/old (+911234500001, 7 INR a month).
";
    assert_eq!(text, expected);
    let nothing = as_markdown(&Plan::new(Vec::new(), &Funds::default(), Vec::new()));
    assert_eq!(nothing, format!("{MARKER}\n### Phone numbers\n\nNo change.\n\nNo claims.\n"));
}

#[test]
fn a_comment_has_60_rows_at_most_and_no_cell_ends_early() {
    let claim = Planned {
        namespace: "a".into(),
        name: "x".into(),
        e164: NUMBER.parse().unwrap(),
        action: Action::Blocked,
        reason: "Rejected",
        message: format!("a|b <img> @all `x`\n[y](z) {}", "é".repeat(10_000)),
        price: Price::default(),
        account: "MA_1".parse().ok(),
    };
    let text = as_markdown(&Plan::new(vec![claim; 1000], &Funds::default(), Vec::new()));
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| Blocked")).collect();
    assert_eq!(rows.len(), 60);
    assert!(text.contains("And 940 more") && text.len() < 100_000, "{}", text.len());
    assert!(rows[0].contains(r"a\|b &lt;img&gt; &#64;all \`x\` \[y\](z)"), "{}", rows[0]);
    assert_eq!(text.chars().filter(|sign| *sign == '|').count(), 60 * 10 + 18);
}
