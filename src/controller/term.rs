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
    Client, Resource,
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
    account::Account,
    api::{PhoneNumber, Seen},
    clock::Clock,
    domain::{AccountId, Currency},
    health::Stage,
    metrics::{Kind, Metrics, Reconciled},
    plan::Moment,
    reconcile::{Claims, Context, Memory, ReconcileError, Waiting, reconcile_claim, reconcile_record},
    store::Store,
    telemetry::TRACED,
    vobiz::Client as Vobiz,
};

/// Reconciles at the same time; each is short, because nothing in them waits for Vobiz.
const RECONCILES: u16 = 32;

/// How often it is looked for what may be forgotten.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Beyond what a purchase and its verification can take: what a stop waits for.
const STORE_GRACE: Duration = Duration::from_secs(30);

/// What is kept warm while another process leads, and what every term works with.
pub struct Warm {
    pub settings: Settings,
    pub kube: Client,
    pub vobiz: Arc<Vobiz>,
    pub account: Arc<Account>,
    pub claims: Claims,
    pub records: Cache<Seen<PhoneNumber>>,
    pub triggers: Arc<Triggers>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub stage: Arc<Stage>,
    pub hold_until: Option<Moment>,
}

impl Warm {
    /// Works until `ended`; then finishes what is under way, purchases above all, whose outcomes must be stored. A term
    /// begins like a process: it remembers nothing of an earlier one.
    ///
    /// Returns whether everything was finished; `stop` bounds how long that may take.
    pub async fn term(&self, ended: CancellationToken, stop: &CancellationToken) -> bool {
        self.account.begin();
        self.metrics.queue_begins();
        let (queue, queued) = mpsc::unbounded_channel();
        let context = Arc::new(self.context(queue));
        let (records, claims) = self.triggers.open(&self.settings.namespaces);
        let tasks = TaskTracker::new();
        for (cache, queue) in self.claims.caches.iter().map(|(_, cache)| cache.clone()).zip(claims) {
            let reconcile = |claim, context| Box::pin(reconcile_claim(claim, context));
            tasks.spawn(reconciles(Kind::Claim, context.clone(), cache, queue, reconcile));
        }
        let reconcile = |record, context| Box::pin(reconcile_record(record, context));
        tasks.spawn(reconciles(Kind::Record, context.clone(), self.records.clone(), records, reconcile));
        tasks.spawn(workers::purchase(context.clone(), queued, self.settings.concurrency, ended.clone()));
        let (account, resync, ends) = (self.account.clone(), self.settings.resync, ended.clone());
        tasks.spawn(async move { account.run(resync, ends).await });
        tasks.spawn(sweep(context.clone(), ended.clone()));
        if self.settings.served {
            tasks.spawn(self.balances(ended.clone()));
        }

        self.stage.leading(true);
        ended.cancelled().await;
        self.stage.leading(false);
        self.triggers.close();
        let grace = self.settings.spans.purchase_timeout + STORE_GRACE;
        let finished = finish(&tasks, stop, grace).await;
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

    fn context(&self, queue: mpsc::UnboundedSender<Waiting>) -> Context {
        Context {
            store: Store::new(self.kube.clone()),
            client: self.vobiz.clone(),
            account: self.account.clone(),
            claims: self.claims.clone(),
            records: self.records.clone(),
            memory: Memory::default(),
            clock: self.clock,
            spans: self.settings.spans,
            hold_until: self.hold_until,
            queue,
            metrics: self.metrics.clone(),
        }
    }
}

/// Has what is gone forgotten, now and then.
async fn sweep(context: Arc<Context>, ended: CancellationToken) {
    while ended.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
        context.sweep();
    }
}

/// Waits for what is under way: as long as it takes if the process goes on, and for so long if it stops.
async fn finish(tasks: &TaskTracker, stop: &CancellationToken, grace: Duration) -> bool {
    tasks.close();
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    tokio::select! {
        () = tasks.wait() => true,
        () = too_long => {
            tracing::error!(
                "stopped before everything was finished; what is open will be verified at the next start"
            );
            false
        }
    }
}

/// What claims ask to be billed in, and what this account's numbers are billed in.
fn currencies(
    claims: &Claims,
    records: &Cache<Seen<PhoneNumber>>,
    account: &AccountId,
) -> BTreeSet<Currency> {
    let wished = claims.all().filter_map(|claim| claim.read()?.spec.currency);
    let records = records.state().into_iter().filter_map(|record| record.read().cloned());
    let ours = records.filter(|record| record.spec.account == *account);
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
    let counted = |object, context: Arc<Context>| {
        let (work, metrics) = (reconcile(object, context.clone()), context.metrics.clone());
        let span = tracing::debug_span!(target: TRACED, "reconcile", kind = kind.label().1);
        let counted = async move {
            let begun = Instant::now();
            let result = work.await;
            metrics.reconciled(kind, ended_as(&result), begun.elapsed());
            result
        };
        Box::pin(counted.instrument(span))
    };
    let queue = UnboundedReceiverStream::new(queue).map(Ok::<_, Infallible>);
    let config = Config::default().concurrency(RECONCILES);
    applier(counted, failed, context, cache, queue, config).for_each(|_| std::future::ready(())).await;
}

fn ended_as(result: &Result<Action, ReconcileError>) -> Reconciled {
    match result {
        Ok(action) if *action == Action::await_change() => Reconciled::Success,
        Ok(_) => Reconciled::Requeue,
        Err(_) => Reconciled::Error,
    }
}

fn failed<K>(_: Arc<K>, error: &ReconcileError, _: Arc<Context>) -> Action {
    tracing::warn!(%error, "a reconcile did not get through; it is tried again");
    Action::requeue(Duration::from_secs(2))
}
