//! The control plane on the command line.

mod beside;
mod shown;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use control_plane::{Binaries, Component, ControlPlane, Error, Options, Progress, in_lines};
use shown::Shown;
use strum::VariantArray as _;
use tokio::signal::unix::{SignalKind, signal};

/// A real local Kubernetes control plane, for tests and demonstrations.
#[derive(Parser)]
#[command(name = "control-plane")]
struct Cli {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Find, fetch or build the programs of a control plane, and print the folder of kubectl; or build those that are
    /// named (helm, kubelet, …), and print the file of each
    Build {
        /// With kube-controller-manager
        #[arg(long)]
        controller_manager: bool,
        /// These programs beside the control plane's
        #[arg(long, value_name = "PROGRAM", value_parser = component, conflicts_with = "programs")]
        also: Vec<Component>,
        /// Names of programs
        #[arg(value_name = "PROGRAM", value_parser = component)]
        programs: Vec<Component>,
        /// Run this command meanwhile, and end with it if it fails
        #[arg(last = true, value_name = "COMMAND", conflicts_with = "programs")]
        beside: Vec<OsString>,
    },
    /// Run a control plane until interrupted, and remove every trace of it
    Run {
        /// Run kube-controller-manager too
        #[arg(long)]
        controller_manager: bool,
        /// Write the administrator's kubeconfig to this file too, for as long as it runs
        #[arg(long, value_name = "FILE")]
        kubeconfig_out: Option<PathBuf>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let action = Cli::parse().action;
    let interrupted_is_success = matches!(action, Action::Run { .. });
    // Whatever `execute` has started ends when it is dropped.
    let result = tokio::select! {
        result = execute(action) => result,
        result = interrupted() => match result {
            Ok(()) if interrupted_is_success => Ok(()),
            Ok(()) => Err("interrupted".into()),
            Err(error) => Err(error.into()),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(error);
            ExitCode::FAILURE
        }
    }
}

fn component(name: &str) -> Result<Component, String> {
    name.parse().map_err(|_| {
        let names: Vec<_> = Component::VARIANTS.iter().map(|component| component.name()).collect();
        format!("there are {}", names.join(", "))
    })
}

type Failure = Box<dyn std::error::Error>;

async fn execute(action: Action) -> Result<(), Failure> {
    match action {
        Action::Build { programs, .. } if !programs.is_empty() => {
            for component in programs {
                print(&control_plane::program(component, in_lines(|line| say(line))).await?.display())?;
            }
            Ok(())
        }
        Action::Build { controller_manager, also, beside, .. } => {
            let shown = Shown::new();
            let built = build(Options { controller_manager }, &also, &beside, &shown).await;
            shown.clear();
            built
        }
        Action::Run { controller_manager, kubeconfig_out } => {
            let plane = ControlPlane::start(Options { controller_manager }).await?;
            let copy = kubeconfig_out.map(|path| Copy::make(plane.kubeconfig(), &path)).transpose()?;
            let kubeconfig = copy.as_ref().map_or(plane.kubeconfig(), |copy| &copy.0);
            say(format!("{} is ready; interrupt it to end it", plane.url()));
            say(format!("kubectl and the other programs: {}", plane.binaries().folder().display()));
            print(&format!("export KUBECONFIG={}", quoted(kubeconfig)))?;
            std::future::pending::<()>().await;
            Ok(())
        }
    }
}

/// The programs, and the command meanwhile. The failure of one ends the others.
async fn build(
    options: Options,
    also: &[Component],
    command: &[OsString],
    shown: &Shown,
) -> Result<(), Failure> {
    let tell = |progress: Progress<'_>| shown.tell(progress);
    let control_plane = async { Ok::<_, Failure>(Binaries::locate_or_build(options, tell).await?) };
    let others = async {
        for component in also {
            control_plane::program(*component, tell).await?;
        }
        Ok(())
    };
    let command_ended = async {
        let status = beside::run(command, shown).await?;
        if status.success() { Ok(()) } else { Err("the command failed, see above".into()) }
    };
    let (binaries, (), ()) = tokio::try_join!(control_plane, others, command_ended)?;
    if command.is_empty() { print(&binaries.folder().display()) } else { Ok(()) }
}

async fn interrupted() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

/// A copy of a kubeconfig, removed at the end: it would lead nowhere.
struct Copy(PathBuf);

impl Copy {
    fn make(original: &Path, path: &Path) -> Result<Self, Error> {
        std::fs::copy(original, path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let path = path.canonicalize().map_err(|source| Error::File { path: path.to_owned(), source })?;
        Ok(Self(path))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// For people, beside the output that a program may read.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "control-plane: {line}");
}

fn print(line: &impl Display) -> Result<(), Failure> {
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    Ok(output.flush()?)
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|it| it.is_ascii_alphanumeric() || "/._-+".contains(it)) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
