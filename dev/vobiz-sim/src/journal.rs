//! What the server was asked and what it charged: the evidence that a test goes by.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};

use crate::call::Call;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Buying a number.
    Purchase,
    /// Listing owned numbers.
    List,
    /// Listing numbers for sale.
    Inventory,
    /// Reading a balance.
    Balance,
    /// Reading the ledger.
    Ledger,
    /// Anything else, which nobody should ask for.
    Other,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is being worked on, or never answered.
    InProgress,
    /// It waits to be released.
    Held,
    /// It was answered with this status.
    Status(u16),
    /// The connection was closed instead of an answer.
    Dropped,
    /// There was nobody left to answer.
    ClientGone,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::InProgress => serializer.serialize_str("in_progress"),
            Self::Held => serializer.serialize_str("held"),
            Self::Status(status) => serializer.serialize_u16(*status),
            Self::Dropped => serializer.serialize_str("dropped"),
            Self::ClientGone => serializer.serialize_str("client_gone"),
        }
    }
}

/// One request to the vendor's API.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestEntry {
    /// Counts the requests of this server, from 1.
    pub seq: u64,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it was answered or dropped.
    pub finished_at: Option<Timestamp>,
    /// What it was for.
    pub operation: Operation,
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query, as sent.
    pub query: Option<String>,
    /// The account of the path.
    pub account: Option<String>,
    /// The number that a purchase asks for.
    pub e164: Option<String>,
    /// The currency that a purchase names.
    pub currency: Option<String>,
    /// What became of it.
    pub answer: Answer,
    /// Whether a fault was applied to it.
    pub faulty: bool,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
}

/// One debit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Debit {
    /// The request that caused it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The account that paid.
    pub account: String,
    /// The account that bought.
    pub buyer: String,
    /// How much.
    pub amount: Decimal,
    /// In which currency.
    pub currency: String,
    /// For which number.
    pub e164: String,
}

/// Which part of the journal to look at. The default is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFilter {
    /// Only this account: of the path, or one that paid or bought.
    pub account: Option<String>,
    /// Only this number: purchases of it, and debits for it.
    pub e164: Option<String>,
    /// Only requests for this.
    pub operation: Option<Operation>,
}

impl JournalFilter {
    /// Everything about one account.
    pub fn account(account: impl Into<String>) -> Self {
        Self { account: Some(account.into()), ..Self::default() }
    }

    /// Everything about one number.
    pub fn e164(e164: impl Into<String>) -> Self {
        Self { e164: Some(e164.into()), ..Self::default() }
    }
}

/// The journal, or a part of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Journal {
    /// The requests, in the order of their arrival.
    pub requests: Vec<RequestEntry>,
    /// The debits, in their order.
    pub debits: Vec<Debit>,
}

/// How often each number was asked for and paid for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Purchase requests received, by number.
    pub purchase_calls: BTreeMap<String, u64>,
    /// Debits made, by number.
    pub debits: BTreeMap<String, u64>,
}

impl Journal {
    /// The entries that pass a filter.
    #[must_use]
    pub fn filtered(&self, filter: &JournalFilter) -> Self {
        let account = filter.account.as_deref();
        let e164 = filter.e164.as_deref();
        let request = |entry: &&RequestEntry| {
            account.is_none_or(|a| entry.account.as_deref() == Some(a))
                && e164.is_none_or(|n| entry.e164.as_deref() == Some(n))
                && filter.operation.is_none_or(|o| entry.operation == o)
        };
        let debit = |entry: &&Debit| {
            account.is_none_or(|a| entry.account == a || entry.buyer == a)
                && e164.is_none_or(|n| entry.e164 == n)
        };
        Self {
            requests: self.requests.iter().filter(request).cloned().collect(),
            debits: self.debits.iter().filter(debit).cloned().collect(),
        }
    }

    /// How often each number was asked for and paid for.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for request in self.requests.iter().filter(|r| r.operation == Operation::Purchase) {
            if let Some(e164) = &request.e164 {
                *counts.purchase_calls.entry(e164.clone()).or_default() += 1;
            }
        }
        for debit in &self.debits {
            *counts.debits.entry(debit.e164.clone()).or_default() += 1;
        }
        counts
    }

    /// Writes a request down, before anything is done about it.
    pub(crate) fn receive(&mut self, call: &Call, faulty: bool) -> u64 {
        let seq = self.requests.len() as u64 + 1;
        self.requests.push(RequestEntry {
            seq,
            received_at: Timestamp::now(),
            finished_at: None,
            operation: call.operation,
            method: call.method.to_string(),
            path: call.path.clone(),
            query: call.query.clone(),
            account: call.account.clone(),
            e164: call.purchase.as_ref().and_then(|purchase| purchase.e164.clone()),
            currency: call.purchase.as_ref().and_then(|purchase| purchase.currency.clone()),
            answer: Answer::InProgress,
            faulty,
            user_agent: call.user_agent.clone(),
        });
        seq
    }

    pub(crate) fn set_answer(&mut self, seq: u64, answer: Answer) {
        if let Some(entry) = self.requests.iter_mut().rfind(|entry| entry.seq == seq) {
            entry.answer = answer;
            if !matches!(answer, Answer::InProgress | Answer::Held) {
                entry.finished_at = Some(Timestamp::now());
            }
        }
    }
}
