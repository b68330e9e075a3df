//! One instant, on the wall clock that all processes share and on the monotonic clock of this one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// One instant on both clocks. The wall clock can be set and is shared with Vobiz and with other processes; the
/// monotonic one (here: since the start of this process) cannot be set and means nothing to any other process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub wall: Timestamp,
    pub mono: Duration,
}

impl Moment {
    pub fn plus(self, span: Duration) -> Self {
        Self { wall: self.wall.saturating_add(span).unwrap_or(Timestamp::MAX), mono: self.mono + span }
    }

    /// Whether both clocks say that `other` has come.
    pub fn reached(self, other: Self) -> bool {
        self.wall >= other.wall && self.mono >= other.mono
    }

    /// Whether what is waited for in this process alone has come: the monotonic clock decides, which cannot be set.
    pub fn waited(self, until: Self) -> bool {
        self.mono >= until.mono
    }

    /// The instant at which the monotonic clock says that `other` has come, dated by the wall clock as it goes now: what is
    /// tested on the one must not be waited for on the other, which may have been set since.
    pub fn when(self, other: Self) -> Self {
        let after = other.mono.saturating_sub(self.mono);
        let before = self.mono.saturating_sub(other.mono);
        let wall = self.wall.saturating_add(after).and_then(|wall| wall.saturating_sub(before));
        let wall = wall.unwrap_or(other.wall);
        // Two dates less than a second apart are one to every reader: keep the one that stays as it is.
        if wall.duration_since(other.wall).abs() < SignedDuration::from_secs(1) {
            return other;
        }
        Self { wall, mono: other.mono }
    }

    /// How long until both clocks say that `other` has come.
    pub fn until(self, other: Self) -> Duration {
        let wall = Duration::try_from(other.wall.duration_since(self.wall)).unwrap_or_default();
        wall.max(other.mono.saturating_sub(self.mono))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_our_own_clock_decides_is_not_waited_for_on_the_wall() {
        let at = |wall: &str, mono| Moment { wall: wall.parse().unwrap(), mono: Duration::from_secs(mono) };
        let due = at("2026-01-02T03:04:15Z", 110);
        for (now, seconds) in [
            (at("2026-01-02T03:04:05Z", 100), 10),
            (at("2026-01-02T00:04:05Z", 100), 10),
            (at("2026-01-02T09:04:05Z", 100), 10),
            (at("2026-01-02T00:04:05Z", 170), 0),
        ] {
            assert_eq!(now.until(now.when(due)), Duration::from_secs(seconds), "{now:?}");
            assert_eq!(now.waited(due), seconds == 0);
        }
        assert_eq!(at("2026-01-02T03:04:05.5Z", 100).when(due), due);
        assert_eq!(at("2026-01-02T00:04:25Z", 120).when(due).wall, at("2026-01-02T00:04:15Z", 0).wall);
    }
}
