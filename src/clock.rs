use std::time::Instant;

use jiff::Timestamp;

use crate::plan::Moment;

/// The two clocks of this process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts the monotonic clock.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// The present, on both.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment { wall: Timestamp::now(), mono: self.started.elapsed() }
    }
}
