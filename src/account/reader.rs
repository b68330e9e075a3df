//! The one reader of Vobiz: performs one batch of reads, side by side. When, what and what follows is decided elsewhere.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};

use super::{
    batch::{BatchRead, ReadBatch},
    ledgers::Ledgers,
    prices::Prices,
};
use crate::{
    clock::Clock,
    domain::{Currency, ListedNumber},
    plan::{Contents, Moment, Source},
    vobiz::{Client, ReadError, readers::Pages},
};

/// Searches that are made side by side.
const AT_ONCE: usize = 4;

/// A listing is read for so long at a time: what waits for less does not wait for its end.
const PIECE: Duration = Duration::from_millis(500);

/// What goes on from one batch to the next.
pub struct Reader<'a> {
    client: &'a Client,
    clock: Clock,
    /// The listing that is being read.
    listing: Pages<Box<ListedNumber>>,
    ledgers: Ledgers<'a>,
}

impl<'a> Reader<'a> {
    pub fn new(client: &'a Client, clock: Clock) -> Self {
        Self { client, clock, listing: Pages::default(), ledgers: Ledgers::default() }
    }

    /// Reads what a batch asks for, until something fails; of the listing, which was begun at that moment, a piece.
    pub async fn read(&mut self, batch: &ReadBatch, listing: Option<Moment>) -> BatchRead {
        let (client, clock) = (self.client, self.clock);
        let (listing, ledger, searches, prices) = tokio::join!(
            list(client, &mut self.listing, listing),
            self.ledgers.read(client, clock, batch),
            search(client, clock, batch),
            read_prices(client, clock, batch),
        );
        // What speaks of the whole account comes first.
        let mut all = listing;
        for read in [ledger, searches, prices] {
            all.readings.extend(read.readings);
            all.broad.extend(read.broad);
            all.failure = all.failure.or(read.failure);
            all.ledger = all.ledger.or(read.ledger);
            all.old_ledger_failed = all.old_ledger_failed.or(read.old_ledger_failed);
        }
        all
    }
}

async fn list(client: &Client, listing: &mut Pages<Box<ListedNumber>>, begun: Option<Moment>) -> BatchRead {
    let mut read = BatchRead::default();
    let Some(begun) = begun else { return read };
    let numbers = client.owned_numbers(listing, Instant::now() + PIECE).await;
    read.owned = listing.announced();
    let numbers = match numbers {
        Ok(None) => return read,
        Ok(Some(numbers)) => Ok(Contents::numbers(numbers)),
        Err(error) => Err(error),
    };
    *listing = Pages::default();
    read.keep(Source::Listing, begun, numbers);
    read
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
