use std::{collections::BTreeSet, time::Duration};

use tokio_util::sync::CancellationToken;

use super::Account;
use crate::{domain::Currency, plan::Gate, vobiz::ReadError};

/// How soon a currency that has come into use is noticed.
const NOTICED: Duration = Duration::from_secs(15);

impl Account {
    /// Reads the balance in each currency that is in use, once after each listing for drift, until `stop`. It serves
    /// metrics alone: it has no part in the rounds that purchases wait for.
    pub async fn watch_balances(&self, in_use: impl Fn() -> BTreeSet<Currency>, stop: CancellationToken) {
        let work = async {
            // Before the first listing the credentials may be wrong, and each call would say so again.
            self.listed.notified().await;
            let mut asked = BTreeSet::new();
            loop {
                let in_use = in_use();
                // The sum of a currency that is used no longer would stand there for ever, older every day.
                self.state().balances.retain(|currency, _| in_use.contains(currency));
                for currency in in_use {
                    if self.gate() == Gate::Open
                        && asked.insert(currency)
                        && !self.read_balance(currency).await
                    {
                        return;
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

    /// `false` if there is nothing that could be read.
    async fn read_balance(&self, currency: Currency) -> bool {
        let read = match self.client.balance(currency).await {
            Ok(balance) => balance.available_balance,
            Err(ReadError::Missing) => {
                tracing::info!("Vobiz serves no balance; it is not asked for again");
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
