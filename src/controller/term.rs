use std::{
    collections::BTreeSet,
    convert::Infallible,
    fmt::Debug,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use kube::{
    Client, Resource, ResourceExt,
    runtime::{
        controller::{Action, Config, applier},
        reflector::{ObjectRef, Store as Cache},
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::{Settings, watch::Triggers, workers};
use crate::{
    account::{Account, Key},
    api::PhoneNumber,
    clock::Clock,
    domain::{AccountId, Currency},
    health::Stage,
    metrics::{Kind, Metrics, Reconciled},
    plan::Moment,
    reconcile::{
        Claims, Context, Memory, Outcomes, ReconcileError, Troubles, Waiting, reconcile_claim,
        reconcile_record,
    },
    store::Store,
    telemetry::TRACED,
    vobiz::Client as Vobiz,
};

/// Reconciles at the same time; each is short, because nothing in them waits for Vobiz.
const RECONCILES: u16 = 32;

/// Beyond what a purchase and its verification can take: what a stop waits for.
const STORE_GRACE: Duration = Duration::from_secs(30);

/// What is kept warm while another process leads, and what every term works with.
pub struct Warm {
    pub settings: Settings,
    pub kube: Client,
    pub vobiz: Arc<Vobiz>,
    pub account: Arc<Account>,
    pub claims: Claims,
    pub records: Cache<PhoneNumber>,
    pub triggers: Arc<Triggers>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub stage: Arc<Stage>,
    /// Purchases under way: they outlive a term.
    pub outcomes: Arc<Outcomes>,
    pub hold_until: Option<Moment>,
}

impl Warm {
    /// Works until `ended`; then finishes what is under way, purchases above all. A term begins like a process: it
    /// remembers nothing of an earlier one, but for the purchases whose outcomes are not stored yet. Those are stored
    /// whoever leads, and an API server that takes none of them does not keep this process from standing again.
    ///
    /// Returns whether everything was finished; `stop` bounds how long that may take.
    pub async fn term(&self, ended: CancellationToken, stop: &CancellationToken) -> bool {
        self.account.begin();
        self.metrics.queue_begins();
        let (queue, queued) = mpsc::unbounded_channel();
        let context = Arc::new(self.context(queue, ended.clone()));
        let (records, claims) = self.triggers.open(&self.settings.namespaces);
        let tasks = TaskTracker::new();
        for (cache, queue) in self.claims.caches.iter().map(|(_, cache)| cache.clone()).zip(claims) {
            let reconcile = |claim, context| Box::pin(reconcile_claim(claim, context));
            tasks.spawn(reconciles(Kind::Claim, context.clone(), cache, queue, reconcile));
        }
        let reconcile = |record, context| Box::pin(reconcile_record(record, context));
        tasks.spawn(reconciles(Kind::Record, context.clone(), self.records.clone(), records, reconcile));
        tasks.spawn(workers::purchase(context, queued, self.settings.concurrency, ended.clone()));
        let (account, resync, ends) = (self.account.clone(), self.settings.resync, ended.clone());
        tasks.spawn(async move { account.run(resync, ends).await });
        if self.settings.served {
            tasks.spawn(self.balances(ended.clone()));
        }

        self.stage.leading(true);
        ended.cancelled().await;
        self.stage.leading(false);
        self.triggers.close();
        tasks.close();
        let finished = self.finish(stop, tasks.wait()).await;
        // Whoever waited here waits for another process now.
        self.metrics.queue_begins();
        finished
    }

    fn balances(&self, ended: CancellationToken) -> impl Future<Output = ()> + use<> {
        let (account, claims, records) = (self.account.clone(), self.claims.clone(), self.records.clone());
        async move {
            let in_use = || currencies(&claims, &records, &account.id());
            account.watch_balances(in_use, ended).await;
        }
    }

    /// Waits for what is under way: as long as it takes if the process goes on, but for outcomes; and if it stops, for
    /// outcomes as well, and only for so long.
    pub async fn finish(&self, stop: &CancellationToken, work: impl Future<Output = ()>) -> bool {
        let everything = async {
            work.await;
            if stop.is_cancelled() {
                self.outcomes.stored().await;
            }
        };
        let too_long = async {
            stop.cancelled().await;
            tokio::time::sleep(self.settings.spans.purchase_timeout + STORE_GRACE).await;
        };
        tokio::select! {
            () = everything => true,
            () = too_long => {
                tracing::error!(
                    unstored = self.outcomes.count(),
                    "stopped before everything was finished; what is open will be verified at the next start"
                );
                false
            }
        }
    }

    fn context(&self, queue: mpsc::UnboundedSender<Waiting>, ended: CancellationToken) -> Context {
        Context {
            store: Store::new(self.kube.clone()),
            client: self.vobiz.clone(),
            account: self.account.clone(),
            claims: self.claims.clone(),
            records: self.records.clone(),
            memory: Memory::default(),
            outcomes: self.outcomes.clone(),
            setbacks: Troubles::default(),
            clock: self.clock,
            spans: self.settings.spans,
            hold_until: self.hold_until,
            queue,
            metrics: self.metrics.clone(),
            ended,
        }
    }
}

/// What claims ask to be billed in, and what this account's numbers are billed in.
fn currencies(claims: &Claims, records: &Cache<PhoneNumber>, account: &AccountId) -> BTreeSet<Currency> {
    let claims = claims.caches.iter().flat_map(|(_, cache)| cache.state());
    let wished = claims.filter_map(|claim| claim.spec.currency);
    let ours = records.state().into_iter().filter(|record| record.spec.account == *account);
    let billed = ours.filter_map(|record| {
        let number = record.status.as_ref()?.number.as_ref()?;
        record.spec.attempt.currency.or(number.currency)
    });
    wished.chain(billed).collect()
}

/// Looks at whatever is queued.
async fn reconciles<K, F>(
    kind: Kind,
    context: Arc<Context>,
    cache: Cache<K>,
    queue: mpsc::UnboundedReceiver<ObjectRef<K>>,
    mut reconcile: impl FnMut(Arc<K>, Arc<Context>) -> F,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    F: Future<Output = Result<Action, ReconcileError>> + Unpin,
{
    let counted = |object: Arc<K>, context: Arc<Context>| {
        let key = key(&*object);
        let work = reconcile(object, context.clone());
        let span = tracing::debug_span!(target: TRACED, "reconcile", kind = kind.label().1);
        let counted = async move {
            let begun = Instant::now();
            let result = work.await;
            context.metrics.reconciled(kind, ended_as(&result), begun.elapsed());
            if result.is_ok() {
                context.setbacks.reconciles.over(&key, context.clock.now().mono);
            }
            result
        };
        Box::pin(counted.instrument(span))
    };
    let queue = UnboundedReceiverStream::new(queue).map(Ok::<_, Infallible>);
    let config = Config::default().concurrency(RECONCILES);
    let policy =
        |object: Arc<K>, error: &ReconcileError, context: Arc<Context>| failed(&*object, error, &context);
    applier(counted, policy, context, cache, queue, config).for_each(|_| std::future::ready(())).await;
}

fn ended_as(result: &Result<Action, ReconcileError>) -> Reconciled {
    match result {
        Ok(action) if *action == Action::await_change() => Reconciled::Success,
        Ok(_) => Reconciled::Requeue,
        Err(error) if error.is_overtaken() => Reconciled::Requeue,
        Err(_) => Reconciled::Error,
    }
}

/// A failure is tried again, each time later: an API server that takes no writes is not helped by one a second for each
/// object.
fn failed<K: Resource<DynamicType = ()>>(object: &K, error: &ReconcileError, context: &Context) -> Action {
    let why = (!error.is_overtaken()).then(|| error.to_string());
    let now = context.clock.now().mono;
    Action::requeue(context.setbacks.reconciles.failed(key(object), why.as_deref(), now))
}

fn key<K: Resource<DynamicType = ()>>(object: &K) -> Key {
    match object.namespace() {
        Some(namespace) => Key::Claim { namespace, name: object.name_any() },
        None => Key::Record(object.name_any()),
    }
}
