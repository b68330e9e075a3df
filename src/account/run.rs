//! The loop that reads the account for all that waits: it performs what `state.rs` decides, one batch after the other.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Account, Woken,
    batch::{Failure, ReadBatch},
    reader,
};
use crate::{api::ObjectKey, domain::Currency, plan::Source, vobiz::ReadError};

/// Debounce: requests within this interval share one round.
const GATHER: Duration = Duration::from_millis(20);

/// Rounds of reads begin so far apart at least: a burst of claims must not turn into a burst of listings.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(500);

/// After a round, nothing is read for so many times as long as the round took, within reason: most of the rate limit
/// belongs to purchases, even where the account has many pages.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_secs(5);

/// How soon a currency that has come into use is noticed.
const NOTICED: Duration = Duration::from_secs(15);

/// Retry interval of the standby's credentials check.
const BETWEEN_CHECKS: Duration = Duration::from_secs(15);

/// How long nothing is read after a round that took so long.
fn rest_after(took: Duration) -> Duration {
    BETWEEN_ROUNDS.saturating_sub(took).max((took * REST).min(LONGEST_REST))
}

impl Account {
    /// Reads what claims and records wait for, and the balances of the currencies in use, until `stop`. The first round is
    /// a full listing: what the account owns at the start.
    pub async fn run(
        self: Arc<Self>,
        resync: Duration,
        in_use: impl Fn() -> BTreeSet<Currency>,
        stop: CancellationToken,
    ) {
        let work = async { tokio::join!(self.run_rounds(resync), self.run_balances(in_use)) };
        stop.run_until_cancelled(work).await;
    }

    async fn run_rounds(&self, resync: Duration) {
        loop {
            self.wait_for_work(resync).await;
            let began = self.clock.now().mono;
            self.run_once(resync).await;
            sleep(rest_after(self.clock.now().mono.saturating_sub(began))).await;
        }
    }

    /// Reads balances for metrics. Nothing waits for them, so they have no part in the rounds.
    async fn run_balances(&self, in_use: impl Fn() -> BTreeSet<Currency>) {
        loop {
            let in_use = in_use();
            loop {
                let due = self.state().next_balance(&in_use, self.clock.now().mono);
                let Some(balance) = due else { break };
                if let Some(failure) = self.read(&ReadBatch::from_iter([balance])).await {
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
            let now = self.clock.now().mono;
            let wait = self.state().next_round(now, resync).saturating_sub(now);
            if wait.is_zero() {
                return sleep(GATHER).await;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// One round of reads; where the account is held, only if the cheapest call goes through.
    async fn run_once(&self, resync: Duration) {
        let round = self.state().round_begins(self.clock.now().mono, resync);
        if round.held.is_some()
            && let Some(failure) = self.read(&ReadBatch::from_iter([Source::Access])).await
        {
            self.on_read_error(&failure.error);
            return self.wake_waiting();
        }
        let mut batch = self.state().batch(round.resync);
        match self.read_or_list(&mut batch).await {
            None => {
                if round.held.is_some() {
                    tracing::info!("Vobiz can be asked again");
                }
                self.state().on_success(round);
                if round.resync {
                    self.listed.notify_one();
                }
            }
            Some(failure) => {
                self.on_read_error(&failure.error);
                self.state().owe(batch);
            }
        }
        self.wake_waiting();
        if round.resync {
            let _ = self.wake.send(Woken::AllRecords);
            let waiting = self.state().take_waiting_for_listing();
            self.wake_all(waiting);
        }
    }

    /// Reads a batch; where a search fails, the listing in place of all searches.
    async fn read_or_list(&self, batch: &mut ReadBatch) -> Option<Failure> {
        let search = self.read(batch).await?;
        if !search.is_of_searches_alone() {
            return Some(search);
        }
        batch.list_instead();
        let failure = self.read(batch).await;
        if self.state().listed_instead(failure.as_ref()) {
            let error = search.error;
            tracing::warn!(%error, "a search failed and the listing did not; the account is listed instead for a while");
        }
        failure
    }

    /// Has Vobiz accept the credentials, for a process that waits for its election: one whose credentials are wrong
    /// must not replace one that works.
    pub async fn check_credentials(&self) {
        while !self.state().accepted {
            match self.read(&ReadBatch::from_iter([Source::Access])).await {
                None => self.state().accepted = true,
                Some(failure) => {
                    self.on_read_error(&failure.error);
                    sleep(BETWEEN_CHECKS).await;
                }
            }
        }
    }

    /// Performs a batch, and keeps what it brings.
    async fn read(&self, batch: &ReadBatch) -> Option<Failure> {
        let read = reader::read(&self.client, self.clock, batch).await;
        self.state().store(read.readings);
        read.failure
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

    fn wake_waiting(&self) {
        let waiting = self.state().take_waiting(self.clock.now().mono);
        self.wake_all(waiting);
    }

    fn wake_all(&self, keys: impl IntoIterator<Item = ObjectKey>) {
        for key in keys {
            self.wake(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_after_a_round_grows_with_it_within_reason() {
        for (took, rest) in [(0, 500), (100, 400), (200, 600), (1000, 3000), (60_000, 5000)] {
            assert_eq!(rest_after(Duration::from_millis(took)), Duration::from_millis(rest), "{took}");
        }
    }
}
