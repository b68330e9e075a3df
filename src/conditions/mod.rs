//! What users are told: pure functions from what is known to conditions, with messages for people.
//!
//! kstatus throughout: `observedGeneration` on every write, `Reconciling` and `Stalled` only while true and never
//! together.

mod case;
mod claim;
mod clocks;
mod cluster;
mod message;
mod newer;
mod number;
mod reason;
mod record;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worst_tests;

pub use case::SHOWN_AFTER;
pub use claim::{ClaimFacts, Unstored, Waits, claim};
pub use clocks::apart;
pub use newer::newer;
pub use reason::{EventKind, Progress, Reason, Row};
pub use record::record;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use strum::IntoStaticStr;

/// The standing of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
pub enum Status {
    True,
    False,
    Unknown,
}

impl Status {
    /// As it stands in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The condition types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionType {
    /// The outcome of the purchase.
    Purchased,
    /// The summary.
    Ready,
    /// Being worked on.
    Reconciling,
    /// Waiting for somebody.
    Stalled,
    /// Whether a claim stands behind a record.
    Claimed,
}

impl ConditionType {
    /// As it stands in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Purchased => "Purchased",
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Claimed => crate::api::CLAIMED,
        }
    }
}

/// A condition whose time of transition stays, unless its status changed.
fn condition(
    previous: &[Condition],
    type_: ConditionType,
    status: Status,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> Condition {
    let same = previous.iter().find(|old| old.type_ == type_.as_str() && old.status == status.as_str());
    Condition {
        type_: type_.as_str().to_owned(),
        status: status.as_str().to_owned(),
        reason: reason.to_owned(),
        message: cluster::bounded(message).to_owned(),
        // Whole seconds, as the API server stores them: anything finer would differ on every comparison.
        last_transition_time: same.map_or_else(
            || Time(Timestamp::from_second(now.as_second()).unwrap_or(now)),
            |old| old.last_transition_time.clone(),
        ),
        observed_generation: None,
    }
}
