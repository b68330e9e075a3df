//! Watches, queues, workers, and an orderly end.

mod index;
mod interruption;
mod watch;
mod workers;

use std::{convert::Infallible, fmt::Debug, future::Future, num::NonZeroUsize, sync::Arc, time::Duration};

use futures::StreamExt;
use kube::{
    Api, Client, CustomResourceExt, Resource,
    runtime::{
        controller::{Action, Config, applier},
        reflector::{self, ObjectRef, Store as Cache},
    },
};
use tokio::sync::{mpsc, watch as watched};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    account::Account,
    api::{PhoneNumber, PhoneNumberClaim},
    clock::Clock,
    plan::{Moment, Spans},
    reconcile::{Claims, Context, Memory, ReconcileError, reconcile_claim, reconcile_record},
    store::Store,
    vobiz::{Client as Vobiz, Credentials, CredentialsSource},
};
use watch::Triggers;

/// How the controller runs.
pub struct Settings {
    /// Empty: all.
    pub namespaces: Vec<String>,
    pub spans: Spans,
    /// How often the account is listed in full.
    pub resync: Duration,
    /// Purchases under way at the same time.
    pub concurrency: NonZeroUsize,
    /// Whether purchases and adoptions are on hold at first (R11).
    pub hold: bool,
}

/// Reconciles at the same time; each is short, because nothing in them waits for Vobiz.
const RECONCILES: u16 = 32;

/// Beyond what a purchase and its verification can take: what a stop waits for.
const STORE_GRACE: Duration = Duration::from_secs(30);

/// How often a credentials file is looked at.
const CREDENTIALS_EVERY: Duration = Duration::from_secs(2);

/// Runs until `stop`; then finishes the purchases that are under way and stores their outcomes.
pub async fn run(
    settings: Settings,
    kube: Client,
    vobiz: Arc<Vobiz>,
    credentials: (CredentialsSource, watched::Sender<Credentials>),
    stop: CancellationToken,
) {
    let clock = Clock::start();
    let (wake, woken) = mpsc::unbounded_channel();
    let (queue, queued) = mpsc::unbounded_channel();
    let account = Arc::new(Account::new(vobiz.clone(), clock, wake));
    let tasks = TaskTracker::new();
    tasks.spawn(explain_missing_kinds(kube.clone(), settings.namespaces.first().cloned(), stop.clone()));

    let (records, records_writer) = reflector::store::<PhoneNumber>();
    let (triggers, records_queue, claim_queues) = Triggers::new(&settings.namespaces, records.clone());
    let triggers = Arc::new(triggers);
    let api = Api::all(kube.clone());
    tasks.spawn(until(stop.clone(), watch::records(api, records_writer, triggers.clone())));
    let claims = watch_claims(&kube, &settings.namespaces, &triggers, &tasks, &stop);

    let context = Arc::new(Context {
        store: Store::new(kube),
        client: vobiz,
        account: account.clone(),
        claims,
        records,
        memory: Memory::default(),
        clock,
        spans: settings.spans,
        hold_until: settings.hold.then(|| hold(clock.now(), settings.spans)),
        queue,
    });
    let filled = Filled { ready: CancellationToken::new(), stop: stop.clone() };
    tasks.spawn(until(stop.clone(), say_when_filled(context.clone(), filled.ready.clone())));
    tasks.spawn(until(stop.clone(), triggers.clone().route(woken)));
    for (cache, queue) in context.claims.caches.iter().map(|(_, cache)| cache.clone()).zip(claim_queues) {
        let reconcile = |claim, context| Box::pin(reconcile_claim(claim, context));
        tasks.spawn(filled.clone().then(reconciles(context.clone(), cache, queue, reconcile)));
    }
    let (cache, reconcile) =
        (context.records.clone(), |record, context| Box::pin(reconcile_record(record, context)));
    tasks.spawn(filled.clone().then(reconciles(context.clone(), cache, records_queue, reconcile)));
    tasks.spawn(workers::purchase(context, queued, settings.concurrency, stop.clone()));
    tasks.spawn(until(stop.clone(), reload(credentials.0, credentials.1, account.clone())));
    let (resync, ends) = (settings.resync, stop.clone());
    // A listing that was begun before would be of no use to anybody.
    tasks.spawn(filled.then(async move { account.run(resync, ends).await }));

    stop.cancelled().await;
    triggers.close();
    finish(&tasks, settings.spans.purchase_timeout + STORE_GRACE).await;
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
    for namespace in namespaces(named) {
        let (claims, writer) = reflector::store::<PhoneNumberClaim>();
        let api: Api<PhoneNumberClaim> = match &namespace {
            Some(name) => Api::namespaced(kube.clone(), name),
            None => Api::all(kube.clone()),
        };
        tasks.spawn(until(stop.clone(), watch::claims(api, writer, triggers.clone())));
        caches.push((namespace, claims));
    }
    Claims { caches }
}

