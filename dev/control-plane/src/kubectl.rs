//! kubectl with everything set for one control plane.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::binaries::{Binaries, variable};
use crate::component::Component;
use crate::error::Error;
use crate::module::Module;

const NAME: &str = "kubectl";

/// kubectl as the owner of `kubeconfig`, unable to touch anything of the user's own. It ends
/// with the control plane.
pub(crate) fn command(binaries: &Binaries, kubeconfig: &Path, cache: &Path, group: i32) -> Command {
    let mut command = Command::new(binaries.path(Component::Kubectl));
    command
        .env("KUBECONFIG", kubeconfig)
        .env("KUBECACHEDIR", cache)
        .env("KUBERC", "off")
        .env("PATH", binaries.first_on_path())
        .process_group(group)
        .kill_on_drop(true);
    command
}

/// The folder of a kubectl on the `PATH` that may talk to this control plane: within one minor version of it.
pub(crate) async fn on_path() -> Option<PathBuf> {
    let path = variable("PATH")?;
    let folder = std::env::split_paths(&path).find(|folder| folder.join(NAME).is_file())?;
    let output = Command::new(folder.join(NAME)).args(["version", "--client", "--output", "json"]).output();
    let version: serde_json::Value = serde_json::from_slice(&output.await.ok()?.stdout).ok()?;
    let minor = |version: &str| version.split('.').nth(1)?.parse::<u32>().ok();
    let theirs = minor(version["clientVersion"]["gitVersion"].as_str()?)?;
    let ours = minor(Module::Kubernetes.pinned("k8s.io/kubernetes "))?;
    (theirs.abs_diff(ours) <= 1).then_some(folder)
}

/// Runs it to its end and returns what it printed.
pub(crate) async fn run(command: &mut Command) -> Result<String, Error> {
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .map_err(|source| Error::Spawn { program: command.as_std().get_program().into(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let arguments: Vec<_> = command.as_std().get_args().map(|it| it.to_string_lossy()).collect();
    Err(Error::Kubectl {
        arguments: arguments.join(" "),
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
