//! The ledger from a day on: read to its end once, and then kept up with at its head. Pages in, the next ones or the rows
//! out.
//!
//! Rows are only ever added to a ledger, so a number of distinct rows of it that is its total is all of it, and what was
//! read before need not be read again. A row is told from others by its id alone: its sum, type and time may change. Ids are
//! remembered of some rows alone: a row that is not remembered is a new one where it is newer than all that were
//! forgotten, or older. Where that cannot be told, the ledger is read anew.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{
    error::ReadError,
    filtered::{Filtered, is_unnamed},
    page::{LARGE, Page, Shown},
    seen::{Met, Seen},
};
use crate::domain::{LedgerNews, LedgerRow};

/// So many of the newest rows are remembered, and as many of the oldest while they are read.
const REMEMBERED: usize = 20_000;

/// Rows on the first page that is asked for what is new: few have come as a rule.
const SMALL: usize = 100;

/// What is new is to be found in so many pages. What is not is further down than rows come late.
const MOST_NEW: usize = 20;

/// No ledger that is read here has more pages.
const MOST_PAGES: usize = 10_000;

/// Nor has one more rows that may concern a purchase: each is kept in memory, and all debits may be of them where Vobiz
/// leaves out what they are for.
pub const MOST_OF_INTEREST: usize = 125_000;

/// The rows of a ledger that are known.
#[derive(Debug)]
pub struct Window {
    /// Those that may concern a purchase, by their ids.
    rows: HashMap<u64, Arc<LedgerRow>>,
    /// Those that have come to what was taken last; nothing where it has to be taken whole.
    came: Option<Vec<Arc<LedgerRow>>>,
    seen: Seen,
    /// The most rows that were announced: fewer are an older state, or a ledger that loses rows.
    most: usize,
    /// Whether a page has announced fewer since what is new is looked for.
    has_shrunk: bool,
    stage: Stage,
    /// Whether all rows were read since the window began, or since what is new is looked for.
    anew: bool,
    /// Whether it has rows that no filter names.
    unnamed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// To the end: how many pages were read, and how many rows the largest of them had.
    Down { pages: usize, size: usize },
    /// What is new: the next page and its size, how many may be read still, and the total when the first one was.
    Up { page: usize, size: usize, left: usize, goal: usize },
}

/// What follows from a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Fed {
    More,
    /// All rows are known. `anew`: and none of them only from before what is new was looked for.
    Known {
        anew: bool,
    },
    /// It cannot be told whether all rows are known.
    Unproven,
}

impl Default for Window {
    fn default() -> Self {
        let stage = Stage::Down { pages: 0, size: 0 };
        let seen = Seen::remembering(REMEMBERED);
        Self {
            rows: HashMap::new(),
            came: None,
            seen,
            most: 0,
            has_shrunk: false,
            stage,
            anew: true,
            unnamed: false,
        }
    }
}

impl Window {
    /// Begins to look for what is new.
    pub fn catch_up(&mut self) {
        (self.anew, self.has_shrunk) = (false, false);
        if self.seen.fresh.len() > self.seen.remembers {
            // Some readings of what is new have failed in a row.
            self.seen.remember();
        }
        self.stage = Stage::Up { page: 1, size: SMALL, left: MOST_NEW, goal: 0 };
    }

    /// The rows, if they are others than those that were taken last.
    pub fn take_rows(&mut self) -> Option<LedgerNews> {
        match self.came.replace(Vec::new()) {
            None => Some(LedgerNews::All(self.rows.values().cloned().collect())),
            Some(came) => (!came.is_empty()).then_some(LedgerNews::More(came)),
        }
    }

    /// How many rows are known.
    pub fn len(&self) -> usize {
        self.seen.count
    }

    /// The most rows that were announced.
    pub fn announced(&self) -> usize {
        self.most
    }

    /// Whether a row may have been met.
    pub fn may_know(&self, at: Timestamp, id: u64) -> bool {
        self.rows.contains_key(&id) || self.seen.may_know(at, id)
    }

    pub fn has_shrunk(&self) -> bool {
        self.has_shrunk
    }

    /// The page that is to be read next, and how large it is.
    pub fn next(&self) -> (usize, usize) {
        match self.stage {
            Stage::Down { pages, .. } => (pages + 1, LARGE),
            Stage::Up { page, size, .. } => (page, size),
        }
    }

