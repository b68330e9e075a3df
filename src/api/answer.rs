//! What is stored of an answer to a purchase, or of there being none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{AccountId, Currency, Money, Outcome, Time, presentable};

/// What Vobiz answered to the purchase.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Answer {
    /// What the answer means.
    pub outcome: Outcome,

    /// HTTP status code, where an answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i32>,

    /// Vobiz's error code, in its own words; or Withheld, where something held the claim back and nothing was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,

    /// Vobiz's message in its own words, or what went wrong on the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,

    /// Whether the balance sufficed, as far as it could be read after the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funds: Option<Funds>,

    /// The sum needed: an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<Money>,

    /// The sum available: an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<Money>,

    /// ISO 4217 code of both sums.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,

    /// The owner that a successful answer named: the account itself, or one that it buys for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,

    /// When the answer arrived, or was given up.
    pub at: Time,
}

impl Answer {
    /// An answer of which no more is known. What the message quotes is stored and shown.
    pub fn new(outcome: Outcome, message: Option<&str>, at: Time) -> Self {
        Self {
            outcome,
            http_status: None,
            code: None,
            message: message.map(presentable),
            funds: None,
            required: None,
            available: None,
            currency: None,
            owner: None,
            at,
        }
    }

    /// Whether nothing was sent because something held the claim back.
    pub(crate) fn is_withheld(&self) -> bool {
        self.outcome == Outcome::NotSent && self.code.as_deref() == Some(WITHHELD)
    }
}

/// The code of an answer that is none: something held the claim back when it was read again before the purchase.
pub const WITHHELD: &str = "Withheld";

/// Whether the balance sufficed.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[schemars(inline)]
pub enum Funds {
    Sufficient,
    Insufficient,
    Unknown,
}