/// Waits for what is under way: purchases above all, whose outcomes must be stored.
async fn finish(tasks: &TaskTracker, grace: Duration) {
    tasks.close();
    if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
        tracing::error!(
            "stopped before everything was finished; what is open will be verified at the next start"
        );
    }
}

fn namespaces(named: &[String]) -> Vec<Option<String>> {
    if named.is_empty() { vec![None] } else { named.iter().cloned().map(Some).collect() }
}

/// After a restore, records may be older than the truth for as long as a purchase can take to show.
fn hold(now: Moment, spans: Spans) -> Moment {
    let until = now.plus(spans.until_settled());
    tracing::warn!(until = %until.wall, "purchases and adoptions are on hold");
    until
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    stop.run_until_cancelled(work).await;
}

/// What must not begin before claims and records are known as they stand: a claim whose record has not been seen yet
/// would be taken for one that never bought.
#[derive(Clone)]
struct Filled {
    ready: CancellationToken,
    stop: CancellationToken,
}

impl Filled {
    async fn then(self, work: impl Future<Output = ()>) {
        if self.stop.run_until_cancelled(self.ready.cancelled()).await.is_some() {
            work.await;
        }
    }
}

/// The one waiter of each cache: kube wakes only the last of several.
async fn say_when_filled(context: Arc<Context>, ready: CancellationToken) {
    for (_, cache) in &context.claims.caches {
        if cache.wait_until_ready().await.is_err() {
            return;
        }
    }
    if context.records.wait_until_ready().await.is_ok() {
        tracing::info!("claims and records are known; listing what the account owns");
        ready.cancel();
    }
}

/// Looks at whatever is queued.
async fn reconciles<K, F>(
    context: Arc<Context>,
    cache: Cache<K>,
    queue: mpsc::UnboundedReceiver<ObjectRef<K>>,
    reconcile: impl FnMut(Arc<K>, Arc<Context>) -> F,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    F: Future<Output = Result<Action, ReconcileError>> + Unpin,
{
    let queue = UnboundedReceiverStream::new(queue).map(Ok::<_, Infallible>);
    let config = Config::default().concurrency(RECONCILES);
    applier(reconcile, failed, context, cache, queue, config).for_each(|_| std::future::ready(())).await;
}

fn failed<K>(_: Arc<K>, error: &ReconcileError, _: Arc<Context>) -> Action {
    tracing::warn!(%error, "a reconcile did not get through; it is tried again");
    Action::requeue(Duration::from_secs(2))
}

/// Reads the credentials files again when they change, and when Vobiz has refused what was read last.
async fn reload(source: CredentialsSource, current: watched::Sender<Credentials>, account: Arc<Account>) {
    if !source.can_change() {
        return;
    }
    let mut told = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(CREDENTIALS_EVERY) => {}
            () = account.reload.notified() => {}
        }
        match source.read() {
            Ok(read) if read.account != current.borrow().account => {
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(
                        "the auth id has changed: restart the operator to work with another account"
                    );
                }
            }
            Ok(read) if !read.same_as(&current.borrow()) => {
                tracing::info!("the auth token has changed");
                current.send_replace(read);
                account.credentials_changed();
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the credentials cannot be read again; the last ones stay in use");
            }
        }
    }
}

/// Says what is wrong, and what to type, while the API server cannot be reached or does not know the kinds.
async fn explain_missing_kinds(kube: Client, namespace: Option<String>, stop: CancellationToken) {
    // Where claims may be read: where all of them may not be, a 403 would hide that they are not served.
    let claims: Api<PhoneNumberClaim> = match &namespace {
        Some(name) => Api::namespaced(kube.clone(), name),
        None => Api::all(kube.clone()),
    };
    let records: Api<PhoneNumber> = Api::all(kube);
    let one = kube::api::ListParams::default().limit(1);
    let mut pause = Duration::from_secs(1);
    loop {
        let answers = tokio::time::timeout(Duration::from_secs(10), async {
            (claims.list_metadata(&one).await.map(drop), records.list_metadata(&one).await.map(drop))
        });
        let Some(answers) = stop.run_until_cancelled(answers).await else { return };
        let problem = match answers {
            Ok((Ok(()), Ok(()))) => return,
            Ok((Err(error), _) | (_, Err(error))) => error,
            Err(_) => {
                tracing::error!(
                    "the API server does not answer; trying on. Check KUBECONFIG, or `kubectl version`"
                );
                continue;
            }
        };
        match problem {
            kube::Error::Api(status) if status.code == 404 => tracing::error!(
                "the API server does not know {} or {}; trying on. Install them: vobiz-operator crd | kubectl apply -f -",
                PhoneNumberClaim::crd_name(),
                PhoneNumber::crd_name(),
            ),
            kube::Error::Api(status) if status.code == 403 => tracing::error!(
                "claims or records may not be read; trying on. Check the operator's roles and bindings: {}",
                status.message
            ),
            error => tracing::error!(%error, "the API server cannot be reached; trying on. Check KUBECONFIG"),
        }
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}
