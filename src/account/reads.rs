//! The rounds of reads: what is asked of each endpoint, how often, and what an error of one means for the account.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Account, Key, state::Round};
use crate::{
    domain::{Currency, E164, Money},
    plan::{FundsRead, LedgerRead, Reading},
    vobiz::ReadError,
};

/// Who appears together is served together.
const GATHER: Duration = Duration::from_millis(20);

/// Rounds of reads begin so far apart at least: a burst of claims must not turn into a burst of listings.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(500);

/// After a round, the reader rests for so many times as long as the round took, within reason: most of the rate
/// limit belongs to purchases, even where the account has many pages.
const REST: u32 = 3;
const LONGEST_REST: Duration = Duration::from_secs(5);

impl Account {
    /// Reads for whoever waits, until `stop`. The first round is a full listing: what the account owns at the start.
    pub async fn run(&self, resync: Duration, stop: CancellationToken) {
        let work = async {
            loop {
                self.rest(resync).await;
                let began = self.clock.now().mono;
                self.turn(resync).await;
                let took = self.clock.now().mono.saturating_sub(began);
                let rest = (took * REST).min(LONGEST_REST);
                sleep(BETWEEN_ROUNDS.saturating_sub(took).max(rest)).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// Waits until there is something to do.
    async fn rest(&self, resync: Duration) {
        loop {
            let now = self.clock.now().mono;
            let wait = {
                let state = self.state();
                let resync_at = state.resynced_at.map_or(Duration::ZERO, |at| at + resync);
                let due = if state.round(false).is_empty() { resync_at } else { now.min(resync_at) };
                state.gate.next_round(due).saturating_sub(now)
            };
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
    async fn turn(&self, resync: Duration) {
        let now = self.clock.now().mono;
        let (held, due) = {
            let mut state = self.state();
            state.gate.round_begins(now);
            (state.gate.until(), state.resynced_at.is_none_or(|at| now >= at + resync))
        };
        if held.is_some() {
            match self.client.probe().await {
                Ok(()) | Err(ReadError::Missing) => {}
                Err(error) => {
                    self.meet(&error);
                    return self.wake_waiting();
                }
            }
        }
        let mut round = self.state().round(due);
        match self.read(&mut round).await {
            Ok(()) => self.went_well(held, due.then_some(now)),
            Err(error) => {
                self.meet(&error);
                self.state().owe(round);
            }
        }
        self.wake_waiting();
        if due {
            self.wake(Key::AllRecords);
            let waiting = self.state().waiting_for_listing();
            for key in waiting {
                self.wake(key);
            }
        }
    }

    fn went_well(&self, held: Option<Duration>, resynced_at: Option<Duration>) {
        if held.is_some() {
            tracing::info!("Vobiz can be asked again");
        }
        let mut state = self.state();
        state.owe_nothing();
        state.gate.went_well(held);
        state.accepted = true;
        if let Some(at) = resynced_at {
            state.resynced(at);
            self.listed.notify_one();
        }
    }

    pub(super) fn meet(&self, error: &ReadError) {
        tracing::warn!(%error, "Vobiz cannot be asked; the account is left alone for a while");
        self.state().gate.read_met(error, self.clock.now().mono);
        if *error == ReadError::Unauthorized {
            self.reload.notify_one();
        }
    }

    fn wake_waiting(&self) {
        let now = self.clock.now().mono;
        let waiting = self.state().waiting(now);
        for key in waiting {
            self.wake(key);
        }
    }

    async fn read(&self, round: &mut Round) -> Result<(), ReadError> {
        let searched = self.read_searches(round).await;
        match &searched {
            Ok(()) => {}
            // Speaks of calls, whichever they are.
            Err(ReadError::RateLimited { .. }) => return searched,
            // What fails for one number, or for every search, says nothing about the account. The listing does.
            Err(_) => round.list_instead(),
        }
        if round.listing {
            self.read_listing().await?;
        }
        if let Err(error) = searched {
            tracing::warn!(%error, "a search failed and the listing did not; the account is listed instead for a while");
            self.state().searches_fail();
        }
        if let Some(from) = round.ledger {
            self.read_ledger(from).await?;
        }
        let mut balances = BTreeMap::new();
        for (e164, currency) in &round.funds {
            self.read_funds(*e164, *currency, &mut balances).await?;
        }
        Ok(())
    }

    async fn read_searches(&self, round: &Round) -> Result<(), ReadError> {
        for e164 in &round.searches {
            let begun = self.clock.now();
            let value = self.client.search_owned(*e164).await?;
            self.state().searched(*e164, Reading::Read { begun, value });
        }
        Ok(())
    }

    async fn read_listing(&self) -> Result<(), ReadError> {
        let begun = self.clock.now();
        match self.client.owned_numbers().await {
            Ok(numbers) => self.state().listed(begun, numbers),
            Err(ReadError::Missing) => self.state().listing_missing(begun),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The ledger is asked by UTC days, so what is covered begins at a midnight.
    async fn read_ledger(&self, from: Timestamp) -> Result<(), ReadError> {
        let begun = self.clock.now();
        let day = from.to_zoned(TimeZone::UTC).date();
        let from = day.to_zoned(TimeZone::UTC).map_or(from, |midnight| midnight.timestamp());
        let reading = match of_the_ledger(self.client.ledger(day).await) {
            Ok(rows) => Reading::Read { begun, value: LedgerRead { from, rows: rows.into() } },
            Err(ReadError::Missing) => Reading::Missing { begun },
            Err(error) => return Err(error),
        };
        self.state().ledger = reading;
        Ok(())
    }

    /// Price and balance serve messages; what cannot be read of them is left out. The balances are those that this round
    /// has read.
    async fn read_funds(
        &self,
        e164: E164,
        asked: Option<Currency>,
        balances: &mut BTreeMap<Currency, Option<Money>>,
    ) -> Result<(), ReadError> {
        let begun = self.clock.now();
        let listed = match self.client.search_inventory(e164).await {
            Ok(listed) => listed,
            Err(ReadError::Missing) => {
                self.state().funds_read(e164, begun, None);
                return Ok(());
            }
            Err(error) => return self.funds_failed(e164, begun, error),
        };
        let listed_in = listed.as_ref().and_then(|row| row.number.currency);
        let currency = asked.or(listed_in);
        // No conversion rule is documented: a price in another currency says nothing about the sum needed.
        let required = listed.filter(|_| currency == listed_in).and_then(|row| row.price());
        let available = match currency {
            None => None,
            Some(currency) => match balances.get(&currency) {
                Some(read) => *read,
                None => *balances.entry(currency).or_insert(self.available(currency).await?),
            },
        };
        self.state().funds_read(
            e164,
            begun,
            Some(FundsRead { inventory_read: true, required, available, currency }),
        );
        Ok(())
    }

    async fn available(&self, currency: Currency) -> Result<Option<Money>, ReadError> {
        match self.client.balance(currency).await {
            Ok(balance) => Ok(balance.available_balance),
            Err(error @ ReadError::RateLimited { .. }) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn funds_failed(
        &self,
        e164: E164,
        begun: crate::plan::Moment,
        error: ReadError,
    ) -> Result<(), ReadError> {
        match error {
            ReadError::RateLimited { .. } => Err(error),
            ReadError::Missing | ReadError::Unauthorized | ReadError::Forbidden | ReadError::Failed(_) => {
                self.state().funds_read(e164, begun, Some(FundsRead::default()));
                Ok(())
            }
        }
    }

    /// The credentials have changed: what was refused before may be accepted now.
    pub fn credentials_changed(&self) {
        self.state().gate.hurry();
        self.changed.notify_one();
    }
}

/// Only the owned list speaks of the whole account; a ledger that may not be read is one that cannot be read.
fn of_the_ledger<T>(answer: Result<T, ReadError>) -> Result<T, ReadError> {
    answer.map_err(|error| match error {
        ReadError::Unauthorized => ReadError::Failed("Vobiz refuses to show the ledger (401)".into()),
        ReadError::Forbidden => ReadError::Failed("Vobiz refuses to show the ledger (403)".into()),
        other => other,
    })
}
