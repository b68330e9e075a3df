//! One term of leadership: the queues, the turns and the readers of the accounts, from its beginning to an orderly end.

use std::{collections::BTreeSet, future::Future, num::NonZeroUsize, sync::Arc, time::Duration};

use kube::Client;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    accounts::{Keeper, Reporter, each},
    currencies::InUse,
    reconciles::reconciles,
    triggers::Triggers,
};
use crate::{
    account::{Account, Accounts},
    clock::Clock,
    domain::Currency,
    health::{HealthSources, Lifecycle, Walked},
    leader,
    metrics::{Kind, Metrics},
    plan::{Moment, Timeouts},
    reconcile::{
        Claims, Context, EventTurns, Found, Memory, Outcomes, Records, Told, Troubles, Writers, give_turns,
        reconcile_claim, reconcile_record,
    },
    store::Store,
};

/// How often it is looked for what may be forgotten.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Beyond what a purchase and its verification can take: what a stop waits for.
const STORE_GRACE: Duration = Duration::from_secs(30);

pub struct Settings {
    /// Empty: all.
    pub namespaces: Vec<String>,
    pub timeouts: Timeouts,
    /// How often the account is listed in full.
    pub resync: Duration,
    /// Purchases under way at the same time.
    pub concurrency: NonZeroUsize,
    /// Whether purchases and adoptions are on hold at first (R11).
    pub hold: bool,
    /// Whose election decides whether this process works; without one, it does.
    pub election: Option<leader::Settings>,
}

/// What is kept warm while another process leads, and what every term works with.
pub struct Runtime {
    pub settings: Settings,
    pub kube: Client,
    pub accounts: Arc<Accounts>,
    pub keeper: Arc<Keeper>,
    pub claims: Claims,
    pub records: Records,
    pub triggers: Arc<Triggers>,
    pub clock: Clock,
    pub metrics: Arc<Metrics>,
    pub lifecycle: Arc<Lifecycle>,
    /// Purchases under way: they outlive a term.
    pub outcomes: Arc<Outcomes>,
    pub told: Arc<Told>,
    pub hold_until: Option<Moment>,
    /// Whether metrics can be asked for.
    pub served: bool,
}

impl Runtime {
    /// Works until `ended`; then finishes what is under way, purchases above all. A term begins like a process: it
    /// remembers nothing of an earlier one, but for the purchases whose outcomes are not stored yet. Those are stored
    /// whichever process leads, and an API server that takes none of them does not keep this process from standing again.
    ///
    /// Returns whether everything was finished; `stop` bounds how long that may take.
    pub async fn term(&self, ended: CancellationToken, stop: &CancellationToken) -> bool {
        for account in self.accounts.all() {
            account.reset();
        }
        drop(self.told.listed(None));
        let context = Arc::new(self.context(ended.clone()));
        let (records, claims) = self.triggers.open(self.claims.listed.places());
        let tasks = TaskTracker::new();
        for queue in claims {
            let reconcile = |claim, context| Box::pin(reconcile_claim(claim, context));
            let cache = self.claims.cache.clone();
            tasks.spawn(reconciles(Kind::Claim, context.clone(), cache, queue, reconcile));
        }
        let reconcile = |record, context| Box::pin(reconcile_record(record, context));
        tasks.spawn(reconciles(Kind::Record, context.clone(), self.records.clone(), records, reconcile));
        tasks.spawn(sweep(context.clone(), ended.clone()));
        tasks.spawn(self.report(&context, ended.clone()));

        self.lifecycle.note(|stage| stage.leading = true);
        let billed = Arc::default();
        each(&self.accounts, self.settings.resync, &ended, |account, first, stop| {
            self.work_with(account, first, &context, &tasks, &billed, &stop);
        })
        .await;
        self.lifecycle.note(|stage| stage.leading = false);
        self.triggers.close();
        tasks.close();
        let finished = self.finish(stop, tasks.wait()).await;
        // The claims that waited here wait for another process now.
        for account in self.accounts.all() {
            account.queue.clear();
        }
        finished
    }

    /// Begins the work of an account, until `stop`: a purchase under way finishes.
    fn work_with(
        &self,
        account: Arc<Account>,
        first: Duration,
        context: &Arc<Context>,
        tasks: &TaskTracker,
        billed: &Arc<InUse>,
        stop: &CancellationToken,
    ) {
        tasks.spawn(give_turns(context.clone(), account.clone(), tasks.clone(), stop.clone()));
        let (resync, in_use, stop) =
            (self.settings.resync, self.currencies_in_use(&account, billed), stop.clone());
        tasks.spawn(async move {
            Box::pin(account.clone().run(resync, first, in_use, stop)).await;
            account.queue.clear();
        });
    }

    /// Tells the accounts how they stand.
    fn report(&self, context: &Context, ended: CancellationToken) -> impl Future<Output = ()> + use<> {
        let (keeper, records) = (self.keeper.clone(), self.records.clone());
        let reporter = Reporter { keeper, records, store: context.store.clone(), clock: self.clock };
        async move {
            ended.run_until_cancelled(reporter.run()).await;
        }
    }

    pub fn health(&self) -> HealthSources {
        HealthSources {
            lifecycle: self.lifecycle.clone(),
            claims: self.claims.clone(),
            records: self.records.clone(),
            accounts: self.accounts.clone(),
            metrics: self.metrics.clone(),
            walked: Walked::default(),
        }
    }

    /// Balances are read for metrics, and for the status of declared accounts.
    fn currencies_in_use(
        &self,
        account: &Account,
        billed: &Arc<InUse>,
    ) -> impl Fn() -> BTreeSet<Currency> + use<> {
        let (account, records, served) = (account.id(), self.records.clone(), self.served);
        let (accounts, billed) = (self.accounts.clone(), billed.clone());
        move || {
            let shown = served || accounts.known().directory.first(&account).is_some();
            if shown { billed.of(&account, &records) } else { BTreeSet::new() }
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
            tokio::time::sleep(self.settings.timeouts.purchase_timeout + STORE_GRACE).await;
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

    fn context(&self, ended: CancellationToken) -> Context {
        Context {
            store: Store::new(self.kube.clone()),
            accounts: self.accounts.clone(),
            claims: self.claims.clone(),
            records: self.records.clone(),
            memory: Memory::default(),
            neighbours: Found::default(),
            outcomes: self.outcomes.clone(),
            told: self.told.clone(),
            setbacks: Troubles::default(),
            writers: Writers::new(self.settings.concurrency),
            event_turns: EventTurns::default(),
            clock: self.clock,
            timeouts: self.settings.timeouts,
            hold_until: self.hold_until,
            metrics: self.metrics.clone(),
            ended,
        }
    }
}

/// Has what is gone forgotten, now and then.
async fn sweep(context: Arc<Context>, ended: CancellationToken) {
    while ended.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
        context.sweep();
    }
}
