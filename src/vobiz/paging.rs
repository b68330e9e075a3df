//! Reads a list to its end, although its rows move between the pages meanwhile. Pages in, the next page or the list out.

use std::{
    collections::{HashMap, HashSet},
    ops::RangeInclusive,
};

use super::{error::ReadError, page::Page};

/// A list whose total keeps changing while it is paged is read so often, then taken as the union of what was
/// seen: one row would have to hide in every pass.
const PASSES: usize = 3;

/// No list that is read here has more pages; a server that never ends is an error, not a loop.
const MOST_PAGES: usize = 10_000;

/// Nor has one more rows: each is remembered while it is read, for some 20 MB, and for as many again once a pass has come
/// out short.
const MOST_ROWS: usize = 1_000_000;

/// A list of which some pages were read.
///
/// Rows can move while pages are read: a row that is added pushes others to a later page, where they are seen
/// twice, and one that is removed pulls others to an earlier page, where they are missed. So the count of distinct
/// rows is held against the total, and a pass that comes out short is repeated.
#[derive(Debug)]
pub struct Pages<T> {
    /// What all passes saw.
    rows: HashMap<u64, T>,
    /// Of all rows that short passes saw, those of no interest included.
    keys: HashSet<u64>,
    pass: Pass,
    /// Passes that came out short.
    short: usize,
    /// Whether the total changed within one of them.
    moved: bool,
    /// The most that a page with rows has announced, and whether a later one announced fewer.
    most: Option<usize>,
    shrank: bool,
    /// The least that any of them announced.
    least: Option<usize>,
}

/// What follows from a page.
#[derive(Debug)]
pub enum Next<T> {
    /// That page is to be read.
    Page(usize),
    End(Listed<T>),
}

/// The rows of a list.
#[derive(Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// All of them.
    Whole(Vec<T>),
    /// Those that were shown, and they never came up to the total.
    Short(Vec<T>),
}

impl<T> Listed<T> {
    /// For a list whose silence is to prove something.
    ///
    /// # Errors
    /// If it is short.
    pub fn whole(self) -> Result<Vec<T>, ReadError> {
        match self {
            Self::Whole(rows) => Ok(rows),
            Self::Short(_) => Err(ReadError::unreadable("list shorter than its total")),
        }
    }

    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// Where rows are searched for: the total may count those that were not.
    pub(crate) fn rows(self) -> Vec<T> {
        match self {
            Self::Whole(rows) | Self::Short(rows) => rows,
        }
    }
}

/// One pass over all pages.
#[derive(Debug, Default)]
struct Pass {
    pages: usize,
    /// Rows on its first page, and how many it announced.
    size: usize,
    first: Option<usize>,
    /// Keys of all its rows.
    seen: HashSet<u64>,
    totals: HashSet<Option<usize>>,
    /// The least that any page with rows announced.
    least: Option<usize>,
}

/// How a pass ends.
enum End {
    /// It saw as many rows as there were at its end.
    Complete,
    Short {
        total_changed: bool,
        total: Option<usize>,
    },
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        let (rows, keys) = (HashMap::new(), HashSet::new());
        let pass = Pass::default();
        Self { rows, keys, pass, short: 0, moved: false, most: None, shrank: false, least: None }
    }
}

