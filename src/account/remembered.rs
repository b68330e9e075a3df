//! What the ledger has shown: whatever is read of it from then on has to show as much, or is of an older state, which may lack a
//! debit.

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// So many debits are remembered at most, in some 10 MB: twice as many as a ledger may have that is read. Then the older half of them
/// is forgotten.
const MOST: usize = 250_000;

/// One for all readings of a ledger.
#[derive(Debug, Clone, Default)]
pub struct Remembered(Arc<Mutex<Inner>>);

/// What was remembered at a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u32);

/// What a reading has to show, at its end.
#[derive(Debug)]
pub struct Owed {
    /// The debits that were shown before.
    before: Mark,
    counts: BTreeMap<Date, Count>,
    pub announced: Announced,
}

impl Owed {
    /// At its end, the reading has all debits that there are by now.
    pub fn renew(&mut self) {
        self.before = self.announced.remembered.0.lock().now;
    }
}

/// How many rows a reading has announced before it was begun again: those after it owe as many, whatever becomes of it.
#[derive(Debug)]
pub struct Announced {
    remembered: Remembered,
    since: Date,
    count: Count,
}

impl Announced {
    pub fn rows(&mut self, rows: usize, now: Duration) {
        self.count = Count { rows, at: now.as_secs() };
    }

    /// All owe it from now on.
    pub fn insist(&mut self) {
        self.remembered.0.lock().count(self.since, std::mem::take(&mut self.count));
    }

    /// It was a mistake.
    pub fn withdraw(&mut self) {
        self.count = Count::default();
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.insist();
    }
}

/// So many rows, and when that was shown first. Monotonic, in seconds.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    rows: usize,
    at: u64,
}

#[derive(Debug, Default)]
struct Inner {
    /// Debits that may be for numbers, whatever has become of them since, by their ids.
    debits: BTreeMap<u64, Debit>,
    /// Those of them that what is known of the ledger was not held against yet.
    fresh: Vec<u64>,
    /// How many rows there were since a day.
    counts: BTreeMap<Date, Count>,
    now: Mark,
}

#[derive(Debug)]
struct Debit {
    /// In microseconds since 1970: half of what a time stamp takes.
    at: i64,
    /// The latest day of which it was shown, if of a day.
    of: Option<Date>,
    first: Mark,
    /// When it was shown last. Monotonic, in seconds.
    last: u32,
}

/// Something that was remembered, and that a reading lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Debit(u64),
    Count(Date),
}

impl Remembered {
    /// What a reading since that day owes that begins now.
    pub fn owed(&self, since: Date) -> Owed {
        let announced = Announced { remembered: self.clone(), since, count: Count::default() };
        let inner = self.0.lock();
        Owed { before: inner.now, counts: inner.counts.clone(), announced }
    }

    /// Remembers what a ledger has shown since that was done last, whether or not it comes to its end.
    pub fn note(&self, ledger: &mut Ledger, now: Duration) {
        let mut inner = self.0.lock();
        let of = (!ledger.is_of_all_days()).then(|| ledger.since());
        ledger.take_debits().into_iter().for_each(|(at, id)| inner.meet(id, at, of, now));
        inner.count(ledger.since(), Count { rows: ledger.rows_shown(), at: now.as_secs() });
        inner.now.0 = inner.now.0.saturating_add(1);
    }

    /// What is known of a ledger lacks some of the rows that were announced: there were as many all the same.
    pub fn note_announced(&self, ledger: &Ledger, now: Duration) {
        self.0.lock().count(ledger.since(), Count { rows: ledger.announced(), at: now.as_secs() });
    }

    /// What a ledger, at its end, lacks of what it owes.
    pub fn lacking(&self, ledger: &Ledger, owed: &Owed) -> Vec<Item> {
        let shows = |at, id| ledger.may_have_shown(at, id);
        self.0.lock().lacking(ledger.since(), owed, ledger.rows_met(), shows)
    }

    /// Whether a ledger that is kept up with lacks a debit that it has not shown since it was first shown.
    pub fn lacks_news(&self, ledger: &Ledger) -> bool {
        let Inner { debits, fresh, .. } = &mut *self.0.lock();
        fresh.retain(|id| {
            let debit = debits.get(id);
            debit.is_some_and(|debit| debit.is_of(ledger.since()) && !ledger.may_have_shown(debit.at(), *id))
        });
        !fresh.is_empty()
    }

