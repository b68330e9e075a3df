//! The table of conditions, and what holds for every claim at every moment.

use serde_json::Value;

/// What a claim's conditions are in one case.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub reason: &'static str,
    purchased: &'static str,
    ready: &'static str,
    /// `Reconciling`, `Stalled`, or nothing.
    pub also: &'static str,
}

const fn row(reason: &'static str, purchased: &'static str, ready: &'static str, also: &'static str) -> Row {
    Row { reason, purchased, ready, also }
}

pub const PURCHASING: Row = row("Purchasing", "Unknown", "False", "Reconciling");
pub const PURCHASED: Row = row("Purchased", "True", "True", "");
pub const ADOPTED: Row = row("Adopted", "True", "True", "");
pub const NUMBER_NOT_FOUND: Row = row("NumberNotFound", "False", "False", "Reconciling");
pub const INSUFFICIENT_BALANCE: Row = row("InsufficientBalance", "False", "False", "Reconciling");
pub const REJECTED: Row = row("Rejected", "False", "False", "Reconciling");
pub const OUTCOME_UNKNOWN: Row = row("OutcomeUnknown", "Unknown", "Unknown", "Reconciling");
pub const NOT_PURCHASED: Row = row("NotPurchased", "False", "False", "Stalled");
pub const NEEDS_DECISION: Row = row("NeedsDecision", "Unknown", "Unknown", "Stalled");
pub const INVALID_CREDENTIALS: Row = row("InvalidCredentials", "Unknown", "False", "Stalled");
pub const RATE_LIMITED: Row = row("RateLimited", "Unknown", "False", "Reconciling");
pub const VOBIZ_UNAVAILABLE: Row = row("VobizUnavailable", "Unknown", "False", "Reconciling");
pub const CONFLICT: Row = row("Conflict", "False", "False", "Stalled");
pub const NUMBER_LOST: Row = row("NumberLost", "True", "False", "Stalled");
pub const NUMBER_BLOCKED: Row = row("NumberBlocked", "True", "False", "Stalled");
pub const NUMBER_RELEASING: Row = row("NumberReleasing", "True", "False", "Stalled");
pub const NUMBER_MOVED: Row = row("NumberMoved", "True", "False", "Stalled");
pub const NUMBER_PENDING: Row = row("NumberPending", "True", "False", "Reconciling");
pub const NUMBER_STATUS_UNKNOWN: Row = row("NumberStatusUnknown", "True", "Unknown", "Reconciling");
pub const CLOCK_SKEW: Row = row("ClockSkew", "Unknown", "False", "Stalled");
pub const PRICE_EXCEEDED: Row = row("PriceExceeded", "False", "False", "Stalled");
pub const PRICE_UNKNOWN: Row = row("PriceUnknown", "Unknown", "False", "Reconciling");
pub const NEWER_VERSION: Row = row("NewerVersion", "Unknown", "Unknown", "Reconciling");
pub const PAUSED: Row = row("Paused", "Unknown", "False", "");
pub const NOT_OWNED: Row = row("NotOwned", "False", "False", "Stalled");
pub const ACCOUNT_NOT_FOUND: Row = row("AccountNotFound", "Unknown", "False", "Stalled");
pub const ACCOUNT_NOT_ALLOWED: Row = row("AccountNotAllowed", "Unknown", "False", "Stalled");

impl Row {
    /// The same case, of a claim that was told so of its purchase before.
    pub const fn still(self, purchased: &'static str) -> Self {
        Self { purchased, ..self }
    }

    /// The same case, once its attempt is settled.
    pub const fn settled(self) -> Self {
        Self { also: "Stalled", ..self }
    }

    /// Whether the claim has come to this case: its reason, and how it goes on, for its present generation.
    pub fn describes(&self, claim: &Value) -> bool {
        let also = if self.also.is_empty() {
            condition(claim, "Reconciling").is_none() && condition(claim, "Stalled").is_none()
        } else {
            condition(claim, self.also).is_some()
        };
        let current = claim["status"]["observedGeneration"] == claim["metadata"]["generation"];
        current && also && condition(claim, "Ready").is_some_and(|ready| ready["reason"] == self.reason)
    }

    /// Everything that the table says.
    pub fn check(&self, claim: &Value) {
        for (type_, status) in [("Purchased", self.purchased), ("Ready", self.ready), (self.also, "True")] {
            let Some(condition) = condition(claim, type_) else {
                assert!(type_.is_empty(), "{type_} is missing: {claim:#}");
                continue;
            };
            assert_eq!(condition["status"], status, "{type_}: {claim:#}");
            assert_eq!(condition["reason"], self.reason, "{type_}: {claim:#}");
        }
    }
}

pub fn condition<'a>(object: &'a Value, type_: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == type_)
}

/// The sentence that people read.
pub fn message(object: &Value) -> String {
    let ready = condition(object, "Ready").expect("there is no condition Ready");
    ready["message"].as_str().unwrap().to_owned()
}

/// What holds whenever a claim is looked at.
pub fn check_always(claim: &Value) {
    let status = &claim["status"];
    let Some(conditions) = status["conditions"].as_array() else {
        assert_eq!(status["observedGeneration"], -1, "{claim:#}");
        return;
    };
    let (reconciling, stalled) = (condition(claim, "Reconciling"), condition(claim, "Stalled"));
    assert!(reconciling.is_none() || stalled.is_none(), "both: {claim:#}");
    // What is said of the price is no part of the summary.
    for condition in conditions.iter().filter(|condition| condition["type"] != "PriceAsQuoted") {
        assert_eq!(condition["reason"], conditions[0]["reason"], "{claim:#}");
        assert_eq!(condition["message"], conditions[0]["message"], "{claim:#}");
        assert_eq!(condition["observedGeneration"], status["observedGeneration"], "{claim:#}");
        assert_ne!(condition["message"], "", "{claim:#}");
    }
    for only_if_true in [reconciling, stalled].into_iter().flatten() {
        assert_eq!(only_if_true["status"], "True", "{claim:#}");
    }
}
