//! What a purchase costs, and how long it takes: many numbers are bought through a real API server, and CPU time, memory,
//! calls and latency are printed in a table. Another program that takes the same variables can be measured beside the
//! operator. The simulated Vobiz and the control plane are not counted.

mod accounts;
mod audit;
mod bench;
mod figures;
mod latency;
mod load;
mod metrics;
mod process;
mod ready;
mod relist;
mod restart;
mod resync;

use std::{path::PathBuf, process::ExitCode};

use accounts::Accounts;
use bench::{Bench, Program};
use clap::{Parser, ValueEnum};
use figures::Figures;
use process::settled;
use testbed::{
    Error, built, crds,
    stage::verdict,
    terminal::{say, step},
};

#[derive(Parser)]
struct Args {
    /// The operator's binary
    #[arg(long)]
    operator: PathBuf,
    /// How many claims; several sizes make a curve
    #[arg(long, default_value = "2000", value_delimiter = ',')]
    claims: Vec<u64>,
    /// How many numbers the account has already, none of which is claimed
    #[arg(long, default_value = "0")]
    owned: u64,
    /// `VOBIZ_RATE_LIMIT`; by default what is measured is the operator, not the patience of its rate limit
    #[arg(long, default_value = "2000")]
    rate: String,
    /// Seconds from one resync to the next, once there is one to be looked at
    #[arg(long, default_value = "30")]
    resync: u64,
    /// How often each is measured: the table has the medians
    #[arg(long, default_value = "1")]
    runs: u32,
    /// Spread the claims over so many declared accounts, and measure one declared account beside them
    #[arg(long, conflicts_with = "against")]
    accounts: Option<u64>,
    /// Declare so many accounts more, whose token is refused, and measure the same without them instead
    #[arg(long, requires = "accounts", default_value = "0")]
    wrong_tokens: u64,
    /// Another program to measure beside the operator
    #[arg(long)]
    against: Option<PathBuf>,
    /// The definitions of that program, if they are not the operator's
    #[arg(long)]
    crds: Option<PathBuf>,
    /// What is measured besides the load
    #[arg(long, default_value = "latency,restart,resync,relist", value_delimiter = ',')]
    parts: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Load,
    Latency,
    Restart,
    Resync,
    Relist,
}

#[tokio::main]
async fn main() -> ExitCode {
    verdict("The measurement", run(&Args::parse()).await)
}

async fn run(args: &Args) -> Result<(), Error> {
    let (operator, other) = programs(args)?;
    let mut columns = Vec::new();
    for &claims in &args.claims {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        // In turn, so that what else the machine does meets both.
        for _ in 0..args.runs {
            ours.push(measure(args, &operator, claims).await?);
            if let Some(other) = &other {
                theirs.push(measure(args, other, claims).await?);
            }
        }
        columns.push((claims, Figures::median(&ours), Figures::median(&theirs)));
    }
    let beside = other.map(|other| match &args.accounts {
        None => "the other".to_owned(),
        Some(_) => other.accounts.named().trim_start_matches([',', ' ']).to_owned(),
    });
    figures::print(&columns, &operator.accounts.named(), beside.as_deref());
    Ok(())
}

/// What is measured, and what beside it.
fn programs(args: &Args) -> Result<(Program, Option<Program>), Error> {
    let operator = |accounts| {
        Ok::<_, Error>(Program { path: built(&args.operator, "make build")?, crds: crds(), accounts })
    };
    let other = match (&args.against, args.accounts) {
        (Some(path), _) => {
            let crds = args.crds.clone().unwrap_or_else(crds);
            Some(Program { path: built(path, "what builds it")?, crds, accounts: Accounts::OF_THE_FLAGS })
        }
        (None, Some(declared)) => {
            let declared = if args.wrong_tokens > 0 { declared } else { 1 };
            Some(operator(Accounts { declared, refused: 0 })?)
        }
        (None, None) => None,
    };
    let declared = args.accounts.unwrap_or_default();
    Ok((operator(Accounts { declared, refused: args.wrong_tokens })?, other))
}

async fn measure(args: &Args, program: &Program, claims: u64) -> Result<Figures, Error> {
    step(&format!("{claims} claims{}: {}", program.accounts.named(), program.path.display()));
    let mut bench = Bench::start(program, args, claims).await?;
    let measured = parts(args, &mut bench, claims).await;
    if measured.is_err() {
        bench.operator.show_log();
    }
    bench.stop().await?;
    measured
}

async fn parts(args: &Args, bench: &mut Bench, claims: u64) -> Result<Figures, Error> {
    let mut figures = Figures::default();
    let idle = settled(&bench.operator).await?;
    if args.parts.contains(&Part::Latency) {
        latency::measure(bench, latency::BEFORE, &mut figures).await?;
    }
    load::measure(bench, claims, &idle, &mut figures).await?;
    for part in &args.parts {
        match part {
            Part::Load => {}
            Part::Latency => latency::measure(bench, latency::AFTER, &mut figures).await?,
            Part::Restart => restart::measure(bench, &mut figures).await?,
            Part::Resync => resync::measure(bench, args.resync, &mut figures).await?,
            Part::Relist => relist::measure(bench, &mut figures).await?,
        }
    }
    say(format!("load of the machine: {}", std::fs::read_to_string("/proc/loadavg")?.trim()));
    Ok(figures)
}
