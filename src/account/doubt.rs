//! For how long readings of a ledger are not believed that show less than it has shown: an older state of it may lack a debit.

use std::time::Duration;

use crate::domain::Backoff;

/// What the ledger has lacked for so long is gone for good.
const LONGEST: Duration = Duration::from_hours(1);

/// Two readings with more time between them have nothing to do with each other. An old ledger that fails is read once an hour at last.
const APART: Duration = Duration::from_hours(2);

/// A reading of so many rows costs ten calls and more: one that was not believed is not made again each time that the account is
/// asked, but after these pauses.
const LONG: usize = 10_000;
const PAUSES: Backoff = Backoff { first: Duration::from_secs(15), longest: Duration::from_mins(2) };

/// What stands in the log and in the conditions meanwhile.
pub const SHRUNK: &str =
    "the ledger shows fewer rows than it did; what it lacks for an hour is taken to be gone";

/// The readings that were not believed since the last one that was. Times are monotonic.
#[derive(Debug, Default)]
pub struct Doubt {
    /// When the first and the last of them came to their ends.
    readings: Option<(Duration, Duration)>,
    times: u32,
    again: Duration,
}

impl Doubt {
    /// A reading of so many rows shows less than the ledger has. Returns whether it is to be believed all the same.
    pub fn is_over(&mut self, rows: usize, now: Duration) -> bool {
        let before = self.readings.filter(|(_, last)| now < *last + APART);
        if before.is_none() {
            self.times = 0;
        }
        let first = before.map_or(now, |(first, _)| first);
        self.readings = Some((first, now));
        if rows > LONG {
            self.again = now + PAUSES.after(self.times);
            self.times += 1;
        }
        now >= first + LONGEST
    }

    /// Whether the ledger is not to be read again yet.
    pub fn is_left_alone(&self, now: Duration) -> bool {
        now < self.again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_less_is_believed_after_an_hour_of_readings_that_do() {
        let minutes = |minutes: u64| Duration::from_mins(minutes);
        for (readings, over) in [
            (&[0, 59][..], false),
            (&[0, 60], true),
            (&[0, 1, 3, 7, 15, 31, 63], true),
            // Nothing was read for hours, and now it shows less: that is another matter.
            (&[0, 119], true),
            (&[0, 120], false),
            (&[0, 120, 170], false),
        ] {
            let mut doubt = Doubt::default();
            let is_over = readings.iter().map(|at| doubt.is_over(1, minutes(*at))).last();
            assert_eq!(is_over, Some(over), "{readings:?}");
        }
    }

    #[test]
    fn a_long_ledger_that_shows_less_is_left_alone_for_two_minutes_at_most() {
        for (rows, first, in_all) in
            [(LONG, [0, 15, 30, 45, 60, 75], 241), (LONG + 1, [0, 15, 45, 105, 225, 345], 34)]
        {
            let (mut doubt, mut read) = (Doubt::default(), Vec::new());
            // As often as an account is asked that is held by a failure.
            for seconds in (0..).step_by(15).map(Duration::from_secs) {
                if !doubt.is_left_alone(seconds) {
                    read.push(seconds.as_secs());
                    if doubt.is_over(rows, seconds) {
                        break;
                    }
                }
            }
            assert_eq!((&read[..6], read.len()), (&first[..], in_all), "{rows}");
        }
    }
}
