//! The old ledger that could not be read: it is left alone for a while, and with it those that go back further.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::Backoff;

/// Between failures.
const PAUSES: Backoff = Backoff { first: Duration::from_mins(1), longest: Duration::from_hours(1) };

#[derive(Debug, Clone, Copy)]
pub struct Unreadable {
    from: Timestamp,
    failures: u32,
    /// Monotonic.
    pub until: Duration,
}

impl Unreadable {
    /// The ledger from that moment on could not be read.
    pub fn again(before: Option<Self>, from: Timestamp, now: Duration) -> Self {
        let failures = before.map_or(0, |before| before.failures);
        Self { from, failures: failures.saturating_add(1), until: now + PAUSES.after(failures) }
    }

    /// Whether the ledger from that moment on is left alone.
    pub fn holds(self, from: Timestamp, now: Duration) -> bool {
        from <= self.from && now < self.until
    }

    /// Whether it can be read after all, if the ledger from that moment on was.
    pub fn is_refuted(self, from: Timestamp) -> bool {
        from <= self.from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_ledger_is_left_alone_longer_each_time_with_those_before_it() {
        let at = Timestamp::from_second;
        let (mut old, mut now) = (None, Duration::ZERO);
        for pause in [60, 120, 240] {
            let failed = Unreadable::again(old, at(5).unwrap(), now);
            now += Duration::from_secs(pause);
            let just = now.saturating_sub(Duration::from_secs(1));
            for (from, held) in [(4, true), (5, true), (6, false)] {
                assert_eq!(failed.holds(at(from).unwrap(), just), held, "{from}");
                assert!(!failed.holds(at(from).unwrap(), now));
                assert_eq!(failed.is_refuted(at(from).unwrap()), held, "{from}");
            }
            old = Some(failed);
        }
    }
}
