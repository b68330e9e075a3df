//! The types of conditions, and what each may stand at.

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
pub enum ConditionType {
    /// The outcome of the purchase.
    Purchased,
    /// The summary.
    Ready,
    /// Being worked on.
    Reconciling,
    /// Waiting for a person to act.
    Stalled,
    /// Whether a claim stands behind a record.
    Claimed,
}

impl ConditionType {
    /// As it stands in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