    /// When the last of that was shown. `known`: as far as it is, it has shown that until now.
    pub fn shown_last(&self, items: &[Item], known: Option<&Ledger>, now: Duration) -> Duration {
        let inner = self.0.lock();
        let shown = items.iter().filter_map(|item| {
            let (is_known, at) = match item {
                Item::Debit(id) => {
                    let debit = inner.debits.get(id)?;
                    let has =
                        |known: &Ledger| debit.is_of(known.since()) && known.may_have_shown(debit.at(), *id);
                    (known.is_some_and(has), u64::from(debit.last))
                }
                Item::Count(day) => {
                    let count = inner.counts.get(day)?;
                    let has = |known: &Ledger| known.since() <= *day && count.rows <= known.rows_met();
                    (known.is_some_and(has), count.at)
                }
            };
            Some(if is_known { now } else { Duration::from_secs(at) })
        });
        shown.max().unwrap_or_default()
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
        let Inner { debits, fresh, counts, .. } = &mut *self.0.lock();
        debits.retain(|_, debit| !is_outdated(debit.at(), now));
        fresh.retain(|id| debits.contains_key(id));
        counts.retain(|day, _| !is_outdated(day_begins(*day), now));
    }
}

impl Debit {
    fn at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.at).unwrap_or(Timestamp::MIN)
    }

    /// Whether a reading since that day shows it, unless it is of an older state.
    fn is_of(&self, since: Date) -> bool {
        let certain = day_begins(since).saturating_add(LOCAL).unwrap_or(Timestamp::MAX);
        self.of.is_some_and(|of| since <= of) || certain <= self.at()
    }
}

impl Inner {
    fn meet(&mut self, id: u64, at: Timestamp, of: Option<Date>, now: Duration) {
        let (at, first, last) = (at.as_microsecond(), self.now, u32::try_from(now.as_secs()));
        let last = last.unwrap_or(u32::MAX);
        if self.debits.len() >= MOST {
            self.forget_older_half();
        }
        let debit = self.debits.entry(id).or_insert_with(|| {
            self.fresh.push(id);
            Debit { at, of, first, last }
        });
        (debit.at, debit.of, debit.last) = (at, debit.of.max(of), last);
    }

    fn forget_older_half(&mut self) {
        let mut times: Vec<_> = self.debits.values().map(|debit| debit.at).collect();
        let (_, middle, _) = times.select_nth_unstable(MOST / 2);
        self.debits.retain(|_, debit| debit.at > *middle);
        self.fresh.retain(|id| self.debits.contains_key(id));
    }

    fn count(&mut self, of: Date, count: Count) {
        let known = self.counts.entry(of).or_default();
        if known.rows < count.rows {
            *known = count;
        }
    }

    /// What a reading since that day lacks, of so many rows.
    fn lacking(
        &self,
        since: Date,
        owed: &Owed,
        rows: usize,
        shows: impl Fn(Timestamp, u64) -> bool,
    ) -> Vec<Item> {
        let debits = self.debits.iter().filter(|(id, debit)| {
            debit.first < owed.before && debit.is_of(since) && !shows(debit.at(), **id)
        });
        // What was forgotten meanwhile is not owed any more.
        let known = |day: &Date, rows: usize| self.counts.get(day).map_or(0, |known| rows.min(known.rows));
        let counts = owed.counts.range(since..).filter(|(day, count)| rows < known(day, count.rows));
        let announced = (rows < owed.announced.count.rows).then_some(since);
        let days: BTreeSet<_> = counts.map(|(day, _)| *day).chain(announced).collect();
        debits.map(|(id, _)| Item::Debit(*id)).chain(days.into_iter().map(Item::Count)).collect()
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

    fn rows(rows: usize) -> Count {
        Count { rows, at: 0 }
    }

    /// A reading that goes back to the fifth day has shown 10 rows, and so many hours after that midnight a debit.
    fn remembered(hours: i64) -> Inner {
        let mut inner = Inner::default();
        inner.meet(1, at(5, hours), Some(day(5)), Duration::ZERO);
        inner.count(day(5), rows(10));
        inner.now = Mark(1);
        inner
    }

    /// What a reading owes that began at that mark.
    fn owed(inner: &Inner, mark: u32) -> Owed {
        let announced = Announced { remembered: Remembered::default(), since: day(5), count: rows(0) };
        Owed { before: Mark(mark), counts: inner.counts.clone(), announced }
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
            let inner = remembered(hours);
            let found = inner.lacking(day(since), &owed(&inner, 1), rows, |_, _| shows);
            assert_eq!(found, lacking, "{hours} {since} {rows} {shows}");
        }
    }

    #[test]
    fn what_was_shown_since_a_reading_began_it_need_not_show() {
        let mut inner = remembered(1);
        let [first, second] = [0, 1].map(|mark| owed(&inner, mark));
        inner.meet(1, at(5, 2), Some(day(5)), Duration::ZERO);
        inner.meet(2, at(5, 3), Some(day(5)), Duration::ZERO);
        inner.count(day(5), rows(12));
        let lacking = |owed, rows| inner.lacking(day(5), owed, rows, |_, _| false);
        assert_eq!(lacking(&first, 10), []);
        assert_eq!(lacking(&second, 10), [Item::Debit(1)]);
        let last = owed(&inner, 2);
        assert_eq!(lacking(&last, 11), [Item::Debit(1), Item::Debit(2), Item::Count(day(5))]);
    }

