//! Every documented value, set to something else.

use serde_json::{Value, json};

use crate::{
    harness::root,
    values::{Explained, explained},
};

/// Values in which the chart is linted, rendered and shown to an API server.
pub fn variations() -> Vec<(&'static str, Value)> {
    vec![
        ("nothing", json!({})),
        ("credentials", credentials()),
        ("placement", placement()),
        ("names", names()),
        ("network", network()),
        ("rights", rights()),
        ("monitoring", monitoring()),
        ("pod monitor", pod_monitor()),
        ("extras", extras()),
        (
            "a CA from a Secret",
            json!({ "vobiz": {
            "existingSecret": "vobiz", "ca": { "secret": "root-ca", "key": "root.pem" },
            "existingSecretKeys": { "authId": "id", "authToken": "token" },
        } }),
        ),
    ]
}

/// One of them.
pub fn variation(name: &str) -> Value {
    variations().into_iter().find(|(other, _)| *other == name).unwrap().1
}

fn credentials() -> Value {
    json!({
        "vobiz": {
            "authId": "MA_TEST", "authToken": "hush", "apiUrl": "https://vobiz.example.com:8443/api",
            "ca": { "configMap": "root-ca" }, "purchaseTimeout": "1m30s", "settleTime": "1h",
            "resyncInterval": "30m", "rateLimit": "5/7", "purchasePath": "Account",
        },
        "purchaseConcurrency": 2, "holdPurchases": true, "logLevel": "vobiz_operator=debug,info",
        "http": { "address": "[::]", "port": 9090 },
        "image": {
            "registry": "registry.example.com", "repository": "telephony/vobiz-operator", "tag": "1.2.3",
            "digest": format!("sha256:{}", "a".repeat(64)), "pullPolicy": "Always",
        },
        "imagePullSecrets": [{ "name": "registry" }],
    })
}

fn placement() -> Value {
    json!({
        "replicaCount": 2, "leaderElection": { "enabled": false }, "priorityClassName": "system-cluster-critical",
        "nodeSelector": { "kubernetes.io/os": "linux" },
        "tolerations": [{ "key": "telephony", "operator": "Exists", "effect": "NoSchedule" }],
        "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{ "matchExpressions": [{ "key": "pool", "operator": "In", "values": ["a"] }] }],
        } } },
        "topologySpreadConstraints": [
            { "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway" },
            {
                "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": { "matchLabels": { "team": "telephony" } },
            },
        ],
        "podDisruptionBudget": { "enabled": true, "minAvailable": "50%" },
        "updateStrategy": { "type": "Recreate", "rollingUpdate": null },
        "revisionHistoryLimit": 1, "terminationGracePeriodSeconds": 600,
        "resources": { "requests": { "cpu": "20m" }, "limits": { "memory": "64Mi" } },
        "podSecurityContext": { "runAsUser": 1000, "fsGroupChangePolicy": "OnRootMismatch" },
        "securityContext": { "runAsNonRoot": true },
        "livenessProbe": { "periodSeconds": 7 }, "readinessProbe": { "failureThreshold": 9 },
    })
}

fn names() -> Value {
    json!({
        "nameOverride": "telephony", "fullnameOverride": "phones",
        "commonLabels": { "team": "telephony" }, "commonAnnotations": { "example.com/owner": "telephony" },
        "deploymentAnnotations": { "example.com/a": "b" },
        "podLabels": { "sidecar": "false" }, "podAnnotations": { "example.com/c": "d" },
        "serviceAccount": {
            "name": "phones-account", "annotations": { "example.com/role": "r" }, "labels": { "kind": "account" },
        },
        "crds": { "annotations": { "example.com/e": "f" } },
    })
}

fn network() -> Value {
    json!({
        "networkPolicy": {
            "enabled": true, "egressPorts": [6443],
            "metricsFrom": [{ "namespaceSelector": { "matchLabels": { "team": "monitoring" } } }],
            "extraIngress": [{ "from": [{ "ipBlock": { "cidr": "10.0.0.0/8" } }] }],
            "extraEgress": [{ "to": [{ "podSelector": {} }], "ports": [{ "port": 3128, "protocol": "TCP" }] }],
        },
        "podDisruptionBudget": { "enabled": true, "maxUnavailable": 2 },
        "hostAliases": [{ "ip": "192.0.2.1", "hostnames": ["vobiz.example.com"] }],
        "dnsPolicy": "None", "dnsConfig": { "nameservers": ["192.0.2.53"] },
    })
}

fn rights() -> Value {
    json!({
        "watchNamespaces": ["dry-run", "dry-run-other"], "crds": { "install": false },
        "accounts": { "watchNamespaces": true, "secrets": [
            { "namespace": "dry-run", "name": "acme" },
            { "namespace": "dry-run-other", "name": "blue" },
            { "namespace": "dry-run", "name": "red" },
        ] },
        "rbac": { "aggregate": false },
    })
}

fn monitoring() -> Value {
    let relabelings = json!([{ "action": "replace", "targetLabel": "team", "replacement": "telephony" }]);
    json!({ "metrics": {
        "service": { "annotations": { "example.com/a": "b" }, "port": 9000 },
        "serviceMonitor": {
            "enabled": true, "labels": { "release": "prometheus" }, "interval": "30s", "scrapeTimeout": "5s",
            "relabelings": relabelings, "metricRelabelings": relabelings,
        },
        "prometheusRule": { "enabled": true, "labels": { "release": "prometheus" } },
        "dashboard": {
            "enabled": true, "labels": { "grafana_dashboard": "yes" }, "annotations": { "folder": "Telephony" },
        },
    } })
}

fn pod_monitor() -> Value {
    let relabelings = json!([{ "action": "replace", "targetLabel": "team", "replacement": "telephony" }]);
    json!({
        "metrics": { "enabled": false, "podMonitor": {
            "enabled": true, "labels": { "release": "prometheus" }, "interval": "30s", "scrapeTimeout": "5s",
            "relabelings": relabelings, "metricRelabelings": relabelings,
        } },
        "serviceAccount": { "create": false }, "rbac": { "create": false },
    })
}

fn extras() -> Value {
    json!({
        "extraArgs": ["--otlp-endpoint=http://collector.example.com:4318"],
        "extraEnv": [
            { "name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128" },
            { "name": "NODE", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } },
        ],
        "extraVolumes": [{ "name": "roots", "configMap": { "name": "roots" } }],
        "extraVolumeMounts": [{ "name": "roots", "mountPath": "/roots", "readOnly": true }],
        "vobiz": { "caFile": "/roots/ca.pem" },
    })
}

/// What `values.yaml` explains.
pub fn documented() -> Vec<Explained> {
    explained(&std::fs::read_to_string(root().join("charts/vobiz-operator/values.yaml")).unwrap())
}

#[test]
fn every_documented_value_is_something_else_in_some_variation() {
    for value in documented() {
        let pointer = format!("/{}", value.path.replace('.', "/"));
        let all = variations();
        let mut found = all.iter().filter_map(|(_, values)| values.pointer(&pointer));
        assert!(found.any(|set| *set != value.default), "no variation changes {}", value.path);
    }
}
