//! What can be read of an account, what was read of it last, and since when, as decisions see it.
//!
//! Another kind of evidence is a variant here, which the compiler then asks for in each match of this file, and its read
//! in `account/reader.rs`.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    Moment,
    listing::Rows,
    offers::QuoteRead,
    reading::{Fresh, Reading},
    rows::LedgerRows,
};
use crate::domain::{AccountId, Currency, E164, Money};

/// One kind of evidence, about one thing: what can be read of an account. In the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Whether the account may be read at all: the cheapest question.
    Access,
    /// The rows of the owned list that contain the number's digits. They prove presence, never absence.
    Search(E164),
    /// The full owned list. It answers every search as well.
    Listing,
    /// The ledger from a moment on: no row of it is missing, and those that were read before may be as they were then.
    LedgerSoFar {
        from: Timestamp,
    },
    /// The same, every row read anew.
    Ledger {
        from: Timestamp,
    },
    /// The same, so far back that it is read beside what others wait for.
    OldLedger {
        from: Timestamp,
    },
    /// What the number costs, and what the account has in that currency, or else in the price's.
    Funds {
        e164: E164,
        currency: Option<Currency>,
    },
    Balance(Currency),
    /// The inventory's rows of exactly this number. Read beside what others wait for.
    Quote(E164),
}

/// What a source says, as far as it could be read.
#[derive(Debug, Clone)]
pub enum Contents {
    Access,
    Numbers(Rows),
    Ledger(LedgerRead),
    Funds(FundsRead),
    Balance(BalanceRead),
    Quote(QuoteRead),
}

impl Source {
    /// The ledger, as it is kept: however much of it was asked for.
    pub const LEDGERS: [Self; 3] = [
        Self::LedgerSoFar { from: Timestamp::MIN },
        Self::Ledger { from: Timestamp::MIN },
        Self::OldLedger { from: Timestamp::MIN },
    ];

    /// The source, without what only says how much of it is asked for: an answer replaces the one before it.
    pub fn key(self) -> Self {
        match self {
            Self::LedgerSoFar { .. } => Self::LedgerSoFar { from: Timestamp::MIN },
            Self::Ledger { .. } => Self::Ledger { from: Timestamp::MIN },
            Self::OldLedger { .. } => Self::OldLedger { from: Timestamp::MIN },
            Self::Funds { e164, .. } => Self::Funds { e164, currency: None },
            Self::Access | Self::Search(_) | Self::Listing | Self::Balance(_) | Self::Quote(_) => self,
        }
    }

    /// Other sources whose answers do as well.
    pub fn substitutes(self) -> &'static [Self] {
        const ANEW: Source = Source::Ledger { from: Timestamp::MIN };
        const OLD: Source = Source::OldLedger { from: Timestamp::MIN };
        match self {
            Self::Search(_) => &[Self::Listing],
            Self::LedgerSoFar { .. } => &[ANEW, OLD],
            Self::Ledger { .. } => &[OLD],
            Self::Access
            | Self::Listing
            | Self::OldLedger { .. }
            | Self::Funds { .. }
            | Self::Balance(_)
            | Self::Quote(_) => &[],
        }
    }

    /// From when on the ledger is asked for, if it is.
    pub fn ledger_from(self) -> Option<Timestamp> {
        match self {
            Self::LedgerSoFar { from } | Self::Ledger { from } | Self::OldLedger { from } => Some(from),
            Self::Access
            | Self::Search(_)
            | Self::Listing
            | Self::Funds { .. }
            | Self::Balance(_)
            | Self::Quote(_) => None,
        }
    }
}

impl Contents {
    /// The rows of a list.
    pub fn numbers(rows: impl Into<Rows>) -> Self {
        Self::Numbers(rows.into())
    }

    /// Whether as much of it was read as the source asks for.
    fn reaches(&self, source: Source) -> bool {
        match (self, source.ledger_from()) {
            (Self::Ledger(read), Some(from)) => read.from <= from,
            _ => true,
        }
    }

    fn rows_of(&self, e164: E164) -> Option<Rows> {
        if let Self::Numbers(rows) = self { Some(rows.of(e164)) } else { None }
    }

    fn ledger(&self) -> Option<LedgerRead> {
        if let Self::Ledger(read) = self { Some(read.clone()) } else { None }
    }

    fn funds(&self) -> Option<FundsRead> {
        if let Self::Funds(read) = self { Some(*read) } else { None }
    }

    fn quote(&self) -> Option<QuoteRead> {
        if let Self::Quote(read) = self { Some(read.clone()) } else { None }
    }
}

/// What a step needs: these sources, each in a reading that was begun at `since` or later.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRequest {
    pub since: Moment,
    pub sources: Vec<Source>,
}

impl EvidenceRequest {
    /// One that names its sources.
    pub fn new(since: Moment, sources: impl IntoIterator<Item = Source>) -> Self {
        Self { since, sources: sources.into_iter().collect() }
    }
}

