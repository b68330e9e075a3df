//! The closed sets of label values, in one word for each.

use crate::domain::Outcome;

/// A closed set of label values.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident, $key:literal { $($variant:ident => $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name of the label, and this value.
            #[must_use]
            pub fn label(self) -> (&'static str, &'static str) {
                ($key, match self { $(Self::$variant => $text),+ })
            }
        }
    };
}

labels! {
    /// What is reconciled.
    Kind, "kind" { Claim => "claim", Record => "record" }
}

labels! {
    /// How a reconcile ended.
    ReconcileResult, "result" {
        // Nothing to do before something changes.
        Success => "success",
        // Comes back by itself.
        Requeue => "requeue",
        Error => "error",
    }
}

labels! {
    /// What was asked of Vobiz.
    Operation, "operation" {
        List => "list",
        Search => "search",
        Inventory => "inventory",
        Balance => "balance",
        Ledger => "ledger",
        Purchase => "purchase",
    }
}

labels! {
    /// What came back from Vobiz.
    CallOutcome, "outcome" {
        Ok => "ok",
        // 401
        Unauthorized => "unauthorized",
        // 403
        Forbidden => "forbidden",
        // 404 or 405
        NotFound => "not_found",
        // 429
        RateLimited => "rate_limited",
        // Any other refusal of a purchase, for want of money or otherwise.
        Refused => "refused",
        // No answer, a 5xx, or one that cannot be read.
        Failed => "failed",
    }
}

labels! {
    /// Whose clock ours is held against.
    Peer, "peer" { Vobiz => "vobiz", Kubernetes => "kubernetes" }
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
