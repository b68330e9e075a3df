//! Tenants come and go: one whose role is gone holds no other up.

use serde_json::{Value, json};
use testbed::objects::claimed;

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
        let list = format!("{API}/namespaces/{}/phonenumberclaims", release.namespace);
        let (number, gone, late) = (release.stocked("INR"), release.stocked("INR"), release.stocked("INR"));
        let claim = |name: &str, number: &str| {
            json!({
                "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
                "metadata": { "name": name }, "spec": { "e164": number },
            })
        };
        let operator = release.operator().await;
        release.cluster.create(&list, &claim("gone", &gone)).await;
        release.until_record(&gone, |record| record.and_then(claimed) == Some("True")).await;
        operator.kill9().await;
        let binding = binding(&release);
        let bindings =
            format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings", release.namespace);
        let name = binding["metadata"]["name"].as_str().unwrap();
        release.cluster.delete(&format!("{bindings}/{name}")).await;
        release.cluster.delete(&format!("{list}/gone")).await;
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
        release.claim("office", &number).await;
        release.until("office", PURCHASED).await;
        let named = format!("claims in namespace {}", release.namespace);
        assert!(release.log().contains(&named), "{}", release.log());

        release.cluster.create(&list, &claim("late", &late)).await;
        // What is recorded for it waits as well.
        assert_eq!(release.record(&gone).await.as_ref().and_then(claimed), Some("True"));
        assert_eq!(release.spent(&late), (0, 0));
        release.cluster.create(&bindings, &binding).await;
        eventually("it is served when it is back", async || {
            let claim = release.cluster.get(&format!("{list}/late")).await.unwrap();
            let ready = condition(&claim, "Ready").is_some_and(|ready| ready["status"] == "True");
            if ready { Ok(()) } else { Err(claim.to_string()) }
        })
        .await;
        release.until_record(&gone, |record| record.and_then(claimed) == Some("False")).await;
        for number in [&number, &gone, &late] {
            assert_eq!(release.spent(number), (1, 1));
        }
        operator.kill9().await;
    });
}
