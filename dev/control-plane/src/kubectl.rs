//! kubectl with everything set for one control plane.

use std::path::Path;

use tokio::process::Command;

use crate::binaries::Binaries;
use crate::component::Component;
use crate::error::Error;

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
