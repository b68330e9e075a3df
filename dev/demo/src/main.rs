//! The demo: real claims become (simulated) purchases, through a real kube-apiserver and the operator as it is
//! shipped. It checks what it shows, and its exit status says whether all of it was as expected.

mod error;
mod expected;
mod keep;
mod operator;
mod scenario;
mod stage;
mod terminal;
mod verdict;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use error::DemoError;
use operator::Operator;
use stage::Stage;
use terminal::say;

/// Buys simulated phone numbers through a real Kubernetes API server, and checks that each is bought once.
///
/// Run it in the root of the repository: it applies crds/ and examples/.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// The operator's binary
    #[arg(long, value_name = "PATH", default_value = "target/release/vobiz-operator")]
    operator: PathBuf,
    /// Leave everything running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Whatever was started ends when it is dropped, and so on every way out.
    let result = tokio::select! {
        played = play(&arguments) => match played {
            Ok((stage, result)) => finish(stage, result, arguments.keep).await,
            Err(error) => Err(error),
        },
        result = interrupted() => Err(result.map_or_else(DemoError::Signal, |()| DemoError::Interrupted)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("\nThe demo failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The whole demo, and what is then still running.
async fn play(arguments: &Arguments) -> Result<(Stage, Result<(), DemoError>), DemoError> {
    let begun = Instant::now();
    let program = operator::find(&arguments.operator)?;
    let mut stage = Stage::set().await?;
    let result = match scenario::play(&mut stage, &program).await {
        Ok(true) => {
            say(format!("\nAll as expected, in {:.0} s.", begun.elapsed().as_secs_f64()));
            Ok(())
        }
        Ok(false) => Err(DemoError::NotAsExpected),
        Err(error) => Err(error),
    };
    if result.is_err() {
        stage.operator.iter().for_each(Operator::show_log);
    }
    Ok((stage, result))
}

async fn finish(stage: Stage, result: Result<(), DemoError>, keep: bool) -> Result<(), DemoError> {
    if keep {
        if let Err(error) = &result {
            say(format!("\nThe demo failed: {error}"));
        }
        keep::explain(&stage);
        interrupted().await.map_err(DemoError::Signal)?;
        say("\nStopping, and removing everything.");
    }
    // What went wrong before matters more than what goes wrong at the end.
    result.and(stage.clear().await)
}

/// Ctrl-C, or being told to end.
async fn interrupted() -> std::io::Result<()> {
    let (mut interrupt, mut terminate, mut hangup) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
