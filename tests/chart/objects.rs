//! What values make of everything but the pod.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    harness::run,
    helm::render,
    templates::{check, rendered},
    variations::variation,
};

#[test]
fn without_values_there_are_a_pod_its_rights_a_service_and_definitions() {
    run(async {
        let rendered = rendered(json!({})).await;
        let mut kinds = BTreeMap::new();
        for object in &rendered.objects {
            *kinds.entry(object["kind"].as_str().unwrap()).or_insert(0) += 1;
        }
        let wanted = [
            ("ClusterRole", 6),
            ("ClusterRoleBinding", 3),
            ("CustomResourceDefinition", 3),
            ("Deployment", 1),
            ("Role", 1),
            ("RoleBinding", 1),
            ("Service", 1),
            ("ServiceAccount", 1),
        ];
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), wanted);
    });
}

#[test]
fn named_namespaces_have_roles_and_no_cluster_role_reaches_their_claims() {
    run(async {
        let rendered = rendered(variation("rights")).await;
        assert_eq!(rendered.env("WATCH_NAMESPACES"), Some("dry-run,dry-run-other"));
        let global = rendered.all("ClusterRole");
        let names: Vec<_> = global.iter().map(|role| role["metadata"]["name"].as_str().unwrap()).collect();
        assert_eq!(
            names,
            ["vobiz-vobiz-operator:telephony:records", "vobiz-vobiz-operator:telephony:accounts"]
        );
        assert!(!format!("{global:?}").contains("phonenumberclaims"), "{global:?}");
        let mut places: Vec<_> = rendered
            .all("RoleBinding")
            .iter()
            .map(|binding| {
                assert_eq!(binding["subjects"][0]["namespace"], "telephony");
                format!("{} {}", binding["metadata"]["namespace"], binding["roleRef"]["name"])
            })
            .collect();
        places.sort();
        let [accounts, claims] =
            ["accounts", "claims"].map(|name| format!("\"vobiz-vobiz-operator:telephony:{name}\""));
        let wanted = [
            format!("\"dry-run\" {accounts}"),
            format!("\"dry-run\" {claims}"),
            format!("\"dry-run-other\" {accounts}"),
            format!("\"dry-run-other\" {claims}"),
            "\"telephony\" \"vobiz-vobiz-operator:leader-election\"".to_owned(),
        ];
        assert_eq!(places, wanted);
    });
}

/// What all roles of these values say of a resource: where, by which names, and with which verbs.
async fn rules_on(values: Value, resource: &str) -> Vec<Value> {
    let rendered = rendered(values).await;
    let mut found = Vec::new();
    for role in rendered.objects.iter().filter(|object| object["rules"].is_array()) {
        for rule in role["rules"].as_array().unwrap() {
            if rule["resources"].as_array().unwrap().contains(&json!(resource)) {
                found.push(json!([role["metadata"]["namespace"], rule["resourceNames"], rule["verbs"]]));
            }
        }
    }
    found
}

#[test]
fn secrets_are_got_by_their_names_in_one_role_for_each_namespace() {
    run(async {
        let wanted =
            [json!(["dry-run", ["acme", "red"], ["get"]]), json!(["dry-run-other", ["blue"], ["get"]])];
        assert_eq!(rules_on(variation("rights"), "secrets").await, wanted);
        assert!(rules_on(json!({}), "secrets").await.is_empty());
        let mut without = variation("rights");
        without["rbac"]["create"] = json!(false);
        assert!(rules_on(without, "secrets").await.is_empty());
    });
}

#[test]
fn namespaces_may_be_watched_only_where_that_is_asked_for() {
    run(async {
        let wanted = [json!([null, null, ["get", "list", "watch"]])];
        assert_eq!(rules_on(variation("rights"), "namespaces").await, wanted);
        assert!(rules_on(json!({}), "namespaces").await.is_empty());
    });
}

