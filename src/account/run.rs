//! The loop that reads the account for all that waits: it performs what `state.rs` decides, one batch after the other.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Account, Woken,
    batch::{BatchRead, Failure},
    reader::{self, Reader},
};
use crate::{api::ObjectKey, domain::Currency, vobiz::ReadError};

/// How soon a currency that has come into use is noticed.
const NOTICED: Duration = Duration::from_secs(15);

/// Retry interval of the standby's credentials check.
const BETWEEN_CHECKS: Duration = Duration::from_secs(15);

/// What the rounds of a process that leads have, once a hold ends, before the check asks as well.
const ROUNDS_FIRST: Duration = Duration::from_secs(1);

impl Account {
    /// Reads what claims and records wait for, and the balances of the currencies in use, until `stop`. The first round is
    /// a full listing: what the account owns at the start. It comes at the latest after `first`.
    pub async fn run(
        self: Arc<Self>,
        resync: Duration,
        first: Duration,
        in_use: impl Fn() -> BTreeSet<Currency>,
        stop: CancellationToken,
    ) {
        self.state().first_at = self.clock.now().mono + first;
        let work =
            async { tokio::join!(self.run_rounds(resync), self.run_balances(in_use), self.run_quotes()) };
        stop.run_until_cancelled(work).await;
    }

    async fn run_rounds(&self, resync: Duration) {
        let mut reader = Reader::new(&self.client, self.clock);
        loop {
            self.wait_for_work(resync).await;
            self.client.pace.round().await;
            self.run_once(&mut reader, resync).await;
        }
    }

    /// Reads balances for metrics. Nothing waits for them, so they have no part in the rounds.
    async fn run_balances(&self, in_use: impl Fn() -> BTreeSet<Currency>) {
        loop {
            let in_use = in_use();
            loop {
                let due = self.state().next_balance(&in_use, self.clock.now().mono);
                let Some(balance) = due else { break };
                if let Some(failure) =
                    self.keep(Box::pin(reader::read_balance(&self.client, self.clock, balance)).await)
                {
                    self.on_read_error(&failure.error);
                }
            }
            tokio::select! {
                () = self.listed.notified() => {}
                () = sleep(NOTICED) => {}
            }
        }
    }

    async fn wait_for_work(&self, resync: Duration) {
        loop {
            let now = self.clock.now();
            let wait = self.state().next_round(now, resync).saturating_sub(now.mono);
            if wait.is_zero() {
                return;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// One round of reads; where the account is held, or its credentials are new, only if the cheapest call goes through.
    async fn run_once(&self, reader: &mut Reader<'_>, resync: Duration) {
        let round = self.state().round_begins(self.clock.now(), resync);
        if round.probes
            && let Some(failure) = self.keep(Box::pin(reader::probe(&self.client, self.clock)).await)
        {
            return self.is_held(&failure.error);
        }
        let (batch, listing) = self.state().batch_begins(round);
        // In a box, as each read: an account that is idle is to be small.
        let read = Box::pin(reader.read(&batch, listing)).await;
        if let Some((_, error)) = &read.old_ledger_failed {
            tracing::warn!(%error, "an old attempt cannot be verified: the ledger of its time cannot be read");
        }
        let failure = read.failure.clone();
        let resynced = self.state().batch_ends(round, read, self.clock.now());
        match failure {
            Some(failure) if failure.is_of_searches_alone() => {
                tracing::warn!(error = %failure.error, "a search failed; the account is listed instead for a while");
            }
            Some(failure) => self.is_held(&failure.error),
            None => {}
        }
        if round.held.is_some() && self.state().gate.is_readable() {
            tracing::info!("Vobiz can be asked again");
        }
        self.wake_served();
        self.quotes.notify_one();
        if resynced {
            self.listed.notify_one();
            let _ = self.wake.send(Woken::RecordsOf(self.id()));
        }
        // What was listed was listed, whatever else failed beside it.
        let listed = self.state().looks.take_served();
        self.wake_all(listed);
    }

    /// Has Vobiz accept the credentials, for a process that waits for its election: one whose credentials are wrong
    /// must not replace one that works. While the account is left alone, it is left alone by this, too.
    pub async fn check_credentials(&self) {
        while !self.state().shown.accepted() {
            let asked = self.clock.now().mono;
            let held = self.state().gate.until().unwrap_or_default().saturating_sub(asked);
            if !held.is_zero() {
                sleep(held + ROUNDS_FIRST).await;
                continue;
            }
            match self.keep(Box::pin(reader::probe(&self.client, self.clock)).await) {
                None => self.state().shown.accept(asked),
                Some(failure) => {
                    self.on_read_error(&failure.error);
                    sleep(BETWEEN_CHECKS).await;
                }
            }
        }
    }

    /// Keeps what was read outside of a round.
    pub(super) fn keep(&self, read: BatchRead) -> Option<Failure> {
        self.state().store(read.readings);
        read.failure
    }

    /// Has all that waits say so.
    pub(super) fn is_held(&self, error: &ReadError) {
        self.on_read_error(error);
        let waiting = self.state().take_waiting();
        self.wake_all(waiting);
    }

    fn on_read_error(&self, error: &ReadError) {
        tracing::warn!(%error, "Vobiz cannot be asked; the account is left alone for a while");
        self.state().gate.read_met(error, self.clock.now().mono);
        // A balance may have met it while the rounds rest until the next listing: they begin again when the hold ends.
        self.changed.notify_one();
        if *error == ReadError::Unauthorized {
            self.reload.notify_one();
        }
    }

    pub(super) fn wake_served(&self) {
        let served = self.state().take_served(self.clock.now().mono);
        self.wake_all(served);
    }

    pub(super) fn wake_all(&self, keys: impl IntoIterator<Item = ObjectKey>) {
        for key in keys {
            self.wake(key);
        }
    }
}
