//! The operator's end-to-end test: its image, installed by its chart on a real node, used and mistreated as in
//! production, against a simulated Vobiz that counts. The exit status says whether all of it was as expected.

mod claims;
mod error;
mod examples;
mod install;
mod keep;
mod load;
mod logs;
mod operator;
mod rootfs;
mod scenario;
mod stage;
mod terminal;
mod trouble;
mod verdict;

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use node::Programs;
use testbed::stage::{Played, show, verdict as exit};
use testbed::terminal::say;

use error::E2eError;
use stage::Stage;

const WHAT: &str = "The end-to-end test";

/// Installs the operator on a real single-node Kubernetes of its own, and tests it there. Needs root.
///
/// Run it in the root of the repository: it takes charts/ and examples/.
#[derive(Parser)]
#[command(name = "e2e")]
struct Arguments {
    /// The operator's image, an OCI archive
    #[arg(long, value_name = "FILE", default_value = "target/image/vobiz-operator.tar")]
    image: PathBuf,
    /// A static program that does nothing
    #[arg(long, value_name = "FILE", default_value = "target/image/pause")]
    pause: PathBuf,
    /// Leave everything running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// This process is in a network namespace of its own already
    #[arg(long, hide = true)]
    inside: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) if arguments.inside => runtime.block_on(show(WHAT, play(&arguments), arguments.keep)),
        Ok(runtime) => enter(&runtime),
        Err(error) => Err(E2eError::Runtime(error)),
    };
    exit(WHAT, result)
}

/// Builds what is missing while there is a network, and begins anew in a network namespace that has none.
fn enter(runtime: &tokio::runtime::Runtime) -> Result<(), E2eError> {
    runtime.block_on(Programs::locate_or_build(&control_plane::in_lines(|line| say(line))))?;
    let program = std::env::current_exe().map_err(E2eError::Enter)?;
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "--"]).arg(program).arg("--inside").args(std::env::args_os().skip(1));
    Err(E2eError::Enter(unshare.exec()))
}

/// The whole test, and what is then still running.
async fn play(arguments: &Arguments) -> Played<Stage> {
    let stage = Stage::set(&arguments.image, &arguments.pause).await?;
    let result = scenario::play(&stage).await;
    if result.is_err() {
        stage.show_what_may_help().await;
    }
    Ok((stage, result))
}
