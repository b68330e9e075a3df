//! The demo in a cluster that is there already: here, a control plane that knows nothing of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use control_plane::{ControlPlane, Options};
use tokio::process::Command;

/// The operator of the same build.
fn operator() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name("vobiz-operator")
}

/// Runs the demo with the kubectl and the context of this control plane; returns whether it succeeded, and all it said.
async fn demo(plane: &ControlPlane, arguments: &[&str]) -> (bool, String) {
    let path = format!("{}:{}", plane.binaries().folder().display(), std::env::var("PATH").unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["--cluster", "current", "--operator"])
        .arg(operator())
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .env("PATH", path)
        .env("KUBECONFIG", plane.kubeconfig())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn found(plane: &ControlPlane) -> String {
    let kinds = "customresourcedefinitions,namespaces";
    plane.run_kubectl(["get", kinds, "-o", "name"]).await.unwrap()
}

#[tokio::test]
async fn the_users_own_cluster_is_asked_for_and_left_as_it_was() {
    let plane = ControlPlane::start(Options { controller_manager: true }).await.unwrap();
    let before = found(&plane).await;
    let (done, said) = demo(&plane, &[]).await;
    assert!(!done && said.contains("name was not typed"), "{said}");
    assert_eq!(found(&plane).await, before);

    let (done, said) = demo(&plane, &["--yes"]).await;
    assert!(done && said.contains("All as expected") && said.contains("the cluster is as it was"), "{said}");
    assert_eq!(found(&plane).await, before);

    plane.apply_crds(&testbed::crds()).await.unwrap();
    let used = found(&plane).await;
    let (done, said) = demo(&plane, &["--yes"]).await;
    assert!(!done && said.contains("phonenumbers.telephony.vobiz.ai"), "{said}");
    assert_eq!(found(&plane).await, used);
    plane.stop().unwrap();
}
