//! Asks Vobiz what a decision asks for, as the operator does, and keeps it as decisions read it.

use std::{
    collections::HashMap,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::{console::reading, patience::Patience};
use crate::{
    clock::Clock,
    domain::{AccountId, Time, day_begins, utc_day},
    plan::{
        BalanceRead, Clocks, Contents, FundsRead, Gate, LedgerRead, LedgerRows, Moment, QuoteRead, Reading,
        Readings, Source,
    },
    vobiz::{Known, Ledger, ReadError, Reader, readers::Pages},
};

/// No list takes longer.
const LONGEST: Duration = Duration::from_hours(1);

/// So many things are read side by side.
const AT_ONCE: usize = 4;

/// What is known of an account, and whether it may be read at all.
#[derive(Debug)]
pub struct Facts {
    pub readings: Readings,
    pub gate: Gate,
    /// How far our clock is from others'.
    pub clocks: Clocks,
}

/// What was read, by account.
pub type Books = HashMap<AccountId, Facts>;

/// An account that is read as far as decisions ask for it.
pub struct Account {
    pub reader: Reader,
    clock: Clock,
    /// For all that it asks.
    pub patience: Patience,
}

impl Account {
    pub fn new(reader: Reader) -> Self {
        let clock = reader.peers().clock();
        Self { reader, clock, patience: Patience::default() }
    }

    /// Reads these, until one cannot be had. Where Vobiz limits the rate of calls, it goes on after a while.
    pub async fn fetch(&mut self, facts: &mut Facts, sources: &[Source]) -> Result<(), ReadError> {
        let mut left = sources;
        loop {
            let (read, ended) = self.read_all(facts, left).await;
            left = &left[read..];
            match ended {
                Err(error) if self.patience.waits_after(&error).await => {}
                ended => return ended,
            }
        }
    }

    /// Reads these in their order, and says how many of them before one could not be had.
    async fn read_all(&self, facts: &mut Facts, sources: &[Source]) -> (usize, Result<(), ReadError>) {
        let (reader, clock) = (&self.reader, self.clock);
        let one = |source: &Source| {
            let source = *source;
            async move {
                let begun = clock.now();
                let read = match read(reader, source, begun).await {
                    Ok(value) => Reading::Read { begun, value },
                    Err(ReadError::NoSuchEndpoint) => Reading::NoSuchEndpoint { begun },
                    Err(error) => return Err(error),
                };
                Ok((source, read))
            }
        };
        let mut reads = pin!(stream::iter(sources).map(one).buffered(AT_ONCE));
        let (readings, mut count) = (&mut facts.readings, 0);
        let all = async {
            while let Some(read) = reads.next().await {
                let (source, read) = read?;
                readings.insert(source, read);
                count += 1;
            }
            Ok(())
        };
        let ended = reading("the account", all).await;
        facts.clocks = reader.peers().clocks();
        (count, ended)
    }
}

async fn read(reader: &Reader, source: Source, begun: Moment) -> Result<Contents, ReadError> {
    match source {
        Source::Access => reader.probe().await.map(|()| Contents::Access),
        Source::Search(e164) => match reader.search_owned(e164).await? {
            Some(rows) => Ok(Contents::numbers(rows)),
            // So many numbers contain these digits that all are listed as quickly.
            None => list(reader).await,
        },
        Source::Listing => list(reader).await,
        Source::LedgerSoFar { from } | Source::Ledger { from } | Source::OldLedger { from } => {
            ledger(reader, from).await.map(Contents::Ledger)
        }
        // They serve the messages of attempts that have failed.
        Source::Funds { .. } => Ok(Contents::Funds(FundsRead::default())),
        Source::Balance(currency) => {
            let available = reader.balance(currency).await?.available_balance;
            Ok(Contents::Balance(BalanceRead { available, account: None }))
        }
        Source::Quote(e164) => {
            let at = Time::micros(begun.wall);
            Ok(Contents::Quote(match reader.offers(e164).await {
                Ok(rows) => QuoteRead::offers(&rows, at),
                // A limit speaks of calls, whichever they are; all else concerns only those that need a price.
                Err(error @ ReadError::RateLimited { .. }) => return Err(error),
                Err(error) => QuoteRead::Unreadable(error.to_string().into()),
            }))
        }
    }
}

async fn list(reader: &Reader) -> Result<Contents, ReadError> {
    let rows = reader.owned_numbers(&mut Pages::default(), Instant::now() + LONGEST).await?;
    rows.map(Contents::numbers)
        .ok_or_else(|| ReadError::Failed("no end of the list of numbers within an hour".into()))
}

/// The ledger is asked by UTC days, so what is covered begins at a midnight.
async fn ledger(reader: &Reader, from: Timestamp) -> Result<LedgerRead, ReadError> {
    let day = utc_day(from);
    let mut ledger = Ledger::kept_since(day);
    loop {
        match reader.ledger(&mut ledger, None).await? {
            Known::Wholly { .. } => break,
            Known::Partly => {}
            Known::Unproven => ledger = Ledger::whole_since(day),
            Known::Short(error) | Known::Lost(error) => return Err(error),
        }
    }
    let rows = ledger.take_rows().map(|news| LedgerRows::default().after(news));
    Ok(LedgerRead { from: day_begins(day), rows: Arc::new(rows.unwrap_or_default()) })
}
