//! Watches, queues, workers, leadership, and an orderly end.

mod accounts;
mod agenda;
mod clocks;
mod credentials;
mod currencies;
mod follow;
mod index;
mod interruption;
mod kinds;
mod list_watch;
mod pauses;
mod queue;
mod reconciles;
mod term;
mod triggers;
mod watch;

use std::{future::Future, pin::pin, sync::Arc};

use kube::{Api, Client};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::plan::Timeouts;
use crate::{
    account::Accounts,
    api::{PhoneNumberClaim, Unread},
    cache::Cache,
    health,
    leader::Election,
    metrics::Metrics,
    plan::{ClaimBrief, Moment, RecordBrief},
    reconcile::{Claims, Listed, Outcomes, Told},
    vobiz::{Connector, Credentials, CredentialsSource},
};
use accounts::{Keeper, Parts};
use term::Runtime;
pub use term::Settings;
use triggers::Triggers;
use watch::namespaces;

/// What a process has when it starts: its clients, and what it is observed by.
pub struct Connections {
    pub kube: Client,
    pub connector: Connector,
    /// The credentials of the flags, and where they are read from, if there are any.
    pub credentials: Option<(CredentialsSource, Credentials)>,
    pub metrics: Arc<Metrics>,
    /// Where health and metrics are asked for.
    pub http: Option<TcpListener>,
}

struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.spawn_until(self.stop.clone(), work);
    }

    fn spawn_until(&self, end: CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
        // In a box: each future that it goes through holds it once more, and there are as many as namespaces.
        let work = Box::pin(work);
        self.tasks.spawn(async move { end.run_until_cancelled(work).await });
    }
}

/// Runs until `stop`; then finishes the purchases that are under way and stores their outcomes.
pub async fn run(settings: Settings, connections: Connections, stop: CancellationToken) {
    let background = Background { tasks: TaskTracker::new(), stop: stop.clone() };
    let Connections { kube, connector, credentials, metrics, http } = connections;
    let (wake, woken) = mpsc::unbounded_channel();
    let (clock, accounts) = (connector.peers().clock(), Arc::new(Accounts::new(wake)));
    let (records, listed) = (Cache::new(RecordBrief::of), Arc::new(Listed::new([None])));
    let (outcomes, told) = (Arc::new(Outcomes::new(metrics.clone())), Arc::new(Told::default()));
    let triggers = Arc::new(Triggers::new(records.clone(), outcomes.clone(), told.clone()));
    let claims = watch_claims(&kube, &settings.namespaces, &triggers, &background);
    let parts = Parts {
        accounts: accounts.clone(),
        claims: claims.cache.clone(),
        records: records.clone(),
        connector,
        concurrency: settings.concurrency,
        metrics: metrics.clone(),
    };
    let flags = credentials.as_ref().map(|(_, credentials)| credentials.clone());
    let runtime = Arc::new(Runtime {
        claims,
        hold_until: settings.hold.then(|| hold(clock.now(), settings.timeouts)),
        outcomes,
        told,
        lifecycle: Arc::default(),
        served: http.is_some(),
        settings,
        kube,
        accounts,
        keeper: Arc::new(Keeper::new(parts, flags)),
        records,
        triggers,
        clock,
        metrics,
    });
    watch_records(&runtime, listed.clone(), &background);
    background.spawn(runtime.triggers.clone().route(woken));
    follow_accounts(&runtime, credentials, &background);
    look_around(&runtime, &background);
    let served = CancellationToken::new();
    if let Some(listener) = http {
        background.spawn_until(served.clone(), health::serve(listener, Arc::new(runtime.health())));
    }
    if stop.run_until_cancelled(filled(&runtime, &listed)).await.is_some() {
        runtime.lifecycle.note(|stage| stage.filled = true);
        work(&runtime, &stop).await;
    }
    // Health and metrics are served until all work has finished.
    served.cancel();
    background.tasks.close();
    background.tasks.wait().await;
}

fn watch_records(runtime: &Runtime, listed: Arc<Listed>, background: &Background) {
    let (records, triggers) = (runtime.records.clone(), runtime.triggers.clone());
    let watches = runtime.claims.listed.places().len() + 1;
    let api = Api::all(runtime.kube.clone());
    background.spawn(watch::records(api, records, listed, triggers, watches));
}

