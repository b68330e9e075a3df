//! The one reader of Vobiz: performs one batch of reads. When, what and what follows is decided elsewhere.

use std::collections::{BTreeMap, btree_map::Entry};

use jiff::{Timestamp, tz::TimeZone};

use super::batch::{Failure, ReadBatch, is_search};
use crate::{
    clock::Clock,
    domain::{Currency, E164, Money},
    plan::{Contents, FundsRead, LedgerRead, Reading, Source},
    vobiz::{Client, ReadError},
};

/// What a batch has brought: all of it, or what was read before a failure.
#[derive(Debug, Default)]
pub struct BatchRead {
    pub readings: Vec<(Source, Reading<Contents>)>,
    pub failure: Option<Failure>,
}

/// Reads one source after the other, until one fails.
pub async fn read(client: &Client, clock: Clock, batch: &ReadBatch) -> BatchRead {
    let mut reader = Reader { client, balances: BTreeMap::new() };
    let mut read = BatchRead::default();
    for source in batch.sources() {
        let listed = read.readings.iter().any(|(known, _)| *known == Source::Listing);
        if listed && (is_search(source) || source == Source::Listing) {
            continue;
        }
        let begun = clock.now();
        match reader.ask(source).await {
            Ok((source, value)) => read.readings.push((source, Reading::Read { begun, value })),
            // A search for nothing may be answered like that.
            Err(ReadError::NoSuchEndpoint) if !matches!(source, Source::Search(_)) => {
                read.readings.push((source, Reading::NoSuchEndpoint { begun }));
            }
            Err(error) => {
                if let Source::Balance(_) = source {
                    // An old sum would be taken for a new one.
                    read.readings.push((source, Reading::Read { begun, value: Contents::Balance(None) }));
                }
                read.failure = Some(Failure { source, error });
                break;
            }
        }
    }
    read
}

struct Reader<'a> {
    client: &'a Client,
    /// Those that this batch has read: many prices are in one currency.
    balances: BTreeMap<Currency, Option<Money>>,
}

impl Reader<'_> {
    /// What the source says, or the listing in place of a search that finds too much.
    async fn ask(&mut self, source: Source) -> Result<(Source, Contents), ReadError> {
        let contents = match source {
            Source::Access => {
                self.client.probe().await?;
                Contents::Access
            }
            Source::Search(e164) => {
                let Some(rows) = self.client.search_owned(e164).await? else {
                    let rows = self.client.owned_numbers().await?;
                    return Ok((Source::Listing, Contents::numbers(rows)));
                };
                Contents::numbers(rows)
            }
            Source::Listing => Contents::numbers(self.client.owned_numbers().await?),
            Source::Ledger { from } => Contents::Ledger(self.ledger(from).await?),
            Source::Funds { e164, currency } => Contents::Funds(self.funds(e164, currency).await?),
            Source::Balance(currency) => Contents::Balance(self.balance(currency).await.inspect_err(|error| {
                if *error == ReadError::NoSuchEndpoint {
                    tracing::info!(%currency, "Vobiz serves no balance in this currency; it is not asked for it for hours");
                }
            })?),
        };
        Ok((source, contents))
    }

    /// The ledger is asked by UTC days, so what is covered begins at a midnight.
    async fn ledger(&self, from: Timestamp) -> Result<LedgerRead, ReadError> {
        let day = from.to_zoned(TimeZone::UTC).date();
        let from = day.to_zoned(TimeZone::UTC).map_or(from, |midnight| midnight.timestamp());
        match self.client.ledger(day).await {
            Ok(rows) => Ok(LedgerRead { from, rows: rows.into() }),
            // Only the owned list speaks of the whole account; a ledger that may not be read is one that cannot be read.
            Err(ReadError::Unauthorized) => {
                Err(ReadError::Failed("Vobiz refuses to show the ledger (401)".into()))
            }
            Err(ReadError::Forbidden) => {
                Err(ReadError::Failed("Vobiz refuses to show the ledger (403)".into()))
            }
            Err(error) => Err(error),
        }
    }

    /// Price and balance serve messages; what cannot be read of them is left out.
    async fn funds(&mut self, e164: E164, asked: Option<Currency>) -> Result<FundsRead, ReadError> {
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
        let required = listed.filter(|_| currency == listed_in).and_then(|row| row.price());
        let available = match currency {
            None => None,
            Some(currency) => match self.balance(currency).await {
                Err(ReadError::NoSuchEndpoint) => None,
                read => read?,
            },
        };
        Ok(FundsRead { inventory_read: true, required, available, currency })
    }

    /// What the account has in that currency, if it can be read.
    async fn balance(&mut self, currency: Currency) -> Result<Option<Money>, ReadError> {
        let entry = match self.balances.entry(currency) {
            Entry::Occupied(read) => return Ok(*read.get()),
            Entry::Vacant(entry) => entry,
        };
        match self.client.balance(currency).await {
            Ok(balance) => Ok(*entry.insert(balance.available_balance)),
            Err(error @ ReadError::RateLimited { .. }) => Err(error),
            Err(ReadError::NoSuchEndpoint) => {
                entry.insert(None);
                Err(ReadError::NoSuchEndpoint)
            }
            Err(error @ (ReadError::Unauthorized | ReadError::Forbidden | ReadError::Failed(_))) => {
                tracing::debug!(%error, "the balance cannot be read");
                Ok(*entry.insert(None))
            }
        }
    }
}
