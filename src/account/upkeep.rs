//! How the ledger stays known: with a long one is kept up, so that no look has to read it whole, and what is known of it is
//! read anew now and then.

use std::time::Duration;

use jiff::Timestamp;

use super::batch::{LedgerKnown, ReadBatch};
use crate::plan::{Moment, Source};

/// A ledger with more rows is long: all of it is read anew once a day, and not with each listing for drift.
const LONG: usize = 20_000;

/// A long ledger is not left alone for longer, or more would be new than can be told from what is known.
const KEEP_UP: Duration = Duration::from_mins(10);

/// Without a look for so long, it is forgotten; and so often it is read anew.
const DAY: Duration = Duration::from_hours(24);

/// What was read of a row longer ago serves no look: a refund may have been taken back since, or a debit that had failed be
/// paid. Of a ledger that takes long to read, a day, and the time that it takes to read it anew beside the looks.
const OLDEST: Duration = Duration::from_hours(1);
const OLDEST_OF_LONG: Duration = Duration::from_hours(25);

/// A ledger that begins earlier is an old one: a look goes back a day, to its midnight, and so does what it leads to.
pub(super) const USUAL: Duration = Duration::from_hours(50);

/// What looks need of the ledger, and when it was read. Times are monotonic.
#[derive(Debug, Default)]
pub struct Upkeep {
    /// From when on claims have looked, since it was last read anew if they have, and when the last of them did.
    looked: Option<(Timestamp, Duration)>,
    known: LedgerKnown,
    state: State,
    read: Duration,
    read_anew: Duration,
    /// When it was read while it was not known, so that all of it was.
    read_whole: Duration,
    /// From when on it is to be read anew.
    anew_from: Option<Timestamp>,
}

/// Whether all of the ledger is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// It was not read yet, or could not be kept.
    #[default]
    Unknown,
    Known,
    /// It was known, and has not been read since it is no more: it is read anew, so that no look waits for that. At once, unless
    /// all of it was read just before.
    Lost,
}

impl Upkeep {
    pub fn looks(&mut self, from: Timestamp, now: Duration) {
        let earlier = self.looked.filter(|(_, at)| *at > self.read_anew).map(|(from, _)| from);
        self.looked = Some((earlier.map_or(from, |earlier| earlier.min(from)), now));
    }

    /// The ledger was read.
    pub fn was_read(&mut self, anew: bool, begun: Duration) {
        self.read = self.read.max(begun);
        if self.state != State::Known {
            (self.state, self.read_whole) = (State::Unknown, begun);
        }
        if anew {
            (self.read_anew, self.anew_from) = (begun, None);
        }
    }

    /// What is known of the ledger now, if it is: else no filters can be held against it, and that it was long stays.
    pub fn knows(&mut self, known: Option<LedgerKnown>) {
        self.state = match (known, self.state) {
            (Some(_), _) => State::Known,
            (None, State::Known | State::Lost) => State::Lost,
            (None, State::Unknown) => State::Unknown,
        };
        self.known = known.unwrap_or(LedgerKnown { proof_at: None, ..self.known });
    }

    fn is_long(&self) -> bool {
        self.known.rows > LONG
    }

    /// Whether it takes long to read it anew.
    fn is_slow(&self) -> bool {
        self.is_long() && !self.known.filtered
    }

    /// The account is about to be listed for drift.
    pub fn resync(&mut self, now: Duration) {
        let looked = self.looked.filter(|(_, at)| *at > self.read_anew);
        if !self.is_slow() || now >= self.read_anew + DAY {
            self.anew_from = self.anew_from.or(looked.map(|(from, _)| from));
        }
    }

    /// Whether looks are served by nothing that was read before.
    fn is_too_old(&self, now: Duration) -> bool {
        let oldest = if self.is_slow() { OLDEST_OF_LONG } else { OLDEST };
        now >= self.read_anew + oldest
    }

    /// What looks ask for is read anew, where what is known of it is too old.
    pub fn renew(&self, batch: &mut ReadBatch, now: Duration) {
        let so_far = batch.sources().find(|source| matches!(source, Source::LedgerSoFar { .. }));
        if let Some(from) = so_far.and_then(Source::ledger_from).filter(|_| self.is_too_old(now)) {
            batch.retain(|source| !matches!(source, Source::LedgerSoFar { .. }));
            batch.add(Source::Ledger { from });
        }
    }

