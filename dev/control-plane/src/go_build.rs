//! Building the programs with Go, from module versions that are pinned here.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::binaries::{Binaries, BinariesError, Component};
use crate::process::tail;

pub(crate) const GO_MOD: &str = include_str!("../binaries/go.mod");
pub(crate) const GO_SUM: &str = include_str!("../binaries/go.sum");

/// Where a build is under way, in the cache folder.
const STAGING: &str = ".building-";
/// How often a sign of life is given.
const TICK: Duration = Duration::from_secs(10);

/// Builds what is missing in the folder of `binaries`, once: of several processes that want it,
/// the others wait for the first.
pub(crate) async fn build_missing(
    binaries: &Binaries,
    progress: &impl Fn(&str),
) -> Result<(), BinariesError> {
    let folder = binaries.folder();
    fs::create_dir_all(folder).map_err(BinariesError::file(folder))?;
    let _lock = lock(folder, progress).await?;
    let missing = binaries.missing(&Component::ALL);
    if missing.is_empty() {
        return Ok(()); // another process has built it meanwhile
    }
    check_go().await?;
    remove_leftovers(folder)?;
    let staging = stage(folder)?;
    let count = Component::ALL.len();
    for (index, component) in Component::ALL.into_iter().enumerate() {
        let title = format!("{} ({} of {count})", component.name(), index + 1);
        if missing.contains(&component) {
            build(component, &title, staging.path(), folder, progress).await?;
        } else {
            progress(&format!("{title}: already there"));
        }
    }
    Ok(())
}

/// The lock is the operating system's, so it ends with its holder, however that ends.
async fn lock(folder: &Path, progress: &impl Fn(&str)) -> Result<File, BinariesError> {
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(BinariesError::file(&path))?;
    let start = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                if said.is_none_or(|said| said.elapsed() >= TICK) {
                    let seconds = start.elapsed().as_secs();
                    progress(&format!(
                        "another process is building the control plane; waiting ({seconds} s)"
                    ));
                    said = Some(Instant::now());
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            Err(TryLockError::Error(source)) => return Err(BinariesError::File { path, source }),
        }
    }
}

async fn check_go() -> Result<(), BinariesError> {
    match Command::new("go").arg("version").stdout(Stdio::null()).status().await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(BinariesError::NoGo { version: go_version() })
        }
        Err(source) => Err(BinariesError::File { path: "go".into(), source }),
        Ok(_) => Ok(()),
    }
}

/// Whoever was killed here could not clean up. Only the holder of the lock builds, so nothing
/// of this kind can be in use.
fn remove_leftovers(folder: &Path) -> Result<(), BinariesError> {
    for entry in fs::read_dir(folder).map_err(BinariesError::file(folder))? {
        let entry = entry.map_err(BinariesError::file(folder))?;
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(BinariesError::file(&path))?;
        }
    }
    Ok(())
}

/// A folder with the pinned modules, on the file system where the programs will be, so that a
/// finished one can be renamed into its place.
fn stage(folder: &Path) -> Result<TempDir, BinariesError> {
    let staging =
        tempfile::Builder::new().prefix(STAGING).tempdir_in(folder).map_err(BinariesError::file(folder))?;
    for (name, content) in [("go.mod", GO_MOD), ("go.sum", GO_SUM)] {
        let path = staging.path().join(name);
        fs::write(&path, content).map_err(BinariesError::file(&path))?;
    }
    Ok(staging)
}

async fn build(
    component: Component,
    title: &str,
    staging: &Path,
    folder: &Path,
    progress: &impl Fn(&str),
) -> Result<(), BinariesError> {
    let name = component.name();
    let (built, log) = (staging.join(name), staging.join("go.log"));
    let output = File::create(&log).map_err(BinariesError::file(&log))?;
    progress(&format!("{title}: building"));
    let start = Instant::now();
    let mut go = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", &link_flags(), "-o"])
        .arg(&built)
        .arg(package(component))
        .current_dir(staging)
        // A go.work in a folder above must not take over.
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .map_err(BinariesError::file(Path::new("go")))?;
    let success = finish(&mut go, title, start, &log, progress).await?;
    if !success {
        return Err(BinariesError::Build { name, output: tail(&log) });
    }
    let place = folder.join(name);
    fs::rename(&built, &place).map_err(BinariesError::file(&place))?;
    progress(&format!("{title}: built in {} s", start.elapsed().as_secs()));
    Ok(())
}

/// Waits for go, with a sign of life now and then.
async fn finish(
    go: &mut Child,
    title: &str,
    start: Instant,
    log: &Path,
    progress: &impl Fn(&str),
) -> Result<bool, BinariesError> {
    loop {
        if let Ok(status) = tokio::time::timeout(TICK, go.wait()).await {
            return Ok(status.map_err(BinariesError::file(Path::new("go")))?.success());
        }
        let said = fs::read_to_string(log).unwrap_or_default();
        let downloads = said.lines().filter(|line| line.starts_with("go: downloading")).count();
        let fetched =
            if downloads == 0 { String::new() } else { format!(", {downloads} modules downloaded") };
        progress(&format!("{title}: {} s so far{fetched}", start.elapsed().as_secs()));
    }
}

const fn package(component: Component) -> &'static str {
    match component {
        Component::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
        Component::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
        Component::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
        Component::Etcd => "go.etcd.io/etcd/server/v3",
    }
}

/// Without the version the apiserver calls itself v0.0.0, and clients that look are confused.
fn link_flags() -> String {
    let version = pinned("k8s.io/kubernetes ");
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let package = "k8s.io/component-base/version";
    format!(
        "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    )
}

fn go_version() -> &'static str {
    pinned("go ")
}

/// The word after `prefix` on its line of go.mod.
fn pinned(prefix: &str) -> &'static str {
    let rest = GO_MOD.lines().find_map(|line| line.trim_start().strip_prefix(prefix));
    rest.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_read_from_the_pinned_modules() {
        let version = pinned("k8s.io/kubernetes ");
        assert!(version.starts_with("v1."), "{version}");
        let minor = version.split('.').nth(1).unwrap();
        assert!(link_flags().ends_with(&format!("gitMinor={minor}")), "{}", link_flags());
        assert!(!version.contains(char::is_whitespace));
        assert!(go_version().starts_with("1."), "{}", go_version());
    }
}
