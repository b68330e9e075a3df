//! The closed sets of label values, in one word for each.

use strum::{IntoStaticStr, VariantArray};

use crate::domain::Outcome;

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident, $key:literal { $($variant:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// The name of the label, and this value.
            pub fn label(self) -> (&'static str, &'static str) {
                ($key, self.into())
            }
        }
    )+};
}

labels! {
    /// What is reconciled.
    Kind, "kind" { Claim, Record }

    /// How a reconcile ended.
    ReconcileResult, "result" {
        // Nothing to do before something changes.
        Success,
        // Comes back by itself.
        Requeue,
        Error,
    }

    /// What was asked of Vobiz.
    Operation, "operation" { List, Search, Inventory, Balance, Ledger, Purchase }

    /// What came back from Vobiz.
    CallOutcome, "outcome" {
        Ok,
        Unauthorized,
        Forbidden,
        // 404 or 405
        NotFound,
        RateLimited,
        // Any other refusal of a purchase, for want of money or otherwise.
        Refused,
        // No answer, a 5xx, or one that cannot be read.
        Failed,
    }

    /// Whose clock ours is held against.
    Peer, "peer" { Vobiz, Kubernetes }
}

impl From<Outcome> for CallOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Purchased => Self::Ok,
            Outcome::NotFound => Self::NotFound,
            Outcome::Unauthorized => Self::Unauthorized,
            Outcome::RateLimited => Self::RateLimited,
            Outcome::PaymentFailed | Outcome::Rejected => Self::Refused,
            Outcome::NotSent | Outcome::Unknown => Self::Failed,
        }
    }
}