    /// The next page; what follows from it.
    ///
    /// # Errors
    /// If the ledger has no end.
    pub fn feed(&mut self, page: Page<Arc<LedgerRow>>) -> Result<Fed, ReadError> {
        let Some(total) = page.total else { return Ok(Fed::Unproven) };
        self.has_shrunk |= total < self.most;
        self.most = self.most.max(total);
        let (on_page, sorts) = (page.keys.len(), page.sorts.clone());
        let Some(shown) = page.by_id() else { return Ok(Fed::Unproven) };
        for (id, Shown { at, .. }) in &shown {
            match self.seen.meet(*at, *id) {
                Met::Either => return Ok(Fed::Unproven),
                // It was forgotten, and has got another time since.
                Met::New if self.rows.contains_key(id) => return Ok(Fed::Unproven),
                Met::New | Met::Again => {}
            }
        }
        let is_all = shown.len() == total;
        self.keep(shown);
        self.unnamed |= sorts.into_iter().any(is_unnamed);
        let is_known = self.seen.count == self.most && total == self.most;
        if is_known || matches!(self.stage, Stage::Down { .. }) {
            self.seen.remember();
        }
        if self.rows.len() > MOST_OF_INTEREST {
            return self.is_beyond("ledger with too many rows that may concern numbers");
        }
        if is_known {
            return Ok(Fed::Known { anew: self.anew || is_all });
        }
        if total / LARGE > MOST_PAGES {
            return self.is_beyond("ledger without an end");
        }
        Ok(self.follow(on_page, total))
    }

    /// A ledger that was known is dropped: as an error it would come back each time, and what is known since too long ago
    /// would never be dropped.
    fn is_beyond(&self, what: &str) -> Result<Fed, ReadError> {
        if matches!(self.stage, Stage::Up { .. }) {
            return Ok(Fed::Unproven);
        }
        Err(ReadError::unreadable(what))
    }

    /// Whether it is worth while to ask by filters, and they can show all that may concern a purchase.
    pub fn can_be_filtered(&self) -> bool {
        !self.unnamed && self.seen.count > MOST_NEW * LARGE
    }

    /// The rows that may concern a purchase, by their ids.
    pub fn of_interest(&self) -> HashMap<u64, Arc<LedgerRow>> {
        self.rows.clone()
    }

    /// What filters show is what may concern a purchase, unless they show less than was known when they were first asked.
    /// What has come since they may have missed.
    pub fn renew(&mut self, mut filtered: Filtered) -> bool {
        let is_all = filtered.shows_what_was_known();
        if is_all {
            // What has come since the ledger was known is met when what is new is looked for: kept now, it would be a row then
            // that was forgotten. And what has changed here since filters were first asked may be newer than what they showed.
            filtered.rows.retain(|id, shown| {
                let [then, now] = [&filtered.known, &self.rows].map(|rows| rows.get(id));
                let is_as_it_was = then == now && then.map(|row| row.status) == now.map(|row| row.status);
                is_as_it_was && self.may_know(shown.at, *id)
            });
            self.keep(filtered.rows);
        }
        is_all
    }

    /// Rows may have changed since they were read before, and be of no interest any more.
    fn keep(&mut self, shown: HashMap<u64, Shown>) {
        for (id, Shown { row, .. }) in shown {
            let known = self.rows.get(&id);
            if known == row.as_ref() {
                // It stays as it was taken.
                if let Some(row) = row.filter(|row| known.is_some_and(|known| known.status != row.status)) {
                    self.rows.insert(id, row);
                }
                continue;
            }
            if known.is_some() {
                // What it was may have been taken.
                self.came = None;
                self.rows.remove(&id);
            }
            if let Some(row) = row {
                self.came.iter_mut().for_each(|came| came.push(row.clone()));
                self.rows.insert(id, row);
            }
        }
    }

