//! Whatever a user writes into the objects that a user may write, the others are served.

use serde_json::{Value, json};

use crate::{
    harness::eventually,
    newer::later,
    table::{NEWER_VERSION, PURCHASED},
    world::{World, record_path},
};

/// Deeper than can be read into a tree.
fn nested() -> String {
    "[".repeat(300) + &"]".repeat(300)
}

/// The same, as the API server takes it for a set of fields.
fn fields() -> String {
    r#"{"f:a":"#.repeat(300) + "{}" + &"}".repeat(300)
}

/// An entry of `managedFields`, as text: no tree holds all of them.
fn managed(time: &str, fields: &str) -> String {
    format!(
        r#"{{"manager":"x","operation":"Update","apiVersion":"telephony.vobiz.ai/v1alpha1","time":"{time}","fieldsType":"FieldsV1","fieldsV1":{fields}}}"#
    )
}

/// Has kubectl write a text over an object's.
async fn replaced(world: &World, before: &Value, change: impl Fn(&str) -> String) {
    let path = world.folder.path().join("object.json");
    std::fs::write(&path, change(&before.to_string())).unwrap();
    world.cluster.kubectl(&["replace", "-f", &path.display().to_string()]).await;
}

/// Replaces an object's `managedFields`.
async fn mismanaged(world: &World, name: &str, entry: &str) {
    let mut claim = world.get(name).await.unwrap();
    claim["metadata"]["managedFields"] = json!("MANAGED");
    replaced(world, &claim, |text| text.replace("\"MANAGED\"", &format!("[{entry}]"))).await;
}

/// What kubectl prints of a claim that no tree holds.
async fn printed(world: &World, name: &str, path: &str) -> String {
    let path = format!("jsonpath={{{path}}}");
    world.cluster.kubectl(&["get", "phonenumberclaims", name, "-n", &world.namespace, "-o", &path]).await
}

const READY: &str = ".status.conditions[?(@.type==\"Ready\")].reason";

#[test]
fn what_one_claim_holds_in_its_metadata_or_status_stops_no_other() {
    testbed::run(async {
        let world = World::within(later().await).await;
        let other = world.other_namespace().await;
        let names = ["late", "deep", "status"];
        let numbers = names.map(|_| world.stocked());
        for (name, number) in names.iter().zip(&numbers) {
            world.claim(name, number).await;
        }
        mismanaged(&world, "late", &managed("9999-12-31T23:59:59Z", r#"{"f:spec":{"f:e164":{}}}"#)).await;
        mismanaged(&world, "deep", &managed("2026-01-02T03:04:05Z", &fields())).await;
        let patch = format!(r#"{{"status":{{"x":{}}}}}"#, nested());
        let arguments = ["patch", "phonenumberclaims", "status", "-n", &world.namespace];
        let how = ["--subresource=status", "--type=merge", "-p", &patch];
        world.cluster.kubectl(&[arguments.as_slice(), how.as_slice()].concat()).await;
        let stored = printed(&world, "late", ".metadata.managedFields[*].time").await;
        assert!(stored.contains("9999-12-31T23:59:59Z"), "the API server keeps it no more: {stored}");
        for (name, path, written) in
            [("deep", ".metadata.managedFields", fields()), ("status", ".status.x", nested())]
        {
            let stored = printed(&world, name, path).await;
            assert!(stored.contains(&written), "the API server keeps it no more: {stored}");
        }
        let (plain, elsewhere) = (world.stocked(), world.stocked());
        world.claim("plain", &plain).await;
        world.claim_in(&other, "elsewhere", &json!({ "e164": elsewhere }), &json!({})).await;

        let both = format!("{},{other}", world.namespace);
        let mut operator = world.setup().env("WATCH_NAMESPACES", both).start();
        for _ in 0..2 {
            world.until("plain", PURCHASED).await;
            world.until_in(&other, "elsewhere", PURCHASED).await;
            // They ask for nothing special, and so are served as well.
            for name in names {
                eventually("it is served", async || match printed(&world, name, READY).await {
                    told if told == "Purchased" => Ok(()),
                    told => Err(told),
                })
                .await;
            }
            operator = operator.restart().await;
        }
        world.served().await;
        for number in numbers.iter().chain([&plain, &elsewhere]) {
            assert_eq!(world.spent(number), (1, 1));
        }
        operator.stop().await;
    });
}

#[test]
fn a_record_that_cannot_be_kept_whole_is_left_alone() {
    testbed::run(async {
        let world = World::within(later().await).await;
        let operator = world.operator();
        let number = world.stocked();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        let operator = operator.stop().await;
        let mut record = world.cluster.get(&record_path(&number)).await.unwrap();
        record["spec"]["x"] = json!("DEEP");
        replaced(&world, &record, |text| text.replace("\"DEEP\"", &nested())).await;

        let operator = operator.start();
        world.until("office", NEWER_VERSION.still("True")).await;
        world.served().await;
        let name = &number[1..];
        let kept = world.cluster.kubectl(&["get", "phonenumbers", name, "-o", "jsonpath={.spec.x}"]).await;
        assert_eq!((kept.trim(), world.spent(&number)), (nested().as_str(), (1, 1)));
        operator.stop().await;
    });
}
