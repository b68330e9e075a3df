//! What a ledger had before it showed fewer rows: for a while, nothing is believed of it that shows less.

use std::time::Duration;

use jiff::Timestamp;

/// A ledger that shows less for longer has lost rows for good.
const LONGEST: Duration = Duration::from_hours(1);

/// What stands in the log and in the conditions meanwhile.
pub const SHRUNK: &str =
    "the ledger shows fewer rows than it did; it is believed again in an hour at the latest";

/// So many rows there were from that moment on. A state with fewer is an older one, which may lack a debit: until then
/// (monotonic) it is not believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    pub from: Timestamp,
    rows: usize,
    until: Duration,
}

impl Floor {
    pub fn of(from: Timestamp, rows: usize, now: Duration) -> Self {
        Self { from, rows, until: now + LONGEST }
    }

    pub fn at(self, now: Duration) -> Option<Self> {
        (now < self.until).then_some(self)
    }

    /// Whether a reading from that moment on, of so many rows where they can be counted, shows less than there was.
    pub fn is_above(self, from: Timestamp, rows: Option<usize>) -> bool {
        from <= self.from && rows.is_none_or(|rows| rows < self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_with_fewer_rows_than_before_is_not_believed_for_an_hour() {
        let day = |day: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * day);
        let floor = Floor::of(day(5), 100, Duration::ZERO);
        let just = LONGEST.saturating_sub(Duration::from_secs(1));
        for (from, rows, now, less) in [
            (day(5), Some(99), just, true),
            (day(4), Some(99), just, true),
            (day(5), Some(0), just, true),
            (day(5), None, just, true),
            (day(5), Some(100), just, false),
            // The rows of fewer days are fewer.
            (day(6), Some(99), just, false),
            (day(5), Some(99), LONGEST, false),
        ] {
            let is_above = floor.at(now).is_some_and(|floor| floor.is_above(from, rows));
            assert_eq!(is_above, less, "{from} {rows:?} {now:?}");
        }
    }
}
