//! Tenants come and go: one whose role is gone holds no other up.

use serde_json::{Value, json};
use testbed::objects::{claimed, state};

use crate::{
    claims::API,
    harness::{eventually, run},
    job::NAMESPACES,
    operator::Operator,
    release::{Mode, Release},
    table::{CONFLICT, PURCHASED, condition},
};

fn claim(name: &str, number: &str) -> Value {
    json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
        "metadata": { "name": name }, "spec": { "e164": number },
    })
}

/// The binding that lets the operator into the second of its namespaces.
fn binding(release: &Release) -> Value {
    let is_of_claims = |object: &&Value| {
        object["metadata"]["namespace"] == release.namespace.as_str()
            && object["roleRef"]["name"].as_str().is_some_and(|name| !name.ends_with("leader-election"))
    };
    let bindings = release.rendered.all("RoleBinding");
    (*bindings.iter().find(|object| is_of_claims(object)).unwrap()).clone()
}

/// Takes the operator's role in that namespace away, and waits until it is gone. Returns where the binding was, and the
/// binding.
async fn take_the_role(release: &Release) -> (String, Value) {
    let binding = binding(release);
    let bindings =
        format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings", release.namespace);
    let name = binding["metadata"]["name"].as_str().unwrap();
    release.cluster.delete(&format!("{bindings}/{name}")).await;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": { "user": release.user(), "resourceAttributes": {
            "group": "telephony.vobiz.ai", "resource": "phonenumberclaims", "verb": "get",
            "namespace": release.namespace,
        } },
    });
    eventually("the right is gone", async || {
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let answer = release.cluster.create(path, &review).await;
        if answer["status"]["allowed"] == false { Ok(()) } else { Err(answer["status"].to_string()) }
    })
    .await;
    (bindings, binding)
}

/// Waits until the second namespace is served again: its claim has its number, and the record of a claim that has gone
/// there says so.
async fn until_served(release: &Release, name: &str, gone: &str) {
    eventually("it is served when its role is back", async || {
        let path = format!("{API}/namespaces/{}/phonenumberclaims/{name}", release.namespace);
        let claim = release.cluster.get(&path).await.unwrap();
        let ready = condition(&claim, "Ready").is_some_and(|ready| ready["status"] == "True");
        if ready { Ok(()) } else { Err(claim.to_string()) }
    })
    .await;
    release.until_record(gone, |record| record.and_then(claimed) == Some("False")).await;
}

/// A release with two namespaces, in the second of which a number has been bought.
struct Tenants {
    release: Release,
    /// The claims of the second namespace.
    list: String,
    /// Bought there.
    gone: String,
    operator: Operator,
}

async fn tenants() -> Tenants {
    let release = Release::install(Mode::Namespaced, None).await;
    let list = format!("{API}/namespaces/{}/phonenumberclaims", release.namespace);
    let (gone, operator) = (release.stocked("INR"), release.operator().await);
    release.cluster.create(&list, &claim("gone", &gone)).await;
    // To the end: a process that is killed before it has sent leaves an attempt that fails.
    let bought = |record: &Value| state(record) == "Bound" && claimed(record) == Some("True");
    release.until_record(&gone, |record| record.is_some_and(bought)).await;
    Tenants { release, list, gone, operator }
}

#[test]
fn a_namespace_that_cannot_be_listed_is_named_and_the_others_are_served() {
    run(async {
        let _beside_others = NAMESPACES.read().await;
        let Tenants { release, list, gone, operator } = tenants().await;
        let (number, late) = (release.stocked("INR"), release.stocked("INR"));
        operator.kill9().await;
        let (bindings, binding) = take_the_role(&release).await;
        release.cluster.delete(&format!("{list}/gone")).await;

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
        until_served(&release, "late", &gone).await;
        for number in [&number, &gone, &late] {
            assert_eq!(release.spent(number), (1, 1));
        }
        operator.kill9().await;
    });
}

#[test]
fn a_role_that_goes_while_the_operator_works_holds_no_other_namespace_up() {
    run(async {
        let _beside_others = NAMESPACES.read().await;
        let Tenants { release, list, gone, operator } = tenants().await;
        let (number, late) = (release.stocked("INR"), release.stocked("INR"));
        let (bindings, binding) = take_the_role(&release).await;
        // A watch goes on for minutes after its role has gone: this deletion is seen, and cannot be confirmed.
        release.cluster.delete(&format!("{list}/gone")).await;
        release.claim("rival", &gone).await;
        release.until("rival", CONFLICT).await;
        assert_eq!(release.record(&gone).await.as_ref().and_then(claimed), Some("True"));

        // No turn is taken for a claim that cannot be read: nothing is recorded for it, and so nothing is tried again.
        release.cluster.create(&list, &claim("late", &late)).await;
        release.claim("office", &number).await;
        release.until("office", PURCHASED).await;
        assert_eq!((release.record(&late).await, release.spent(&late)), (None, (0, 0)));

        release.cluster.create(&bindings, &binding).await;
        until_served(&release, "late", &gone).await;
        for number in [&number, &gone, &late] {
            assert_eq!(release.spent(number), (1, 1));
        }
        operator.kill9().await;
    });
}
