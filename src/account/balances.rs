//! Reads the account's balance in each currency that its numbers are billed in.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::Account;
use crate::{domain::Currency, vobiz::ReadError};

/// How soon a currency that has come into use is noticed.
const NOTICED: Duration = Duration::from_secs(15);

/// Balances that are read after each listing, at most: a number costs what it costs in one of a few currencies, and each
/// is a call that purchases wait for.
const CURRENCIES: usize = 8;

/// A currency in which Vobiz serves no balance is not asked for again before.
const NOT_SERVED_FOR: Duration = Duration::from_hours(6);

impl Account {
    /// Reads the balance in each currency that is in use, once after each listing for drift, until `stop`. It serves
    /// metrics alone: it has no part in the rounds that purchases wait for.
    pub async fn watch_balances(&self, in_use: impl Fn() -> BTreeSet<Currency>, stop: CancellationToken) {
        let work = async {
            // Before the first listing the credentials may be wrong, and each call would say so again.
            self.listed.notified().await;
            let mut asked = BTreeSet::new();
            let mut not_served = BTreeMap::<Currency, Duration>::new();
            loop {
                let in_use: BTreeSet<_> = in_use().into_iter().take(CURRENCIES).collect();
                let now = self.clock.now().mono;
                not_served.retain(|_, until| now < *until);
                // The sum of a currency that is used no longer would stand there for ever, older every day.
                self.state().balances.retain(|currency, _| in_use.contains(currency));
                for currency in in_use {
                    let asks = self.state().gate.is_readable() && !not_served.contains_key(&currency);
                    if asks && asked.insert(currency) && !self.read_balance(currency).await {
                        not_served.insert(currency, now + NOT_SERVED_FOR);
                    }
                }
                tokio::select! {
                    () = self.listed.notified() => asked.clear(),
                    () = tokio::time::sleep(NOTICED) => {}
                }
            }
        };
        stop.run_until_cancelled(work).await;
    }

    /// `false` if Vobiz serves no balance in that currency.
    async fn read_balance(&self, currency: Currency) -> bool {
        let read = match self.client.balance(currency).await {
            Ok(balance) => balance.available_balance,
            Err(ReadError::Missing) => {
                tracing::info!(%currency, "Vobiz serves no balance in this currency; it is not asked for it for hours");
                self.state().balances.remove(&currency);
                return false;
            }
            Err(error @ ReadError::RateLimited { .. }) => {
                self.meet(&error);
                None
            }
            Err(error) => {
                tracing::debug!(%error, "the balance cannot be read");
                None
            }
        };
        let mut state = self.state();
        match read {
            Some(sum) => state.balances.insert(currency, sum),
            // An old sum would be taken for a new one.
            None => state.balances.remove(&currency),
        };
        true
    }
}
