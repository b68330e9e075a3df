//! For how long readings of a ledger are not believed that show less than it has shown: an older state of it may lack a debit.

use std::time::Duration;

use super::remembered::Mark;
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

/// When the first and the last of them came to their ends, and what had been shown by then.
#[derive(Debug, Clone, Copy)]
struct Doubted {
    first: Duration,
    last: Duration,
    mark: Mark,
}

impl Doubt {
    /// A reading of so many rows, begun then, shows less than the ledger has. Returns since when that is so, and whether for long.
    pub fn lasts(&mut self, rows: usize, begun: Duration, now: Duration, mark: Mark) -> (Mark, bool) {
        let before = self.readings.filter(|doubted| begun < doubted.last + APART);
        if before.is_none() {
            self.times = 0;
        }
        let doubted = Doubted { last: now, ..before.unwrap_or(Doubted { first: now, last: now, mark }) };
        self.readings = Some(doubted);
        if rows > LONG {
            self.again = now + PAUSES.after(self.times);
            self.times += 1;
        }
        (doubted.mark, now >= doubted.first + LONGEST)
    }

    /// Some of what readings lacked was shown since: it is not gone, and may be in an hour.
    pub fn begin_again(&mut self, now: Duration, mark: Mark) {
        self.readings = Some(Doubted { first: now, last: now, mark });
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
                doubt.lasts(1, minutes(*at).saturating_sub(minutes(takes)), minutes(*at), Mark::default()).1
            });
            assert_eq!(lasts.last(), Some(over), "{takes} {readings:?}");
        }
    }

    #[test]
    fn what_was_shown_meanwhile_is_gone_an_hour_later() {
        let (mut doubt, mark) = (Doubt::default(), Mark::default());
        let at = Duration::from_mins;
        let lasts = |doubt: &mut Doubt, minute| doubt.lasts(1, at(minute), at(minute), mark).1;
        assert!(!lasts(&mut doubt, 0) && lasts(&mut doubt, 60));
        doubt.begin_again(LONGEST, mark);
        assert!(!lasts(&mut doubt, 119) && lasts(&mut doubt, 120));
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
                    if doubt.lasts(rows, seconds, seconds, Mark::default()).1 {
                        break;
                    }
                }
            }
            assert_eq!((&read[..6], read.len()), (&first[..], in_all), "{rows}");
        }
    }
}
