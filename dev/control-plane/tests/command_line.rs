//! The program `control-plane`, and what is left when it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use control_plane::{Binaries, Options};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_control-plane"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs a control plane whose folder is in `place`, and returns it with its kubeconfig.
async fn run(place: &Path, arguments: &[&str]) -> (Child, PathBuf) {
    let mut child = program().arg("run").args(arguments).env("TMPDIR", place).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    (child, line.strip_prefix("export KUBECONFIG=").unwrap().into())
}

/// The processes with `text` among their arguments. One that has ended and whom nobody has
/// waited for has no arguments any more, and so does not count.
fn processes_with(text: &Path) -> Vec<String> {
    let text = text.to_str().unwrap();
    let Ok(folders) = fs::read_dir("/proc") else {
        let output = std::process::Command::new("ps").args(["-A", "-o", "args="]).output().unwrap();
        let output = String::from_utf8_lossy(&output.stdout);
        return output.lines().filter(|line| line.contains(text)).map(str::to_owned).collect();
    };
    folders
        .filter_map(|folder| fs::read(folder.ok()?.path().join("cmdline")).ok())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}

/// Waits until no process has to do with `place` and nothing is in it.
async fn until_nothing_is_left(place: &Path) {
    let start = Instant::now();
    loop {
        let processes = processes_with(place);
        let files: Vec<_> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
        if processes.is_empty() && files.is_empty() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "left: {processes:#?} {files:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn send(signal: &str, child: &Child) {
    let id = child.id().unwrap().to_string();
    let status = std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap();
    assert!(status.success());
}

/// What the program, which must fail, complains about.
async fn complaint(program: &mut Command) -> String {
    let output = program.stderr(Stdio::piped()).output().await.unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_killed_control_plane_leaves_no_process_and_no_folder() {
    let place = tempfile::tempdir().unwrap();
    let (mut child, _) = run(place.path(), &["--controller-manager"]).await;
    let names = ["etcd ", "kube-apiserver ", "kube-controller-manager ", "control-plane-watchdog "];
    let processes = processes_with(place.path());
    for name in names {
        assert!(processes.iter().any(|line| line.contains(name)), "no {name} in {processes:#?}");
    }
    send("KILL", &child);
    child.wait().await.unwrap();
    until_nothing_is_left(place.path()).await;
}

#[tokio::test]
async fn a_control_plane_killed_while_it_starts_leaves_nothing_either() {
    let place = tempfile::tempdir().unwrap();
    let mut child = program().arg("run").env("TMPDIR", place.path()).spawn().unwrap();
    let start = Instant::now();
    while !processes_with(place.path()).iter().any(|line| line.contains("kube-apiserver ")) {
        assert!(start.elapsed() < Duration::from_mins(30));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    send("KILL", &child);
    child.wait().await.unwrap();
    until_nothing_is_left(place.path()).await;
}

#[tokio::test]
async fn a_terminated_control_plane_ends_well_and_leaves_nothing() {
    let (place, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let out = out.path().join("kubeconfig");
    let (mut child, kubeconfig) = run(place.path(), &["--kubeconfig-out", out.to_str().unwrap()]).await;
    assert_eq!(kubeconfig, out.canonicalize().unwrap());
    let binaries = Binaries::locate_or_build(Options::default(), |_| ()).await.unwrap();
    let ready = Command::new(binaries.folder().join("kubectl"))
        .args(["get", "--raw", "/readyz"])
        .env("KUBECONFIG", &kubeconfig)
        .output()
        .await
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&ready.stdout), "ok");

    send("TERM", &child);
    assert!(child.wait().await.unwrap().success());
    assert!(!kubeconfig.exists());
    until_nothing_is_left(place.path()).await;
}

#[tokio::test]
async fn what_is_missing_in_kubebuilder_assets_is_named() {
    let assets = tempfile::tempdir().unwrap();
    for name in ["etcd", "kubectl"] {
        fs::write(assets.path().join(name), "").unwrap();
    }
    let message = complaint(program().arg("build").env("KUBEBUILDER_ASSETS", assets.path())).await;
    assert!(message.contains("which has no kube-apiserver;"), "{message}");
}

#[tokio::test]
async fn a_missing_go_is_named_with_how_to_get_it() {
    let empty = tempfile::tempdir().unwrap();
    let message = complaint(
        program()
            .arg("build")
            .env_remove("KUBEBUILDER_ASSETS")
            .env("XDG_CACHE_HOME", empty.path())
            .env("XDG_DATA_HOME", empty.path())
            .env("PATH", empty.path()),
    )
    .await;
    assert!(message.contains("go was not found") && message.contains("https://go.dev/dl/"), "{message}");
}

#[tokio::test]
async fn a_program_that_does_not_come_up_is_named_with_the_end_of_its_log() {
    let (place, assets) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (name, script) in [
        ("etcd", "echo listening; exec sleep 1000"),
        ("kube-apiserver", "echo cannot do that >&2; exit 4"),
        ("kubectl", "exit 1"),
    ] {
        use std::os::unix::fs::PermissionsExt;
        let path = assets.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let message =
        complaint(program().arg("run").env("KUBEBUILDER_ASSETS", assets.path()).env("TMPDIR", place.path()))
            .await;
    assert!(message.contains("kube-apiserver ended (exit status: 4)"), "{message}");
    assert!(message.contains("cannot do that"), "{message}");
    until_nothing_is_left(place.path()).await;
}
