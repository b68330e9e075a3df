//! What numbers cost, and what the account has: it serves messages.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    domain::{Currency, E164},
    plan::{BalanceRead, FundsRead},
    vobiz::{Balance, Client, ReadError},
};

/// The prices of one batch.
pub struct Prices<'a> {
    client: &'a Client,
    /// Those that this batch has read: many prices are in one currency.
    balances: BTreeMap<Currency, BalanceRead>,
}

impl<'a> Prices<'a> {
    pub fn new(client: &'a Client) -> Self {
        Self { client, balances: BTreeMap::new() }
    }

    /// Price and balance serve messages; what cannot be read of them is left out.
    pub async fn funds(&mut self, e164: E164, asked: Option<Currency>) -> Result<FundsRead, ReadError> {
        let listed = match self.client.search_inventory(e164).await {
            Ok(listed) => listed,
            Err(error @ (ReadError::NoSuchEndpoint | ReadError::RateLimited { .. })) => return Err(error),
            Err(ReadError::Unauthorized | ReadError::Forbidden | ReadError::Failed(_)) => {
                return Ok(FundsRead::default());
            }
        };
        let listed_in = listed.as_ref().and_then(|row| row.number.currency);
        let currency = asked.or(listed_in);
        // No conversion rule is documented: a price in another currency says nothing about the sum needed.
        let required = listed.filter(|_| currency == listed_in).and_then(|row| row.number.price());
        let available = match currency {
            None => None,
            Some(currency) => match self.balance(currency).await {
                Err(ReadError::NoSuchEndpoint) => None,
                read => read?.available,
            },
        };
        Ok(FundsRead { inventory_read: true, required, available, currency })
    }

    /// What the account has in that currency, if it can be read.
    pub async fn balance(&mut self, currency: Currency) -> Result<BalanceRead, ReadError> {
        let entry = match self.balances.entry(currency) {
            Entry::Occupied(read) => return Ok(read.get().clone()),
            Entry::Vacant(entry) => entry,
        };
        match self.client.balance(currency).await {
            Ok(Balance { available_balance: available, account_id: account }) => {
                Ok(entry.insert(BalanceRead { available, account }).clone())
            }
            Err(error @ ReadError::RateLimited { .. }) => Err(error),
            Err(ReadError::NoSuchEndpoint) => {
                entry.insert(BalanceRead::default());
                Err(ReadError::NoSuchEndpoint)
            }
            Err(error @ (ReadError::Unauthorized | ReadError::Forbidden | ReadError::Failed(_))) => {
                tracing::debug!(%error, "the balance cannot be read");
                Ok(entry.insert(BalanceRead::default()).clone())
            }
        }
    }
}
