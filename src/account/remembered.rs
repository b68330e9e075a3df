//! What the ledger has shown: whatever is read of it from then on has to show as much, or is of an older state, which may lack a
//! debit.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
    time::Duration,
};

use jiff::{Timestamp, civil::Date};
use parking_lot::Mutex;

use super::upkeep::is_outdated;
use crate::{domain::day_begins, vobiz::Ledger};

/// A day that Vobiz counts by another clock than UTC begins so much later at most: until then it is not known whether a row is of the
/// day with which a reading begins.
const LOCAL: Duration = Duration::from_hours(14);

/// So many debits are remembered at most, in some 10 MB: twice as many as a ledger may have that is read. What comes then is held
/// against nothing, until others are outdated.
const MOST: usize = 250_000;

/// One for all readings of a ledger.
#[derive(Debug, Clone, Default)]
pub struct Remembered(Arc<Mutex<Inner>>);

/// What was remembered at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

#[derive(Debug, Default)]
struct Inner {
    /// Debits that may be for numbers, whatever has become of them since, by their ids.
    debits: BTreeMap<u64, Debit>,
    /// How many rows there were since a day.
    counts: BTreeMap<Date, Count>,
    now: Mark,
}

#[derive(Debug)]
struct Debit {
    /// In microseconds since 1970: half of what a time stamp takes.
    at: i64,
    /// The latest day of which it was shown.
    of: Date,
    first: Mark,
}

#[derive(Debug)]
struct Count {
    rows: usize,
    first: Mark,
}

/// Something that was remembered, and that a reading lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Debit(u64),
    Count(Date),
}

impl Remembered {
    pub fn mark(&self) -> Mark {
        self.0.lock().now
    }

    /// Remembers what a ledger has shown since that was done last, whether or not it comes to its end.
    pub fn note(&self, ledger: &mut Ledger) {
        let mut inner = self.0.lock();
        let of = if ledger.is_of_all_days() { Date::MIN } else { ledger.since() };
        ledger.take_debits().into_iter().for_each(|(at, id)| inner.meet(id, at, of));
        inner.count(ledger.since(), ledger.rows_shown());
        inner.now.0 += 1;
    }

    /// A reading is begun again: it has to show all rows that it announced.
    pub fn note_announced(&self, ledger: &Ledger) {
        let mut inner = self.0.lock();
        inner.count(ledger.since(), ledger.announced());
        inner.now.0 += 1;
    }

    /// What a ledger, at its end, lacks of all that was remembered before that mark.
    pub fn lacking(&self, ledger: &Ledger, before: Mark) -> Vec<Item> {
        let shows = |at, id| ledger.may_have_shown(at, id);
        self.0.lock().lacking(ledger.since(), before, ledger.rows_met(), shows)
    }

    pub fn forget(&self, items: &[Item]) {
        let mut inner = self.0.lock();
        for item in items {
            match item {
                Item::Debit(id) => drop(inner.debits.remove(id)),
                Item::Count(day) => drop(inner.counts.remove(day)),
            }
        }
    }

    /// Forgets what no reading goes back to any more.
    pub fn forget_outdated(&self, now: Timestamp) {
        let mut inner = self.0.lock();
        inner.debits.retain(|_, debit| !is_outdated(debit.at(), now));
        inner.counts.retain(|day, _| !is_outdated(day_begins(*day), now));
    }
}

impl Debit {
    fn at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.at).unwrap_or(Timestamp::MIN)
    }
}

