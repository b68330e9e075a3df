//! The state of the world: small numbers only, so that millions of them fit in memory. What the plan functions see is
//! made from it in `cast.rs`.

pub use super::process::*;
use super::{
    bounds::{Fault, Faults},
    invariants::Broken,
};
use crate::api::{AttemptState, Origin, Outcome};

/// Attempts that can be told apart.
pub const ATTEMPTS: usize = 4;
/// Debits that are told apart.
pub const DEBITS: usize = 4;
/// Ours, or the other one.
pub type Account = u8;
/// `claim` of a record that names none.
pub const NOBODY: u8 = 0;

/// Everything that exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct World {
    pub record: Option<Record>,
    /// A copy of the record, made earlier.
    pub backup: Option<Record>,
    pub claims: [Option<Claim>; 2],
    /// How often the claim of each name has been created.
    pub born: [u8; 2],
    pub vobiz: Vobiz,
    pub operators: [Operator; 2],
    pub time: Time,
    pub left: Faults,
    pub truth: Truth,
    pub broken: Broken,
}

/// A `PhoneNumber`, as far as anything depends on it. Its resource version is kept by those who hold a copy: as
/// whether theirs is the latest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "it is what it mirrors, field by field")]
pub struct Record {
    pub attempt: u8,
    pub state: AttemptState,
    pub origin: Origin,
    pub answer: Option<Outcome>,
    pub spent: Tokens,
    pub automatic_used: bool,
    /// Sets of debits.
    pub unexplained: u8,
    pub answered: u8,
    /// Uid of the claim that it names.
    pub claim: u8,
    /// The account that it was sent with.
    pub account: Account,
    pub unclaimed: bool,
    pub deleting: bool,
    /// Set of claims that have given the number up.
    pub gave_way: u8,
    /// An hour has passed since it failed.
    pub hour: bool,
    /// Debits were looked for from before the day that has passed.
    pub reaches: bool,
    /// What is to be sent is what the claim wanted after it was changed.
    pub changed: bool,
    /// How far the writer's wall clock was off when the attempt was opened.
    pub skew: i8,
}

/// A `PhoneNumberClaim`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    pub uid: u8,
    pub deleting: bool,
    /// It was created before the day that has passed.
    pub old: bool,
    pub changed: bool,
    /// The account that it is to be bought with.
    pub account: Account,
    pub held: Option<Held>,
    pub token: Option<Token>,
}

/// What of a claim holds its purchase back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, strum::VariantArray)]
pub enum Held {
    Paused,
    AdoptOnly,
}

/// A value of the retry annotation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Token {
    First,
    Second,
    /// The id of an attempt.
    Attempt(u8),
}

/// A set of tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tokens(pub u8);

impl Token {
    pub const ALL: [Self; 6] =
        [Self::First, Self::Second, Self::Attempt(0), Self::Attempt(1), Self::Attempt(2), Self::Attempt(3)];

    fn bit(self) -> u8 {
        1 << match self {
            Self::First => 0,
            Self::Second => 1,
            Self::Attempt(id) => 2 + id,
        }
    }
}

impl Tokens {
    pub fn has(self, token: Token) -> bool {
        self.0 & token.bit() != 0
    }

    pub fn add(&mut self, token: Token) {
        self.0 |= token.bit();
    }
}

/// Who has the number at Vobiz.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    Nobody,
    /// Our account: since the beginning.
    UsAlready,
    /// Bought by a POST of ours.
    Us,
    /// Another customer.
    Rival,
    /// Another account of ours: listed, with its owner.
    OurOther,
}

/// Vobiz, as far as this number goes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Vobiz {
    pub owner: Owner,
    /// Which account has what was bought by a POST of ours.
    pub buyer: Account,
    /// Set of attempts whose POSTs on their way are the other account's.
    pub of_other: u8,
    /// Set of debits that stand in the other account's ledger.
    pub debited_other: u8,
    /// Sets of attempts whose purchase the lists, and whose debit the ledger, do not show yet.
    pub unlisted: u8,
    pub unshown: u8,
    /// Copies of each attempt's POST on their way.
    pub flying: [u8; ATTEMPTS],
    pub debits: u8,
    /// Set of debits that the ledger shows.
    pub shown: u8,
    /// Set of debits from before the day that has passed.
    pub aged: u8,
}

/// Attempts are numbered in the order in which they are opened, so how old they are is told by two counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Time {
    pub opened: u8,
    /// Attempts whose send window has closed.
    pub closed: u8,
    /// Attempts that are past the settle moment.
    pub past: u8,
}

/// What really happened, which no process knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Truth {
    /// Sets of attempts.
    pub posted: u8,
    pub durable: u8,
    /// Debits that an administrator has answered for.
    pub answered: u8,
    pub tokens: Tokens,
    pub automatic: u8,
    /// Set of claims whose failures gave way to another claim while they lived.
    pub gave_way: u8,
    /// A record was lost or restored, and what was known may be gone: how many attempts there had been.
    pub restored: Option<u8>,
}

impl World {
    pub fn live(&self, uid: u8) -> Option<&Claim> {
        self.claims.iter().flatten().find(|claim| claim.uid == uid)
    }

    pub fn every_debit(&self) -> u8 {
        (1 << self.vobiz.debits) - 1
    }

    /// Takes one fault from the budget.
    pub fn spend(&mut self, fault: Fault) -> Option<()> {
        self.left.take(fault)
    }

    pub fn cached_record(&self, operator: usize) -> Option<Record> {
        match self.operators[operator].record {
            Cached::Latest => self.record,
            Cached::Old(record) => record,
        }
    }

    pub fn cached_claim(&self, operator: usize, place: usize) -> Option<Claim> {
        match self.operators[operator].claims[place] {
            Cached::Latest => self.claims[place],
            Cached::Old(claim) => claim,
        }
    }
}

/// A claim, in a set of claims.
pub fn bit_of(uid: u8) -> u8 {
    1 << uid.saturating_sub(1)
}

/// Which name, and so which namespace, a claim has.
pub fn place_of(uid: u8) -> usize {
    usize::from(uid.saturating_sub(1) % 2)
}
