//! What an API server says to the chart: nothing.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    harness::{Cluster, cluster, run},
    helm::{Rendered, chart, helm, render},
    right::Right,
    variations::variations,
};

#[test]
fn helm_has_nothing_to_complain_about_in_any_variation() {
    run(async {
        let chart = chart().display().to_string();
        for (name, values) in variations() {
            let said = helm(None, &["lint", "--strict", &chart], Some(&values)).await;
            let said = said.unwrap_or_else(|complaint| panic!("{name}: {complaint}"));
            assert!(said.contains("0 chart(s) failed"), "{name}: {said}");
        }
        helm(None, &["lint", "--strict", &chart], None).await.unwrap();
    });
}

/// The pod that the Deployment would get: only it is held against the namespace's level.
fn pod(rendered: &Rendered) -> Value {
    let mut spec = rendered.pod()["spec"].clone();
    // A dry run creates no account for it.
    spec["serviceAccountName"] = json!("default");
    let metadata = json!({ "name": "pod", "namespace": "dry-run" });
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec })
}

/// Has the API server check objects, unknown fields and warnings included.
pub async fn dry_run(cluster: &Cluster, name: &str, objects: &[Value]) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("objects.yaml");
    // Not a List: kubectl would check that by itself, and knows less of definitions than the server.
    let documents: Vec<_> = objects.iter().map(|object| format!("---\n{object}\n")).collect();
    std::fs::write(&file, documents.concat()).unwrap();
    let mut kubectl = cluster.plane.kubectl();
    kubectl.args([
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "-f",
    ]);
    let output = kubectl.arg(&file).output().await.unwrap();
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && complaint.is_empty(), "{name}: {complaint}");
}

#[test]
fn a_server_that_enforces_restricted_pods_takes_every_variation() {
    run(async {
        let cluster = cluster().await;
        let level = |mode: &str| format!("pod-security.kubernetes.io/{mode}");
        let mut labels = json!({});
        for mode in ["enforce", "warn", "audit"] {
            labels[level(mode)] = json!("restricted");
        }
        for namespace in ["dry-run", "dry-run-other"] {
            cluster.create_namespace(namespace, &labels).await;
        }
        crate::harness::eventually("pods have their account", async || {
            let account = cluster.get("/api/v1/namespaces/dry-run/serviceaccounts/default").await;
            account.map(drop).ok_or_else(|| "not yet".to_owned())
        })
        .await;
        for (name, values) in variations() {
            let rendered = render("dry-run", &values).await.unwrap();
            let pod = pod(&rendered);
            let mut objects = rendered.objects;
            objects.push(pod);
            dry_run(cluster, name, &objects).await;
        }
    });
}

#[test]
fn the_namespace_does_enforce_it() {
    run(async {
        let cluster = cluster().await;
        let labels = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
        cluster.create_namespace("enforced", &labels).await;
        let rendered = render("enforced", &json!({})).await.unwrap();
        let mut pod = pod(&rendered);
        pod["metadata"]["namespace"] = json!("enforced");
        pod["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
        let path = "/api/v1/namespaces/enforced/pods?dryRun=All";
        let refused = cluster.try_request(http::Method::POST, path, "application/json", &pod).await;
        let refused = refused.expect_err("was accepted").to_string();
        assert!(refused.contains("runAsNonRoot"), "{refused}");
    });
}

#[test]
fn tenants_get_claims_through_the_roles_that_they_have() {
    run(async {
        let cluster = cluster().await;
        let rendered = render("aggregated", &json!({})).await.unwrap();
        let people = rendered.all("ClusterRole").into_iter().filter(|role| {
            let labels = role["metadata"]["labels"].as_object().unwrap();
            labels.keys().any(|label| label.contains("aggregate-to"))
        });
        let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        for role in people {
            cluster.create(path, role).await;
        }
        let reads = ["get", "list", "watch"];
        let writes = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
        for (role, claims) in [("view", &reads[..]), ("edit", &writes[..]), ("admin", &writes[..])] {
            // Nobody edits records, accounts, or a status.
            let wanted = [
                ("phonenumberclaims", claims),
                ("phonenumbers", &reads),
                ("vobizaccounts", &reads),
                ("phonenumberclaims/status", &reads),
            ];
            crate::harness::eventually(&format!("{role} has claims"), async || {
                let found = cluster.get(&format!("{path}/{role}")).await.unwrap();
                let is_as_wanted = |(resource, verbs): &(&str, &[&str])| verbs_on(&found, resource) == *verbs;
                if wanted.iter().all(is_as_wanted) { Ok(()) } else { Err(found.to_string()) }
            })
            .await;
        }
    });
}

/// What a role allows on a resource.
fn verbs_on(role: &Value, resource: &str) -> Vec<String> {
    let verbs =
        Right::granted(std::slice::from_ref(role)).into_iter().filter(|right| right.resource == resource);
    verbs.map(|right| right.verb).collect()
}
