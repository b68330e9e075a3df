//! What values make of the operator's pod.

use serde_json::{Value, json};

use crate::{
    harness::run,
    helm::{Rendered, render},
    variations::variation,
};

pub async fn rendered(values: Value) -> Rendered {
    render("telephony", &values).await.unwrap()
}

/// What must stand in the object of a kind, of which there is one.
pub async fn check(values: Value, facts: &[(&str, &str, Value)]) {
    let rendered = rendered(values).await;
    for (kind, pointer, wanted) in facts {
        let found = rendered.only(kind).pointer(pointer).cloned().unwrap_or(Value::Null);
        assert_eq!(found, *wanted, "{kind} {pointer}");
    }
}

const POD: &str = "/spec/template/spec";

fn pod(path: &str) -> String {
    format!("{POD}{path}")
}

fn container(path: &str) -> String {
    format!("{POD}/containers/0{path}")
}

/// Like [`check`], for the Deployment.
async fn check_deployment(values: Value, facts: &[(String, Value)]) {
    let facts: Vec<_> =
        facts.iter().map(|(pointer, wanted)| ("Deployment", pointer.as_str(), wanted.clone())).collect();
    check(values, &facts).await;
}

#[test]
fn the_pod_is_restricted_and_gets_its_token_only_because_it_asks() {
    run(async {
        check_deployment(
            json!({}),
            &[
                (pod("/automountServiceAccountToken"), json!(true)),
                (pod("/securityContext/runAsNonRoot"), json!(true)),
                (pod("/securityContext/runAsUser"), json!(65532)),
                (pod("/securityContext/seccompProfile/type"), json!("RuntimeDefault")),
                (container("/securityContext/allowPrivilegeEscalation"), json!(false)),
                (container("/securityContext/readOnlyRootFilesystem"), json!(true)),
                (container("/securityContext/capabilities"), json!({ "drop": ["ALL"] })),
                (container("/args"), json!(["run"])),
                (container("/image"), json!(format!("vobiz-operator:{}", env!("CARGO_PKG_VERSION")))),
                (container("/imagePullPolicy"), json!("IfNotPresent")),
                (container("/livenessProbe/httpGet"), json!({ "path": "/healthz", "port": "http" })),
                (container("/readinessProbe/httpGet"), json!({ "path": "/readyz", "port": "http" })),
                ("/spec/replicas".to_owned(), json!(1)),
            ],
        )
        .await;
        check(json!({}), &[("ServiceAccount", "/automountServiceAccountToken", json!(false))]).await;
    });
}

#[test]
fn credentials_are_files_of_a_folder_and_appear_nowhere_else() {
    run(async {
        for (values, secret, keys) in [
            (variation("credentials"), "vobiz-vobiz-operator-credentials", ["auth-id", "auth-token"]),
            (variation("a CA from a Secret"), "vobiz", ["id", "token"]),
        ] {
            let rendered = rendered(values).await;
            let volume = &rendered.pod()["spec"]["volumes"][0];
            let items =
                json!([{ "key": keys[0], "path": "auth-id" }, { "key": keys[1], "path": "auth-token" }]);
            assert_eq!(
                volume["secret"],
                json!({ "secretName": secret, "defaultMode": 0o440, "items": items })
            );
            let mount = &rendered.container()["volumeMounts"][0];
            let folder = "/etc/vobiz-operator/credentials";
            assert_eq!(*mount, json!({ "name": "credentials", "mountPath": folder, "readOnly": true }));
            assert_eq!(rendered.env("VOBIZ_AUTH_ID_FILE"), Some(format!("{folder}/auth-id").as_str()));
            assert_eq!(rendered.env("VOBIZ_AUTH_TOKEN_FILE"), Some(format!("{folder}/auth-token").as_str()));
            let without_secrets: Vec<_> =
                rendered.objects.iter().filter(|object| object["kind"] != "Secret").collect();
            assert!(!format!("{without_secrets:?}").contains("hush"));
        }
    });
}

#[test]
fn without_credentials_the_pod_has_no_account_of_its_own() {
    run(async {
        let rendered = rendered(json!({})).await;
        let variables = rendered.container()["env"].as_array().unwrap().iter();
        let names: Vec<_> = variables.map(|variable| variable["name"].as_str().unwrap()).collect();
        assert!(!names.iter().any(|name| name.starts_with("VOBIZ_AUTH")), "{names:?}");
        assert_eq!(rendered.pod()["spec"]["volumes"], Value::Null);
        assert_eq!(rendered.container()["volumeMounts"], Value::Null);
    });
}

#[test]
fn a_new_account_restarts_the_pod_and_a_new_token_does_not() {
    run(async {
        assert!(rendered(json!({})).await.all("Secret").is_empty());
        assert!(rendered(variation("a CA from a Secret")).await.all("Secret").is_empty());
        let with = async |id: &str, token: &str| {
            rendered(json!({ "vobiz": { "authId": id, "authToken": token } })).await
        };
        let [first, rotated, other] =
            [with("MA_A", "one").await, with("MA_A", "two").await, with("MA_B", "one").await];
        let data = json!({ "auth-id": "TUFfQQ==", "auth-token": "b25l" });
        assert_eq!(first.only("Secret")["data"], data);
        assert_ne!(first.only("Secret")["data"], rotated.only("Secret")["data"]);
        assert_eq!(first.pod(), rotated.pod());
        assert_ne!(first.pod(), other.pod());
    });
}

