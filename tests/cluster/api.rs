//! What the API server itself says to users, before and beside the operator.

use std::process::Stdio;

use serde_json::json;
use testbed::objects::claims_path;
use tokio::io::AsyncWriteExt;

use crate::{
    harness::{eventually, run},
    table::{NUMBER_NOT_FOUND, PURCHASED},
    world::World,
};

/// `kubectl apply` of a claim with that spec, which must be refused; returns the complaint.
async fn refused(world: &World, spec: &serde_json::Value) -> String {
    let claim = json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1",
        "kind": "PhoneNumberClaim",
        "metadata": { "name": "bad", "namespace": world.namespace },
        "spec": spec,
    });
    let mut kubectl = world.cluster.plane.kubectl();
    kubectl.args(["apply", "-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = kubectl.spawn().unwrap();
    child.stdin.take().unwrap().write_all(claim.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(!output.status.success(), "accepted: {spec}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_number_that_is_not_e164_is_refused_with_an_example() {
    run(async |world| {
        let bad = [
            "",
            "911234500000",
            "+",
            "+0123456789",
            "+91 12345 00000",
            "+91-1234500000",
            "+918012",
            "+9112345000001234",
            "+91x",
            "+1\n",
        ];
        for number in bad {
            let complaint = refused(&world, &json!({ "e164": number })).await;
            for words in ["spec.e164", "E.164", "+919876543210"] {
                assert!(complaint.contains(words), "{number:?}: {complaint}");
            }
        }
        assert!(refused(&world, &json!({})).await.contains("spec.e164"));
        assert!(refused(&world, &json!({ "e164": 911_234_500_000_u64 })).await.contains("spec.e164"));
    });
}

#[test]
fn a_currency_that_is_none_is_refused_with_an_example() {
    run(async |world| {
        for currency in ["", "inr", "IN", "INRX", "₹"] {
            let complaint = refused(&world, &json!({ "e164": world.number(), "currency": currency })).await;
            for words in ["spec.currency", "three capital letters", "INR"] {
                assert!(complaint.contains(words), "{currency:?}: {complaint}");
            }
        }
    });
}

#[test]
fn a_ceiling_that_says_nothing_or_two_things_is_refused() {
    run(async |world| {
        let ceiling = |fields: serde_json::Value| json!({ "e164": world.number(), "currency": "INR", "maxPrice": fields });
        for (fields, words) in [
            (json!({}), "currency"),
            (json!({ "currency": "INR" }), "at least one fee"),
            (json!({ "currency": "inr", "monthlyFee": "1" }), "three capital letters"),
            (json!({ "currency": "USD", "monthlyFee": "1" }), "the same as spec.currency"),
            (json!({ "currency": "INR", "monthlyFee": "-1" }), "less than 0"),
            (json!({ "currency": "INR", "setupFee": "1,50" }), "setupFee"),
            (json!({ "currency": "INR", "setupFee": 1.5 }), "setupFee"),
        ] {
            let complaint = refused(&world, &ceiling(fields)).await;
            assert!(complaint.contains(words), "{words}: {complaint}");
        }
    });
}

#[test]
fn release_is_refused_until_it_is_built_and_says_so() {
    run(async |world| {
        let complaint =
            refused(&world, &json!({ "e164": world.number(), "deletionPolicy": "Release" })).await;
        assert!(complaint.contains("not available yet"), "{complaint}");
        let complaint = refused(&world, &json!({ "e164": world.number(), "deletionPolicy": "Burn" })).await;
        assert!(complaint.contains("Retain"), "{complaint}");
    });
}

/// Patches the spec of the claim `office` with kubectl.
fn patch<'a>(world: &'a World, spec: &'a str) -> [&'a str; 8] {
    ["patch", "pnc", "office", "-n", &world.namespace, "--type=merge", "-p", spec]
}

#[test]
fn the_number_is_immutable_and_the_currency_is_once_the_number_is_bought() {
    run(async |world| {
        let number = world.stocked();
        world.claim("office", &number).await;
        let other = json!({ "spec": { "e164": world.number() } }).to_string();
        let complaint = world.cluster.kubectl_refused(&patch(&world, &other)).await;
        assert!(complaint.contains("spec.e164 is immutable"), "{complaint}");
        // Nothing is bought yet.
        world.cluster.kubectl(&patch(&world, r#"{"spec":{"currency":"USD"}}"#)).await;
        world.cluster.kubectl(&patch(&world, r#"{"spec":{"currency":"INR"}}"#)).await;

        let _operator = world.operator();
        let claim = world.until("office", PURCHASED).await;
        assert_eq!(claim["metadata"]["generation"], 3);
        for spec in [r#"{"spec":{"currency":"USD"}}"#, r#"{"spec":{"currency":null}}"#] {
            let complaint = world.cluster.kubectl_refused(&patch(&world, spec)).await;
            assert!(complaint.contains("spec.currency is immutable"), "{complaint}");
        }
        let complaint = world.cluster.kubectl_refused(&patch(&world, &other)).await;
        assert!(complaint.contains("spec.e164 is immutable"), "{complaint}");
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_claim_that_nobody_has_seen_yet_is_not_taken_for_a_current_one() {
    run(async |world| {
        let claim = world.claim("office", &world.number()).await;
        assert_eq!(claim["status"], json!({ "observedGeneration": -1 }));
        assert_eq!(claim["spec"]["deletionPolicy"], "Retain");
    });
}

#[test]
fn a_claim_whose_spec_changes_is_observed_again() {
    run(async |world| {
        let number = world.number();
        let _operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", NUMBER_NOT_FOUND).await;
        world.cluster.kubectl(&patch(&world, r#"{"spec":{"currency":"USD"}}"#)).await;
        let claim = world.until("office", NUMBER_NOT_FOUND).await;
        assert_eq!(claim["metadata"]["generation"], 2);
        // The attempt was made in the currency of its time.
        assert_eq!(world.record(&number).await.unwrap()["spec"]["attempt"].get("currency"), None);
    });
}

#[test]
fn kubectl_explains_every_field_that_a_user_writes_or_reads() {
    run(async |world| {
        for (path, words) in [
            ("pnc", "A request for one phone number"),
            ("pnc.spec.e164", "Immutable"),
            ("pnc.spec.currency", "ISO 4217"),
            ("pnc.spec.maxPrice", "may cost"),
            ("pnc.spec.deletionPolicy", "Retain"),
            ("pnc.status.conditions", "Stalled"),
            ("pnc.status.number.monthlyFee", "exact decimal"),
            ("pn", "record of one phone number"),
            ("pn.spec.attempt.state", "NeedsDecision"),
        ] {
            // The API server publishes its documentation a while after it serves a new kind.
            let explained = eventually("it is documented", async || {
                world.cluster.plane.run_kubectl(["explain", path]).await.map_err(|error| error.to_string())
            })
            .await;
            let flowing = explained.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flowing.contains(words), "{path}: {explained}");
        }
    });
}

#[test]
fn kubectl_waits_for_a_purchase_and_shows_it_in_columns() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        let namespace = world.namespace.as_str();
        let kubectl =
            async |arguments: &[&str]| world.cluster.kubectl(&[&["-n", namespace], arguments].concat()).await;
        kubectl(&["wait", "pnc/office", "--for=condition=Ready", "--timeout=80s"]).await;
        kubectl(&["wait", "pnc/office", "--for=condition=Purchased", "--timeout=80s"]).await;
        kubectl(&["wait", "pnc/office", "--for=jsonpath={.status.number.status}=active", "--timeout=80s"])
            .await;

        let shown = kubectl(&["get", "phonenumberclaim", "office"]).await;
        assert_eq!(
            columns(&shown, 0),
            ["NAME", "NUMBER", "READY", "REASON", "STATUS", "MONTHLY", "CURRENCY", "AGE"]
        );
        assert_eq!(columns(&shown, 1)[..7], ["office", &number, "True", "Purchased", "active", "2", "INR"]);
        let wide = kubectl(&["get", "pnc", "-o", "wide"]).await;
        let more = ["ID", "SETUP", "PURCHASED", "RECORD"];
        assert!(more.iter().all(|column| columns(&wide, 0).contains(column)), "{wide}");
        assert!(columns(&wide, 1).contains(&"50") && columns(&wide, 1).contains(&&number[1..]), "{wide}");

        let selector = format!("spec.e164={number}");
        assert!(
            kubectl(&["get", "pnc", "--field-selector", &selector, "-o", "name"]).await.contains("office")
        );
        let records = kubectl(&["get", "pn", "--field-selector", &selector]).await;
        assert_eq!(columns(&records, 1)[..5], [&number[1..], &number, "Bound", "True", "True"]);
        let all = kubectl(&["get", "telephony"]).await;
        assert!(all.contains("phonenumberclaim.telephony.vobiz.ai/office"), "{all}");
        assert!(all.contains(&format!("phonenumber.telephony.vobiz.ai/{}", &number[1..])), "{all}");
    });
}

/// As the operator asks for them, while it lists all: in one version, by the record that a claim names or does not name.
#[test]
fn claims_without_a_record_are_told_apart_in_any_version() {
    run(async |world| {
        let claims = claims_path(&world.namespace);
        world.claim("waits", &world.stocked()).await;
        let before = world.cluster.get(&format!("{claims}?limit=500")).await.unwrap();
        let version = before["metadata"]["resourceVersion"].as_str().unwrap();
        let query = format!(
            "fieldSelector=status.phoneNumberRef.name%3D&limit=500&resourceVersion={version}&resourceVersionMatch=Exact"
        );
        let unrecorded = async || {
            let list = world.cluster.get(&format!("{claims}?{query}")).await.unwrap();
            let names =
                list["items"].as_array().unwrap().iter().map(|claim| claim["metadata"]["name"].clone());
            names.collect::<Vec<_>>()
        };
        assert_eq!(unrecorded().await, ["waits"]);
        let _operator = world.operator();
        world.until("waits", PURCHASED).await;
        assert_eq!(unrecorded().await, ["waits"], "in that version");
        let now = format!("{claims}?fieldSelector=status.phoneNumberRef.name%3D");
        assert_eq!(world.cluster.get(&now).await.unwrap()["items"], json!([]));
    });
}

fn columns(table: &str, line: usize) -> Vec<&str> {
    table.lines().nth(line).unwrap_or_default().split_whitespace().collect()
}
