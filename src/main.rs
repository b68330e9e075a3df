//! The program: reads the arguments, starts telemetry and the clients, and performs what is asked for.

use std::{io::Write, process::ExitCode, sync::Arc, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use vobiz_operator::{
    api,
    cli::{self, Cli, Command, RunArgs},
    clock::{Clock, Peers},
    cluster, commands, controller, health, leader,
    metrics::Metrics,
    telemetry,
    vobiz::{self, Connector},
};

/// With ten thousand claims, the C library's allocator takes an eighth of all CPU time to look for room between what is kept, and
/// leaves a tenth of the memory to holes.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Why the program ends without having begun.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Credentials(#[from] vobiz::CredentialsError),
    #[error(transparent)]
    Vobiz(#[from] vobiz::SetupError),
    #[error("VOBIZ_SETTLE_TIME ({settle:?}) must not be shorter than VOBIZ_PURCHASE_TIMEOUT ({timeout:?})")]
    SettleTime { settle: Duration, timeout: Duration },
    #[error(transparent)]
    Telemetry(#[from] telemetry::TelemetryError),
    #[error(transparent)]
    Http(#[from] health::BindError),
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    #[error(transparent)]
    Crd(#[from] api::CrdError),
    #[error(transparent)]
    Command(#[from] commands::CommandError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

// One thread: the work is waiting, and a second one would cost memory that nothing here needs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Fails only if another provider is installed already, which then serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Cli { command, no_color, name } = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        // Clap ends with 2, which says of a plan that something would be bought.
        Err(error) => return ExitCode::from(u8::from(error.print().is_err() || error.use_stderr())),
    };
    let result = match command {
        Command::Crd => print_crds().map(|()| ExitCode::SUCCESS),
        Command::Run(args) => run(*args).await.map(|()| ExitCode::SUCCESS),
        Command::Tool(tool) => commands::run(tool, no_color).await.map_err(StartError::from),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_crds() -> Result<(), StartError> {
    Ok(std::io::stdout().write_all(api::crds_yaml()?.as_bytes())?)
}

async fn run(args: RunArgs) -> Result<(), StartError> {
    let place = args.place;
    let (timeout, settle) = (place.times.vobiz_purchase_timeout.0, place.times.vobiz_settle_time.0);
    let timeouts = controller::Timeouts { purchase_timeout: timeout, settle };
    if !timeouts.are_in_order() {
        return Err(StartError::SettleTime { settle, timeout });
    }
    let source = if args.vobiz.names_an_account() { Some(args.vobiz.source()?) } else { None };
    let credentials = match source {
        Some(source) => Some((source.clone(), source.read()?)),
        None => None,
    };
    let spending = vobiz::Spending { timeout, casing: place.vobiz_purchase_path };
    let metrics = Arc::new(Metrics::default());
    let peers = Arc::new(Peers::new(Clock::start()));
    let connector = Connector::new(&args.vobiz.settings(), spending, metrics.clone(), peers.clone())?;
    let http = match cli::named(args.http_addr) {
        Some(address) => Some(health::bind(&address).await?),
        None => None,
    };
    let finish_traces = telemetry::start(cli::named(args.otlp_endpoint).as_deref())?;
    let (kube, default_namespace) = cluster::client(peers).await?;
    let election = place.leader_elect.then(|| leader::Settings {
        namespace: place.lease_namespace(&default_namespace),
        name: place.leader_election_name.clone(),
        identity: leader::identity(),
    });
    let stop = stop_on_signal()?;
    let account = credentials.as_ref().map(|(_, credentials)| credentials.account.as_str());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), account, "starting");
    let settings = controller::Settings {
        namespaces: place.watch.namespaces().into_iter().collect(),
        timeouts,
        resync: args.vobiz_resync_interval.0,
        concurrency: args.purchase_concurrency,
        hold: args.hold_purchases,
        election,
    };
    let connections = controller::Connections { kube, connector, credentials, metrics, http };
    controller::run(settings, connections, stop).await;
    tracing::info!("stopped");
    finish_traces();
    Ok(())
}

fn stop_on_signal() -> Result<CancellationToken, StartError> {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: a purchase under way finishes, and its outcome is stored");
        stopped.cancel();
    });
    Ok(stop)
}