#[derive(Debug, Default)]
pub struct Readings(HashMap<Source, Reading<Contents>>);

impl Readings {
    pub fn about(&self, e164: E164) -> Evidence {
        let ledger = |source| self.of(source).and_then(Contents::ledger);
        Evidence {
            search: self.of(Source::Search(e164)).and_then(|answer| answer.rows_of(e164)),
            listing: self.of(Source::Listing).and_then(|answer| answer.rows_of(e164)),
            ledger_so_far: ledger(Source::LedgerSoFar { from: Timestamp::MIN }),
            ledger: ledger(Source::Ledger { from: Timestamp::MIN }),
            old_ledger: ledger(Source::OldLedger { from: Timestamp::MIN }),
            funds: self.of(Source::Funds { e164, currency: None }).and_then(Contents::funds),
            quote: self.of(Source::Quote(e164)).and_then(Contents::quote),
        }
    }

    pub fn of(&self, source: Source) -> &Reading<Contents> {
        self.0.get(&source.key()).unwrap_or(&Reading::Never)
    }

    /// Whether a source has answered to what was asked at `since` or later.
    pub fn has(&self, source: Source, since: Moment) -> bool {
        let answered = |by| match self.of(by).since(since) {
            Fresh::Value(_, answer) => answer.reaches(source),
            Fresh::NoSuchEndpoint => true,
            Fresh::Stale => false,
        };
        answered(source) || source.substitutes().iter().any(|other| answered(*other))
    }

    /// Keeps a reading in place of the one before it.
    pub fn insert(&mut self, source: Source, reading: Reading<Contents>) {
        self.0.insert(source.key(), reading);
    }

    pub fn remove(&mut self, source: Source) {
        self.0.remove(&source.key());
    }

    /// Forgets the others.
    pub fn retain(&mut self, keeps: impl Fn(Source, &Reading<Contents>) -> bool) {
        self.0.retain(|source, reading| keeps(*source, reading));
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Source, &Reading<Contents>)> {
        self.0.iter().map(|(source, reading)| (*source, reading))
    }
}

/// What the account's endpoints last said about one number, and when each was asked.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// `search` of the owned list: serves for presence only.
    pub search: Reading<Rows>,
    /// The full owned list, every page parsed.
    pub listing: Reading<Rows>,
    pub ledger_so_far: Reading<LedgerRead>,
    pub ledger: Reading<LedgerRead>,
    pub old_ledger: Reading<LedgerRead>,
    pub funds: Reading<FundsRead>,
    pub quote: Reading<QuoteRead>,
}

impl Evidence {
    /// The ledger from that moment on, which lacks no row that there was at `since`.
    pub fn ledger_so_far(&self, since: Moment, from: Timestamp) -> Fresh<'_, LedgerRead> {
        reaching([&self.ledger_so_far, &self.ledger, &self.old_ledger], since, from)
    }

    /// The same, each row as it was at `since` or later.
    pub fn ledger_anew(&self, since: Moment, from: Timestamp) -> Fresh<'_, LedgerRead> {
        reaching([&self.ledger, &self.old_ledger], since, from)
    }
}

/// The latest of the readings that was begun late enough and goes back far enough.
fn reaching<'a>(
    readings: impl IntoIterator<Item = &'a Reading<LedgerRead>>,
    since: Moment,
    from: Timestamp,
) -> Fresh<'a, LedgerRead> {
    let mut found = Fresh::Stale;
    for reading in readings {
        match (reading.since(since), &found) {
            (Fresh::Value(begun, _), Fresh::Value(latest, _)) if begun.mono <= latest.mono => {}
            (Fresh::Value(begun, read), _) if read.from <= from => found = Fresh::Value(begun, read),
            (Fresh::NoSuchEndpoint, Fresh::Stale) => found = Fresh::NoSuchEndpoint,
            _ => {}
        }
    }
    found
}

/// The ledger's rows that may concern purchases, and how far back they go.
#[derive(Debug, Clone)]
pub struct LedgerRead {
    /// The first moment that is covered.
    pub from: Timestamp,
    pub rows: Arc<LedgerRows>,
}

/// What the account has in one currency, where that could be read, and whose balance it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BalanceRead {
    pub available: Option<Money>,
    pub account: Option<AccountId>,
}

/// What the number costs and what the account has, where each could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FundsRead {
    /// Whether the inventory could be read: if so and `required` is absent, the number is not in stock.
    pub inventory_read: bool,
    pub required: Option<Money>,
    pub available: Option<Money>,
    pub currency: Option<Currency>,
}

/// How far our clock and the ledger's may differ.
const CLOCK_SKEW: Duration = Duration::from_mins(10);

/// `at`, less what the clocks may differ.
pub fn earlier(at: Timestamp) -> Timestamp {
    at.saturating_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN)
}

/// `at`, and what the clocks may differ.
pub fn later(at: Timestamp) -> Timestamp {
    at.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX)
}
