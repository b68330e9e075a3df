//! What helm says after an installation: what is missing, and what to type next.

use serde_json::{Value, json};

use crate::{
    harness::run,
    helm::{chart, helm},
};

async fn notes(values: &Value) -> String {
    let chart = chart().display().to_string();
    let arguments = ["install", "vobiz", &chart, "--namespace", "telephony", "--dry-run=client"];
    let said = helm(None, &arguments, Some(values)).await.unwrap();
    said.split_once("NOTES:\n").expect("there are no notes").1.to_owned()
}

#[test]
fn the_notes_say_what_is_missing_or_unusual_and_nothing_else() {
    run(async {
        let missing = "NO CREDENTIALS are in the values";
        let secrets = json!([{ "namespace": "shop", "name": "red" }]);
        let some = json!({ "authId": "MA_X", "authToken": "hush" });
        for (values, words, unsaid) in [
            (json!({}), missing, "HELD"),
            (json!({ "accounts": { "secrets": secrets } }), "\n  shop/red\n", "come from the Secret"),
            (json!({}), "VobizAccount that serves it", "may read these Secrets"),
            (json!({ "vobiz": { "existingSecret": "mine" } }), "come from the Secret mine", missing),
            (json!({ "vobiz": some }), "claims of all namespaces", missing),
            (json!({ "vobiz": some }), "See that it runs", "hush"),
            (json!({ "vobiz": some, "holdPurchases": true }), "set holdPurchases=false", missing),
            (json!({}), "everybody who may edit in a namespace", "those to whom you give rights"),
            (
                json!({ "rbac": { "aggregate": false } }),
                "those to whom you give rights",
                "everybody who may edit",
            ),
            (json!({}), "everybody who reaches port 8080", "those of networkPolicy.metricsFrom"),
            (
                json!({ "networkPolicy": { "enabled": true } }),
                "kubernetes.io/metadata.name: monitoring",
                "everybody who reaches",
            ),
            (
                json!({ "networkPolicy": { "enabled": true, "metricsFrom": [] }, "http": { "port": 9090 } }),
                "everybody who reaches port 9090",
                "those of networkPolicy.metricsFrom",
            ),
            (
                json!({ "networkPolicy": { "enabled": true }, "metrics": { "enabled": false } }),
                "nobody but the node",
                "everybody who reaches",
            ),
            (json!({ "vobiz": some, "watchNamespaces": ["shop"] }), "namespace: shop", "all namespaces"),
            (json!({ "vobiz": some, "crds": { "install": false } }), "an administrator installs", "HELD"),
            (
                json!({ "vobiz": some, "replicaCount": 2, "leaderElection": { "enabled": false } }),
                "All 2 pods work",
                missing,
            ),
        ] {
            let notes = notes(&values).await;
            assert!(notes.contains(words), "{values}: {words} is missing in {notes}");
            assert!(!notes.contains(unsaid), "{values}: {unsaid} is in {notes}");
        }
    });
}
