//! The kinds and their Secrets, as JSON.

use serde_json::{Value, json};

use crate::table::condition;

pub const API: &str = "/apis/telephony.vobiz.ai/v1alpha1";

pub fn claims_path(namespace: &str) -> String {
    format!("{API}/namespaces/{namespace}/phonenumberclaims")
}

pub fn claim_path(namespace: &str, name: &str) -> String {
    format!("{}/{name}", claims_path(namespace))
}

pub fn record_path(number: &str) -> String {
    format!("{API}/phonenumbers/{}", &number[1..])
}

/// A claim as its user writes it.
pub fn claim(namespace: &str, name: &str, spec: &Value, annotations: &Value) -> Value {
    json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1",
        "kind": "PhoneNumberClaim",
        "metadata": { "namespace": namespace, "name": name, "annotations": annotations },
        "spec": spec,
    })
}

pub const ACCOUNTS: &str = "/apis/telephony.vobiz.ai/v1alpha1/vobizaccounts";

/// An account that is open to all namespaces, with the token in the Secret of its name, as its administrator writes it.
pub fn account(name: &str, auth_id: &str, secret_namespace: &str) -> Value {
    json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1",
        "kind": "VobizAccount",
        "metadata": { "name": name },
        "spec": {
            "authId": auth_id,
            "tokenSecretRef": { "namespace": secret_namespace, "name": name },
            "allowedNamespaces": { "from": "All" },
        },
    })
}

pub fn secrets_path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets")
}

/// A Secret with the token of an account, and white space around it.
pub fn secret(name: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name },
        "stringData": { "auth-token": format!(" {token}\n") },
    })
}

/// The token of an account: a word that nothing else contains.
pub fn token(account: &str) -> String {
    format!("hush-{account}-hush")
}

/// The state of a record's attempt.
pub fn state(record: &Value) -> &str {
    record["spec"]["attempt"]["state"].as_str().unwrap()
}

/// Whether a claim stands behind a record.
pub fn claimed(record: &Value) -> Option<&str> {
    condition(record, "Claimed").and_then(|condition| condition["status"].as_str())
}