impl Inner {
    fn meet(&mut self, id: u64, at: Timestamp, of: Date) {
        let (at, first, is_full) = (at.as_microsecond(), self.now, self.debits.len() >= MOST);
        match self.debits.entry(id) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                (known.at, known.of) = (at, known.of.max(of));
            }
            Entry::Vacant(new) if !is_full => drop(new.insert(Debit { at, of, first })),
            Entry::Vacant(_) => {}
        }
    }

    fn count(&mut self, of: Date, rows: usize) {
        let first = self.now;
        let known = self.counts.entry(of).or_insert(Count { rows, first });
        if rows > known.rows {
            *known = Count { rows, first };
        }
    }

    /// What a reading since that day lacks, of so many rows.
    fn lacking(
        &self,
        since: Date,
        before: Mark,
        rows: usize,
        shows: impl Fn(Timestamp, u64) -> bool,
    ) -> Vec<Item> {
        let certain = day_begins(since).saturating_add(LOCAL).unwrap_or(Timestamp::MAX);
        let debits = self.debits.iter().filter(|(id, debit)| {
            let at = debit.at();
            let is_asked_for = since <= debit.of || certain <= at;
            debit.first < before && is_asked_for && !shows(at, **id)
        });
        let counts = self.counts.range(since..);
        let counts = counts.filter(|(_, count)| count.first < before && rows < count.rows);
        debits.map(|(id, _)| Item::Debit(*id)).chain(counts.map(|(day, _)| Item::Count(*day))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::utc_day;

    fn at(day: i64, hour: i64) -> Timestamp {
        Timestamp::from_second((24 * day + hour) * 3600).unwrap()
    }

    fn day(day: i64) -> Date {
        utc_day(at(day, 0))
    }

    /// A reading that goes back to the fifth day has shown 10 rows, and so many hours after that midnight a debit.
    fn remembered(hours: i64) -> Inner {
        let mut inner = Inner::default();
        inner.meet(1, at(5, hours), day(5));
        inner.count(day(5), 10);
        inner.now.0 = 1;
        inner
    }

    #[test]
    fn a_reading_shows_again_what_was_shown_of_its_time() {
        let (debit, count) = (Item::Debit(1), Item::Count(day(5)));
        for (hours, since, rows, shows, lacking) in [
            (1, 5, 10, true, &[][..]),
            (1, 5, 11, true, &[]),
            (1, 5, 9, true, &[count]),
            (1, 5, 10, false, &[debit]),
            (1, 4, 0, false, &[debit, count]),
            // The rows of fewer days are fewer, and by Vobiz's clock the debit may be of the day before.
            (1, 6, 0, false, &[]),
            (24, 6, 0, false, &[]),
            (24 + 13, 6, 0, false, &[]),
            (24 + 14, 6, 0, false, &[debit]),
            (24 + 14, 7, 0, false, &[]),
        ] {
            let found = remembered(hours).lacking(day(since), Mark(1), rows, |_, _| shows);
            assert_eq!(found, lacking, "{hours} {since} {rows} {shows}");
        }
    }

    #[test]
    fn what_was_shown_since_a_reading_began_it_need_not_show() {
        let mut inner = remembered(1);
        inner.meet(1, at(5, 2), day(5));
        inner.meet(2, at(5, 3), day(5));
        inner.count(day(5), 12);
        inner.now.0 = 2;
        let lacking = |mark| inner.lacking(day(5), Mark(mark), 0, |_, _| false);
        assert_eq!(lacking(0), []);
        assert_eq!(lacking(1), [Item::Debit(1)]);
        assert_eq!(lacking(2), [Item::Debit(1), Item::Debit(2), Item::Count(day(5))]);
    }

    #[test]
    fn fewer_rows_and_an_earlier_day_take_nothing_from_what_is_remembered() {
        let mut inner = remembered(1);
        inner.count(day(5), 3);
        inner.meet(1, at(5, 1), Date::MIN);
        assert_eq!(inner.lacking(day(5), Mark(1), 9, |_, _| false), [Item::Debit(1), Item::Count(day(5))]);
    }

    #[test]
    fn what_no_reading_goes_back_to_is_forgotten() {
        let remembered = Remembered(Arc::new(Mutex::new(remembered(1))));
        let lacking = || remembered.0.lock().lacking(day(5), Mark(1), 0, |_, _| false).len();
        for (now, left) in [(at(9, 1), 2), (at(9, 4), 0)] {
            remembered.forget_outdated(now);
            assert_eq!(lacking(), left, "{now}");
        }
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut inner = Inner::default();
        (0..MOST as u64 + 5).for_each(|id| inner.meet(id, at(5, 1), day(5)));
        assert_eq!(inner.debits.len(), MOST);
    }
}
