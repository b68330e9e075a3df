//! Misbehaviour: what can go wrong, and for which requests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{call::Call, journal::Operation};

/// The requests that a fault applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the operations of the API, and their sums")]
pub enum Target {
    Purchase,
    List,
    Inventory,
    Balance,
    Ledger,
    #[serde(alias = "any-read")]
    AnyRead,
    Any,
}

impl Target {
    fn covers(self, operation: Operation) -> bool {
        match self {
            Self::Purchase => operation == Operation::Purchase,
            Self::List => operation == Operation::List,
            Self::Inventory => operation == Operation::Inventory,
            Self::Balance => operation == Operation::Balance,
            Self::Ledger => operation == Operation::Ledger,
            Self::AnyRead => operation != Operation::Purchase && operation != Operation::Other,
            Self::Any => true,
        }
    }
}

/// How many requests take a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// So many.
    Count(u64),
    /// All of them, until it is disarmed.
    Forever(Forever),
}

/// The word `forever`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forever {
    /// The word.
    Forever,
}

impl Times {
    /// All requests, until the fault is disarmed.
    pub const FOREVER: Self = Self::Forever(Forever::Forever);
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// The body of a 500 that hides a success.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorBody {
    /// A proxy's page.
    Html,
    /// The vendor's envelope.
    #[default]
    Json,
    /// Nothing.
    Empty,
}

/// Where a held request waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldAt {
    /// Before anything is done.
    #[default]
    Before,
    /// When everything is done but the answer.
    After,
}

/// What goes wrong.
///
/// A request takes at most one fault of each of three kinds, the oldest of each that matches: the pace
/// (`delay`, `delay_reply`, `hold`), the view (`lag`), and the outcome (all others).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The server waits before it acts.
    Delay {
        /// How long.
        ms: u64,
    },
    /// The server acts, and waits before it answers.
    DelayReply {
        /// How long.
        ms: u64,
    },
    /// The request waits until it is released.
    Hold {
        /// Where.
        #[serde(default)]
        at: HoldAt,
    },
    /// Purchases that are younger than this are not visible yet: the list lacks the number, the
    /// inventory still has it, the ledger lacks the debit, the balance still has the money.
    Lag {
        /// The age at which a purchase becomes visible. Without it, nothing that is bought after the
        /// fault was armed is visible until it is disarmed.
        #[serde(default)]
        ms: Option<u64>,
    },
    /// The client waits for ever.
    NeverReply {
        /// Whether the server acts.
        #[serde(default)]
        commit: bool,
    },
    /// The connection is closed, and nothing was done.
    DropBefore,
    /// The connection is closed after everything was done.
    CommitThenDrop,
    /// Everything is done, and the answer is a 500.
    #[serde(rename = "commit_then_500")]
    CommitThen500 {
        /// Its body.
        #[serde(default)]
        body: ErrorBody,
    },
    /// Any answer.
    Status {
        /// The status code.
        code: u16,
        /// The body.
        #[serde(default)]
        body: String,
        /// The body's type.
        #[serde(default = "json_type")]
        content_type: String,
        /// Further headers; `{self}` in a value becomes the request's own path and query.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Whether the server acts as well.
        #[serde(default)]
        commit: bool,
    },
    /// The balance is debited, the number stays for sale, and the answer is the documented 500.
    DebitWithoutAssignment,
    /// Everything is done, and the connection is closed in the middle of the body.
    TruncatedBody,
    /// The path does not exist, in either casing.
    MissingEndpoint,
    /// A purchase succeeds, and the answer speaks of another number.
    AnswerWithOtherNumber {
        /// Which.
        #[serde(default = "other_number")]
        e164: String,
    },
    /// Everything is done, and the answer is the right one after a great deal of white space.
    HugeBody {
        /// How much.
        #[serde(default = "huge")]
        bytes: u64,
    },
}

fn json_type() -> String {
    "application/json".to_owned()
}

fn other_number() -> String {
    "+919999999999".to_owned()
}

fn huge() -> u64 {
    64 * 1024 * 1024
}

impl Fault {
    /// A bare status with a JSON body, and nothing done.
    pub fn status(code: u16, body: impl Into<String>) -> Self {
        Self::Status {
            code,
            body: body.into(),
            content_type: json_type(),
            headers: BTreeMap::new(),
            commit: false,
        }
    }
}

/// A fault and the requests that take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The operation.
    pub on: Target,
    /// Only requests to this account's paths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only purchases of this number, and reads that search for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e164: Option<String>,
    /// How many requests take it; one unless told otherwise.
    #[serde(default)]
    pub times: Times,
    /// What goes wrong.
    pub fault: Fault,
}

impl FaultRule {
    /// A fault for the next matching request of any account.
    #[must_use]
    pub fn new(on: Target, fault: Fault) -> Self {
        Self { on, account: None, e164: None, times: Times::default(), fault }
    }

    /// The rule, for this account only.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// The rule, for this number only.
    #[must_use]
    pub fn e164(mut self, e164: impl Into<String>) -> Self {
        self.e164 = Some(e164.into());
        self
    }

    /// The rule, for so many requests.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.times = Times::Count(count);
        self
    }

    /// The rule, until it is disarmed.
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.times = Times::FOREVER;
        self
    }

    pub(crate) fn matches(&self, call: &Call) -> bool {
        self.on.covers(call.operation)
            && self.account.as_ref().is_none_or(|a| call.account.as_ref() == Some(a))
            && self.e164.as_ref().is_none_or(|n| call.concerns(n))
    }
}

/// A fault that is armed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LiveRule {
    /// Its identity, for disarming it.
    pub id: u64,
    /// When it was armed.
    pub armed_at: Timestamp,
    /// The rule; its `times` is what is left.
    #[serde(flatten)]
    pub rule: FaultRule,
}
