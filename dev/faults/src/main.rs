//! `make faults`.

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use clap::Parser;
use faults::{Bench, campaign, report, scenarios};
use futures::{StreamExt, stream};

#[derive(Parser)]
struct Args {
    /// The operator's binary
    #[arg(long)]
    operator: PathBuf,
    /// Everything follows from it
    #[arg(long, default_value = "1")]
    seed: u64,
    /// How many times a process is killed
    #[arg(long, default_value = "660")]
    runs: usize,
    /// How many runs with other deeds
    #[arg(long, default_value = "220")]
    deeds: usize,
    /// Only this run
    #[arg(long)]
    run: Option<usize>,
    /// Only this scenario
    #[arg(long)]
    scenario: Option<String>,
    /// Runs at the same time
    #[arg(long, default_value = "36")]
    parallel: usize,
}

impl Args {
    fn places(&self) -> Vec<usize> {
        match (&self.run, &self.scenario) {
            (Some(run), _) => vec![*run],
            (None, Some(_)) => Vec::new(),
            (None, None) => campaign::first(self.runs, self.deeds),
        }
    }

    fn scenarios(&self) -> Vec<scenarios::Scenario> {
        let wanted =
            |name: &str| self.scenario.as_deref().map_or(self.run.is_none(), |wanted| wanted == name);
        scenarios::ALL.iter().copied().filter(|scenario| wanted(scenario.name)).collect()
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let program = args.operator.canonicalize().unwrap_or_else(|_| args.operator.clone());
    let (places, scenarios) = (args.places(), args.scenarios());
    if places.is_empty() && scenarios.is_empty() {
        println!("there is no such scenario");
        return ExitCode::FAILURE;
    }
    let start = Instant::now();
    campaign::be_quiet();
    let bench = Arc::new(Bench::start(program).await);
    let (lost, failed) = tokio::join!(play(&bench, &scenarios), perform(&bench, &args, &places, start));
    let failed = lost + failed;
    println!(
        "{} runs and {} scenarios in {} s, {failed} failed",
        places.len(),
        scenarios.len(),
        start.elapsed().as_secs()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays scenarios, a few at a time, and says how many failed.
async fn play(bench: &Arc<Bench>, scenarios: &[scenarios::Scenario]) -> usize {
    let played = scenarios.iter().map(async |scenario| (scenario.name, scenario.perform(bench).await));
    let mut played = stream::iter(played).buffer_unordered(3);
    let mut failed = 0;
    while let Some((name, result)) = played.next().await {
        match result {
            Ok(()) => println!("scenario {name}: kept every promise"),
            Err(why) => {
                failed += 1;
                println!("{why}");
            }
        }
    }
    failed
}

/// Performs runs, tells of their progress, and says how many failed.
async fn perform(bench: &Arc<Bench>, args: &Args, places: &[usize], start: Instant) -> usize {
    if places.is_empty() {
        return 0;
    }
    println!("seed {}: {} runs, {} at a time", args.seed, places.len(), args.parallel);
    let mut failed = 0;
    let done = campaign::perform(bench, args.seed, places, args.parallel, |done, count| {
        if let Some(failure) = report::failure(args.seed, done) {
            failed += 1;
            println!("{failure}");
        } else if args.run.is_some() {
            println!("{}{:?}", done.evidence.timeline, done.result);
        }
        if count.is_multiple_of(20) || count == places.len() {
            println!("{count} of {} runs, {failed} failed, {} s", places.len(), start.elapsed().as_secs());
            let _ = std::io::stdout().flush();
        }
    })
    .await;
    println!("{}", report::figures(&done));
    if let Some(missed) = report::missed(&done).filter(|_| args.run.is_none()) {
        println!("FAILED: {missed}");
        failed += 1;
    }
    failed
}
