//! What an answer to a purchase means, and what follows from that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

/// What an answer to the purchase means. Only `Purchased` and `NotSent` are definite.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr, VariantArray,
)]
#[schemars(inline)]
#[strum(const_into_str)]
pub enum Outcome {
    /// 200 with our number.
    Purchased,
    /// Never left this machine.
    NotSent,
    /// 404 with Vobiz's error envelope.
    NotFound,
    /// 402, or the documented 500 of a failed debit.
    PaymentFailed,
    /// 401.
    Unauthorized,
    /// 429.
    RateLimited,
    /// Another 4xx.
    Rejected,
    /// Anything else: timeout, 5xx, a broken or unreadable answer.
    Unknown,
}

impl Outcome {
    /// Whether Vobiz says no. Whether that is the whole truth, verification decides.
    pub(crate) fn is_refusal(self) -> bool {
        match self {
            Self::NotFound
            | Self::PaymentFailed
            | Self::Unauthorized
            | Self::RateLimited
            | Self::Rejected => true,
            Self::Purchased | Self::NotSent | Self::Unknown => false,
        }
    }

    /// Whether it speaks of the account, or of the way to it, and not of this purchase: others would meet it too, and the
    /// claim is not to blame.
    pub(crate) fn holds_account(self) -> bool {
        match self {
            Self::NotSent | Self::Unauthorized | Self::RateLimited => true,
            Self::Purchased | Self::NotFound | Self::PaymentFailed | Self::Rejected | Self::Unknown => false,
        }
    }
}
