//! A row of the account's ledger: what it took or gave back, and which numbers it may be about.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountId, Currency, E164, Id, Money, Time};

#[derive(Debug, Clone)]
pub struct LedgerRow {
    pub id: Id,
    /// Whose row it is: in one ledger, of one family of accounts.
    pub account: Option<AccountId>,
    pub kind: RowType,
    pub status: RowStatus,
    pub reference_type: ReferenceType,
    /// Amount without its sign: Vobiz does not document one.
    pub amount: Option<Money>,
    pub currency: Option<Currency>,
    pub at: Option<Time>,
    pub texts: Texts,
}

/// What a status means was judged when the row was read: a debit that becomes completed is no other one.
impl PartialEq for LedgerRow {
    fn eq(&self, other: &Self) -> bool {
        let Self { id, account, kind, status: _, reference_type, amount, currency, at, texts } = self;
        (id, account, kind, reference_type) == (&other.id, &other.account, &other.kind, &other.reference_type)
            && (amount, currency, at, texts) == (&other.amount, &other.currency, &other.at, &other.texts)
    }
}

/// What of a ledger is taken, where it was taken before.
#[derive(Debug)]
pub enum LedgerNews {
    /// All rows: some are others than they were, or it was never taken.
    All(Vec<Arc<LedgerRow>>),
    /// Those that have come to it.
    More(Vec<Arc<LedgerRow>>),
}

/// `type` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowType {
    Credit,
    Debit,
    /// Legacy word for a debit for a number.
    DidRental,
    Other,
}

/// `status` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowStatus {
    Completed,
    Pending,
    /// Failed or cancelled.
    Void,
    /// A word that is not documented.
    Other,
}

/// `reference_type` of a row, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceType {
    /// `did_purchase`, and `did_rental`, which the vendor uses for the same.
    Number,
    Refund,
    Absent,
    /// Calls, recordings and the like: their texts name numbers too, and mean no purchase.
    Other,
}

/// Reference and description, where a row may name a number: every claim asks every row, so they are read once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Texts {
    mentions: Box<[E164]>,
    /// Whether they spell a number out, plus sign and all.
    spells_one_out: bool,
    /// What else a credit refers to: the ids of what it gives back, for one.
    words: Box<[Id]>,
}

/// Shorter words may be anything.
const SHORTEST_ID: usize = 6;

impl Texts {
    pub(crate) fn read(text: &str, of_credit: bool) -> Self {
        Self {
            mentions: E164::mentioned_in(text).collect(),
            spells_one_out: E164::any_spelt_out_in(text),
            words: if of_credit { words(text) } else { Box::default() },
        }
    }
}

fn words(text: &str) -> Box<[Id]> {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
    parts.filter(|word| word.len() >= SHORTEST_ID).map(Id::from).collect()
}

impl LedgerRow {
    /// Whether the row could be a purchase of a number, or undo one: the only rows worth keeping.
    pub(crate) fn concerns_numbers(&self) -> bool {
        // What is not completed acquits nothing: such a debit may have been taken, and such a credit not been given.
        let counts = match self.status {
            RowStatus::Completed => true,
            RowStatus::Pending | RowStatus::Other => self.takes_money(),
            RowStatus::Void => false,
        };
        counts && (self.kind == RowType::Credit || self.may_be_a_purchase())
    }

    /// Whether it is a debit that may be for a number, whatever has become of it.
    pub(crate) fn may_be_a_purchase(&self) -> bool {
        match self.kind {
            RowType::DidRental => true,
            RowType::Debit => matches!(self.reference_type, ReferenceType::Number | ReferenceType::Absent),
            RowType::Credit | RowType::Other => false,
        }
    }

    #[must_use]
    pub fn takes_money(&self) -> bool {
        matches!(self.kind, RowType::Debit | RowType::DidRental)
    }

    #[must_use]
    pub fn names(&self, e164: E164) -> bool {
        self.texts.mentions.contains(&e164)
    }

    /// Whether the row is about one number for certain: one that is spelt out, or bare digits that spell one of those
    /// known.
    pub(crate) fn spells_out_any(&self, is_known: impl Fn(&E164) -> bool) -> bool {
        self.texts.spells_one_out || self.suspects().any(|e164| is_known(&e164))
    }

    /// Whether a credit names the row that it gives back, by its id.
    pub(crate) fn refers_to(&self, id: &Id) -> bool {
        self.words().contains(id)
    }

    /// What a credit refers to.
    #[must_use]
    pub fn words(&self) -> &[Id] {
        &self.texts.words
    }

    pub(crate) fn mentions(&self) -> &[E164] {
        &self.texts.mentions
    }

    /// The row as it is stored and asked about.
    pub(crate) fn debit(&self) -> Debit {
        Debit { id: self.id.to_string(), amount: self.amount, currency: self.currency, at: self.at }
    }

    /// What the row may name in bare digits.
    pub fn suspects(&self) -> impl Iterator<Item = E164> {
        self.texts.mentions.iter().copied().filter(|mentioned| mentioned.is_suspect())
    }
}

/// A row of the ledger that took money.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[schemars(inline)]
pub struct Debit {
    /// Vobiz's id of the row.
    pub id: String,
    /// Exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// ISO 4217 code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// When the ledger says that it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

impl Debit {
    /// How the row is recognized when the ledger is read again: by its id, or, without one, by its time and sum.
    #[must_use]
    pub fn identity(&self) -> String {
        if !self.id.is_empty() {
            return self.id.clone();
        }
        let part = |part: Option<String>| part.unwrap_or_else(|| "?".to_owned());
        let (at, amount) = (self.at.map(|at| at.to_string()), self.amount.map(|amount| amount.to_string()));
        let currency = self.currency.map(|currency| currency.to_string());
        format!("{} {} {}", part(at), part(amount), part(currency))
    }
}