/// Follows the accounts that are declared, and the credentials of the flags.
fn follow_accounts(
    runtime: &Runtime,
    flags: Option<(CredentialsSource, Credentials)>,
    background: &Background,
) {
    let (kube, keeper, lifecycle) = (&runtime.kube, &runtime.keeper, runtime.lifecycle.clone());
    background.spawn(keeper.clone().run());
    background.spawn(accounts::follow_accounts(kube.clone(), keeper.clone(), lifecycle));
    background.spawn(accounts::follow_tokens(kube.clone(), keeper.clone()));
    background.spawn(accounts::follow_namespaces(kube.clone(), keeper.clone()));
    if let Some((source, credentials)) = flags {
        background.spawn(credentials::reload(source, credentials, keeper.clone()));
    }
}

/// What a process does beside its work, whether it leads or not.
fn look_around(runtime: &Arc<Runtime>, background: &Background) {
    let asked_in = namespaces(&runtime.settings.namespaces);
    let (kube, lifecycle) = (runtime.kube.clone(), runtime.lifecycle.clone());
    background.spawn(kinds::explain_missing_kinds(kube, asked_in, lifecycle));
    background.spawn(clocks::watch(runtime.clone()));
    if runtime.settings.election.is_some() {
        let (accounts, interval) = (runtime.accounts.clone(), runtime.settings.resync);
        background.spawn(credentials::check(
            accounts,
            interval,
            background.tasks.clone(),
            background.stop.clone(),
        ));
    }
    let (lifecycle, stop) = (runtime.lifecycle.clone(), background.stop.clone());
    background.tasks.spawn(async move {
        stop.cancelled().await;
        lifecycle.note(|stage| stage.stopping = true);
    });
}

/// Works while this process leads; without an election, until `stop`.
///
/// A process that leads no longer lives on and stands again, where others exit: an API server that takes no renewal may take
/// no outcome either, and of a number that was paid for, this process alone knows.
async fn work(runtime: &Runtime, stop: &CancellationToken) {
    let Some(settings) = runtime.settings.election.clone() else {
        runtime.term(stop.clone(), stop).await;
        return;
    };
    let mut election = Election::new(runtime.kube.clone(), settings, runtime.clock);
    while election.win(stop).await {
        let ended = stop.child_token();
        let mut term = pin!(runtime.term(ended.clone(), stop));
        tokio::select! {
            finished = &mut term => {
                // A purchase whose outcome is not stored yet keeps the others waiting until the lease expires.
                if finished {
                    election.release().await;
                }
                return;
            }
            () = election.keep() => {
                tracing::warn!("leading no longer: a purchase under way finishes, and nothing new is begun");
                ended.cancel();
                // It stands again only after that: no two terms overlap in one process. An outcome that the API server
                // does not take is no reason to wait: it is stored whichever process leads, and its attempt left alone meanwhile.
                term.await;
                note_unstored(&runtime.outcomes);
            }
        }
    }
    // Stopped while another process leads: an outcome of an earlier term may still be on its way.
    runtime.finish(stop, std::future::ready(())).await;
}

fn note_unstored(outcomes: &Outcomes) {
    let unstored = outcomes.count();
    if unstored > 0 {
        tracing::warn!(unstored, "outcomes of purchases are not stored yet; this process goes on trying");
    }
}

/// Follows the claims of each namespace, or of all, each in a task of its own.
fn watch_claims(
    kube: &Client,
    named: &[String],
    triggers: &Arc<Triggers>,
    background: &Background,
) -> Claims {
    let places = namespaces(named);
    let watches = places.len() + 1;
    let listed = Arc::new(Listed::new(places.clone()));
    let claims = Claims { cache: Cache::new(ClaimBrief::of), listed };
    for namespace in places {
        let api: Api<Unread<PhoneNumberClaim>> = match &namespace {
            Some(name) => Api::namespaced(kube.clone(), name),
            None => Api::all(kube.clone()),
        };
        let (claims, triggers) = (claims.clone(), triggers.clone());
        background.spawn(watch::claims(namespace, api, claims, triggers, watches));
    }
    claims
}

/// After a restore, records may be older than the truth for as long as a purchase can take to show.
fn hold(now: Moment, timeouts: Timeouts) -> Moment {
    let until = now.plus(timeouts.until_settled());
    tracing::warn!(until = %until.wall, "purchases and adoptions are on hold");
    until
}

/// Waits until the records are known as they stand (a claim whose record has not been seen yet would be taken for one
/// that never bought), and the claims of a namespace. The others are served when they are known: one that cannot be
/// listed must not hold them up.
async fn filled(runtime: &Runtime, records: &Listed) {
    runtime.claims.listed.any().await;
    records.any().await;
    runtime.keeper.known().await;
    tracing::info!("claims, records and accounts are known");
}
