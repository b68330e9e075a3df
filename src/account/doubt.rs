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
    "the ledger shows less than it has shown or announced; what it lacks for an hour is taken to be gone";

/// The readings that were not believed since the last one that was. Times are monotonic.
#[derive(Debug, Default)]
pub struct Doubt {
    readings: Option<Doubted>,
    times: u32,
    again: Duration,
}

/// When the first and the last of them came to their ends.
#[derive(Debug, Clone, Copy)]
struct Doubted {
    first: Duration,
    last: Duration,
}

impl Doubt {
    /// A reading of so many rows, begun then, lacks what was shown last at that time. Returns whether that has been so for long.
    pub fn lasts(&mut self, rows: usize, begun: Duration, now: Duration, shown: Duration) -> bool {
        let before = self.readings.filter(|doubted| begun < doubted.last + APART);
        if before.is_none() {
            self.times = 0;
        }
        let first = before.map_or(now, |doubted| doubted.first);
        self.readings = Some(Doubted { first, last: now });
        if rows > LONG {
            self.again = now + PAUSES.after(self.times);
            self.times += 1;
        }
        now >= first.max(shown) + LONGEST
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
        for (takes, readings, over) in [
            (0, &[0, 59][..], false),
            (0, &[0, 60], true),
            (0, &[0, 1, 3, 7, 15, 31, 63], true),
            // Nothing was read for hours, and now it shows less: that is another matter.
            (0, &[0, 119], true),
            (0, &[0, 120], false),
            (0, &[0, 120, 170], false),
            // It was being read.
            (60, &[60, 180], true),
        ] {
            let mut doubt = Doubt::default();
            let lasts = readings.iter().map(|at| {
                doubt.lasts(1, minutes(*at).saturating_sub(minutes(takes)), minutes(*at), Duration::ZERO)
            });
            assert_eq!(lasts.last(), Some(over), "{takes} {readings:?}");
        }
    }

    #[test]
    fn what_was_shown_meanwhile_is_gone_an_hour_later() {
        let (mut doubt, at) = (Doubt::default(), Duration::from_mins);
        for (minute, shown, over) in
            [(1, 0, false), (60, 0, false), (61, 30, false), (89, 30, false), (90, 30, true), (91, 0, true)]
        {
            let lasts = doubt.lasts(1, at(minute), at(minute), at(shown));
            assert_eq!(lasts, over, "{minute} {shown}");
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
                    if doubt.lasts(rows, seconds, seconds, Duration::ZERO) {
                        break;
                    }
                }
            }
            assert_eq!((&read[..6], read.len()), (&first[..], in_all), "{rows}");
        }
    }
}
