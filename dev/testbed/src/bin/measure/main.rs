//! What a purchase costs: buys many numbers through a real API server, and prints the operator's CPU time, memory and
//! API writes per claim. The simulated Vobiz and the control plane run beside it and are not counted.

mod process;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Parser;
use control_plane::{ControlPlane, Options};
use process::Usage;
use testbed::{
    Error, crds,
    operator::{Operator, Setup},
};
use vobiz_sim::{Account, Config, InventoryNumber, JournalFilter, Sim, State};

#[derive(Parser)]
struct Args {
    /// The operator's binary
    #[arg(long)]
    operator: PathBuf,
    /// How many claims
    #[arg(long, default_value = "2000")]
    claims: u64,
}

const ACCOUNT: &str = "MA_MEASURE";
const LIMIT: Duration = Duration::from_mins(5);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let args = Args::parse();
    let plane = ControlPlane::start(Options::default()).await?;
    plane.apply_crds(&crds()).await?;
    let sim = Sim::start(Config { state: stock(args.claims), ..Config::default() }).await?;
    let operator = setup(&plane, &sim, &args.operator).spawn().map_err(Error::Start)?;
    let measured = measure(&args, &plane, &sim, &operator).await;
    // Its warnings: the log goes with the folder of the control plane.
    operator.show_log();
    operator.discard().await;
    sim.stop().await;
    measured?;
    Ok(plane.stop()?)
}

async fn measure(args: &Args, plane: &ControlPlane, sim: &Sim, operator: &Operator) -> Result<(), Error> {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let idle = Usage::of(operator)?;

    let started = Instant::now();
    let file = plane.folder().join("claims.yaml");
    std::fs::write(&file, claims(args.claims))?;
    let file = file.display().to_string();
    let applied = plane.run_kubectl(["create", "-f", &file]);
    let bought = wait_until_bought(plane, args.claims);
    let (applied, bought) = tokio::join!(applied, bought);
    applied?;
    bought?;
    let took = started.elapsed();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let busy = Usage::of(operator)?;
    report(args, plane, sim, &idle, &busy, took)
}

fn number(index: u64) -> String {
    format!("+9180{:08}", 10_000_000 + index)
}

fn stock(claims: u64) -> State {
    State {
        accounts: vec![Account::new(ACCOUNT, "token").with_balance("INR", 1_000_000_000_u64)],
        inventory: (0..claims).map(|index| InventoryNumber::new(number(index), "INR", 50, 2)).collect(),
        ..State::default()
    }
}

fn claims(count: u64) -> String {
    (0..count).fold(String::new(), |mut yaml, index| {
        let _ = write!(
            yaml,
            "---\napiVersion: telephony.vobiz.ai/v1alpha1\nkind: PhoneNumberClaim\nmetadata:\n  name: claim-{index}\n  \
             namespace: default\nspec:\n  e164: \"{}\"\n",
            number(index)
        );
        yaml
    })
}

fn setup(plane: &ControlPlane, sim: &Sim, operator: &Path) -> Setup {
    Setup::new(operator, plane.group(), plane.folder().join("operator.log"))
        .env("KUBECONFIG", plane.kubeconfig().display().to_string())
        .env("VOBIZ_AUTH_ID", ACCOUNT)
        .env("VOBIZ_AUTH_TOKEN", "token")
        .env("VOBIZ_API_URL", sim.url())
        // What is measured is the operator, not the patience of its rate limit.
        .env("VOBIZ_RATE_LIMIT", "2000")
        .env("RUST_LOG", "warn")
}

async fn wait_until_bought(plane: &ControlPlane, claims: u64) -> Result<(), Error> {
    let started = Instant::now();
    let columns = "jsonpath={range .items[*]}{.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}{end}";
    loop {
        let ready = plane.run_kubectl(["get", "phonenumberclaims", "-A", "-o", columns]).await?;
        let bought = ready.lines().filter(|line| *line == "True").count() as u64;
        if bought == claims {
            return Ok(());
        }
        println!("bought {bought} of {claims}");
        if started.elapsed() > LIMIT {
            return Err(Error::Slow { bought, claims, seconds: LIMIT.as_secs() });
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

fn report(
    args: &Args,
    plane: &ControlPlane,
    sim: &Sim,
    idle: &Usage,
    busy: &Usage,
    took: Duration,
) -> Result<(), Error> {
    let calls: u64 = sim.admin().counts(&JournalFilter::account(ACCOUNT)).purchase_calls.values().sum();
    let claims = args.claims;
    println!("\n{claims} claims bought in {:.1} s", took.as_secs_f64());
    println!("purchase calls (POST):    {calls}, {} a claim", per(calls, claims));
    println!("CPU:                      {} ms a claim", per(busy.cpu_ms - idle.cpu_ms, claims));
    println!(
        "memory, resident:         {} kB idle, {} kB after, {} kB peak",
        idle.rss_kb, busy.rss_kb, busy.peak_kb
    );
    println!("calls to the API server, from its audit log:");
    let calls = audited(plane)?;
    for ((verb, what), count) in &calls {
        println!("  {verb:<7} {what:<28} {count:>6}, {} a claim", per(*count, claims));
    }
    let writes: u64 = calls
        .iter()
        .filter(|((verb, what), _)| !matches!(verb.as_str(), "get" | "list" | "watch") && what != "events")
        .map(|(_, count)| count)
        .sum();
    println!("writes without events:    {writes}, {} a claim", per(writes, claims));
    Ok(())
}

fn per(count: u64, claims: u64) -> String {
    let thousandths = count * 1000 / claims;
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

/// Calls of the operator by verb and resource.
fn audited(plane: &ControlPlane) -> Result<BTreeMap<(String, String), u64>, Error> {
    let mut counts = BTreeMap::new();
    for event in plane.audit_events()? {
        if !event["userAgent"].as_str().is_some_and(|agent| agent.starts_with("vobiz-operator/")) {
            continue;
        }
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let reference = &event["objectRef"];
        let mut what = text(&reference["resource"]);
        if let Some(subresource) = reference["subresource"].as_str() {
            what = format!("{what}/{subresource}");
        }
        *counts.entry((text(&event["verb"]), what)).or_default() += 1;
    }
    Ok(counts)
}