#[test]
fn no_rights_and_no_account_are_made_where_somebody_else_makes_them() {
    run(async {
        let rendered = rendered(variation("pod monitor")).await;
        for kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount", "Service"]
        {
            assert!(rendered.all(kind).is_empty(), "{kind}");
        }
        assert_eq!(rendered.pod()["spec"]["serviceAccountName"], "default");
    });
}

#[test]
fn without_leader_election_there_is_no_right_to_leases() {
    run(async {
        let rendered = rendered(variation("placement")).await;
        assert_eq!(rendered.env("LEADER_ELECT"), Some("false"));
        assert!(rendered.all("Role").is_empty() && rendered.all("RoleBinding").is_empty());
    });
}

#[test]
fn definitions_are_kept_and_can_be_left_out() {
    run(async {
        for object in rendered(variation("names")).await.all("CustomResourceDefinition") {
            let annotations = &object["metadata"]["annotations"];
            assert_eq!(annotations["helm.sh/resource-policy"], "keep");
            assert_eq!(annotations["example.com/e"], "f");
        }
        assert!(rendered(variation("rights")).await.all("CustomResourceDefinition").is_empty());
        let tricked = json!({ "crds": { "annotations": { "helm.sh/resource-policy": "delete" } } });
        for object in rendered(tricked).await.all("CustomResourceDefinition") {
            assert_eq!(object["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
        }
    });
}

#[test]
fn names_labels_and_annotations_are_as_wanted_and_take_no_pod_away() {
    run(async {
        let mut values = variation("names");
        values["podLabels"]["app.kubernetes.io/instance"] = json!("stolen");
        values["commonLabels"]["app.kubernetes.io/name"] = json!("stolen");
        let rendered = rendered(values).await;
        for object in &rendered.objects {
            let metadata = &object["metadata"];
            assert_eq!(metadata["labels"]["team"], "telephony", "{object}");
            assert_eq!(metadata["labels"]["app.kubernetes.io/name"], "telephony", "{object}");
            assert_eq!(metadata["annotations"]["example.com/owner"], "telephony", "{object}");
        }
        let deployment = rendered.only("Deployment");
        assert_eq!(deployment["metadata"]["name"], "phones");
        assert_eq!(deployment["metadata"]["annotations"]["example.com/a"], "b");
        let pod = &rendered.pod()["metadata"];
        assert_eq!(
            (&pod["labels"]["sidecar"], &pod["annotations"]["example.com/c"]),
            (&json!("false"), &json!("d"))
        );
        for (label, value) in deployment["spec"]["selector"]["matchLabels"].as_object().unwrap() {
            assert_eq!(pod["labels"][label], *value);
        }
        let account = &rendered.only("ServiceAccount")["metadata"];
        assert_eq!(account["name"], "phones-account");
        assert_eq!(account["labels"]["kind"], "account");
        assert_eq!(account["annotations"]["example.com/role"], "r");
    });
}

#[test]
fn two_releases_of_one_name_share_no_object_but_the_definitions() {
    run(async {
        let values = json!({ "watchNamespaces": ["shop"] });
        let name = |object: &Value| {
            let metadata = &object["metadata"];
            (object["kind"] != "CustomResourceDefinition")
                .then(|| format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"]))
        };
        let names = async |namespace: &str| -> Vec<String> {
            render(namespace, &values).await.unwrap().objects.iter().filter_map(name).collect()
        };
        let (one, other) = (names("one").await, names("other").await);
        assert!(one.iter().all(|name| !other.contains(name)), "{one:?} {other:?}");
    });
}

#[test]
fn a_budget_without_numbers_lets_one_pod_be_missing() {
    run(async {
        for (given, wanted) in [(Value::Null, 1), (json!(2), 2), (json!(0), 0)] {
            let values = json!({ "podDisruptionBudget": { "enabled": true, "maxUnavailable": given } });
            check(values, &[("PodDisruptionBudget", "/spec/maxUnavailable", json!(wanted))]).await;
        }
    });
}

#[test]
fn the_network_policy_opens_what_is_needed_and_no_more() {
    run(async {
        let tcp = |port: Value| json!({ "port": port, "protocol": "TCP" });
        let dns = json!([{ "port": 53, "protocol": "UDP" }, tcp(json!(53))]);
        let values = json!({
            "networkPolicy": { "enabled": true }, "metrics": { "enabled": false },
            "vobiz": { "apiUrl": "https://vobiz.example.com:8443/x" },
        });
        let out = json!([tcp(json!(8443)), tcp(json!(443)), tcp(json!(6443))]);
        check(
            values,
            &[
                ("NetworkPolicy", "/spec/policyTypes", json!(["Ingress", "Egress"])),
                ("NetworkPolicy", "/spec/ingress", json!([])),
                ("NetworkPolicy", "/spec/egress", json!([{ "ports": dns }, { "ports": out }])),
            ],
        )
        .await;
        // A PodMonitor needs the port, whether or not there is a Service.
        let scraped = json!({
            "networkPolicy": { "enabled": true },
            "metrics": { "enabled": false, "podMonitor": { "enabled": true } },
        });
        let monitoring = json!({ "matchLabels": { "kubernetes.io/metadata.name": "monitoring" } });
        let from = json!([{ "namespaceSelector": monitoring }]);
        let metrics = json!([{ "ports": [tcp(json!("http"))], "from": from }]);
        check(scraped, &[("NetworkPolicy", "/spec/ingress", metrics)]).await;
        let open = json!({ "networkPolicy": { "enabled": true, "metricsFrom": [] } });
        let metrics = json!([{ "ports": [tcp(json!("http"))] }]);
        check(open, &[("NetworkPolicy", "/spec/ingress", metrics)]).await;
        let values = variation("network");
        let policy = values["networkPolicy"].clone();
        let metrics = json!({ "ports": [tcp(json!("http"))], "from": policy["metricsFrom"] });
        check(
            values,
            &[
                ("NetworkPolicy", "/spec/ingress", json!([metrics, policy["extraIngress"][0]])),
                ("NetworkPolicy", "/spec/egress/1/ports", json!([tcp(json!(443)), tcp(json!(6443))])),
                ("NetworkPolicy", "/spec/egress/2", policy["extraEgress"][0].clone()),
            ],
        )
        .await;
    });
}

#[test]
fn monitors_find_their_targets_and_rules_and_dashboard_are_our_own() {
    run(async {
        let values = variation("monitoring");
        let rendered = rendered(values.clone()).await;
        let (service, monitor) = (rendered.only("Service"), rendered.only("ServiceMonitor"));
        for (label, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
            assert_eq!(service["metadata"]["labels"][label], *value);
        }
        for (label, value) in service["spec"]["selector"].as_object().unwrap() {
            assert_eq!(rendered.pod()["metadata"]["labels"][label], *value);
        }
        let endpoint = &monitor["spec"]["endpoints"][0];
        assert_eq!(endpoint["port"], service["spec"]["ports"][0]["name"]);
        assert_eq!((&endpoint["path"], &endpoint["interval"]), (&json!("/metrics"), &json!("30s")));
        assert_eq!(endpoint["relabelings"], values["metrics"]["serviceMonitor"]["relabelings"]);
        assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
        let file =
            |name: &str| std::fs::read_to_string(crate::helm::chart().join("files").join(name)).unwrap();
        let rules: Value = serde_yaml::from_str(&file("alerts.yaml")).unwrap();
        assert_eq!(rendered.only("PrometheusRule")["spec"], rules);
        let dashboard = rendered.only("ConfigMap");
        assert_eq!(dashboard["data"]["vobiz-operator.json"], file("dashboard.json").as_str());
        assert_eq!(dashboard["metadata"]["labels"]["grafana_dashboard"], "yes");
        assert_eq!(dashboard["metadata"]["annotations"]["folder"], "Telephony");

        let pods = self::rendered(variation("pod monitor")).await;
        let monitor = pods.only("PodMonitor");
        for (label, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
            assert_eq!(pods.pod()["metadata"]["labels"][label], *value);
        }
        assert_eq!(monitor["spec"]["podMetricsEndpoints"][0]["port"], pods.container()["ports"][0]["name"]);
    });
}