impl<T> Pages<T> {
    /// The page that was to be read, the first one at first; what follows from it.
    ///
    /// # Errors
    /// If the page cannot be had, or the list has no end.
    pub fn feed(&mut self, page: Result<Page<T>, ReadError>) -> Result<Next<T>, ReadError> {
        let Page { rows, keys, total, .. } = match page {
            // The list exists, or there would have been no first page.
            Err(ReadError::NoSuchEndpoint) if self.pass.pages > 0 => {
                return Err(ReadError::unreadable("page that does not exist"));
            }
            page => page?,
        };
        self.rows.extend(rows);
        if !keys.is_empty() {
            self.shrank |= total.is_some() && total < self.most;
            self.most = self.most.max(total);
        }
        match self.pass.add(keys, total) {
            None if self.pass.pages < MOST_PAGES && self.pass.seen.len() < MOST_ROWS => {
                return Ok(Next::Page(self.pass.pages + 1));
            }
            None => return Err(ReadError::unreadable("list without an end")),
            Some(End::Complete) => return Ok(Next::End(Listed::Whole(self.take_rows()))),
            Some(End::Short { total_changed, total }) => {
                self.moved |= total_changed;
                self.least = self.least.into_iter().chain(total).min();
            }
        }
        let pass = std::mem::take(&mut self.pass);
        self.keys.extend(pass.seen);
        self.short += 1;
        if self.short < PASSES {
            return Ok(Next::Page(1));
        }
        // Rows that move explain a short pass, and three passes see what one missed. A list that stands still and is short
        // all the same hides rows, and so does one whose passes together have fewer than any of them announced. Where rows
        // only come, the last pass saw all that it began with: new ones must not make up for one that is hidden.
        let expected = if self.shrank { self.least } else { pass.first };
        let is_whole = self.moved && expected.is_some_and(|expected| self.keys.len() >= expected);
        let rows = self.take_rows();
        Ok(Next::End(if is_whole { Listed::Whole(rows) } else { Listed::Short(rows) }))
    }

    /// The pages that are to be read next, of those that are certain to be, so many at most.
    #[must_use]
    pub fn ahead(&self, most: usize) -> RangeInclusive<usize> {
        let next = self.pass.pages + 1;
        let last = self.announced().unwrap_or_default().div_ceil(self.pass.size.max(1));
        next..=last.clamp(next, next + most - 1)
    }

    /// The most rows that a page has announced.
    #[must_use]
    pub fn announced(&self) -> Option<usize> {
        self.pass.totals.iter().max().copied().flatten()
    }

    /// How many distinct rows were seen, once the list is at its end.
    pub(super) fn seen(&self) -> usize {
        self.keys.len().max(self.pass.seen.len())
    }

    /// How many rows of interest were seen.
    pub(super) fn of_interest(&self) -> usize {
        self.rows.len()
    }

    fn take_rows(&mut self) -> Vec<T> {
        std::mem::take(&mut self.rows).into_values().collect()
    }
}

