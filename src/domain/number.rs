//! What Vobiz says about one number, as it stands in the status of claims and records.

#![expect(clippy::doc_markdown, reason = "these comments are what users read: `kubectl explain`")]

use std::{convert::Infallible, fmt, str::FromStr};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AccountId, Currency, E164, Money, Time, string_newtype, text::word};

/// A number as Vobiz described it. A field that Vobiz left out is left out here.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    /// Vobiz's id of the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,

    /// Status at Vobiz: active, pending_purchase, pending_release, released, blocked, or a newer word of Vobiz's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<NumberStatus>,

    /// ISO 3166-1 alpha-2 code of the country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,

    /// Region within the country, in Vobiz's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,

    /// What the number can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,

    /// Fee debited once, at the purchase: an exact decimal, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_fee: Option<Money>,

    /// Fee that recurs every month: an exact decimal, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_fee: Option<Money>,

    /// ISO 4217 code of both fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,

    /// When Vobiz says that the number was purchased: RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchased_at: Option<Time>,
}

/// A number as one of the account's lists shows it: under our account, under another account, or under none.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedNumber {
    pub e164: E164,
    /// `account_id`, in older answers `auth_id`.
    pub owner: Option<AccountId>,
    pub number: Number,
}

/// A row of the owned list, as people are shown it: no decision rests on it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedRow {
    /// Nothing, where the row's number is not written as E.164: its digits may spell several.
    pub e164: Option<E164>,
    pub owner: Option<AccountId>,
    pub number: Number,
    /// The day on which the monthly fee is debited next.
    pub next_billing: Option<Date>,
    pub is_trial: Option<bool>,
}

impl Number {
    /// What is debited when it is bought.
    pub(crate) fn price(&self) -> Option<Money> {
        self.setup_fee? + self.monthly_fee?
    }

    /// Takes over what a later answer says, and keeps what it leaves out. Returns whether anything changed:
    /// `50` against `50.0` is no change, so a listing that writes fees otherwise causes no write.
    pub fn update(&mut self, newer: &Self) -> bool {
        fn take<T: Clone + PartialEq>(old: &mut Option<T>, new: Option<&T>) -> bool {
            let changed = new.is_some() && old.as_ref() != new;
            if changed {
                *old = new.cloned();
            }
            changed
        }
        [
            take(&mut self.id, newer.id.as_ref()),
            take(&mut self.status, newer.status.as_ref()),
            take(&mut self.country, newer.country.as_ref()),
            take(&mut self.region, newer.region.as_ref()),
            take(&mut self.capabilities, newer.capabilities.as_ref()),
            take(&mut self.setup_fee, newer.setup_fee.as_ref()),
            take(&mut self.monthly_fee, newer.monthly_fee.as_ref()),
            take(&mut self.currency, newer.currency.as_ref()),
            take(&mut self.purchased_at, newer.purchased_at.as_ref()),
        ]
        .contains(&true)
    }
}

/// What a number can do; absent where Vobiz does not say.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[schemars(inline)]
pub struct Capabilities {
    /// Calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<bool>,
    /// Text messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sms: Option<bool>,
    /// Multimedia messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mms: Option<bool>,
    /// Fax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fax: Option<bool>,
}

/// A number's status at Vobiz. Vobiz may add words unannounced: those are kept as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberStatus {
    Active,
    PendingPurchase,
    PendingRelease,
    Released,
    Blocked,
    Other(Box<str>),
}

impl FromStr for NumberStatus {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "active" => Self::Active,
            "pending_purchase" => Self::PendingPurchase,
            "pending_release" => Self::PendingRelease,
            "released" => Self::Released,
            "blocked" => Self::Blocked,
            other => Self::Other(word(other).into()),
        })
    }
}

impl fmt::Display for NumberStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::PendingPurchase => "pending_purchase",
            Self::PendingRelease => "pending_release",
            Self::Released => "released",
            Self::Blocked => "blocked",
            Self::Other(word) => word,
        })
    }
}

string_newtype!(NumberStatus, schemars::json_schema!({ "type": "string" }));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_that_writes_the_same_fee_otherwise_changes_nothing() {
        let mut bought = Number { monthly_fee: "2".parse().ok(), ..Number::default() };
        assert!(!bought.update(&Number { monthly_fee: "2.0".parse().ok(), ..Number::default() }));
        assert_eq!(bought.monthly_fee.unwrap().to_string(), "2");
    }

    #[test]
    fn a_status_that_nobody_knows_is_kept_short_and_harmless_and_is_stable() {
        let long = "x".repeat(10_000);
        for (word, kept) in [
            ("suspended", "suspended".to_owned()),
            ("under review (KYC)", "under review (KYC)".to_owned()),
            ("\u{1b}[2Jgone\r\n\u{202e}", "?[2Jgone???".to_owned()),
            (long.as_str(), format!("{}…", "x".repeat(63))),
            (&long[..64], "x".repeat(64)),
        ] {
            let status: NumberStatus = word.parse().unwrap();
            assert_eq!(status.to_string(), kept);
            assert_eq!(status.to_string().parse(), Ok(status));
        }
    }

    #[test]
    fn what_a_later_answer_leaves_out_is_kept() {
        let mut bought =
            Number { setup_fee: "50".parse().ok(), status: Some(NumberStatus::Active), ..Number::default() };
        assert!(bought.update(&Number { status: Some(NumberStatus::Blocked), ..Number::default() }));
        assert_eq!(bought.setup_fee, "50".parse().ok());
        assert_eq!(bought.status, Some(NumberStatus::Blocked));
    }
}
