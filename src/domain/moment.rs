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

/// A moment in half the place, for those that are kept of every record: exact from 1678 until 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmallMoment {
    /// Both in nanoseconds, the first one since 1970.
    wall: i64,
    mono: u64,
}

impl From<Moment> for SmallMoment {
    fn from(moment: Moment) -> Self {
        let latest = if moment.wall < Timestamp::UNIX_EPOCH { i64::MIN } else { i64::MAX };
        let wall = i64::try_from(moment.wall.as_nanosecond()).unwrap_or(latest);
        Self { wall, mono: u64::try_from(moment.mono.as_nanos()).unwrap_or(u64::MAX) }
    }
}

impl From<SmallMoment> for Moment {
    fn from(SmallMoment { wall, mono }: SmallMoment) -> Self {
        let wall = Timestamp::from_nanosecond(wall.into()).unwrap_or_default();
        Self { wall, mono: Duration::from_nanos(mono) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_moment_is_the_same_to_the_nanosecond() {
        for wall in
            ["1969-12-31T23:59:59.999999999Z", "2026-01-02T03:04:05.123456789Z", "2262-01-01T00:00:00Z"]
        {
            for mono in [Duration::ZERO, Duration::new(31_536_000, 1), Duration::from_secs(10_000_000_000)] {
                let moment = Moment { wall: wall.parse().unwrap(), mono };
                assert_eq!(Moment::from(SmallMoment::from(moment)), moment);
            }
        }
        for (wall, years) in [(Timestamp::MIN, 1677..1679), (Timestamp::MAX, 2261..2263)] {
            let kept = Moment::from(SmallMoment::from(Moment { wall, mono: Duration::MAX }));
            assert!(years.contains(&kept.wall.to_zoned(jiff::tz::TimeZone::UTC).year()), "{kept:?}");
            assert_eq!(kept.mono, Duration::from_nanos(u64::MAX));
        }
    }

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
