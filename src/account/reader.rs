//! The one reader of Vobiz: performs one batch of reads, side by side. When, what and what follows is decided elsewhere.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    batch::{Failure, ReadBatch, is_search},
    prices::Prices,
};
use crate::{
    clock::Clock,
    domain::{Currency, ListedNumber},
    plan::{Contents, LedgerRead, Moment, Reading, Source},
    vobiz::{Client, ReadError, readers::Pages},
};

/// What a batch has brought: all of it, or what was read before a failure.
#[derive(Debug, Default)]
pub struct BatchRead {
    pub readings: Vec<(Source, Reading<Contents>)>,
    pub failure: Option<Failure>,
    /// How many numbers a listing says that there are.
    pub owned: Option<usize>,
    /// Searches that find so much that a listing costs no more.
    pub broad: Vec<Source>,
}

/// Searches that are made side by side.
const AT_ONCE: usize = 4;

/// A listing is read for so long at a time: what waits for less does not wait for its end.
const PIECE: Duration = Duration::from_millis(500);

/// What goes on from one batch to the next.
pub struct Reader<'a> {
    client: &'a Client,
    clock: Clock,
    /// The listing that is being read.
    listing: Pages<ListedNumber>,
}

impl<'a> Reader<'a> {
    pub fn new(client: &'a Client, clock: Clock) -> Self {
        Self { client, clock, listing: Pages::default() }
    }

    /// Reads what a batch asks for, until something fails; of the listing, which was begun at that moment, a piece.
    pub async fn read(&mut self, batch: &ReadBatch, listing: Option<Moment>) -> BatchRead {
        let (client, clock) = (self.client, self.clock);
        let (listing, ledger, searches, prices) = tokio::join!(
            self.list(listing),
            read_ledger(client, clock, batch),
            search(client, clock, batch),
            read_prices(client, clock, batch),
        );
        // What speaks of the whole account comes first.
        let mut all = listing;
        for read in [ledger, searches, prices] {
            all.readings.extend(read.readings);
            all.broad.extend(read.broad);
            all.failure = all.failure.or(read.failure);
        }
        all
    }

    async fn list(&mut self, begun: Option<Moment>) -> BatchRead {
        let mut read = BatchRead::default();
        let Some(begun) = begun else { return read };
        let numbers = self.client.owned_numbers(&mut self.listing, Instant::now() + PIECE).await;
        read.owned = self.listing.announced();
        let numbers = match numbers {
            Ok(None) => return read,
            Ok(Some(numbers)) => Ok(Contents::numbers(numbers)),
            Err(error) => Err(error),
        };
        self.listing = Pages::default();
        read.keep(Source::Listing, begun, numbers);
        read
    }
}

/// Asks the cheapest question: whether the account may be read at all.
pub async fn probe(client: &Client, clock: Clock) -> BatchRead {
    let (begun, mut read) = (clock.now(), BatchRead::default());
    let answer = client.probe().await.map(|()| Contents::Access);
    read.keep(Source::Access, begun, answer);
    read
}

pub async fn read_balance(client: &Client, clock: Clock, currency: Currency) -> BatchRead {
    let (begun, mut read) = (clock.now(), BatchRead::default());
    let balance = Prices::new(client).balance(currency).await;
    if balance == Err(ReadError::NoSuchEndpoint) {
        tracing::info!(%currency, "Vobiz serves no balance in this currency; it is not asked for it for hours");
    }
    read.keep(Source::Balance(currency), begun, balance.map(Contents::Balance));
    read
}

async fn search(client: &Client, clock: Clock, batch: &ReadBatch) -> BatchRead {
    let numbers = batch.sources().filter_map(|source| match source {
        Source::Search(e164) => Some(e164),
        _ => None,
    });
    let asked = stream::iter(numbers)
        .map(|e164| async move { (Source::Search(e164), clock.now(), client.search_owned(e164).await) });
    let mut answers = pin!(asked.buffer_unordered(AT_ONCE));
    let mut read = BatchRead::default();
    while let Some((source, begun, answer)) = answers.next().await {
        let Some(answer) = answer.transpose() else {
            read.broad.push(source);
            continue;
        };
        if !read.keep(source, begun, answer.map(Contents::numbers)) {
            break;
        }
    }
    read
}

/// Reads prices one after the other, because they share their balances.
async fn read_prices(client: &Client, clock: Clock, batch: &ReadBatch) -> BatchRead {
    let (mut prices, mut read) = (Prices::new(client), BatchRead::default());
    for source in batch.sources() {
        let Source::Funds { e164, currency } = source else { continue };
        let begun = clock.now();
        if !read.keep(source, begun, prices.funds(e164, currency).await.map(Contents::Funds)) {
            break;
        }
    }
    read
}

async fn read_ledger(client: &Client, clock: Clock, batch: &ReadBatch) -> BatchRead {
    let mut read = BatchRead::default();
    for source in batch.sources() {
        let Source::Ledger { from } = source else { continue };
        let begun = clock.now();
        read.keep(source, begun, ledger(client, from).await.map(Contents::Ledger));
    }
    read
}

impl BatchRead {
    /// Keeps an answer. Returns whether it is one.
    fn keep(&mut self, source: Source, begun: Moment, answer: Result<Contents, ReadError>) -> bool {
        let reading = match answer {
            Ok(value) => Reading::Read { begun, value },
            // A search for nothing may be answered like that.
            Err(ReadError::NoSuchEndpoint) if !is_search(source) => Reading::NoSuchEndpoint { begun },
            Err(error) => {
                if let Source::Balance(_) = source {
                    // An old sum would be taken for a new one.
                    let reading = Reading::Read { begun, value: Contents::Balance(None) };
                    self.readings.push((source, reading));
                }
                self.failure = Some(Failure { source, error });
                return false;
            }
        };
        self.readings.push((source, reading));
        true
    }
}

/// The ledger is asked by UTC days, so what is covered begins at a midnight.
async fn ledger(client: &Client, from: Timestamp) -> Result<LedgerRead, ReadError> {
    let day = from.to_zoned(TimeZone::UTC).date();
    let from = day.to_zoned(TimeZone::UTC).map_or(from, |midnight| midnight.timestamp());
    match client.ledger(day).await {
        Ok(rows) => Ok(LedgerRead { from, rows: rows.into() }),
        // Only the owned list speaks of the whole account; a ledger that may not be read is one that cannot be read.
        Err(ReadError::Unauthorized) => {
            Err(ReadError::Failed("Vobiz refuses to show the ledger (401)".into()))
        }
        Err(ReadError::Forbidden) => Err(ReadError::Failed("Vobiz refuses to show the ledger (403)".into())),
        Err(error) => Err(error),
    }
}
