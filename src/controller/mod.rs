//! Watches, queues, workers, leadership, and an orderly end.

mod clocks;
mod credentials;
mod definitions;
mod follow;
mod index;
mod interruption;
mod kinds;
mod settings;
mod term;
mod watch;
mod workers;

use std::{future::Future, pin::pin, sync::Arc};

use kube::{Api, Client};
use kube_runtime::reflector::{self, Store as Cache};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch as watched},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    account::{Account, Accounts},
    api::{PhoneNumber, PhoneNumberClaim, Seen},
    health::{self, Stage, View, Walked},
    leader::Election,
    metrics::Metrics,
    plan::{Moment, Spans},
    reconcile::{Claims, Listed, Outcomes},
    vobiz::{Client as Vobiz, Credentials, CredentialsSource},
};
pub use settings::Settings;
use settings::namespaces;
use term::Warm;
use watch::Triggers;

/// Runs until `stop`; then finishes the purchases that are under way and stores their outcomes.
#[expect(clippy::too_many_lines, reason = "wires the parts of the process together")]
pub async fn run(
    settings: Settings,
    kube: Client,
    vobiz: Vobiz,
    credentials: (CredentialsSource, watched::Sender<Credentials>),
    observed: (Arc<Metrics>, Option<TcpListener>),
    stop: CancellationToken,
) {
    let clock = vobiz.peers().clock();
    let (metrics, http) = observed;
    let stage = Arc::new(Stage::default());
    let (wake, woken) = mpsc::unbounded_channel();
    let account = Arc::new(Account::new(vobiz, metrics.clone(), wake));
    let accounts = Arc::new(Accounts::one(account.clone()));
    let background = TaskTracker::new();
    let asked_in = namespaces(&settings.namespaces);
    background.spawn(kinds::explain_missing_kinds(kube.clone(), asked_in, stage.clone(), stop.clone()));
    background.spawn(note_stop(stage.clone(), stop.clone()));

    let (records, records_writer) = reflector::store::<Seen<PhoneNumber>>();
    let triggers = Arc::new(Triggers::new(records.clone()));
    let api = Api::all(kube.clone());
    background.spawn(until(stop.clone(), watch::records(api, records_writer, triggers.clone())));
    let claims = watch_claims(&kube, &settings.namespaces, &triggers, &background, &stop);
    background.spawn(until(stop.clone(), triggers.clone().route(woken)));
    if settings.election.is_some() {
        for account in accounts.all() {
            let account = account.clone();
            background.spawn(until(stop.clone(), async move { account.check_credentials().await }));
        }
    }
    background.spawn(until(stop.clone(), credentials::reload(credentials.0, credentials.1, account)));

    let looks = clocks::watch(kube.clone(), accounts.clone(), (stage.clone(), metrics.clone()));
    background.spawn(until(stop.clone(), looks));

    let served = CancellationToken::new();
    if let Some(listener) = http {
        let view = View {
            stage: stage.clone(),
            claims: claims.clone(),
            records: records.clone(),
            accounts: accounts.clone(),
            metrics: metrics.clone(),
            walked: Walked::default(),
        };
        background.spawn(until(served.clone(), health::serve(listener, Arc::new(view))));
    }
    let hold_until = settings.hold.then(|| hold(clock.now(), settings.spans));
    let outcomes = Arc::new(Outcomes::new(metrics.clone()));
    let warm = Warm {
        settings,
        kube,
        accounts,
        claims,
        records,
        triggers,
        clock,
        metrics,
        stage,
        outcomes,
        hold_until,
    };
    if stop.run_until_cancelled(filled(&warm.claims, &warm.records)).await == Some(true) {
        warm.stage.filled();
        work(&warm, &stop).await;
    }
    // To the end: whoever looks sees that it stops, and what it still does.
    served.cancel();
    background.close();
    background.wait().await;
}

/// Works while this process leads; without an election, until `stop`.
async fn work(warm: &Warm, stop: &CancellationToken) {
    let Some(settings) = warm.settings.election.clone() else {
        warm.term(stop.clone(), stop).await;
        return;
    };
    let mut election = Election::new(warm.kube.clone(), settings, warm.clock);
    while election.win(stop).await {
        let ended = stop.child_token();
        let mut term = pin!(warm.term(ended.clone(), stop));
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
                // does not take is no reason to wait: it is stored whoever leads, and its attempt left alone meanwhile.
                term.await;
                note_unstored(&warm.outcomes);
            }
        }
    }
    // Stopped while another process leads: an outcome of an earlier term may still be on its way.
    warm.finish(stop, std::future::ready(())).await;
}

fn note_unstored(outcomes: &Outcomes) {
    let unstored = outcomes.count();
    if unstored > 0 {
        tracing::warn!(unstored, "outcomes of purchases are not stored yet; this process goes on trying");
    }
}

/// Follows the claims of each namespace, or of all, each in a task and with a cache of its own.
fn watch_claims(
    kube: &Client,
    named: &[String],
    triggers: &Arc<Triggers>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Claims {
    let mut caches = Vec::new();
    let listed = Arc::new(Listed::new(namespaces(named)));
    for namespace in namespaces(named) {
        let (claims, writer) = reflector::store::<Seen<PhoneNumberClaim>>();
        let api: Api<Seen<PhoneNumberClaim>> = match &namespace {
            Some(name) => Api::namespaced(kube.clone(), name),
            None => Api::all(kube.clone()),
        };
        let watched = watch::claims((namespace.clone(), api), writer, listed.clone(), triggers.clone());
        tasks.spawn(until(stop.clone(), watched));
        caches.push((namespace, claims));
    }
    Claims { caches, listed }
}

/// After a restore, records may be older than the truth for as long as a purchase can take to show.
fn hold(now: Moment, spans: Spans) -> Moment {
    let until = now.plus(spans.until_settled());
    tracing::warn!(until = %until.wall, "purchases and adoptions are on hold");
    until
}

async fn note_stop(stage: Arc<Stage>, stop: CancellationToken) {
    stop.cancelled().await;
    stage.stopping();
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    stop.run_until_cancelled(work).await;
}

/// Waits until the records are known as they stand (a claim whose record has not been seen yet would be taken for one
/// that never bought), and the claims of a namespace. The others are served when they are known: one that cannot be
/// listed must not hold them up. The one waiter of the records' cache: kube wakes only the last of several.
async fn filled(claims: &Claims, records: &Cache<Seen<PhoneNumber>>) -> bool {
    claims.listed.any().await;
    let filled = records.wait_until_ready().await.is_ok();
    if filled {
        tracing::info!("claims and records are known");
    }
    filled
}
