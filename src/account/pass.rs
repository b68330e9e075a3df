//! A reading of a whole ledger, and how it is kept up with from then on.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::time::sleep_until;

use super::{batch::LedgerKnown, filters::Filters, floor::Floor, lost::Lost};
use crate::{
    domain::{day_begins, utc_day},
    plan::{Contents, LedgerRead, LedgerRows, Moment, Reading},
    vobiz::{Client, Known, Ledger, ReadError},
};

/// A day that Vobiz counts by another clock than UTC begins so much later at most: until then it is not known whether a row is of the
/// day with which a reading begins.
const LOCAL: Duration = Duration::from_hours(14);

/// A reading of all rows.
pub struct Pass {
    pub begun: Moment,
    pub from: Timestamp,
    pub ledger: Ledger,
    rows: Arc<LedgerRows>,
    /// When it went on last. Monotonic.
    pub went_on: Duration,
    pub lost: Lost,
    /// The most rows that it announced before it was begun again.
    most: usize,
}

impl Pass {
    /// The ledger is asked by UTC days, so what is covered begins at a midnight.
    pub fn begin(from: Timestamp, begun: Moment, kept: bool) -> Self {
        let day = utc_day(from);
        let ledger = if kept { Ledger::kept_since(day) } else { Ledger::whole_since(day) };
        let (went_on, lost) = (begun.mono, Lost::default());
        Self { begun, from: day_begins(day), ledger, rows: Arc::default(), went_on, lost, most: 0 }
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
            match client.ledger(&mut self.ledger, until).await? {
                Known::Wholly { .. } => return Ok(true),
                Known::Partly => return Ok(false),
                // It is read as often as it takes.
                Known::Unproven => {
                    let most = self.announced();
                    *self = Self { most, ..Self::begin(self.from, self.begun, false) };
                }
                Known::Lost(error) if !self.lost.again(self.ledger.pages(), Instant::now()) => {
                    return Err(error);
                }
                Known::Lost(error) => tracing::debug!(%error, "a page of the ledger is asked for again"),
            }
        }
    }

    /// The most rows that it announced.
    pub fn announced(&self) -> usize {
        self.most.max(self.ledger.announced())
    }

    /// Whether it shows less than it did before it was begun again: some of its pages were of an older state.
    pub fn has_shrunk(&self) -> bool {
        self.ledger.rows_met() < self.most
    }

    /// Whether it shows less than was known of the ledger, which had so many rows.
    pub fn shows_less(&self, known: &Self, floor: Floor) -> bool {
        floor.is_above(self.from, self.ledger.rows_known()) || self.lacks(known, Timestamp::MAX)
    }

    /// Whether it lacks a debit from before then that was known: it is of an older state of the ledger.
    pub fn lacks(&self, known: &Self, until: Timestamp) -> bool {
        let certain = self.from.saturating_add(LOCAL).unwrap_or(Timestamp::MAX);
        let since = if self.from <= known.from { known.from } else { certain };
        self.ledger.lacks(&known.ledger, since..until)
    }

    /// What is told of it, where it can be kept up with.
    pub fn told(&self, filters: &Filters, now: Moment) -> Option<LedgerKnown> {
        let filtered = filters.serve(&self.ledger);
        let proof_at = filters.proof_at(&self.ledger, self.begun, now.mono);
        Some(LedgerKnown { rows: self.ledger.rows_known()?, filtered, proof_at })
    }

    pub fn reading(&mut self, begun: Moment) -> Reading<Contents> {
        if let Some(news) = self.ledger.take_rows() {
            self.rows = Arc::new(self.rows.after(news));
        }
        let value = Contents::Ledger(LedgerRead { from: self.from, rows: self.rows.clone() });
        Reading::Read { begun, value }
    }
}
