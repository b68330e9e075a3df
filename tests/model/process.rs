//! What one process of the operator knows and is doing.

use super::world::{Account, Claim, Record, Token};
use crate::api::{AttemptState, Outcome};

/// One process of the operator.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Operator {
    pub record: Cached<Option<Record>>,
    pub claims: [Cached<Option<Claim>>; 2],
    pub memory: Memory,
    /// Of each account.
    pub read: [Readings; 2],
    pub worker: Worker,
    /// How far its wall clock is off, in steps that are longer than everything that is waited for.
    pub skew: i8,
    /// On hold until so many attempts are past: those that had been opened at its start.
    pub hold: Option<u8>,
}

/// A watched object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cached<T> {
    /// As it is stored.
    Latest,
    /// As it was.
    Old(T),
}

/// `reconcile::Memory`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Memory {
    pub wanted: [Option<KnownWanted>; 2],
    pub record: Option<KnownRecord>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KnownWanted {
    pub uid: u8,
    pub kind: CauseKind,
    pub after: Option<u8>,
    /// It was first seen before the day that has passed.
    pub old: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CauseKind {
    First,
    Automatic,
    Token(Token),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KnownRecord {
    pub attempt: u8,
    pub state: AttemptState,
    /// The span since it was first read is over when so many attempts are past.
    pub until: u8,
    /// The record vanished: its number is left alone until so many attempts are past.
    pub kept_back: Option<u8>,
}

/// An endpoint's last answer, and after which moments it was begun.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Reading {
    pub said: Said,
    pub marks: u8,
}

/// Begun after the goal of the claim in that place was first seen.
pub const AFTER_WANTED: [u8; 2] = [1, 2];
/// Begun after the hold, and the wait for a vanished record, were over.
pub const AFTER_WAIT: u8 = 16;
/// Begun after the record was first read in its state.
pub const AFTER_FIRST_READ: u8 = 4;
/// Begun after the settle moment.
pub const AFTER_SETTLED: u8 = 8;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Said {
    Never,
    Absent,
    Ours,
    /// Listed under another account of ours.
    Others,
    /// A set of debits.
    Debits(u8),
}

impl Reading {
    pub const NEVER: Self = Self { said: Said::Never, marks: 0 };
}

/// What was read of one account.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Readings {
    pub search: Reading,
    pub listing: Reading,
    pub ledger: Reading,
}

impl Readings {
    const NEVER: Self = Self { search: Reading::NEVER, listing: Reading::NEVER, ledger: Reading::NEVER };
}

/// A call that costs money, with the record as its intent has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Spending {
    /// The purchase of a number, with the credentials of that account.
    Purchase(Record, Account),
}

impl Spending {
    pub fn draft(&self) -> &Record {
        match self {
            Self::Purchase(draft, _) => draft,
        }
    }

    /// The same call, its intent as it was stored.
    pub fn opened(self, draft: Record) -> Self {
        match self {
            Self::Purchase(_, account) => Self::Purchase(draft, account),
        }
    }
}

/// A call that costs money, in the making.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Worker {
    Idle,
    /// The intent is decided, on a claim with that token. `base`: whether the record that it replaces is still the
    /// latest; `None`: it creates.
    Decided {
        spending: Spending,
        base: Option<bool>,
        token: Option<Token>,
    },
    /// The intent was sent to the API server, which did not answer; whether it is what is stored.
    Uncertain {
        spending: Spending,
        stored: bool,
    },
    /// The intent is stored.
    Opened {
        spending: Spending,
        suspended: bool,
    },
    /// The call is out.
    Sent {
        spending: Spending,
    },
    /// The outcome is to be stored.
    Answered {
        spending: Spending,
        outcome: Outcome,
    },
}

impl Worker {
    pub fn draft(&self) -> Option<&Record> {
        match self {
            Self::Idle => None,
            Self::Decided { spending, .. }
            | Self::Uncertain { spending, .. }
            | Self::Opened { spending, .. }
            | Self::Sent { spending }
            | Self::Answered { spending, .. } => Some(spending.draft()),
        }
    }

    /// The attempt that this process calls its own.
    pub fn sending(&self) -> Option<u8> {
        match self {
            Self::Idle | Self::Decided { .. } => None,
            other => other.draft().map(|draft| draft.attempt),
        }
    }
}

impl Memory {
    /// Until how many attempts are past the number of a record that vanished is left alone.
    pub fn kept_back(&self) -> Option<u8> {
        self.record.and_then(|known| known.kept_back)
    }
}

impl Operator {
    /// A process that has just started and filled its caches.
    pub fn started(skew: i8, hold: Option<u8>) -> Self {
        Self {
            record: Cached::Latest,
            claims: [Cached::Latest; 2],
            memory: Memory { wanted: [None; 2], record: None },
            read: [Readings::NEVER; 2],
            worker: Worker::Idle,
            skew,
            hold,
        }
    }

    pub fn readings(&mut self) -> impl Iterator<Item = &mut Reading> {
        self.read.iter_mut().flat_map(|Readings { search, listing, ledger }| [search, listing, ledger])
    }

    /// A moment was set to now: nothing was begun after it.
    pub fn unmark(&mut self, marks: u8) {
        for reading in self.readings() {
            reading.marks &= !marks;
        }
    }
}
