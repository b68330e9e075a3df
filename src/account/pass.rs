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
    clock::Clock,
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
    pub clock: Clock,
    remembered: Remembered,
    owed: Owed,
}

impl Pass {
    /// The ledger is asked by UTC days, so what is covered begins at a midnight.
    pub fn begin(
        from: Timestamp,
        (begun, clock): (Moment, Clock),
        kept: bool,
        remembered: &Remembered,
    ) -> Self {
        let day = utc_day(from);
        let ledger = if kept { Ledger::kept_since(day) } else { Ledger::whole_since(day) };
        let (remembered, owed) = (remembered.clone(), remembered.owed(day));
        let (went_on, lost) = (begun.mono, Lost::default());
        Self {
            begun,
            from: day_begins(day),
            ledger,
            rows: Arc::default(),
            went_on,
            lost,
            clock,
            remembered,
            owed,
        }
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
            let now = self.note();
            match read? {
                Known::Wholly { .. } => return Ok(true),
                Known::Partly if until.is_some_and(|until| Instant::now() >= until) => return Ok(false),
                Known::Partly => {}
                // It is read as often as it takes.
                Known::Unproven => {
                    let (went_on, announced) = (self.went_on, self.ledger.announced());
                    let again = Self::begin(self.from, (self.begun, self.clock), false, &self.remembered);
                    *self = Self { went_on, ..again };
                    self.owed.announced.rows(announced, now);
                }
                Known::Short(error) => {
                    // No reading of it came up to what was announced.
                    self.owed.announced.withdraw();
                    return Err(error);
                }
                Known::Lost(error) if !self.lost.again(self.ledger.pages(), Instant::now()) => {
                    return Err(error);
                }
                Known::Lost(error) => tracing::debug!(%error, "a page of the ledger is asked for again"),
            }
        }
    }

    /// What has been shown of it since that was done last is remembered. Returns the time. Monotonic.
    pub fn note(&mut self) -> Duration {
        let now = self.clock.now().mono;
        self.remembered.note(&mut self.ledger, now);
        now
    }

    /// Reads what is new of a ledger that is known.
    pub async fn catch_up(&mut self, client: &Client) -> Result<Known, ReadError> {
        let read = self.catch_up_once(client).await?;
        if !self.lacks_news_after(&read) {
            return Ok(read);
        }
        // A page of another reading has just shown a debit that this one has not: it may have come since.
        let read = self.catch_up_once(client).await?;
        Ok(if self.lacks_news_after(&read) { Known::Unproven } else { read })
    }

    async fn catch_up_once(&mut self, client: &Client) -> Result<Known, ReadError> {
        self.ledger.catch_up();
        let read = client.ledger(&mut self.ledger, None).await;
        let now = self.note();
        if self.ledger.has_shrunk() {
            self.remembered.note_announced(&self.ledger, now);
        }
        read
    }

    fn lacks_news_after(&self, read: &Known) -> bool {
        matches!(read, Known::Wholly { .. }) && self.lacks_news()
    }

    /// Whether another page has shown a debit that it has not.
    pub fn lacks_news(&self) -> bool {
        self.remembered.lacks_news(&self.ledger)
    }

    /// What filters have shown beside it has come since, or was missed: then it is looked for. Returns whether all of that is known.
    pub async fn catch_up_with_filters(&mut self, client: &Client) -> Result<bool, ReadError> {
        if !self.lacks_news() {
            return Ok(true);
        }
        match self.catch_up(client).await? {
            Known::Lost(error) => Err(error),
            read => Ok(matches!(read, Known::Wholly { .. })),
        }
    }

    /// Whether it is to be believed, at its end: it shows all that the ledger has shown before, or that has not been shown for long.
    /// `known`: what is known of the ledger beside it; `known_until`: until when anything was.
    pub fn is_believed(
        &mut self,
        doubt: &mut Doubt,
        now: Duration,
        known: Option<&Self>,
        known_until: Duration,
    ) -> bool {
        let lacking = self.remembered.lacking(&self.ledger, &self.owed);
        self.owed.announced.insist();
        if !lacking.is_empty() {
            let shown = self.remembered.shown_last(&lacking, known.map(|known| &known.ledger), now);
            if !doubt.lasts(self.ledger.rows_met(), self.begun.mono, now, shown.max(known_until)) {
                return false;
            }
            self.remembered.forget(&lacking);
        }
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
