//! The demo: real claims become (simulated) purchases, through a real kube-apiserver and the operator as it is
//! shipped. It checks what it shows, and its exit status says whether all of it was as expected.

mod current;
mod expected;
mod keep;
mod place;
mod scenario;
mod stage;
mod verdict;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use clap::Parser;
use stage::Demo;
use testbed::{
    Error, built,
    operator::Operator,
    stage::{Played, show},
    terminal::say,
};

/// Buys simulated phone numbers through a real Kubernetes API server, and checks that each is bought once.
///
/// Run it in the root of the repository: it applies crds/ and examples/.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// The operator's binary
    #[arg(long, value_name = "PATH", default_value = "target/debug/vobiz-operator")]
    operator: PathBuf,
    /// Play in a cluster that is there, and not on a control plane of its own
    #[arg(long)]
    cluster: Option<Cluster>,
    /// Do not ask whether that is the right one
    #[arg(long, requires = "cluster")]
    yes: bool,
    /// Leave everything running at the end, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Cluster {
    /// That of kubectl's current context
    Current,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let what = "The demo";
    testbed::stage::verdict(what, show(what, Box::pin(play(&arguments)), arguments.keep).await)
}

/// The whole demo, and what is then still running.
async fn play(arguments: &Arguments) -> Played<Demo> {
    let begun = Instant::now();
    let program = built(&arguments.operator, "cargo build")?;
    let mut demo = Demo::set(arguments.cluster.map(|cluster| (cluster, arguments.yes))).await?;
    let result = match scenario::play(&mut demo, &program).await {
        Ok(true) => {
            say(format!("\nAll as expected, in {:.0} s.", begun.elapsed().as_secs_f64()));
            Ok(())
        }
        Ok(false) => Err(Error::NotAsExpected),
        Err(error) => Err(error),
    };
    if result.is_err() {
        demo.operator.iter().for_each(Operator::show_log);
    }
    Ok((demo, result))
}
