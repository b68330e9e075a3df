use std::time::Duration;

use jiff::Timestamp;

/// How long after its intent was written an attempt may still be sent. A process that was paused for longer finds
/// its permission gone, so that whoever verifies in the meantime cannot be overtaken.
pub const SEND_WINDOW: Duration = Duration::from_secs(10);

/// One instant on both clocks. The wall clock can be set and is shared with Vobiz and with other processes; the
/// monotonic one (here: since the start of this process) cannot be set and means nothing to anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub wall: Timestamp,
    pub mono: Duration,
}

impl Moment {
    /// The instant `span` later.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self { wall: self.wall.saturating_add(span).unwrap_or(Timestamp::MAX), mono: self.mono + span }
    }

    /// Whether both clocks say that `other` has come.
    #[must_use]
    pub fn reached(self, other: Self) -> bool {
        self.wall >= other.wall && self.mono >= other.mono
    }

    /// How long until both clocks say that `other` has come.
    #[must_use]
    pub fn until(self, other: Self) -> Duration {
        let wall = Duration::try_from(other.wall.duration_since(self.wall)).unwrap_or_default();
        wall.max(other.mono.saturating_sub(self.mono))
    }
}

/// The configured spans of time.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// `VOBIZ_PURCHASE_TIMEOUT`
    pub purchase_timeout: Duration,
    /// `VOBIZ_SETTLE_TIME`: how long after its end a purchase may take to show in lists and ledger.
    pub settle: Duration,
}

impl Spans {
    /// From the intent to the moment at which absence may count.
    #[must_use]
    pub fn until_settled(self) -> Duration {
        SEND_WINDOW + self.purchase_timeout + self.settle
    }
}
