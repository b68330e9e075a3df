//! Every name that Helm takes for a release is one that the API server takes for its objects, and no two releases meet.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    harness::{Cluster, cluster, run},
    helm::{Rendered, chart, documents, helm, render_as},
    server::dry_run,
};

/// Releases whose objects have the names that they had before longer and dotted ones worked.
fn as_ever() -> Vec<(String, String)> {
    let fits = "x".repeat(37);
    [
        ("vobiz", "vobiz-vobiz-operator"),
        ("vobiz-operator", "vobiz-operator"),
        ("a-b", "a-b-vobiz-operator"),
        ("vobiz-1st", "vobiz-1st-vobiz-operator"),
        (&fits, &format!("{fits}-vobiz-operator")),
    ]
    .map(|(release, name)| (release.to_owned(), name.to_owned()))
    .into()
}

/// Releases that need other names for their objects: dotted, with a digit first, long, and pairs of which only what has to
/// go differs.
fn odd() -> Vec<String> {
    let (long, hyphens) = ("y".repeat(52), "-".repeat(51));
    let long =
        ["x".repeat(38), "1".repeat(53), format!("{long}y"), format!("{long}z"), format!("a{hyphens}b")];
    let short =
        ["vobiz.prod", "a.b", "a.b.c", "a-b.c", "a.b-c", "0", "true", "1st", "1.st", "my-vobiz-operator.2"];
    short.map(str::to_owned).into_iter().chain(long).collect()
}

/// A label that begins with a letter.
fn is_label(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit())
        && name.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
}

#[test]
fn names_that_needed_no_change_are_as_ever() {
    run(async {
        for (release, name) in as_ever() {
            let rendered = render_as(&release, "telephony", &json!({})).await.unwrap();
            assert_eq!(rendered.only("Deployment")["metadata"]["name"], name, "{release}");
        }
    });
}

#[test]
fn a_server_takes_every_release_name_and_no_two_meet() {
    run(async {
        let cluster = cluster().await;
        cluster.create_namespace("names", &json!({})).await;
        let (mut seen, mut all) = (BTreeMap::new(), Vec::new());
        let ordinary = as_ever().into_iter().map(|(release, _)| release);
        for release in ordinary.chain(odd()) {
            // Everything that has a name of its own.
            let values = json!({
                "vobiz": { "authId": "MA_X", "authToken": "hush" }, "crds": { "install": false },
                "networkPolicy": { "enabled": true }, "podDisruptionBudget": { "enabled": true },
                "metrics": { "serviceMonitor": { "enabled": true }, "dashboard": { "enabled": true } },
            });
            let rendered = render_as(&release, "names", &values).await.unwrap();
            for object in &rendered.objects {
                let (kind, name) = (object["kind"].to_string(), object["metadata"]["name"].to_string());
                let other = seen.insert((kind, name), release.clone());
                assert_eq!(other, None, "{object} is of {release} as well");
            }
            let selector = &rendered.only("Deployment")["spec"]["selector"]["matchLabels"];
            assert_eq!(selector["app.kubernetes.io/instance"], release);
            assert_eq!(*selector, rendered.only("Service")["spec"]["selector"]);
            assert!(is_label(rendered.only("Service")["metadata"]["name"].as_str().unwrap()), "{release}");
            all.extend(rendered.objects);
        }
        dry_run(cluster, "odd names", &all).await;
    });
}

/// A namespace in which Helm installs.
struct Namespace {
    cluster: &'static Cluster,
    name: &'static str,
}

impl Namespace {
    async fn helm(&self, verb: &str, release: &str) -> Result<String, String> {
        let values =
            json!({ "crds": { "install": false }, "rbac": { "aggregate": false }, "replicaCount": 0 });
        let (chart, kubeconfig) = (chart().display().to_string(), self.cluster.plane.kubeconfig());
        helm(Some(kubeconfig), &[verb, release, &chart, "--namespace", self.name], Some(&values)).await
    }

    async fn deployments(&self) -> Vec<String> {
        let path = format!("/apis/apps/v1/namespaces/{}/deployments", self.name);
        let found = self.cluster.get(&path).await.unwrap();
        let items = found["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn one_odd_name_is_installed_and_upgraded_in_two_namespaces() {
    run(async {
        let cluster = cluster().await;
        let mut found = Vec::new();
        for name in ["odd-one", "odd-two"] {
            cluster.create_namespace(name, &json!({})).await;
            let namespace = Namespace { cluster, name };
            for verb in ["install", "upgrade"] {
                for release in ["vobiz.prod", "1st", &"y".repeat(53)] {
                    namespace.helm(verb, release).await.unwrap();
                }
                found.push(namespace.deployments().await);
            }
        }
        assert_eq!(found[0].len(), 3, "{found:?}");
        assert!(found.iter().all(|names| *names == found[0]), "{found:?}");
    });
}

/// The name of the Deployment that Helm would make, with a look at what is there.
async fn with_a_look(cluster: &Cluster, release: &str, metrics: bool) -> String {
    let chart = chart().display().to_string();
    let values = json!({ "crds": { "install": false }, "metrics": { "enabled": metrics } });
    let arguments = ["template", release, &chart, "--namespace", "kept", "--dry-run=server"];
    let text = helm(Some(cluster.plane.kubeconfig()), &arguments, Some(&values)).await.unwrap();
    let rendered = Rendered { objects: documents(&text) };
    rendered.only("Deployment")["metadata"]["name"].as_str().unwrap().to_owned()
}

#[test]
fn what_works_under_the_name_that_earlier_versions_made_keeps_it() {
    run(async {
        let cluster = cluster().await;
        cluster.create_namespace("kept", &json!({})).await;
        let (long, other, cut) = ("y".repeat(53), format!("{}z", "y".repeat(52)), "y".repeat(52));
        // A dot was no hindrance where there was no Service.
        for (release, name, metrics) in
            [(long.as_str(), cut.as_str(), true), ("a.b", "a.b-vobiz-operator", false)]
        {
            assert_ne!(with_a_look(cluster, release, metrics).await, name);
            let rendered = render_as(release, "kept", &json!({ "replicaCount": 0 })).await.unwrap();
            let mut deployment = rendered.only("Deployment").clone();
            deployment["metadata"]["name"] = json!(name);
            deployment["metadata"]["annotations"] =
                json!({ "meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "kept" });
            cluster.create("/apis/apps/v1/namespaces/kept/deployments", &deployment).await;
            assert_eq!(with_a_look(cluster, release, metrics).await, name);
        }
        assert_ne!(with_a_look(cluster, &other, true).await, cut, "another release has that name");
        assert_ne!(with_a_look(cluster, "a.b", true).await, "a.b-vobiz-operator");
    });
}

/// A release that is named after another's objects: both have had that name ever since.
#[test]
fn the_second_of_two_releases_that_would_meet_is_refused() {
    run(async {
        let cluster = cluster().await;
        cluster.create_namespace("meeting", &json!({})).await;
        let namespace = Namespace { cluster, name: "meeting" };
        namespace.helm("install", "a").await.unwrap();
        let refused = namespace.helm("install", "a-vobiz-operator").await.unwrap_err();
        assert!(refused.contains("invalid ownership metadata"), "{refused}");
    });
}
