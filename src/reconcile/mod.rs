//! Observe, plan, perform one step: for claims, for records, and for the one purchase that a claim may make.

mod claim;
mod claims;
mod events;
mod intent;
mod memory;
mod neighbours;
mod newer;
mod outcome;
mod outcomes;
mod queue;
mod record;
mod spend;
mod told;
mod trouble;
mod writers;

pub use claim::reconcile_claim;
pub use claims::{Claims, Listed, trim_claim};
pub use events::EventTurns;
pub use memory::{Memory, Remaining};
pub use neighbours::Found;
pub use outcomes::Outcomes;
pub use queue::give_turns;
pub use record::reconcile_record;
pub use told::Told;
pub use trouble::Setbacks;
pub use writers::Writers;

use std::{collections::HashSet, sync::Arc, time::Duration};

use kube::{Resource, ResourceExt};
use tokio_util::sync::CancellationToken;

use crate::{
    account::{Account, Accounts},
    api::{ClaimRef, EventKind, ObjectKey, PhoneNumber, PhoneNumberClaim, Reason, Seen},
    cache::{Asked, Cache},
    clock::Clock,
    conditions,
    domain::{E164, Id},
    metrics::Metrics,
    plan::{Change, ClaimLiveness, ClaimObserved, Moment, RecordBrief, Timeouts, Wanted},
    store::{Store, StoreError},
};

/// How soon it is tried again to read what may not be read.
const UNREADABLE_EVERY: Duration = Duration::from_secs(30);

/// The records, and of those that this version can read a brief.
pub type Records = Cache<PhoneNumber, Option<RecordBrief>>;

pub struct Context {
    pub store: Store,
    pub accounts: Arc<Accounts>,
    pub claims: Claims,
    pub records: Records,
    pub memory: Memory,
    pub neighbours: Found,
    /// The purchases under way, of earlier terms too.
    pub outcomes: Arc<Outcomes>,
    pub told: Arc<Told>,
    pub setbacks: Troubles,
    pub writers: Writers,
    pub event_turns: EventTurns,
    pub clock: Clock,
    pub timeouts: Timeouts,
    /// Purchases and adoptions are on hold until then (R11).
    pub hold_until: Option<Moment>,
    pub metrics: Arc<Metrics>,
    /// When this process leads no longer, or stops.
    pub ended: CancellationToken,
}

/// What does not get through to the API server now, by what it means for others.
pub struct Troubles {
    /// Reconciles of claims and records, statuses above all.
    pub reconciles: Setbacks,
    /// Intents: nothing is sent without one.
    pub intents: Setbacks,
    pub events: Setbacks,
}

impl Default for Troubles {
    fn default() -> Self {
        Self {
            reconciles: Setbacks::new("what claims and records need is not read or stored by the API server"),
            intents: Setbacks::new("a purchase cannot be recorded in the cluster, so it is not sent"),
            events: Setbacks::new("an event could not be published"),
        }
    }
}

impl Context {
    /// Remembers the attempt that a claim wants. One that wants none waits for none; what it wants later is new.
    fn remember(&self, uid: &str, wanted: Option<&Wanted>) {
        self.memory.remember(uid, wanted);
        if wanted.is_none() {
            for account in self.accounts.known().working.values() {
                account.queue.forget(uid);
            }
        }
    }

    /// The account that serves a claim, if it is worked with.
    fn account(&self, observed: &ClaimObserved<'_>) -> Option<Arc<Account>> {
        self.accounts.of(observed.served.account.as_ref()?)
    }

    /// The record with a change, and with the conditions that follow from it.
    fn changed(&self, record: &PhoneNumber, change: Change, now: Moment) -> PhoneNumber {
        let mut next = record.clone();
        let claimed = change.claimed();
        change.apply(&mut next, now.wall);
        conditions::set_record_conditions(&mut next, claimed, self.timeouts, now.wall);
        next
    }

    /// Stores a new record, and has it known.
    async fn create(&self, record: &PhoneNumber) -> Result<Arc<PhoneNumber>, StoreError> {
        let asked = self.records.asked();
        self.store.create(record).await.inspect(|stored| self.know(stored, asked))
    }

    /// Stores a record in the place of that which was read, and has it known.
    async fn replace(&self, record: &PhoneNumber) -> Result<Arc<PhoneNumber>, StoreError> {
        let asked = self.records.asked();
        self.store.replace(record).await.inspect(|stored| self.know(stored, asked))
    }

    /// A record was stored: it stands so from now on, and it and its claim are looked at, but for one whose purchase goes on. Its
    /// watch brings it later, and after a gap much later.
    fn know(&self, stored: &Arc<PhoneNumber>, asked: Asked) {
        let is_news = self.records.answered(asked, Seen::Read(stored.clone()));
        if is_news && !self.outcomes.is_nothing_but_sent(stored) {
            self.wake(stored);
        }
    }

    /// Has a record looked at, and the claim that it names.
    fn wake(&self, record: &PhoneNumber) {
        self.accounts.wake(ObjectKey::number(record.spec.e164));
        if let Some(named) = &record.spec.claim_ref {
            self.accounts.wake(ObjectKey::claim(&named.namespace, &named.name));
        }
    }