impl Pass {
    /// Adds a page; returns how the pass ends, if it does.
    fn add(&mut self, keys: Vec<u64>, total: Option<usize>) -> Option<End> {
        self.pages += 1;
        if self.pages == 1 {
            (self.size, self.first) = (keys.len(), total);
        }
        let empty = keys.is_empty();
        let before = self.seen.len();
        self.seen.extend(keys);
        self.totals.insert(total);
        // A page without a new row is the end, or comes from a server that does not page at all.
        let ended = self.seen.len() == before;
        // A page that announces nothing says nothing about how few rows there may be.
        self.least = self.least.into_iter().chain(total.filter(|_| !ended)).min();
        // The most that any page announced: a later page that is cut down to nothing completes no list.
        match self.totals.iter().max().copied().flatten() {
            Some(total) if self.seen.len() >= total => Some(End::Complete),
            Some(total) if ended => {
                Some(End::Short { total_changed: self.totals.len() > 1, total: self.least.or(Some(total)) })
            }
            None if empty => Some(End::Complete),
            // The same rows again, and no total: the server does not page, and may hold back what is beyond its limit.
            None if ended => Some(End::Short { total_changed: false, total: None }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vobiz::{
        masks::Masks,
        page::{ledger_page, numbers_page},
    };

    /// Reads all pages of a server that answers like that.
    fn complete<T>(
        mut page: impl FnMut(usize) -> Result<Page<T>, ReadError>,
    ) -> Result<Listed<T>, ReadError> {
        let (mut pages, mut number) = (Pages::default(), 1);
        loop {
            match pages.feed(page(number))? {
                Next::Page(next) => number = next,
                Next::End(listed) => return Ok(listed),
            }
        }
    }

    fn page(ids: &[u32], total: Option<usize>) -> Page<u32> {
        let keys: Vec<u64> = ids.iter().copied().map(u64::from).collect();
        let rows = keys.iter().copied().zip(ids.iter().copied()).collect();
        Page { rows, keys, total, ..Page::default() }
    }

    fn read(pages: Vec<Page<u32>>) -> (Vec<u32>, usize) {
        let mut pages = pages.into_iter();
        let mut calls = 0;
        let mut rows = complete(|_| {
            calls += 1;
            pages.next().ok_or_else(|| ReadError::Failed("too many calls".into()))
        })
        .and_then(Listed::whole)
        .unwrap();
        rows.sort_unstable();
        (rows, calls)
    }

    #[test]
    fn a_list_ends_at_its_total_without_another_call() {
        assert_eq!(read(vec![page(&[1, 2], Some(3)), page(&[3], Some(3))]), (vec![1, 2, 3], 2));
        assert_eq!(read(vec![page(&[], Some(0))]), (vec![], 1));
    }

    #[test]
    fn pages_are_read_ahead_as_far_as_the_total_goes() {
        let mut pages = Pages::default();
        assert_eq!(pages.ahead(4), 1..=1, "nothing is known of the list");
        for (fed, total, expected) in
            [(1, Some(11), 2..=5), (2, Some(11), 3..=6), (3, Some(4), 4..=6), (4, None, 5..=6)]
        {
            let rows = [2 * fed, 2 * fed + 1];
            assert!(matches!(pages.feed(Ok(page(&rows, total))), Ok(Next::Page(_))), "{fed}");
            assert_eq!(pages.ahead(4), expected, "{fed}");
        }
    }

    #[test]
    fn a_list_without_a_total_ends_at_an_empty_page() {
        assert_eq!(read(vec![page(&[1], None), page(&[2], None), page(&[], None)]), (vec![1, 2], 3));
    }

    #[test]
    fn a_row_that_slipped_between_pages_is_found_in_the_next_pass() {
        let pages = vec![
            page(&[1, 2], Some(4)),
            page(&[4], Some(4)),
            page(&[], Some(4)),
            page(&[1, 2, 3, 4], Some(4)),
        ];
        assert_eq!(read(pages), (vec![1, 2, 3, 4], 4));
    }

    #[test]
    fn a_total_that_keeps_changing_does_not_restart_the_list_for_ever() {
        let pass = |a, b| [page(&[1, a], Some(4)), page(&[b], Some(3)), page(&[], Some(3))];
        let passes = [pass(2, 3), pass(2, 3), pass(3, 4)];
        assert_eq!(read(passes.into_iter().flatten().collect()), (vec![1, 2, 3, 4], 9));
    }

    #[test]
    fn a_total_that_never_stands_still_is_believed_at_its_least() {
        let pass = || [page(&[1, 2], Some(4)), page(&[3], Some(3)), page(&[], Some(4))];
        let passes = [pass(), pass(), pass()];
        assert_eq!(read(passes.into_iter().flatten().collect()), (vec![1, 2, 3], 9));
    }

    #[test]
    fn rows_that_come_do_not_make_up_for_one_that_is_hidden() {
        // A row comes at the head after the first page of each pass. There is one more than is ever shown, or none.
        for (hidden, is_whole) in [(1, false), (0, true)] {
            let mut came = 0;
            let listed = complete(|number| {
                let rows: Vec<u32> = (1..=3 + came).rev().collect();
                came += u32::from(number == 1);
                let shown = match number {
                    1 => &rows[..2],
                    2 => &rows[2..],
                    _ => &[],
                };
                Ok(page(shown, Some(rows.len() + hidden)))
            });
            assert_eq!(listed.unwrap().is_whole(), is_whole, "{hidden}");
        }
    }

    #[test]
    fn a_list_with_more_rows_than_can_be_remembered_proves_nothing() {
        let mut pages = Pages::default();
        let end = (0..).find_map(|at| {
            let keys: Vec<u64> = (at * 10_000..(at + 1) * 10_000).collect();
            let page = Page::<u32> { keys, total: Some(usize::MAX), ..Page::default() };
            pages.feed(Ok(page)).err()
        });
        assert!(matches!(end, Some(ReadError::Failed(_))));
        assert_eq!((pages.pass.seen.len(), pages.keys.len()), (MOST_ROWS, 0), "each is remembered once");
    }

    #[test]
    fn a_page_without_a_total_does_not_make_a_short_list_whole() {
        for rest in [None, Some(5)] {
            let rows = complete(|number| {
                Ok(match number {
                    1 => page(&[1, 2], Some(4)),
                    2 => page(&[3], rest),
                    _ => page(&[], Some(4)),
                })
            });
            assert!(matches!(rows, Ok(Listed::Short(_))), "{rest:?}");
        }
    }

    #[test]
    fn a_page_that_is_cut_down_to_nothing_does_not_end_the_list_before_it() {
        for (rest, passes) in [(Some(0), 3), (Some(2), 3), (None, 3)] {
            let mut calls = 0;
            let rows = complete(|number| {
                calls += 1;
                Ok(if number == 1 { page(&[1, 2], Some(4)) } else { page(&[], rest) })
            });
            assert!(matches!(rows, Ok(Listed::Short(_))), "{rest:?}");
            assert_eq!(calls, 2 * passes);
        }
    }

    #[test]
    fn a_list_that_stays_shorter_than_its_total_proves_nothing() {
        let mut calls = 0;
        let rows = complete(|number| {
            calls += 1;
            Ok(if number == 1 { page(&[1], Some(9)) } else { page(&[], Some(9)) })
        });
        let rows = rows.unwrap();
        assert!(matches!(rows.whole(), Err(ReadError::Failed(_))));
        assert_eq!(calls, 6);
    }

    #[test]
    fn an_unpaged_list_without_a_total_is_incomplete() {
        let mut calls = 0;
        let rows = complete(|_| {
            calls += 1;
            Ok(page(&[1, 2], None))
        });
        assert!(matches!(rows, Ok(Listed::Short(_))));
        assert_eq!(calls, 2 * PASSES);
    }

    #[test]
    fn a_row_without_digits_is_counted_and_is_about_no_number() {
        let body = br#"{"items":[{"e164":"","account_id":"MA_1"},{"e164":null},{"e164":null},{"id":"4","e164":"sip:desk@x"},
            {"id":"5","e164":"+911234500000","account_id":"MA_1","status":"active"}],"total":5}"#;
        let rows = complete(|number| numbers_page(body, number, &Masks::default()));
        let rows = rows.unwrap().whole().unwrap();
        let numbers: Vec<_> = rows.iter().map(|row| row.e164.to_string()).collect();
        assert_eq!(numbers, ["+911234500000"]);
    }

    #[test]
    fn two_rows_with_the_same_id_hide_each_other_in_no_list() {
        let body = br#"{"items":[{"id":"1","e164":"+12","account_id":"MA_1","status":"active"},
            {"id":"1","e164":"+12","account_id":"MA_1","status":"released"},
            {"id":"1","e164":"+13","account_id":"MA_1","status":"active"}]}"#;
        let pages = |number| if number == 1 { body.as_slice() } else { br#"{"items":[]}"# };
        let rows = complete(|number| numbers_page(pages(number), number, &Masks::default()));
        assert_eq!(rows.unwrap().whole().unwrap().len(), 3);
        let body = br#"{"transactions":[{"id":"1","type":"debit","amount":5},{"id":"1","type":"credit","amount":5}],"total":2}"#;
        let rows = complete(|_| ledger_page(body, 1, &Masks::default()));
        assert_eq!(rows.unwrap().whole().unwrap().len(), 2);
    }
}
