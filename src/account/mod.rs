//! What the account's endpoints last said, read once for everybody who waits: the one reader of Vobiz.
//!
//! Whoever needs evidence says since when it must be begun ([`Account::want`]) and is woken when there is some. So
//! a thousand claims that appear together cost one listing.

mod balances;
mod gate;
mod queue;
mod reads;
mod state;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, mpsc};

use crate::{
    clock::Clock,
    domain::{AccountId, Currency, E164, Money},
    plan::{Clocks, Evidence, EvidenceRequest, Gate},
    vobiz::{Client, PurchaseAnswer, ReadError},
};
pub use queue::Queue;
use state::State;

/// As slow as the probes of an account that is held.
const BETWEEN_INTRODUCTIONS: Duration = Duration::from_secs(15);

/// Who is to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    Claim {
        namespace: String,
        name: String,
    },
    /// A record, by its name.
    Record(String),
    /// Every record: a full listing was made that nobody had asked for.
    AllRecords,
}

/// What those who watch over the operator want to know.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Vobiz has accepted the credentials, since the process began.
    pub accepted: bool,
    /// Whether purchases are sent.
    pub gate: Gate,
    /// As far as they could be read when the account was last listed.
    pub balances: BTreeMap<Currency, Money>,
}

/// The account, as everybody sees it.
pub struct Account {
    client: Arc<Client>,
    clock: Clock,
    state: Mutex<State>,
    changed: Notify,
    wake: mpsc::UnboundedSender<Key>,
    /// The account was listed for drift.
    listed: Notify,
    /// Asks for the credentials files to be read again.
    pub reload: Notify,
}

impl Account {
    /// An account of which nothing is known yet; `wake` is told who is to be looked at again.
    #[must_use]
    pub fn new(client: Arc<Client>, clock: Clock, wake: mpsc::UnboundedSender<Key>) -> Self {
        Self {
            client,
            clock,
            state: Mutex::new(State::default()),
            changed: Notify::new(),
            wake,
            listed: Notify::new(),
            reload: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is replaced field by field; a panic in between leaves nothing half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was read and who waits, as if the process had just begun: what was read before another process led
    /// would be taken for news.
    pub fn begin(&self) {
        let mut state = self.state();
        let accepted = state.accepted;
        *state = State::default();
        state.accepted = accepted;
    }

    /// Has Vobiz accept the credentials, for a process that waits for its election: one whose credentials are wrong
    /// must not replace one that works.
    pub async fn introduce(&self) {
        while !self.state().accepted {
            match self.client.probe().await {
                Ok(()) | Err(ReadError::Missing) => self.state().accepted = true,
                Err(error) => {
                    self.meet(&error);
                    tokio::time::sleep(BETWEEN_INTRODUCTIONS).await;
                }
            }
        }
    }

    /// For those who watch over the operator.
    #[must_use]
    pub fn watched(&self) -> Watched {
        let state = self.state();
        let gate = state.gate.purchasing(self.clock.now().mono);
        Watched { accepted: state.accepted, gate, balances: state.balances.clone() }
    }

    /// The account that calls are made with.
    #[must_use]
    pub fn id(&self) -> AccountId {
        self.client.account()
    }

    /// What is known about one number.
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
    pub fn request(&self, key: Key, request: EvidenceRequest) {
        let mut state = self.state();
        if state.gate.is_readable() && state.has(&request) {
            // It came between the look and the question: nothing else would wake the claim or record.
            self.wake(key);
        } else if state.want(key, request) {
            self.changed.notify_one();
        }
    }

    /// Asks to be woken when purchases may be sent again.
    pub fn request_gate(&self, key: Key) {
        let mut state = self.state();
        if state.gate.purchasing(self.clock.now().mono) == Gate::Open {
            // It opened between the look and the question.
            self.wake(key);
        } else {
            state.want_gate(key);
        }
    }

    /// Asks to be woken after the next listing for drift: nothing needs to be read before it.
    pub fn want_next_listing(&self, key: Key) {
        self.state().want_next_listing(key);
    }

    /// Has somebody looked at again.
    pub fn wake(&self, key: Key) {
        // Nobody listens any more only while the process stops.
        let _ = self.wake.send(key);
    }

    /// Tells the account what a purchase has met: some answers speak of the whole account.
    pub fn report(&self, met: &PurchaseAnswer) {
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