    fn seen(&self, e164: E164) -> Option<Arc<Seen<PhoneNumber>>> {
        self.records.get(&ObjectKey::number(e164))
    }

    /// That very claim, as it stands.
    fn claim(&self, named: &ClaimRef) -> Option<Arc<PhoneNumberClaim>> {
        let seen = self.claims.seen(&named.namespace, &named.name)?;
        let claim = seen.read().filter(|claim| claim.metadata.uid.as_ref() == Some(&named.uid))?;
        Some(self.told.as_told(claim.clone()))
    }

    /// Reads a claim live, and notes where that may not be done.
    async fn live(&self, namespace: &str, name: &str) -> Result<Option<Seen<PhoneNumberClaim>>, StoreError> {
        let read = self.store.get_claim(namespace, name).await;
        match &read {
            Ok(claim) => {
                self.claims.read(namespace, None);
                if let Some(claim) = claim
                    && self.claims.correct(claim)
                {
                    self.accounts.wake(ObjectKey::of(claim));
                }
            }
            Err(StoreError::Forbidden(why)) => self.claims.read(namespace, Some(why.clone())),
            // Of its rights, nothing was said.
            Err(_) => {}
        }
        read
    }

    /// Whether the operator may not read the claim: its role in that namespace is gone, and a watch says so only minutes
    /// later. The API server is not asked where there is no sign of trouble.
    pub async fn may_not_read(&self, namespace: &str, name: &str) -> bool {
        self.claims.is_in_trouble(namespace)
            && matches!(self.live(namespace, name).await, Err(StoreError::Forbidden(_)))
    }

    /// Whether the claim that a record names lives. That it does, the cache may say; that it is gone, only a live
    /// read: the cache may not have seen it yet. One that this version cannot read lives as well; and of one that may not
    /// be read, nothing is known, as where nothing is watched.
    async fn liveness(&self, named: Option<&ClaimRef>) -> Result<ClaimLiveness, StoreError> {
        let Some(named) = named else { return Ok(ClaimLiveness::Gone) };
        if !self.claims.knows(&named.namespace) {
            return Ok(ClaimLiveness::Unwatched);
        }
        if self.claims.has_seen(named) {
            return Ok(ClaimLiveness::Lives);
        }
        let is_it = |claim: &Seen<PhoneNumberClaim>| claim.uid().as_ref() == Some(&named.uid);
        match self.live(&named.namespace, &named.name).await {
            Ok(live) if live.as_ref().is_some_and(is_it) => Ok(ClaimLiveness::Lives),
            Ok(_) => Ok(ClaimLiveness::Gone),
            Err(StoreError::Forbidden(_)) => Ok(ClaimLiveness::Unwatched),
            Err(error) => Err(error),
        }
    }

    /// When to look again at a claim that could not be read: no event says when its namespace may be read again.
    fn liveness_again(&self, liveness: ClaimLiveness, named: Option<&ClaimRef>) -> Option<Duration> {
        let known = named.is_some_and(|named| self.claims.knows(&named.namespace));
        (liveness == ClaimLiveness::Unwatched && known).then_some(UNREADABLE_EVERY)
    }

    /// Tells the log and the claim's events of a reason that is news.
    async fn announce(
        &self,
        claim: &impl Resource<DynamicType = ()>,
        reason: Reason,
        message: &str,
        now: Moment,
    ) {
        // An account that is held now for this and now for that is no news each time, to thousands of claims; nor is a claim
        // that is held back still, after a look.
        let comes_and_goes = reason.holds_the_account() || reason.holds_the_claim();
        if comes_and_goes && !self.memory.is_news(&claim.uid().unwrap_or_default(), reason) {
            return;
        }
        self.publish(claim, reason.event(), reason.into_str(), message, now).await;
    }

    async fn publish(
        &self,
        claim: &impl Resource<DynamicType = ()>,
        kind: EventKind,
        reason: &'static str,
        message: &str,
        now: Moment,
    ) {
        let name = format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any());
        tracing::info!(claim = name, reason, "claim");
        let (key, events) = (ObjectKey::of(claim), &self.setbacks.events);
        let _turn = self.event_turns.next().await;
        match self.store.event(claim, kind, reason, message).await {
            Ok(()) => events.over(&key, now.mono),
            Err(error) => drop(events.failed(key, Some(&error.to_string()), now.mono)),
        }
    }

    pub fn sweep(&self) {
        let now = self.clock.now();
        self.neighbours.sweep(now);
        self.claims.cache.briefs(|claims| {
            let (numbers, uids): (HashSet<_>, HashSet<_>) =
                claims.map(|(_, claim)| (claim.e164, &claim.uid)).unzip();
            let lives = |uid: &str| uids.contains(&Id::from(uid));
            for account in self.accounts.all() {
                account.queue.retain(now, lives);
            }
            let remaining = Remaining {
                recorded: &|e164| self.records.contains(&ObjectKey::number(e164)),
                wished: &|e164| numbers.contains(&Some(e164)),
                lives: &lives,
            };
            self.memory.sweep(now, self.timeouts, &remaining);
        });
    }
}

/// When an object is looked at again, if no change comes sooner; if it is said.
pub type Again = Option<Duration>;
