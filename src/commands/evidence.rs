//! Asks Vobiz what a decision asks for, as the operator does, and keeps it as decisions read it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::console::reading;
use crate::{
    clock::Clock,
    domain::Time,
    plan::{
        Contents, EvidenceRequest, FundsRead, Gate, GateCause, LedgerRead, QuoteRead, Reading, Readings,
        Source,
    },
    vobiz::{Known, Ledger, ReadError, Reader, readers::Pages},
};

/// No list takes longer.
const LONGEST: Duration = Duration::from_hours(1);

/// What was read of the account, and whether it may be read at all.
pub struct Account<'a> {
    pub reader: &'a Reader,
    pub readings: Readings,
    pub gate: Gate,
    clock: Clock,
}

impl<'a> Account<'a> {
    pub fn new(reader: &'a Reader) -> Self {
        Self { reader, readings: Readings::default(), gate: Gate::Open, clock: reader.peers().clock() }
    }

    /// Asks for what is lacking. What cannot be had closes the gate, as it does for the operator.
    pub async fn ask(&mut self, request: &EvidenceRequest) {
        for source in &request.sources {
            let begun = self.clock.now();
            let read = match reading("the account", self.read(*source)).await {
                Ok(value) => Reading::Read { begun, value },
                Err(ReadError::NoSuchEndpoint) => Reading::NoSuchEndpoint { begun },
                Err(error) => {
                    self.gate = Gate::Closed(cause(*source, &error), error.to_string());
                    return;
                }
            };
            self.readings.insert(*source, read);
        }
    }

    async fn read(&self, source: Source) -> Result<Contents, ReadError> {
        match source {
            Source::Access => self.reader.probe().await.map(|()| Contents::Access),
            Source::Search(e164) => match self.reader.search_owned(e164).await? {
                Some(rows) => Ok(Contents::numbers(rows)),
                // So many numbers contain these digits that all are listed as quickly.
                None => self.list().await,
            },
            Source::Listing => self.list().await,
            Source::LedgerSoFar { from } | Source::Ledger { from } | Source::OldLedger { from } => {
                self.ledger(from).await.map(Contents::Ledger)
            }
            // They serve the messages of attempts that have failed.
            Source::Funds { .. } => Ok(Contents::Funds(FundsRead::default())),
            Source::Balance(currency) => {
                Ok(Contents::Balance(self.reader.balance(currency).await?.available_balance))
            }
            Source::Quote(e164) => {
                let at = Time::micros(self.clock.now().wall);
                Ok(Contents::Quote(match self.reader.offers(e164).await {
                    Ok(rows) => QuoteRead::offers(&rows, at),
                    // It holds back those alone that need a price.
                    Err(error) => QuoteRead::Unreadable(error.to_string().into()),
                }))
            }
        }
    }

    async fn list(&self) -> Result<Contents, ReadError> {
        let rows = self.reader.owned_numbers(&mut Pages::default(), Instant::now() + LONGEST).await?;
        rows.map(Contents::numbers)
            .ok_or_else(|| ReadError::Failed("no end of the list of numbers within an hour".into()))
    }

    /// The ledger is asked by UTC days, so what is covered begins at a midnight.
    async fn ledger(&self, from: Timestamp) -> Result<LedgerRead, ReadError> {
        let day: Date = from.to_zoned(TimeZone::UTC).date();
        let from = day.to_zoned(TimeZone::UTC).map_or(from, |midnight| midnight.timestamp());
        let mut ledger = Ledger::kept_since(day);
        loop {
            match self.reader.ledger(&mut ledger, None).await? {
                Known::Wholly { .. } => break,
                Known::Partly => {}
                Known::Unproven => ledger = Ledger::whole_since(day),
            }
        }
        Ok(LedgerRead { from, rows: Arc::new(ledger.take_rows().into_iter().flatten().collect()) })
    }
}

/// Only the owned list speaks of the whole account; a ledger that may not be read is one that cannot be read.
fn cause(source: Source, error: &ReadError) -> GateCause {
    match error {
        ReadError::Unauthorized | ReadError::Forbidden if source.ledger_from().is_none() => {
            GateCause::Credentials
        }
        ReadError::RateLimited { .. } => GateCause::RateLimited,
        _ => GateCause::Unavailable,
    }
}
