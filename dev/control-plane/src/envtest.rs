//! The programs that `setup-envtest` keeps, or fetches: of the minor version of the pinned sources.

use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::binaries::{BinariesError, missing, variable};
use crate::component::Component;
use crate::go_build;
use crate::module::Module;
use crate::progress::Progress;

/// A slow connection makes the build from source the shorter way.
const LONGEST: Duration = Duration::from_mins(1);

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFetched {
    #[error("OFFLINE=1: nothing is fetched")]
    Offline,
    #[error("setup-envtest cannot be built ({0})")]
    NotBuilt(#[from] BinariesError),
    #[error("setup-envtest cannot be started ({0})")]
    NotStarted(std::io::Error),
    #[error("setup-envtest fetched nothing within {} s", LONGEST.as_secs())]
    TooSlow,
    #[error("setup-envtest fetched nothing ({0})")]
    Refused(String),
}

/// The newest of the versions that are kept, if one fits.
pub(crate) fn kept() -> Option<PathBuf> {
    newest(&data_folder()?.join("kubebuilder-envtest/k8s"))
}

/// Where programs keep their data, as setup-envtest has it.
fn data_folder() -> Option<PathBuf> {
    let home = || variable("HOME").map(PathBuf::from);
    if OS == "macos" {
        return Some(home()?.join("Library/Application Support"));
    }
    variable("XDG_DATA_HOME").map(PathBuf::from).or_else(|| Some(home()?.join(".local/share")))
}

/// The newest version of a folder with one folder for each, `1.2.3-linux-amd64`.
fn newest(versions: &Path) -> Option<PathBuf> {
    let (start, end) = (format!("{}.", minor()), format!("-{OS}-{}", go_arch()).replace("macos", "darwin"));
    let patch = |folder: &Path| -> Option<u32> {
        folder.file_name()?.to_str()?.strip_prefix(&start)?.strip_suffix(&end)?.parse().ok()
    };
    let folders = std::fs::read_dir(versions).ok()?.flatten().map(|entry| entry.path());
    let whole = folders.filter(|folder| missing(folder, &Component::CONTROL_PLANE).is_empty());
    whole.filter_map(|folder| Some((patch(&folder)?, folder))).max().map(|(_, folder)| folder)
}

/// The minor version of the pinned sources, `1.2`.
fn minor() -> &'static str {
    let version = Module::Kubernetes.pinned("k8s.io/kubernetes ").trim_start_matches('v');
    version.rsplit_once('.').map_or(version, |(minor, _)| minor)
}

fn go_arch() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// Has setup-envtest fetch the programs and compare their checksums. `ENVTEST_INDEX` names another index than its own.
pub(crate) async fn fetch(cache: &Path, progress: &impl Fn(Progress<'_>)) -> Result<PathBuf, NotFetched> {
    if variable("OFFLINE").is_some_and(|value| value == "1") {
        return Err(NotFetched::Offline);
    }
    let folder = Module::Envtest.folder(cache);
    go_build::build_missing(&folder, &[Component::SetupEnvtest], progress).await?;
    let line = format!("setup-envtest: fetching Kubernetes {} (OFFLINE=1: do not)", minor());
    progress(Progress::Said(&line));
    let mut command = Command::new(folder.join(Component::SetupEnvtest.name()));
    command.args(["use", "--print", "path", &format!("{}.x", minor())]);
    if let Some(index) = variable("ENVTEST_INDEX") {
        command.arg("--index").arg(index);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(LONGEST, output).await.map_err(|_| NotFetched::TooSlow)?;
    let output = output.map_err(NotFetched::NotStarted)?;
    let fetched = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && missing(&fetched, &Component::CONTROL_PLANE).is_empty() {
        return Ok(fetched);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(NotFetched::Refused(words.trim().lines().last().unwrap_or("it gave no reason").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_version_of_this_machine_is_taken() {
        let kept = tempfile::tempdir().unwrap();
        let end = format!("-{OS}-{}", go_arch()).replace("macos", "darwin");
        let keep = |version: &str, end: &str, programs: &[&str]| {
            let folder = kept.path().join(format!("{version}{end}"));
            std::fs::create_dir(&folder).unwrap();
            for program in programs {
                std::fs::write(folder.join(program), "").unwrap();
            }
            folder
        };
        let all = ["etcd", "kube-apiserver", "kubectl"];
        assert_eq!(newest(kept.path()), None);
        keep("1.19.9", &end, &all);
        keep(&format!("{}.30", minor()), "-plan9-mips", &all);
        keep(&format!("{}.20", minor()), &end, &all[1..]);
        assert_eq!(newest(kept.path()), None);
        keep(&format!("{}.9", minor()), &end, &all);
        let expected = keep(&format!("{}.10", minor()), &end, &all);
        assert_eq!(newest(kept.path()), Some(expected));
    }
}
