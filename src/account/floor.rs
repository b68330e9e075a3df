//! What a ledger had before it showed fewer rows: for a while, nothing is believed of it that shows less.

use std::time::Duration;

use jiff::Timestamp;

/// A ledger that shows less for longer has lost rows for good.
pub const LONGEST: Duration = Duration::from_hours(1);

/// A reading of so many rows costs ten calls and more: one that shows less is not tried each time that the account is, but after
/// pauses that grow up to this.
const LONG: usize = 10_000;
const LONGEST_ALONE: Duration = Duration::from_mins(2);

/// What stands in the log and in the conditions meanwhile.
pub const SHRUNK: &str =
    "the ledger shows fewer rows than it did; it is believed again in an hour at the latest";

/// So many rows there were from that moment on. A state with fewer is an older one, which may lack a debit: for an hour it is not
/// believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    pub from: Timestamp,
    rows: usize,
    since: Duration,
    /// When it is read again that showed less. Monotonic, as the others.
    again: Duration,
}

impl Floor {
    pub fn of(from: Timestamp, rows: usize, now: Duration) -> Self {
        Self { from, rows, since: now, again: now }
    }

    pub fn at(self, now: Duration) -> Option<Self> {
        (now < self.since + LONGEST).then_some(self)
    }

    /// A reading since that moment announced so many rows.
    pub fn raise(&mut self, from: Timestamp, announced: usize) {
        if from >= self.from {
            self.rows = self.rows.max(announced);
        }
    }

    /// All of it was read, and showed less: a long one is left alone then, since each time costs all its pages.
    pub fn shows_less(&mut self, now: Duration) {
        if self.rows > LONG {
            self.again = now + now.saturating_sub(self.since).min(LONGEST_ALONE);
        }
    }

    pub fn is_left_alone(self, now: Duration) -> bool {
        now < self.again
    }

    /// Whether a reading from that moment on, of so many rows where they can be counted, shows less than there was.
    pub fn is_above(self, from: Timestamp, rows: Option<usize>) -> bool {
        from <= self.from && rows.is_some_and(|rows| rows < self.rows)
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
            // Rows of before that moment are among them.
            (day(5), None, just, false),
            (day(5), Some(100), just, false),
            // The rows of fewer days are fewer.
            (day(6), Some(99), just, false),
            (day(5), Some(99), LONGEST, false),
        ] {
            let is_above = floor.at(now).is_some_and(|floor| floor.is_above(from, rows));
            assert_eq!(is_above, less, "{from} {rows:?} {now:?}");
        }
    }

    #[test]
    fn what_is_announced_of_fewer_days_is_there_of_more_as_well() {
        let day = |day: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * day);
        for (from, announced, rows) in
            [(day(5), 101, 101), (day(6), 101, 101), (day(4), 101, 100), (day(5), 99, 100)]
        {
            let mut floor = Floor::of(day(5), 100, Duration::ZERO);
            floor.raise(from, announced);
            assert_eq!(floor, Floor::of(day(5), rows, Duration::ZERO), "{from} {announced}");
        }
    }

    #[test]
    fn a_long_ledger_that_shows_less_is_left_alone_for_two_minutes_at_most() {
        for (rows, first, in_all) in
            [(LONG, [0, 15, 30, 45, 60, 75, 90], 240), (LONG + 1, [0, 15, 30, 60, 120, 240, 360], 33)]
        {
            let mut floor = Floor::of(Timestamp::UNIX_EPOCH, rows, Duration::ZERO);
            let mut read = Vec::new();
            // As often as an account is asked that is held by a failure.
            for seconds in (0..).step_by(15).map(Duration::from_secs) {
                let Some(_) = floor.at(seconds) else { break };
                if !floor.is_left_alone(seconds) {
                    floor.shows_less(seconds);
                    read.push(seconds.as_secs());
                }
            }
            assert_eq!((&read[..7], read.len()), (&first[..], in_all), "{rows}");
        }
    }
}
