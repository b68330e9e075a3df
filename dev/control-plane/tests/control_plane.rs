//! A control plane does what a cluster does.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::path::Path;
use std::time::{Duration, Instant};

use control_plane::{ControlPlane, Error, Options};
use serde_json::Value;
use tokio::process::Command;

async fn start() -> ControlPlane {
    ControlPlane::start(Options::default()).await.unwrap()
}

/// The audit events that `matches` selects, as soon as there are any.
async fn audited(plane: &ControlPlane, matches: impl Fn(&Value) -> bool) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let mut events = plane.audit_events().unwrap();
        events.retain(&matches);
        if !events.is_empty() || start.elapsed() > Duration::from_secs(20) {
            return events;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_object_can_be_created_and_the_request_is_audited_once() {
    let plane = start().await;
    plane.run_kubectl(["create", "configmap", "greeting", "--from-literal=word=hello"]).await.unwrap();
    let word = plane.run_kubectl(["get", "configmap", "greeting", "-o", "jsonpath={.data.word}"]).await;
    assert_eq!(word.unwrap(), "hello");

    let events = audited(&plane, |event| {
        event["verb"] == "create"
            && event["objectRef"]["resource"] == "configmaps"
            && event["objectRef"]["namespace"] == "default"
    });
    let events = events.await;
    assert_eq!(events.len(), 1, "{events:#?}");
    assert_eq!(events[0]["user"]["username"], "admin");
    assert_eq!(events[0]["responseStatus"]["code"], 201);
    plane.stop().unwrap();
}

#[tokio::test]
async fn a_user_may_do_nothing_until_a_role_allows_it() {
    let plane = start().await;
    let kubeconfig = plane.kubeconfig_for("jane", Some("shop")).unwrap();
    let create = async |name: &str| {
        let mut kubectl = plane.kubectl();
        kubectl.env("KUBECONFIG", &kubeconfig).args(["create", "configmap", name]);
        kubectl.output().await.unwrap()
    };
    let refused = create("first").await;
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success());
    assert!(message.contains(r#"User "jane" cannot create resource "configmaps""#), "{message}");

    plane.run_kubectl(["create", "role", "author", "--verb=create", "--resource=configmaps"]).await.unwrap();
    plane.run_kubectl(["create", "rolebinding", "authors", "--role=author", "--group=shop"]).await.unwrap();
    // The authoriser learns of a binding a moment after it is stored.
    let start = Instant::now();
    while !create("second").await.status.success() {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    plane.stop().unwrap();
}

#[tokio::test]
async fn a_custom_resource_is_served_as_soon_as_its_definition_is_applied() {
    let plane = start().await;
    plane.apply_crds(Path::new("tests/crds")).await.unwrap();
    let listed = plane.run_kubectl(["get", "widgets.v1.example.com", "-A", "-o", "name"]).await.unwrap();
    assert_eq!(listed, "");
    plane.stop().unwrap();
}

#[tokio::test]
async fn objects_outlive_crashes_of_etcd_and_of_the_apiserver() {
    let mut plane = start().await;
    let url = plane.url();
    plane.run_kubectl(["create", "configmap", "kept"]).await.unwrap();

    plane.stop_etcd();
    let refused = plane.run_kubectl(["create", "configmap", "lost", "--request-timeout=3s"]).await;
    assert!(matches!(refused, Err(Error::Kubectl { .. })), "{refused:?}");
    plane.start_etcd().await.unwrap();
    plane.run_kubectl(["get", "configmap", "kept"]).await.unwrap();

    plane.stop_apiserver();
    let error = plane.run_kubectl(["get", "configmap", "kept"]).await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
    plane.start_apiserver().await.unwrap();
    plane.run_kubectl(["get", "configmap", "kept"]).await.unwrap();

    plane.restart_apiserver().await.unwrap();
    plane.run_kubectl(["get", "configmap", "kept"]).await.unwrap();
    assert_eq!(plane.url(), url);
    plane.stop().unwrap();
}

#[tokio::test]
async fn with_the_controller_manager_a_namespace_can_be_deleted() {
    let plane = ControlPlane::start(Options { controller_manager: true }).await.unwrap();
    plane.run_kubectl(["create", "namespace", "brief"]).await.unwrap();
    plane.run_kubectl(["delete", "namespace", "brief", "--timeout=60s"]).await.unwrap();
    plane.stop().unwrap();
}

#[tokio::test]
async fn only_the_owner_can_look_into_the_folder_and_it_is_gone_after_a_drop() {
    use std::os::unix::fs::PermissionsExt;
    let plane = start().await;
    let folder = plane.folder().to_owned();
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);

    let mut command = Command::new("sleep");
    command.arg("1000");
    plane.adopt(&mut command);
    let mut adopted = command.spawn().unwrap();
    drop(plane);
    assert!(!folder.exists());
    assert!(!adopted.wait().await.unwrap().success());
}
