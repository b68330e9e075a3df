//! The words of the trade, each parsed once, at the edge, and what lists and ledgers say. This module knows no other.

mod account;
mod attempt_id;
mod backoff;
mod clocks;
mod currency;
mod e164;
mod id;
mod ledger_row;
mod moment;
mod money;
mod number;
mod outcome;
mod price;
mod rate;
mod text;
mod time;

pub use account::AccountId;
pub use attempt_id::AttemptId;
pub(crate) use backoff::Backoff;
pub(crate) use clocks::{Clocks, Sighting, is_notable};
pub use currency::Currency;
pub use e164::E164;
pub use id::Id;
pub(crate) use id::{UUID_LETTERS, spelt, spelt_uuid};
pub use ledger_row::{Debit, LedgerNews, LedgerRow, ReferenceType, RowStatus, RowType, Texts};
pub(crate) use moment::{Moment, SmallMoment};
pub use money::Money;
pub use number::{Capabilities, ListedNumber, Number, NumberStatus, OwnedRow};
pub use outcome::Outcome;
pub use price::{Fit, MaxPrice, Quote};
pub use rate::Rate;
#[cfg(test)]
pub(crate) use text::LONGEST_WORDS;
pub(crate) use text::{mark, presentable};
pub use time::Time;
pub(crate) use time::{day_begins, utc_day};

/// What was wrong with a word at the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("not an E.164 number: a plus sign, then 2 to 15 digits of which the first is not 0")]
    E164,
    #[error("not an ISO 4217 currency code: three capital letters")]
    Currency,
    #[error("not a decimal amount of at most 28 characters")]
    Money,
    #[error("not a Vobiz account id: letters, digits, '_' and '-', e.g. MA_ABC123")]
    AccountId,
    #[error("not an attempt id: a UUID")]
    AttemptId,
    #[error("not an RFC 3339 time")]
    Time,
    #[error("write calls a second, like 20, or 20/40")]
    Rate,
}

/// Serde and JSON schema of a word that is written as one string: `Display` out, `FromStr` in.
macro_rules! string_newtype {
    ($word:ty, $schema:expr) => {
        impl serde::Serialize for $word {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $word {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $word {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($word).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}
pub(crate) use string_newtype;