    /// What is to be read, though nothing waits for it.
    pub fn due(&self, now: Duration) -> Option<Source> {
        if let Some(from) = self.anew_from {
            return Some(Source::Ledger { from });
        }
        let (from, _) = self.looked?;
        self.next().filter(|at| now >= *at).map(|_| Source::LedgerSoFar { from })
    }

    /// When it is to be kept up with, for looks to come or to see whether it can be read by filters.
    pub fn next(&self) -> Option<Duration> {
        // One that is lost again and again is not read whole each time.
        let lost_at = (self.state == State::Lost).then_some(self.read_whole + KEEP_UP);
        let at = lost_at.unwrap_or(self.read + KEEP_UP);
        let at = self.known.proof_at.map_or(at, |proof| proof.min(at));
        self.looked.filter(|(_, looked)| self.is_long() && at < *looked + DAY).map(|_| at)
    }
}

/// What few ask for, and is long, is read beside what the others wait for.
pub fn lane(source: Source, now: Moment) -> Source {
    source.ledger_from().filter(|from| is_old(*from, now)).map_or(source, |from| Source::OldLedger { from })
}

/// What all wait for goes no further back than what is usual: a ledger that has become an old one is its own claim's matter.
pub fn of_all(source: Source, now: Moment) -> Source {
    let usual = usual(now);
    match source {
        Source::LedgerSoFar { from } => Source::LedgerSoFar { from: from.max(usual) },
        Source::Ledger { from } => Source::Ledger { from: from.max(usual) },
        other => other,
    }
}

/// Whether it goes back further than what all wait for.
pub fn is_old(from: Timestamp, now: Moment) -> bool {
    from < usual(now)
}

fn usual(now: Moment) -> Timestamp {
    now.wall.saturating_sub(USUAL).unwrap_or(Timestamp::MIN)
}

