//! Tenants come and go: one whose role is gone holds no other up.

use http::Method;
use serde_json::{Value, json};

use crate::{
    claims::API,
    harness::{eventually, run},
    release::{Mode, Release},
    table::{PURCHASED, condition},
};

/// The binding that lets the operator into the second of its namespaces.
fn binding(release: &Release) -> Value {
    let is_of_claims = |object: &&Value| {
        object["metadata"]["namespace"] == release.namespace.as_str()
            && object["roleRef"]["name"].as_str().is_some_and(|name| !name.ends_with("leader-election"))
    };
    let bindings = release.rendered.all("RoleBinding");
    (*bindings.iter().find(|object| is_of_claims(object)).unwrap()).clone()
}

#[test]
fn a_namespace_that_cannot_be_listed_is_named_and_the_others_are_served() {
    run(async {
        let release = Release::install(Mode::Namespaced, None).await;
        let binding = binding(&release);
        let bindings = format!(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
            release.namespace
        );
        let name = binding["metadata"]["name"].as_str().unwrap();
        release.cluster.delete(&format!("{bindings}/{name}")).await;
        let list = format!("{API}/namespaces/{}/phonenumberclaims", release.namespace);
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": { "user": release.user(), "resourceAttributes": {
                "group": "telephony.vobiz.ai", "resource": "phonenumberclaims", "verb": "list",
                "namespace": release.namespace,
            } },
        });
        eventually("the right is gone", async || {
            let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
            let answer = release.cluster.create(path, &review).await;
            if answer["status"]["allowed"] == false { Ok(()) } else { Err(answer["status"].to_string()) }
        })
        .await;

        let operator = release.operator().await;
        let (number, late) = (release.stocked("INR"), release.stocked("INR"));
        release.claim("office", &number).await;
        release.until("office", PURCHASED).await;
        let named = format!("claims in namespace {}", release.namespace);
        assert!(release.log().contains(&named), "{}", release.log());

        let claim = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "name": "late" }, "spec": { "e164": late },
        });
        release.cluster.request(Method::POST, &list, "application/json", &claim).await;
        assert_eq!(release.spent(&late), (0, 0));
        release.cluster.create(&bindings, &binding).await;
        eventually("it is served when it is back", async || {
            let claim = release.cluster.get(&format!("{list}/late")).await.unwrap();
            let ready = condition(&claim, "Ready").is_some_and(|ready| ready["status"] == "True");
            if ready { Ok(()) } else { Err(claim.to_string()) }
        })
        .await;
        assert_eq!((release.spent(&number), release.spent(&late)), ((1, 1), (1, 1)));
        operator.kill9().await;
    });
}
