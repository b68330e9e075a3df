//! Values that cannot be meant are refused, in words that say what to write.

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    harness::{root, run},
    helm::render,
};

fn vobiz(values: &Value) -> Value {
    json!({ "vobiz": values })
}

type Mistake = (Value, &'static str);

/// Keys that nothing reads, and values of another type.
fn unknown() -> Vec<Mistake> {
    vec![
        (json!({ "replicas": 2 }), "'replicas' not allowed"),
        (vobiz(&json!({ "authid": "MA_X" })), "at '/vobiz': additional properties 'authid' not allowed"),
        (json!({ "metrics": { "servicemonitor": {} } }), "'servicemonitor' not allowed"),
        (
            json!({ "securityContext": { "readOnlyRootFileSystem": true } }),
            "'readOnlyRootFileSystem' not allowed",
        ),
        (
            json!({ "tolerations": [{ "Key": "a" }] }),
            "at '/tolerations/0': additional properties 'Key' not allowed",
        ),
        (json!({ "extraEnv": [{ "name": "A", "val": "b" }] }), "'val' not allowed"),
        (json!({ "replicaCount": "2" }), "at '/replicaCount': got string, want integer"),
        (json!({ "crds": { "install": "yes" } }), "at '/crds/install': got string, want boolean"),
        (json!({ "watchNamespaces": "a,b" }), "at '/watchNamespaces': got string, want array"),
        (json!({ "podLabels": { "a": true } }), "at '/podLabels/a': got boolean, want string"),
        (vobiz(&json!({ "authToken": 123 })), "at '/vobiz/authToken': got number, want string"),
        (json!({ "image": { "pullPolicy": "Sometimes" } }), "one of 'Always', 'IfNotPresent', 'Never'"),
        (vobiz(&json!({ "purchasePath": "ACCOUNT" })), "one of 'account', 'Account'"),
        (json!({ "http": { "port": 0 } }), "at '/http/port': minimum: got 0, want 1"),
        (json!({ "accounts": { "secrets": [{ "name": "a" }] } }), "missing property 'namespace'"),
        (json!({ "accounts": { "secrets": ["a/b"] } }), "at '/accounts/secrets/0': got string, want object"),
        (json!({ "accounts": { "secrets": [{ "namespace": "A", "name": "a" }] } }), "does not match pattern"),
        (json!({ "watchNamespaces": ["a", "a"] }), "items at 0 and 1 are equal"),
    ]
}

/// Values that are written otherwise.
fn unreadable() -> Vec<Mistake> {
    vec![
        (
            vobiz(&json!({ "purchaseTimeout": 30 })),
            "vobiz.purchaseTimeout is \"30\": write a duration like 90s",
        ),
        (vobiz(&json!({ "settleTime": "soon" })), "vobiz.settleTime is \"soon\": write a duration"),
        (vobiz(&json!({ "resyncInterval": "0s" })), "vobiz.resyncInterval is \"0s\": write a duration"),
        (vobiz(&json!({ "apiUrl": "http://api.vobiz.ai" })), "must be https, or http to a loopback host"),
        (
            vobiz(&json!({ "apiUrl": "https://user:hush@api.vobiz.ai/x" })),
            "vobiz.apiUrl has a user name or a password before \"api.vobiz.ai/x\"",
        ),
        (vobiz(&json!({ "apiUrl": "http://user:hush@10.0.0.1" })), "before \"10.0.0.1\""),
        (vobiz(&json!({ "apiUrl": "user:hush@10.0.0.1" })), "before \"10.0.0.1\""),
        (vobiz(&json!({ "rateLimit": "many" })), "write calls a second, and optionally the burst"),
        (json!({ "watchNamespaces": ["Shop"] }), "watchNamespaces has \"Shop\""),
        (json!({ "image": { "digest": "abc" } }), "a digest is sha256: and 64 hexadecimal digits"),
        (json!({ "podDisruptionBudget": { "minAvailable": "half" } }), "a percentage like 50%"),
    ]
}

/// Values that contradict each other, or what the chart sets.
fn contradictory() -> Vec<Mistake> {
    vec![
        (
            vobiz(&json!({ "existingSecret": "a", "authId": "b", "authToken": "c" })),
            "come from one or the other",
        ),
        (vobiz(&json!({ "authId": "MA_X" })), "vobiz.authId and vobiz.authToken belong together"),
        (vobiz(&json!({ "ca": { "configMap": "a", "secret": "b" } })), "exclude each other"),
        (vobiz(&json!({ "ca": { "configMap": "a" }, "caFile": "/b" })), "exclude each other"),
        (vobiz(&json!({ "purchaseTimeout": "5m" })), "must not be shorter than vobiz.purchaseTimeout (5m)"),
        (json!({ "terminationGracePeriodSeconds": 74 }), "must be at least 75"),
        (
            json!({ "metrics": { "enabled": false, "serviceMonitor": { "enabled": true } } }),
            "needs the Service",
        ),
        (
            json!({ "metrics": { "podMonitor": { "enabled": true }, "serviceMonitor": { "enabled": true } } }),
            "scrape everything twice",
        ),
        (json!({ "podDisruptionBudget": { "minAvailable": 1, "maxUnavailable": 1 } }), "exclude each other"),
        (
            json!({ "extraEnv": [{ "name": "VOBIZ_AUTH_TOKEN", "value": "x" }] }),
            "extraEnv sets VOBIZ_AUTH_TOKEN",
        ),
        (json!({ "extraArgs": ["--vobiz-auth-id-file=/a"] }), "has --vobiz-auth-id-file=/a, which the chart"),
        (json!({ "extraEnv": [{ "name": "HTTP_ADDR", "value": "x" }] }), "extraEnv sets HTTP_ADDR"),
        (
            json!({ "extraEnv": [{ "name": "LEADER_ELECTION_NAMESPACE", "value": "x" }] }),
            "extraEnv sets LEADER_ELECTION_NAMESPACE",
        ),
        (json!({ "extraArgs": ["--vobiz-purchase-timeout=10m"] }), "has --vobiz-purchase-timeout=10m, which"),
        (json!({ "extraArgs": ["--watch-namespaces", "a"] }), "has --watch-namespaces, which the chart sets"),
        (json!({ "http": { "address": "127.0.0.1" } }), "probes come from outside the pod"),
        (json!({ "podDisruptionBudget": { "enabled": true, "minAvailable": 1 } }), "all 1 of the pods"),
    ]
}

#[test]
fn mistakes_are_refused_in_words_that_help() {
    run(async {
        let tests =
            stream::iter([unknown(), unreadable(), contradictory()].concat()).map(async |(values, words)| {
                let Err(complaint) = render("telephony", &values).await else {
                    return Some(format!("accepted: {values}"));
                };
                (!complaint.contains(words)).then(|| format!("{values}: {words:?} is not in {complaint}"))
            });
        let wrong: Vec<_> = tests.buffer_unordered(4).filter_map(std::future::ready).collect().await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn all_contradictions_are_said_at_once() {
    run(async {
        let values = json!({ "vobiz": { "authId": "MA_X", "purchaseTimeout": "5m" } });
        let complaint = render("telephony", &values).await.err().unwrap();
        assert!(complaint.contains("belong together") && complaint.contains("shorter"), "{complaint}");
    });
}

fn schema() -> Value {
    let text = std::fs::read_to_string(root().join("charts/vobiz-operator/values.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Calls for each schema inside of this one, with its path.
fn walk(schema: &Value, path: &str, look: &mut impl FnMut(&str, &Value)) {
    look(path, schema);
    match schema {
        Value::Object(fields) => {
            for (name, inner) in fields {
                walk(inner, &format!("{path}/{name}"), look);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, inner)| walk(inner, &format!("{path}/{at}"), look));
        }
        _ => {}
    }
}

#[test]
fn the_schema_lets_no_unknown_key_through_anywhere() {
    let mut open = Vec::new();
    walk(&schema(), "", &mut |path, schema| {
        if schema["type"] == "object" && schema.get("additionalProperties").is_none() {
            open.push(path.to_owned());
        }
    });
    // Helm's own, and the insides of volumes, which the API server checks.
    open.retain(|path| path != "/properties/global" && !path.starts_with("/definitions/volume/properties/"));
    assert!(open.is_empty(), "{open:?}");
}

/// The schema of a value, through references.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

fn same_keys(root: &Value, schema: &Value, values: &Value, path: &str) {
    let schema = resolve(root, schema);
    let (Some(properties), Some(values)) = (schema["properties"].as_object(), values.as_object()) else {
        return;
    };
    for (name, value) in values {
        let inner = properties.get(name).unwrap_or_else(|| panic!("{path}/{name} is not in the schema"));
        same_keys(root, inner, value, &format!("{path}/{name}"));
    }
}

#[test]
fn the_schema_knows_the_keys_of_the_values_and_at_the_top_no_others() {
    let text = std::fs::read_to_string(root().join("charts/vobiz-operator/values.yaml")).unwrap();
    let (schema, values): (_, Value) = (schema(), serde_yaml::from_str(&text).unwrap());
    same_keys(&schema, &schema, &values, "");
    for section in [
        "",
        "vobiz",
        "accounts",
        "metrics",
        "image",
        "crds",
        "rbac",
        "http",
        "networkPolicy",
        "serviceAccount",
    ] {
        let at = if section.is_empty() { String::new() } else { format!("/{section}") };
        let of_schema = resolve(&schema, schema.pointer(&at.replace('/', "/properties/")).unwrap());
        let values = values.pointer(&at).unwrap();
        for name in of_schema["properties"].as_object().unwrap().keys() {
            assert!(
                name == "global" || values.get(name).is_some(),
                "{section}: {name} is not in values.yaml"
            );
        }
    }
}