    #[test]
    fn fewer_rows_and_no_day_take_nothing_from_what_is_remembered() {
        let mut inner = remembered(1);
        inner.count(day(5), rows(3));
        inner.meet(1, at(5, 1), None, Duration::ZERO);
        let lacking = inner.lacking(day(5), &owed(&inner, 1), 9, |_, _| false);
        assert_eq!(lacking, [Item::Debit(1), Item::Count(day(5))]);
    }

    #[test]
    fn what_was_shown_again_or_grew_was_shown_then() {
        let remembered = Remembered(Arc::new(Mutex::new(remembered(1))));
        let (debit, count) = (Item::Debit(1), Item::Count(day(5)));
        let shown = |items: &[Item]| remembered.shown_last(items, None, Duration::from_secs(9)).as_secs();
        assert_eq!((shown(&[debit, count]), shown(&[])), (0, 0));
        remembered.0.lock().meet(1, at(5, 1), None, Duration::from_secs(3));
        assert_eq!((shown(&[debit]), shown(&[count]), shown(&[debit, count])), (3, 0, 3));
        for (rows, since) in [(10, 0), (9, 0), (11, 5)] {
            remembered.0.lock().count(day(5), Count { rows, at: 5 });
            assert_eq!(shown(&[count]), since, "{rows}");
        }
    }

    #[test]
    fn what_was_forgotten_since_a_reading_began_is_not_owed() {
        let remembered = Remembered(Arc::new(Mutex::new(remembered(1))));
        let (debit, count) = (Item::Debit(1), Item::Count(day(5)));
        for (forgotten, counted, met, lacking) in [
            (&[][..], 0, 9, &[debit, count][..]),
            (&[debit], 0, 9, &[count]),
            (&[count], 0, 9, &[]),
            // As many as there are now are owed all the same.
            (&[], 8, 7, &[count]),
            (&[], 8, 8, &[]),
        ] {
            let owed = Owed { before: Mark(1), ..remembered.owed(day(5)) };
            let owed = Owed { counts: BTreeMap::from([(day(5), rows(10))]), ..owed };
            remembered.forget(forgotten);
            let mut inner = remembered.0.lock();
            inner.count(day(5), rows(counted));
            let found = inner.lacking(day(5), &owed, met, |_, _| false);
            drop(inner);
            assert_eq!(found, lacking, "{forgotten:?} {counted} {met}");
        }
    }

    #[test]
    fn what_a_reading_announced_is_owed_by_it_and_whatever_becomes_of_it() {
        let remembered = Remembered(Arc::new(Mutex::new(remembered(1))));
        let lacking = |owed: &Owed, rows| remembered.0.lock().lacking(day(5), owed, rows, |_, _| true);
        for (withdrawn, owed_since) in [(true, 10), (false, 12)] {
            let mut owed = remembered.owed(day(5));
            owed.announced.rows(12, Duration::ZERO);
            assert_eq!(lacking(&owed, 11), [Item::Count(day(5))]);
            assert_eq!(lacking(&owed, 12), []);
            if withdrawn {
                owed.announced.withdraw();
            }
            drop(owed);
            let owed = remembered.owed(day(5));
            assert_eq!(lacking(&owed, owed_since), []);
            assert_eq!(lacking(&owed, owed_since - 1), [Item::Count(day(5))]);
        }
    }

    #[test]
    fn what_no_reading_goes_back_to_is_forgotten() {
        let remembered = Remembered(Arc::new(Mutex::new(remembered(1))));
        let lacking = || {
            let owed = remembered.owed(day(5));
            remembered.0.lock().lacking(day(5), &owed, 0, |_, _| false).len()
        };
        for (now, left) in [(at(9, 1), 2), (at(9, 4), 0)] {
            remembered.forget_outdated(now);
            assert_eq!(lacking(), left, "{now}");
        }
    }

    #[test]
    fn of_too_many_debits_the_newer_half_is_remembered() {
        let mut inner = Inner::default();
        let second = |id: u64| Timestamp::from_second(i64::try_from(id).unwrap()).unwrap();
        (0..=MOST as u64).rev().for_each(|id| inner.meet(id, second(id), None, Duration::ZERO));
        assert_eq!(inner.debits.len(), MOST / 2);
        assert!(inner.debits.contains_key(&(MOST as u64)) && inner.debits.contains_key(&0));
    }
}
