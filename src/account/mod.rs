//! What is known of each account, read once for all claims and records that wait.
//!
//! A claim or record asks for evidence begun since a moment ([`Account::request`]) and is woken when there is some. So
//! a thousand claims that appear together cost one listing.

mod balances;
mod batch;
mod doubt;
mod families;
mod filters;
mod gate;
mod holdings;
mod ledgers;
mod line;
mod looks;
mod lost;
mod pass;
mod prices;
mod queue;
mod quotes;
mod reader;
mod registry;
mod remembered;
mod round;
mod run;
mod shown;
mod state;
#[cfg(test)]
mod tests;
mod unreadable;
mod upkeep;

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, mpsc};

use crate::{
    api::{ObjectKey, Outcome},
    clock::Clock,
    domain::{AccountId, Currency, E164, Money},
    metrics::Metrics,
    plan::{Clocks, Evidence, EvidenceRequest, Gate, Moment},
    vobiz::{Client, PurchaseAnswer},
};
use batch::is_quote;
pub use queue::{Place, Queue};
pub use registry::{Accounts, Known};
use state::State;
#[cfg(test)]
pub(crate) use tests::client;

/// What is to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Woken {
    Object(ObjectKey),
    /// The account was listed in full, for drift: all of its records.
    RecordsOf(AccountId),
}

/// The state of the account, for health and metrics.
#[derive(Debug, Clone)]
pub struct AccountHealth {
    pub account: AccountId,
    /// Vobiz has accepted the credentials in use.
    pub accepted: bool,
    /// It has accepted these or earlier ones, since the process began.
    pub was_accepted: bool,
    /// Whether purchases are sent.
    pub gate: Gate,
    /// As far as they could be read when the account was last listed.
    pub balances: BTreeMap<Currency, Money>,
}

/// One account: what is known of it, what waits for it, and the only way to Vobiz with its credentials.
pub struct Account {
    /// What is sent with it is told to [`Account::report`].
    pub client: Client,
    clock: Clock,
    state: Mutex<State>,
    /// Claims that wait for their turn to purchase.
    pub queue: Arc<Queue>,
    changed: Notify,
    /// A claim waits for a price, or the account may be read again.
    quotes: Notify,
    wake: mpsc::UnboundedSender<Woken>,
    /// The account was listed for drift.
    listed: Notify,
    /// Asks for the token to be read again.
    pub reload: Notify,
    /// The turn that is the next to write its intent.
    pub writes_next: tokio::sync::Mutex<()>,
}

impl Account {
    /// An account of which nothing is known yet, with so many places for purchases; `wake` receives the objects to requeue.
    #[must_use]
    pub fn new(
        client: Client,
        places: NonZeroUsize,
        metrics: Arc<Metrics>,
        wake: mpsc::UnboundedSender<Woken>,
    ) -> Self {
        let clock = client.peers().clock();
        Self {
            client,
            clock,
            queue: Arc::new(Queue::new(places, clock, metrics)),
            state: Mutex::new(State::default()),
            changed: Notify::new(),
            quotes: Notify::new(),
            wake,
            listed: Notify::new(),
            reload: Notify::new(),
            writes_next: tokio::sync::Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced field by field; a panic in between leaves nothing half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was read and which claims and records wait, as if the process had just begun: what was read before
    /// another process led would be taken for news.
    pub fn reset(&self) {
        self.queue.clear();
        let mut state = self.state();
        let shown = state.shown;
        *state = State::default();
        state.shown = shown;
    }

    /// For health and metrics.
    #[must_use]
    pub fn health(&self) -> AccountHealth {
        let state = self.state();
        let gate = state.gate.purchasing(self.clock.now().mono);
        AccountHealth {
            account: self.id(),
            accepted: state.shown.accepted(),
            was_accepted: state.shown.was_accepted(),
            gate,
            balances: state.balances(),
        }
    }

    #[must_use]
    pub fn id(&self) -> AccountId {
        self.client.account()
    }

    #[must_use]
    pub fn evidence(&self, e164: E164) -> Evidence {
        self.state().evidence(e164)
    }

    /// Whether a number stood in the account's last listing.
    #[must_use]
    pub fn lists(&self, e164: E164) -> bool {
        self.state().lists(e164)
    }

    /// How far our clock is from Vobiz's and the API server's.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        self.client.peers().clocks()
    }

    /// Whether a purchase may be sent. The account may be read although none may: evidence is asked for all the same.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.state().gate.purchasing(self.clock.now().mono)
    }

    /// Asks for evidence, and to be woken when there is some.
    pub fn request(&self, key: ObjectKey, request: EvidenceRequest) {
        self.wait(key, Some(request));
    }

    /// Asks to be woken when purchases may be sent again.
    pub fn request_gate(&self, key: ObjectKey) {
        self.wait(key, None);
    }

    fn wait(&self, key: ObjectKey, request: Option<EvidenceRequest>) {
        let prices = request.as_ref().is_some_and(|request| request.sources.iter().copied().all(is_quote));
        let mut state = self.state();
        if state.may_go_on(request.as_ref(), self.clock.now().mono) {
            // It came between the look and the question: nothing else would wake the claim or record.
            self.wake(key);
        } else if state.wait(key, request) {
            // The rounds look at all that waits, and have nothing to do for those that wait for prices alone.
            if prices { self.quotes.notify_one() } else { self.changed.notify_one() }
        }
    }

    /// Asks to be woken after the next listing for drift that is newer than the listing by which it was decided: nothing needs
    /// to be read before it.
    pub fn request_next_listing(&self, key: ObjectKey, decided_by: Option<Moment>) {
        if let Some(listed) = self.state().wait_for_listing(key, decided_by) {
            self.wake(listed);
        }
    }

    /// Asks for a listing that begins at that moment or later, and for the claim and its number's record to be woken after
    /// it, and nothing else. Returns whether there has been one.
    pub fn look_now(&self, claim: ObjectKey, e164: E164, since: Moment) -> bool {
        let looked = self.state().looks.ask([claim, ObjectKey::number(e164)], since.mono);
        if !looked {
            self.changed.notify_one();
        }
        looked
    }

    /// Requeues a claim or record.
    pub fn wake(&self, key: ObjectKey) {
        // The receiver is gone only while the process stops.
        let _ = self.wake.send(Woken::Object(key));
    }

    /// The credentials have changed: what was refused before may be accepted now, and what was accepted, refused.
    pub fn credentials_changed(&self) {
        let mut state = self.state();
        state.shown.change(self.clock.now().mono);
        state.gate.retry_now();
        self.changed.notify_one();
    }

    /// Has the credentials shown to Vobiz now, unless it has accepted them.
    pub fn show_credentials(&self) {
        if self.state().shown.ask(self.clock.now().mono) {
            self.changed.notify_one();
        }
    }

    /// Notes what a purchase that failed has met: some answers speak of all purchases.
    pub fn report(&self, met: &PurchaseAnswer) {
        if met.answer.outcome == Outcome::Purchased {
            return;
        }
        let now = self.clock.now();
        let (held, silent) = {
            let mut state = self.state();
            (state.gate.purchase_met(met, now.mono), state.gate.purchases_held_for(now.mono))
        };
        if !silent.is_zero() {
            tracing::warn!(
                seconds = silent.as_secs(),
                "Vobiz limits purchases (429); none is sent for so long"
            );
        }
        if held {
            self.reload.notify_one();
            self.changed.notify_one();
        }
    }
}