/// Whether a ledger goes back further than any that is asked for, to the midnight before and a day more: it is not kept up
/// with for ever.
pub fn is_outdated(from: Timestamp, now: Timestamp) -> bool {
    now.saturating_sub(USUAL + 2 * DAY).is_ok_and(|earliest| from < earliest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64) -> Duration {
        Duration::from_mins(minutes)
    }

    fn from(hours: i64) -> Timestamp {
        Timestamp::from_second(hours * 3600).unwrap()
    }

    fn knows(upkeep: &mut Upkeep, rows: usize, filtered: bool) {
        upkeep.knows(Some(LedgerKnown { rows, filtered, proof_at: None }));
    }

    /// A ledger that was read at the first minute for two looks at it.
    fn looked_at(rows: usize) -> Upkeep {
        let mut upkeep = Upkeep::default();
        upkeep.looks(from(2), at(1));
        upkeep.looks(from(3), at(1));
        upkeep.was_read(true, at(1));
        knows(&mut upkeep, rows, false);
        upkeep
    }

    #[test]
    fn a_short_ledger_is_read_anew_with_each_listing_if_it_is_looked_at() {
        let mut upkeep = looked_at(LONG);
        upkeep.resync(at(60));
        assert_eq!((upkeep.due(at(60)), upkeep.next()), (None, None), "no claim has looked since");
        upkeep.looks(from(7), at(61));
        upkeep.looks(from(5), at(61));
        upkeep.resync(at(70));
        assert_eq!(upkeep.due(at(70)), Some(Source::Ledger { from: from(5) }));
        upkeep.was_read(false, at(70));
        assert!(upkeep.due(at(70)).is_some(), "it was not read anew");
        upkeep.was_read(true, at(70));
        upkeep.resync(at(80));
        assert_eq!(upkeep.due(at(80)), None);
    }

    #[test]
    fn a_long_ledger_is_kept_up_with_for_a_day_and_then_read_anew() {
        let mut upkeep = looked_at(LONG + 1);
        assert_eq!((upkeep.due(at(10)), upkeep.next()), (None, Some(at(11))));
        upkeep.resync(at(11));
        assert_eq!(upkeep.due(at(11)), Some(Source::LedgerSoFar { from: from(2) }));
        upkeep.was_read(false, at(11));
        assert_eq!((upkeep.due(at(11)), upkeep.next()), (None, Some(at(21))));
        upkeep.was_read(false, at(24 * 60));
        assert_eq!((upkeep.due(at(25 * 60)), upkeep.next()), (None, None), "no claim has looked for a day");
        upkeep.looks(from(30), at(25 * 60));
        upkeep.resync(at(25 * 60));
        assert_eq!(upkeep.due(at(25 * 60)), Some(Source::Ledger { from: from(30) }));
        upkeep.was_read(true, at(25 * 60));
        assert_eq!((upkeep.due(at(25 * 60)), upkeep.next()), (None, Some(at(25 * 60 + 10))));
        // By filters, it is done each time.
        knows(&mut upkeep, LONG + 1, true);
        upkeep.looks(from(30), at(25 * 60 + 1));
        upkeep.resync(at(25 * 60 + 2));
        assert_eq!(upkeep.due(at(25 * 60 + 2)), Some(Source::Ledger { from: from(30) }));
    }

    #[test]
    fn whether_filters_are_honoured_is_read_as_soon_as_it_may_be() {
        let (mut upkeep, so_far) = (looked_at(LONG + 1), Source::LedgerSoFar { from: from(2) });
        let known = |proof_at| Some(LedgerKnown { rows: LONG + 1, filtered: false, proof_at });
        upkeep.knows(known(Some(at(3))));
        assert_eq!((upkeep.due(at(2)), upkeep.next()), (None, Some(at(3))));
        assert_eq!(upkeep.due(at(3)), Some(so_far));
        // They are known to be.
        upkeep.knows(known(None));
        assert_eq!((upkeep.due(at(3)), upkeep.next()), (None, Some(at(11))));
    }

    #[test]
    fn a_long_ledger_that_is_lost_is_read_anew_at_once_but_not_each_time() {
        let (mut upkeep, so_far) = (looked_at(LONG + 1), Source::LedgerSoFar { from: from(2) });
        let known = || Some(LedgerKnown { rows: LONG + 1, filtered: false, proof_at: None });
        upkeep.was_read(false, at(30));
        for _ in 0..2 {
            upkeep.knows(None);
            assert_eq!((upkeep.due(at(31)), upkeep.next()), (Some(so_far), Some(at(11))));
        }
        upkeep.was_read(true, at(31));
        // One that cannot be kept up with is read now and then.
        upkeep.knows(None);
        assert_eq!((upkeep.due(at(32)), upkeep.next()), (None, Some(at(41))));
        // So is one that is lost again, though it was read by filters meanwhile.
        upkeep.was_read(true, at(33));
        upkeep.knows(known());
        upkeep.was_read(true, at(36));
        upkeep.knows(None);
        assert_eq!((upkeep.due(at(37)), upkeep.next()), (None, Some(at(43))));
    }

    #[test]
    fn a_look_is_served_by_nothing_that_was_read_too_long_ago() {
        let so_far = Source::LedgerSoFar { from: from(5) };
        let anew = Source::Ledger { from: from(5) };
        let minutes = |minutes: u64| at(1 + minutes);
        for (rows, filtered, read_for, asked) in [
            (LONG, false, minutes(59), so_far),
            (LONG, false, minutes(60), anew),
            (LONG + 1, true, minutes(60), anew),
            (LONG + 1, false, minutes(60), so_far),
            (LONG + 1, false, minutes(25 * 60 - 1), so_far),
            (LONG + 1, false, minutes(25 * 60), anew),
        ] {
            let mut upkeep = looked_at(rows);
            knows(&mut upkeep, rows, filtered);
            // To keep up with it is not to read it anew.
            upkeep.was_read(false, read_for);
            let mut batch: ReadBatch = [Source::Listing, so_far].into_iter().collect();
            upkeep.renew(&mut batch, read_for);
            let expected: ReadBatch = [Source::Listing, asked].into_iter().collect();
            assert_eq!(batch, expected, "{rows} {filtered} {read_for:?}");
        }
        // Of two that are asked for, the one that goes back further.
        let mut batch: ReadBatch = [so_far, Source::Ledger { from: from(3) }].into_iter().collect();
        looked_at(LONG).renew(&mut batch, minutes(120));
        assert_eq!(batch, [Source::Ledger { from: from(3) }].into_iter().collect());
    }

    #[test]
    fn a_ledger_that_nobody_asks_so_far_back_of_is_outdated() {
        let day = |day: i64| from(24 * day);
        let now = from(24 * 9 + 12);
        // Fifty hours ago was on the seventh day.
        for (begins, outdated) in [(7, false), (6, false), (5, true), (1, true)] {
            assert_eq!(is_outdated(day(begins), now), outdated, "{begins}");
        }
    }
}
