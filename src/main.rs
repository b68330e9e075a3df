//! The program: reads the arguments, starts telemetry and the clients, and performs `run` or `crd`.

use std::{io::Write, process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use secrecy::ExposeSecret;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use vobiz_operator::{
    api,
    cli::{self, Cli, Command, RunArgs},
    clock::{Clock, Peers},
    cluster, controller, health, leader,
    metrics::Metrics,
    telemetry,
    vobiz::{self, Client, CredentialsSource, Source},
};

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
    Io(#[from] std::io::Error),
}

// One thread: the work is waiting, and a second one would cost memory that nothing here needs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Crd => print_crds(),
        Command::Run(args) => run(*args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "vobiz-operator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_crds() -> Result<(), StartError> {
    Ok(std::io::stdout().write_all(api::crds_yaml()?.as_bytes())?)
}

async fn run(args: RunArgs) -> Result<(), StartError> {
    // Fails only if another provider is installed already, which then serves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (timeout, settle) = (args.vobiz_purchase_timeout.0, args.vobiz_settle_time.0);
    if settle < timeout {
        return Err(StartError::SettleTime { settle, timeout });
    }
    let source = credentials_source(&args)?;
    let (credentials, current) = watch::channel(source.read()?);
    let settings = vobiz::Settings {
        url: args.vobiz_api_url,
        ca_file: cli::file(args.vobiz_ca_file),
        purchase_timeout: timeout,
        rate: args.vobiz_rate_limit.per_second,
        burst: args.vobiz_rate_limit.burst,
        purchase_casing: args.vobiz_purchase_path,
    };
    let metrics = Arc::new(Metrics::default());
    let peers = Arc::new(Peers::new(Clock::start()));
    let client = Client::new(&settings, current, metrics.clone(), peers.clone())?;
    let http = match cli::named(args.http_addr) {
        Some(address) => Some(health::bind(&address).await?),
        None => None,
    };
    let finish_traces = telemetry::start(cli::named(args.otlp_endpoint).as_deref())?;
    let (kube, default_namespace) = cluster::client(peers).await?;
    let election = args.leader_elect.then(|| leader::Settings {
        namespace: cli::named(args.leader_election_namespace)
            .or_else(|| cli::named(std::env::var("POD_NAMESPACE").ok()))
            .unwrap_or(default_namespace),
        name: args.leader_election_name,
        identity: leader::identity(),
    });
    let stop = stop_on_signal()?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), account = %client.account(), "starting");
    let settings = controller::Settings {
        namespaces: args.watch_namespaces.into_iter().filter_map(|name| cli::named(Some(name))).collect(),
        timeouts: controller::Timeouts { purchase_timeout: timeout, settle },
        resync: args.vobiz_resync_interval.0,
        concurrency: args.purchase_concurrency,
        hold: args.hold_purchases,
        election,
    };
    let credentials = (source, credentials);
    let connections = controller::Connections { kube, vobiz: client, credentials, metrics, http };
    controller::run(settings, connections, stop).await;
    tracing::info!("stopped");
    finish_traces();
    Ok(())
}

/// Where the account id and the token are read from.
fn credentials_source(args: &RunArgs) -> Result<CredentialsSource, vobiz::CredentialsError> {
    let token = args.vobiz_auth_token.as_ref().map(ExposeSecret::expose_secret);
    let (id_file, token_file) = (args.vobiz_auth_id_file.clone(), args.vobiz_auth_token_file.clone());
    Ok(CredentialsSource {
        auth_id: Source::choose("VOBIZ_AUTH_ID", args.vobiz_auth_id.as_deref(), cli::file(id_file))?,
        auth_token: Source::choose("VOBIZ_AUTH_TOKEN", token, cli::file(token_file))?,
    })
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