#[test]
fn every_setting_reaches_the_operator() {
    run(async {
        let rendered = rendered(variation("credentials")).await;
        for (name, value) in [
            ("VOBIZ_API_URL", "https://vobiz.example.com:8443/api"),
            ("VOBIZ_CA_FILE", "/etc/vobiz-operator/ca/ca.crt"),
            ("VOBIZ_PURCHASE_TIMEOUT", "1m30s"),
            ("VOBIZ_SETTLE_TIME", "1h"),
            ("VOBIZ_RESYNC_INTERVAL", "30m"),
            ("VOBIZ_RATE_LIMIT", "5/7"),
            ("VOBIZ_PURCHASE_PATH", "Account"),
            ("PURCHASE_CONCURRENCY", "2"),
            ("HOLD_PURCHASES", "true"),
            ("LEADER_ELECT", "true"),
            ("HTTP_ADDR", "[::]:9090"),
            ("RUST_LOG", "vobiz_operator=debug,info"),
        ] {
            assert_eq!(rendered.env(name), Some(value), "{name}");
        }
        assert_eq!(rendered.env("WATCH_NAMESPACES"), None);
        let digest = "a".repeat(64);
        let image = format!("registry.example.com/telephony/vobiz-operator@sha256:{digest}");
        assert_eq!(rendered.container()["image"], image.as_str());
        assert_eq!(rendered.container()["ports"][0]["containerPort"], 9090);
        assert_eq!(rendered.pod()["spec"]["imagePullSecrets"], json!([{ "name": "registry" }]));
    });
}

#[test]
fn roots_come_from_a_config_map_a_secret_or_a_mount_of_ones_own() {
    run(async {
        let items = |key: &str| json!([{ "key": key, "path": "ca.crt" }]);
        let volume = |values: Value| async { rendered(values).await.pod()["spec"]["volumes"][1].clone() };
        let config_map = volume(variation("credentials")).await;
        assert_eq!(config_map["configMap"], json!({ "name": "root-ca", "items": items("ca.crt") }));
        let secret = volume(variation("a CA from a Secret")).await;
        let wanted = json!({ "secretName": "root-ca", "defaultMode": 0o440, "items": items("root.pem") });
        assert_eq!(secret["secret"], wanted);
        let own = rendered(variation("extras")).await;
        assert_eq!(own.env("VOBIZ_CA_FILE"), Some("/roots/ca.pem"));
        assert_eq!(
            own.pod()["spec"]["volumes"][0],
            json!({ "name": "roots", "configMap": { "name": "roots" } })
        );
        assert_eq!(rendered(json!({})).await.env("VOBIZ_CA_FILE"), None);
    });
}

#[test]
fn the_grace_is_longer_than_a_purchase_and_the_storing_of_its_outcome() {
    run(async {
        let grace = pod("/terminationGracePeriodSeconds");
        for (values, seconds) in [
            (json!({}), 90),
            (json!({ "vobiz": { "purchaseTimeout": "1m30s" } }), 150),
            (json!({ "vobiz": { "purchaseTimeout": "2h0m1s", "settleTime": "3h" } }), 7261),
            (json!({ "terminationGracePeriodSeconds": 75 }), 75),
        ] {
            check_deployment(values, &[(grace.clone(), json!(seconds))]).await;
        }
    });
}

#[test]
fn placement_is_passed_on_and_a_spread_without_a_selector_gets_one() {
    run(async {
        let values = variation("placement");
        let rendered = rendered(values.clone()).await;
        let spec = &rendered.pod()["spec"];
        for field in ["affinity", "tolerations", "nodeSelector", "priorityClassName"] {
            assert_eq!(spec[field], values[field], "{field}");
        }
        let deployment = &rendered.only("Deployment")["spec"];
        let selector = &deployment["selector"]["matchLabels"];
        let spread = &spec["topologySpreadConstraints"];
        assert_eq!(spread[0]["labelSelector"]["matchLabels"], *selector);
        assert_eq!(spread[1], values["topologySpreadConstraints"][1]);
        assert_eq!(
            (&deployment["replicas"], &deployment["strategy"]),
            (&json!(2), &json!({ "type": "Recreate" }))
        );
        let container = rendered.container();
        assert_eq!(container["resources"]["limits"]["memory"], "64Mi");
        assert_eq!(container["livenessProbe"]["periodSeconds"], 7);
        assert_eq!(container["readinessProbe"]["failureThreshold"], 9);
        let budget = rendered.only("PodDisruptionBudget");
        assert_eq!(budget["spec"], json!({ "minAvailable": "50%", "selector": { "matchLabels": selector } }));
    });
}

#[test]
fn extras_are_added_to_what_the_chart_sets() {
    run(async {
        let values = variation("extras");
        let rendered = rendered(values.clone()).await;
        let container = rendered.container();
        assert_eq!(container["args"], json!(["run", values["extraArgs"][0]]));
        let variables = container["env"].as_array().unwrap();
        for variable in values["extraEnv"].as_array().unwrap() {
            assert!(variables.contains(variable), "{variable}");
        }
        assert_eq!(container["volumeMounts"][0], values["extraVolumeMounts"][0]);
        let network = self::rendered(variation("network")).await;
        let spec = &network.pod()["spec"];
        assert_eq!(
            (&spec["dnsPolicy"], &spec["dnsConfig"]["nameservers"]),
            (&json!("None"), &json!(["192.0.2.53"]))
        );
        assert_eq!(spec["hostAliases"][0]["ip"], "192.0.2.1");
    });
}