    /// Some rows are missing, or have come while the others were counted.
    fn follow(&mut self, rows: usize, now: usize) -> Fed {
        match &mut self.stage {
            Stage::Down { pages, size } => {
                (*pages, *size) = (*pages + 1, rows.max(*size));
                if rows == *size && rows > 0 && *pages < MOST_PAGES {
                    return Fed::More;
                }
                // What has come meanwhile: the longer it took, the more.
                let left = MOST_NEW + *pages / 5;
                self.stage = Stage::Up { page: 1, size: LARGE, left, goal: 0 };
                Fed::More
            }
            Stage::Up { page, size, left, goal } => {
                *left = left.saturating_sub(1);
                if *page == 1 {
                    *goal = now;
                }
                if *size == SMALL || self.seen.count >= *goal {
                    // More are new than are on a small page, or those that are missing have come since the first one.
                    (*page, *size) = (1, LARGE);
                } else {
                    *page += 1;
                }
                if *left > 0 && rows > 0 { Fed::More } else { Fed::Unproven }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashSet, VecDeque};

    use super::*;
    use crate::vobiz::{masks::Masks, page::ledger_page};

    /// A ledger at Vobiz, the newest row first, which serves small pages.
    #[derive(Default)]
    struct Vobiz {
        /// When they were made, and their ids.
        rows: VecDeque<(Timestamp, u64)>,
        /// Those whose sum has changed.
        corrected: HashSet<u64>,
        made: u64,
        calls: usize,
    }

    const SIZE: usize = 10;

    impl Vobiz {
        fn with(rows: u64) -> Self {
            let mut vobiz = Self::default();
            vobiz.add(rows);
            vobiz
        }

        fn add(&mut self, rows: u64) {
            for _ in 0..rows {
                self.add_late(0);
            }
        }

        /// Adds a row below so many newer ones.
        fn add_late(&mut self, newer: usize) {
            self.made += 1;
            let second = |at: u64| Timestamp::from_second(i64::try_from(at).unwrap()).unwrap();
            let at = if newer == 0 { second(self.made) } else { self.rows[newer].0 };
            self.rows.insert(newer, (at, self.made));
        }

        /// A page, on which each tenth row is of interest.
        fn page(&mut self, page: usize, size: usize) -> Page<Arc<LedgerRow>> {
            self.calls += 1;
            let size = size.min(SIZE);
            let rows: Vec<_> = self.rows.iter().skip((page - 1) * size).take(size).copied().collect();
            let row =
                |id: u64| LedgerRow::for_tests(&format!(r#"{{"id":"{id}","type":"credit","amount":5}}"#));
            let key = |id: u64| if self.corrected.contains(&id) { id + 1_000_000 } else { id };
            let of_interest = rows.iter().filter(|(_, id)| id % 10 == 0);
            Page {
                rows: of_interest.map(|(_, id)| (key(*id), Arc::new(row(*id)))).collect(),
                keys: rows.iter().map(|(_, id)| key(*id)).collect(),
                ids: Some(rows.clone()),
                total: Some(self.rows.len()),
                ..Page::default()
            }
        }
    }

    /// Feeds the window until it knows; between two calls that happens. Returns how many calls it took, if it knows.
    fn read(window: &mut Window, vobiz: &mut Vobiz, mut happens: impl FnMut(&mut Vobiz)) -> Option<usize> {
        vobiz.calls = 0;
        loop {
            let (page, size) = window.next();
            let fed = window.feed(vobiz.page(page, size)).unwrap();
            happens(vobiz);
            match fed {
                Fed::More => {}
                Fed::Known { .. } => return Some(vobiz.calls),
                Fed::Unproven => return None,
            }
        }
    }

    fn quiet(_: &mut Vobiz) {}

    /// A window that remembers ten pages.
    fn begun() -> Window {
        Window { seen: Seen::remembering(10 * SIZE), ..Window::default() }
    }

    fn known(window: &mut Window) -> usize {
        window.came = None;
        taken(window)
    }

    /// How many rows are taken, if all are.
    fn taken(window: &mut Window) -> usize {
        let Some(LedgerNews::All(rows)) = window.take_rows() else { panic!("not all of them") };
        rows.len()
    }

    #[test]
    fn a_known_ledger_that_became_too_long_is_dropped() {
        let mut vobiz = Vobiz::with(30);
        let mut window = Window::default();
        assert!(read(&mut window, &mut vobiz, |_| {}).is_some());
        window.catch_up();
        vobiz.add(20);
        let long = |vobiz: &mut Vobiz| Page { total: Some((MOST_PAGES + 1) * LARGE), ..vobiz.page(1, SIZE) };
        assert_eq!(window.feed(long(&mut vobiz)).unwrap(), Fed::Unproven);
        assert!(Window::default().feed(long(&mut vobiz)).is_err(), "one that is not known has no end");
    }

    #[test]
    fn rows_that_come_while_all_are_read_make_nothing_be_read_again() {
        for (rows, coming, most) in [(0, 0, 1), (10, 0, 1), (995, 1, 130), (5000, 1, 640)] {
            let (mut window, mut vobiz) = (begun(), Vobiz::with(rows));
            let mut before = 0;
            let calls = read(&mut window, &mut vobiz, |vobiz| {
                before = vobiz.rows.len();
                vobiz.add(coming);
            });
            assert!(calls.is_some_and(|calls| calls <= most), "{rows}: {calls:?}");
            assert_eq!(known(&mut window), before / 10, "{rows}");
        }
    }

    #[test]
    fn what_is_new_is_read_in_a_few_calls_however_long_the_ledger_is() {
        let (mut window, mut vobiz) = (begun(), Vobiz::with(3000));
        assert_eq!(read(&mut window, &mut vobiz, quiet), Some(300));
        for (new, calls) in [(0, 1), (9, 1), (10, 1), (35, 5), (0, 1), (180, 19)] {
            vobiz.add(new);
            window.catch_up();
            assert_eq!(read(&mut window, &mut vobiz, quiet), Some(calls), "{new}");
            assert_eq!(known(&mut window), vobiz.rows.len() / 10, "{new}");
        }
        // And where rows come all the while.
        window.catch_up();
        vobiz.add(30);
        assert!(read(&mut window, &mut vobiz, |vobiz| vobiz.add(3)).is_some_and(|calls| calls < 10));
    }

    #[test]
    fn a_row_that_comes_late_is_found_or_the_ledger_is_read_anew() {
        for (newer, found) in [(1, true), (9, true), (55, true), (99, true), (150, false), (2000, false)] {
            let (mut window, mut vobiz) = (begun(), Vobiz::with(3009));
            assert!(read(&mut window, &mut vobiz, quiet).is_some());
            vobiz.add_late(newer);
            window.catch_up();
            assert_eq!(read(&mut window, &mut vobiz, quiet).is_some(), found, "{newer}");
            assert!(vobiz.calls <= MOST_NEW, "{newer}");
            assert!(!found || known(&mut window) == 301, "{newer}");
        }
    }

    #[test]
    fn a_ledger_that_hides_rows_or_loses_them_is_not_known() {
        for (hidden, of) in [(0, 30), (15, 30), (29, 30), (250, 500)] {
            let (mut window, mut vobiz) = (begun(), Vobiz::with(of));
            let rows = vobiz.rows.len();
            vobiz.rows.remove(hidden);
            let read = loop {
                let (page, size) = window.next();
                match window.feed(Page { total: Some(rows), ..vobiz.page(page, size) }).unwrap() {
                    Fed::More => {}
                    Fed::Known { .. } => break true,
                    Fed::Unproven => break false,
                }
            };
            assert!(!read, "{hidden} of {of}");
        }
        let (mut window, mut vobiz) = (begun(), Vobiz::with(300));
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        vobiz.rows.remove(7);
        window.catch_up();
        assert_eq!(read(&mut window, &mut vobiz, quiet), None);
    }

    #[test]
    fn rows_that_cannot_be_told_apart_or_counted_prove_nothing() {
        let mut vobiz = Vobiz::with(5);
        for page in [Page { ids: None, ..vobiz.page(1, LARGE) }, Page { total: None, ..vobiz.page(1, LARGE) }]
        {
            assert_eq!(Window::default().feed(page), Ok(Fed::Unproven));
        }
        // In any order but that of time, a row may be one that was forgotten.
        let (mut window, mut vobiz) = (begun(), Vobiz::with(3000));
        vobiz.rows.make_contiguous().sort_by_key(|(_, key)| key * 7919 % 3001);
        assert_eq!(read(&mut window, &mut vobiz, quiet), None);
    }

    #[test]
    fn a_ledger_without_an_end_is_given_up_at_once() {
        let (mut window, mut vobiz) = (begun(), Vobiz::with(50));
        let endless = Page { total: Some(100_000_000), ..vobiz.page(1, LARGE) };
        assert!(matches!(window.feed(endless), Err(ReadError::Failed(_))));
    }

    #[test]
    fn what_is_shown_again_replaces_what_it_was() {
        let (mut window, mut vobiz) = (begun(), Vobiz::with(100));
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        assert!(window.take_rows().is_some() && window.take_rows().is_none());
        window.catch_up();
        let page = vobiz.page(1, SIZE);
        assert_eq!(window.feed(Page { rows: Vec::new(), ..page }), Ok(Fed::Known { anew: false }));
        assert_eq!(taken(&mut window), 9, "one is of no interest any more");
        let (mut window, mut vobiz) = (begun(), Vobiz::with(7));
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        window.catch_up();
        assert_eq!(window.feed(vobiz.page(1, SIZE)), Ok(Fed::Known { anew: true }));
    }

    #[test]
    fn of_a_ledger_that_was_taken_what_has_come_is_taken() {
        let (mut window, mut vobiz) = (begun(), Vobiz::with(100));
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        assert_eq!(taken(&mut window), 10);
        for _ in 0..2 {
            vobiz.add(20);
            window.catch_up();
            assert!(read(&mut window, &mut vobiz, quiet).is_some());
        }
        let came = window.take_rows();
        assert!(matches!(&came, Some(LedgerNews::More(rows)) if rows.len() == 4), "{came:?}");
        assert!(window.take_rows().is_none());
    }

    #[test]
    fn filters_replace_what_is_known_unless_they_show_less() {
        let (mut window, mut vobiz) = (begun(), Vobiz::with(100));
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        let of_interest = window.of_interest();
        let first: HashMap<_, _> = of_interest.clone().into_iter().filter(|(id, _)| *id <= 50).collect();
        let shown = |ids: std::ops::RangeInclusive<u64>, known: HashMap<_, _>| {
            let mut filtered = Filtered::since("2026-01-02".parse().unwrap(), known);
            let of_no_interest = |id| (id, Shown { at: Timestamp::UNIX_EPOCH, key: id, row: None });
            filtered.rows.extend(ids.map(of_no_interest));
            filtered
        };
        assert!(!window.renew(shown(10..=40, first.clone())), "one is missing");
        assert_eq!(known(&mut window), 10);
        // Rows that have come since prove nothing, and stay.
        assert!(window.renew(shown(10..=50, first)));
        assert_eq!(known(&mut window), 5, "those that are shown are of no interest any more");
        let left: HashSet<_> = window.of_interest().into_keys().collect();
        assert_eq!(left, [60, 70, 80, 90, 100].into());
        // What has changed here since filters were first asked may be newer than what they showed.
        let before = HashMap::from([(60, of_interest[&70].clone()), (70, of_interest[&70].clone())]);
        assert!(window.renew(shown(60..=70, before)));
        let left: HashSet<_> = window.of_interest().into_keys().collect();
        assert_eq!(left, [60, 80, 90, 100].into());
    }

    #[test]
    fn a_row_that_came_while_filters_were_asked_is_met_as_a_new_one() {
        let (mut window, mut vobiz) = (begun(), Vobiz::with(100));
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        vobiz.add(10);
        let page = vobiz.page(1, SIZE).by_id().unwrap();
        let mut filtered = Filtered::since("2026-01-02".parse().unwrap(), HashMap::new());
        filtered.rows.extend(page.into_iter().filter(|(_, shown)| shown.row.is_some()));
        assert_eq!(filtered.rows.len(), 1);
        assert!(window.renew(filtered));
        window.catch_up();
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        assert_eq!(known(&mut window), 11);
    }

    #[test]
    fn a_debit_that_becomes_completed_has_nothing_taken_anew() {
        let page = |status: &str| {
            let body = format!(
                r#"{{"transactions":[{{"id":"t","type":"debit","amount":5,"status":"{status}",
                "created_at":"2026-01-02T03:04:05Z"}}],"total":1}}"#
            );
            ledger_page(body.as_bytes(), 1, &Masks::default()).unwrap()
        };
        let mut window = Window::default();
        assert_eq!(window.feed(page("pending")), Ok(Fed::Known { anew: true }));
        assert_eq!(taken(&mut window), 1);
        window.catch_up();
        assert_eq!(window.feed(page("completed")), Ok(Fed::Known { anew: true }));
        assert!(window.take_rows().is_none());
        window.catch_up();
        assert_eq!(window.feed(page("failed")), Ok(Fed::Known { anew: true }));
        assert_eq!(taken(&mut window), 0);
    }

    /// A ledger that is known, in which one row has become another in all but its id, and one has come late.
    fn changed(newer: usize, change: impl FnOnce(&mut Vobiz)) -> Option<usize> {
        let (mut window, mut vobiz) = (begun(), Vobiz::with(3000));
        assert!(read(&mut window, &mut vobiz, quiet).is_some());
        change(&mut vobiz);
        vobiz.add_late(newer);
        window.catch_up();
        read(&mut window, &mut vobiz, quiet).map(|_| known(&mut window))
    }

    #[test]
    fn a_row_that_changes_makes_up_for_none_that_comes_late() {
        let late = Timestamp::from_second(4000).unwrap();
        for newer in [150, 2000] {
            for changed_one in [0, 3, 60] {
                let sum = |vobiz: &mut Vobiz| {
                    let (_, id) = vobiz.rows[changed_one];
                    vobiz.corrected.insert(id);
                };
                assert_eq!(changed(newer, sum), None, "{newer} {changed_one}");
                let time = |vobiz: &mut Vobiz| vobiz.rows[changed_one].0 = late;
                assert_eq!(changed(newer, time), None, "{newer} {changed_one}");
            }
        }
        // One of interest that was forgotten, and has a new time.
        let renewed = |vobiz: &mut Vobiz| {
            let place = vobiz.rows.iter().position(|(_, id)| *id == 1500).unwrap();
            let (_, id) = vobiz.rows.remove(place).unwrap();
            vobiz.rows.push_front((late, id));
        };
        assert_eq!(changed(1700, renewed), None);
        let found = changed(9, |vobiz| vobiz.corrected = [2995].into());
        assert_eq!(found, Some(300));
    }

    #[test]
    fn a_ledger_with_too_much_that_may_be_of_numbers_is_not_known() {
        let row = Arc::new(LedgerRow::for_tests(r#"{"id":"1","type":"debit","amount":5}"#));
        let page = |from: u64, total: usize| {
            let keys: Vec<u64> = (from..from + 1000).collect();
            let rows = keys.iter().map(|key| (*key, row.clone())).collect();
            let at = |id: u64| Timestamp::from_second(1_000_000 - i64::try_from(id).unwrap()).unwrap();
            let ids = Some(keys.iter().map(|id| (at(*id), *id)).collect());
            Page { rows, keys, ids, total: Some(total), ..Page::default() }
        };
        let (mut window, most) = (Window::default(), u64::try_from(MOST_OF_INTEREST).unwrap());
        for from in (0..most).step_by(1000) {
            let known = from + 1000 == most;
            let fed = window.feed(page(from, MOST_OF_INTEREST)).unwrap();
            assert_eq!(fed == Fed::Known { anew: true }, known, "{from}");
        }
        window.catch_up();
        assert_eq!(window.feed(page(most, MOST_OF_INTEREST + 1000)), Ok(Fed::Unproven), "it is dropped");
        let mut window = Window::default();
        let mut fed = (0..=most).step_by(1000).map(|from| window.feed(page(from, MOST_OF_INTEREST + 1000)));
        assert!(fed.any(|fed| matches!(fed, Err(ReadError::Failed(_)))), "its silence proves nothing");
    }

    #[test]
    fn what_is_known_is_all_that_there_is_whatever_comes_between_the_pages() {
        let mut seed = 1_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let (mut knew, mut doubted) = (0, 0);
        for _ in 0..300 {
            let (mut window, mut vobiz) = (begun(), Vobiz::with(random(600)));
            for _ in 0..4 {
                let mut announced = 0;
                let outcome = read(&mut window, &mut vobiz, |vobiz| {
                    announced = vobiz.rows.len();
                    vobiz.add(random(4).saturating_sub(2));
                    let late = usize::try_from(random(40) * random(20)).unwrap();
                    if random(10) == 0 && late < vobiz.rows.len() {
                        vobiz.add_late(late);
                    }
                });
                if outcome.is_none() {
                    doubted += 1;
                    break;
                }
                knew += 1;
                assert_eq!(window.seen.count, announced);
                vobiz.add(random(50));
                window.catch_up();
            }
        }
        assert!(knew > 100 && doubted > 10, "{knew} {doubted}");
    }
}
