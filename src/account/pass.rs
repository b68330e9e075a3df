//! A reading of a whole ledger, and how it is kept up with from then on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::time::sleep_until;

use super::{
    batch::LedgerKnown,
    doubt::Doubt,
    filters::Filters,
    lost::Lost,
    remembered::{Owed, Remembered},
};
use crate::{
    domain::{day_begins, utc_day},
    plan::{Contents, LedgerRead, LedgerRows, Moment, Reading},
    vobiz::{Client, Known, Ledger, ReadError},
};

/// A reading of all rows.
pub struct Pass {
    pub begun: Moment,
    pub from: Timestamp,
    pub ledger: Ledger,
    rows: Arc<LedgerRows>,
    /// When it went on last. Monotonic.
    pub went_on: Duration,
    pub lost: Lost,
    remembered: Remembered,
    owed: Owed,
}

impl Pass {
    /// The ledger is asked by UTC days, so what is covered begins at a midnight.
    pub fn begin(from: Timestamp, begun: Moment, kept: bool, remembered: &Remembered) -> Self {
        let day = utc_day(from);
        let ledger = if kept { Ledger::kept_since(day) } else { Ledger::whole_since(day) };
        let (remembered, owed) = (remembered.clone(), remembered.owed(day));
        let (went_on, lost) = (begun.mono, Lost::default());
        Self { begun, from: day_begins(day), ledger, rows: Arc::default(), went_on, lost, remembered, owed }
    }

    /// Reads on until then, or to the end. Returns whether that was reached.
    pub async fn go_on(&mut self, client: &Client, until: Option<Instant>) -> Result<bool, ReadError> {
        loop {
            let again_at = self.lost.until.filter(|at| *at > Instant::now());
            if let Some(at) = again_at {
                sleep_until(until.map_or(at, |until| at.min(until)).into()).await;
                if until.is_some_and(|until| until < at) {
                    return Ok(false);
                }
            }
            if self.ledger.is_kept() {
                self.owed.renew();
            }
            // A page at a time: what it has shown is remembered, whatever becomes of the reading.
            let read = client.ledger(&mut self.ledger, Some(Instant::now())).await;
            self.remembered.note(&mut self.ledger);
            match read? {
                Known::Wholly { .. } => return Ok(true),
                Known::Partly if until.is_some_and(|until| Instant::now() >= until) => return Ok(false),
                Known::Partly => {}
                // It is read as often as it takes.
                Known::Unproven => {
                    let (went_on, announced) = (self.went_on, self.ledger.announced());
                    *self = Self { went_on, ..Self::begin(self.from, self.begun, false, &self.remembered) };
                    self.owed.announced.rows(announced);
                }
                Known::Short(error) => {
                    // No reading of it came up to what was announced.
                    self.owed.announced.settle();
                    return Err(error);
                }
                Known::Lost(error) if !self.lost.again(self.ledger.pages(), Instant::now()) => {
                    return Err(error);
                }
                Known::Lost(error) => tracing::debug!(%error, "a page of the ledger is asked for again"),
            }
        }
    }

    /// Reads what is new of a ledger that is known.
    pub async fn catch_up(&mut self, client: &Client) -> Result<Known, ReadError> {
        self.ledger.catch_up();
        let read = client.ledger(&mut self.ledger, None).await;
        self.remembered.note(&mut self.ledger);
        if self.ledger.has_shrunk() {
            self.remembered.note_announced(&self.ledger);
        }
        match read {
            // A page of another reading has shown a debit that this one has not.
            Ok(Known::Wholly { .. }) if self.remembered.lacks_news(&self.ledger) => Ok(Known::Unproven),
            read => read,
        }
    }

    /// What filters have shown beside it has come since, or was missed: then it is looked for once more. Returns whether all of that
    /// is known.
    pub async fn catch_up_with_filters(&mut self, client: &Client) -> Result<bool, ReadError> {
        self.remembered.note(&mut self.ledger);
        if !self.remembered.lacks_news(&self.ledger) {
            return Ok(true);
        }
        match self.catch_up(client).await? {
            Known::Lost(error) => Err(error),
            read => Ok(matches!(read, Known::Wholly { .. })),
        }
    }

    /// Whether it is to be believed, at its end: it shows all that the ledger has shown before, or less has been shown for long, and
    /// nothing else is known.
    pub fn is_believed(&mut self, doubt: &mut Doubt, now: Duration, known: Option<&Self>) -> bool {
        let lacking = self.remembered.lacking(&self.ledger, &self.owed);
        if !lacking.is_empty() {
            let mark = self.remembered.mark();
            let (since, for_long) = doubt.lasts(self.ledger.rows_met(), self.begun.mono, now, mark);
            let are_gone = self.remembered.are_gone(&lacking, since, known.map(|known| &known.ledger));
            if !are_gone {
                doubt.begin_again(now, mark);
            }
            if !are_gone || !for_long {
                return false;
            }
            self.remembered.forget(&lacking);
        }
        self.owed.announced.settle();
        *doubt = Doubt::default();
        true
    }

    /// What is told of it, where it is kept up with.
    pub fn told(&self, filters: &Filters, now: Moment) -> LedgerKnown {
        let filtered = filters.serve(&self.ledger);
        let proof_at = filters.proof_at(&self.ledger, self.begun, now.mono);
        LedgerKnown { rows: self.ledger.rows_met(), filtered, proof_at }
    }

    pub fn reading(&mut self, begun: Moment) -> Reading<Contents> {
        if let Some(news) = self.ledger.take_rows() {
            self.rows = Arc::new(self.rows.after(news));
        }
        let value = Contents::Ledger(LedgerRead { from: self.from, rows: self.rows.clone() });
        Reading::Read { begun, value }
    }
}
