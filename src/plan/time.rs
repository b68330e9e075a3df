//! The times of the protocol: send window, interval of verification, purchase timeout, settle time.

use std::time::Duration;

/// How long after its intent was written an attempt may still be sent. A process that was paused for longer finds its
/// permission gone, so that a process that verifies in the meantime cannot be overtaken.
pub const SEND_WINDOW: Duration = Duration::from_secs(10);

/// The longest interval between two looks at an open attempt.
pub(super) const VERIFY_EVERY: Duration = Duration::from_secs(15);

/// How long a failed attempt keeps its number for its claim.
pub(super) const FAILURE_KEEPS: Duration = Duration::from_hours(1);

/// The configured timeouts.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// `VOBIZ_PURCHASE_TIMEOUT`
    pub purchase_timeout: Duration,
    /// `VOBIZ_SETTLE_TIME`: how long after its end a purchase may take to show in lists and ledger.
    pub settle: Duration,
}

impl Timeouts {
    /// Whether absence cannot count before the purchase has had its time.
    #[must_use]
    pub fn are_in_order(self) -> bool {
        self.settle >= self.purchase_timeout
    }

    /// From the intent to the moment at which absence may count.
    pub(crate) fn until_settled(self) -> Duration {
        SEND_WINDOW + self.purchase_timeout + self.settle
    }
}
