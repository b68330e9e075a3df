//! A reading of the ledger, some pages at a time: one that can be kept up with, or else one of all pages, as often as it
//! takes.

use std::{collections::HashSet, sync::Arc, time::Instant};

use jiff::{Timestamp, civil::Date};

use super::{
    error::ReadError,
    filtered::Filtered,
    page::{LARGE, Page},
    paging::{Listed, Next, Pages},
    reader::Reader,
    window::{Fed, MOST_OF_INTEREST, Window},
};
use crate::domain::{LedgerNews, LedgerRow};

/// The ledger since a UTC day: the rows of it that may concern the purchase of a number.
#[derive(Debug)]
pub struct Ledger {
    from: Date,
    reading: Reading,
    /// Debits that pages have shown and that were not taken yet: when each was made, and its id.
    untaken: Vec<(Timestamp, u64)>,
    /// Pages that were had since this reading began.
    pages: usize,
}

#[derive(Debug)]
enum Reading {
    /// All of it is being read, or is known.
    Kept(Window),
    /// Its rows cannot be told apart, or not be counted: all of it is read each time.
    Whole {
        pages: Pages<Arc<LedgerRow>>,
        filtered: bool,
        debits: HashSet<u64>,
        rows: Option<Vec<Arc<LedgerRow>>>,
    },
}

/// How far the ledger is known.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    /// More pages are to be read.
    Partly,
    /// No row is missing. `anew`: and each was read since this reading began.
    Wholly { anew: bool },
    /// What is new cannot be told from what is known: it is to be read anew.
    Unproven,
    /// All pages were had, as often as it takes, and they never came up to what they announced.
    Short(ReadError),
    /// A page could not be had, which is not the first one: those before it stay good, and the reading may go on with it.
    Lost(ReadError),
}

impl From<Fed> for Known {
    fn from(fed: Fed) -> Self {
        match fed {
            Fed::More => Self::Partly,
            Fed::Known { anew } => Self::Wholly { anew },
            Fed::Unproven => Self::Unproven,
        }
    }
}

impl Ledger {
    /// A reading that begins, of a ledger that can be kept up with as far as is known.
    #[must_use]
    pub fn kept_since(from: Date) -> Self {
        Self { from, reading: Reading::Kept(Window::default()), untaken: Vec::new(), pages: 0 }
    }

    /// A reading that begins, of one that cannot.
    #[must_use]
    pub fn whole_since(from: Date) -> Self {
        let (pages, debits) = (Pages::default(), HashSet::new());
        let reading = Reading::Whole { pages, filtered: true, debits, rows: None };
        Self { from, reading, untaken: Vec::new(), pages: 0 }
    }

    /// Its first day.
    #[must_use]
    pub fn since(&self) -> Date {
        self.from
    }

    /// Whether it has been asked for without that day, and may have shown rows from before it.
    #[must_use]
    pub fn is_of_all_days(&self) -> bool {
        matches!(self.reading, Reading::Whole { filtered: false, .. })
    }

    /// Whether what is new can be read alone.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        matches!(self.reading, Reading::Kept(_))
    }

    /// Pages that were had since this reading began.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Takes what filters show of a ledger that is known for what it says now. Returns whether they show all that it said
    /// when they were first asked.
    pub fn renew(&mut self, filtered: Filtered) -> bool {
        match &mut self.reading {
            Reading::Kept(window) => window.renew(filtered),
            Reading::Whole { .. } => false,
        }
    }

    /// Debits that filters have shown of it, whatever becomes of that reading.
    pub fn meet(&mut self, filtered: &mut Filtered) {
        self.untaken.append(&mut filtered.untaken);
    }

    /// A reading of what filters show, if that is worth while, and they can show all that may concern a number.
    #[must_use]
    pub fn filter(&self) -> Option<Filtered> {
        match &self.reading {
            Reading::Kept(window) if window.can_be_filtered() => {
                Some(Filtered::since(self.from, window.of_interest()))
            }
            Reading::Kept(_) | Reading::Whole { .. } => None,
        }
    }

    /// Whether it is worth while to ask by filters, and they can show all that may concern a number.
    #[must_use]
    pub fn can_be_filtered(&self) -> bool {
        match &self.reading {
            Reading::Kept(window) => window.can_be_filtered(),
            Reading::Whole { .. } => false,
        }
    }

    /// How many distinct rows were met.
    #[must_use]
    pub fn rows_met(&self) -> usize {
        match &self.reading {
            Reading::Kept(window) => window.len(),
            Reading::Whole { pages, .. } => pages.seen(),
        }
    }

    /// The most rows that a page announced, of a reading that can be kept up with.
    #[must_use]
    pub fn announced(&self) -> usize {
        match &self.reading {
            Reading::Kept(window) => window.announced(),
            Reading::Whole { .. } => 0,
        }
    }

    /// How many rows it has certainly shown, of a reading that can be kept up with. One that was announced and not met may have been
    /// a mistake; one that was met beyond the total took another's place.
    #[must_use]
    pub fn rows_shown(&self) -> usize {
        self.announced().min(self.rows_met())
    }

    /// Whether fewer rows were announced than before, since what is new is looked for.
    #[must_use]
    pub fn has_shrunk(&self) -> bool {
        match &self.reading {
            Reading::Kept(window) => window.has_shrunk(),
            Reading::Whole { .. } => false,
        }
    }

    /// Debits that may be for numbers, whatever has become of them, and that pages have shown since they were taken last: when
    /// each was made, and its id.
    pub fn take_debits(&mut self) -> Vec<(Timestamp, u64)> {
        std::mem::take(&mut self.untaken)
    }

    /// Whether a page may have shown that debit.
    #[must_use]
    pub fn may_have_shown(&self, at: Timestamp, id: u64) -> bool {
        match &self.reading {
            Reading::Kept(window) => window.may_know(at, id),
            Reading::Whole { debits, .. } => debits.contains(&id),
        }
    }

    /// Begins to read what is new.
    pub fn catch_up(&mut self) {
        self.pages = 0;
        if let Reading::Kept(window) = &mut self.reading {
            window.catch_up();
        }
    }

    /// The rows of a ledger that is wholly known, if they are others than those that were taken last.
    pub fn take_rows(&mut self) -> Option<LedgerNews> {
        match &mut self.reading {
            Reading::Kept(window) => window.take_rows(),
            Reading::Whole { rows, .. } => rows.take().map(LedgerNews::All),
        }
    }

    /// The day since which, the page that is to be read next, and how large it is.
    fn next(&self) -> (Option<Date>, usize, usize) {
        match &self.reading {
            Reading::Kept(window) => {
                let (page, size) = window.next();
                (Some(self.from), page, size)
            }
            Reading::Whole { pages, filtered, .. } => {
                (filtered.then_some(self.from), *pages.ahead(1).start(), LARGE)
            }
        }
    }

    /// The next page; how far the ledger is known by it.
    fn feed(&mut self, page: Result<Page<Arc<LedgerRow>>, ReadError>) -> Result<Known, ReadError> {
        self.untaken.extend(page.iter().flat_map(Page::dated_debits));
        if let Reading::Whole { debits, .. } = &mut self.reading {
            debits.extend(page.iter().flat_map(|page| &page.debits).map(|(_, id)| *id));
        }
        match &mut self.reading {
            Reading::Kept(window) => window.feed(page?).map(Known::from),
            Reading::Whole { pages, filtered, debits, rows } => match pages.feed(page)? {
                Next::Page(_) if pages.of_interest() > MOST_OF_INTEREST => {
                    Err(ReadError::unreadable("ledger with too many rows that may concern numbers"))
                }
                Next::Page(_) => Ok(Known::Partly),
                // The total may count what the filter left out. Read whole, the ledger has as many rows as it says, or a
                // debit may be among those that are missing.
                Next::End(Listed::Short(_)) if *filtered => {
                    (*pages, *filtered, *debits) = (Pages::default(), false, HashSet::new());
                    Ok(Known::Partly)
                }
                Next::End(listed) => {
                    match listed.whole() {
                        Ok(listed) => *rows = Some(listed),
                        Err(error) => return Ok(Known::Short(error)),
                    }
                    Ok(Known::Wholly { anew: true })
                }
            },
        }
    }
}

impl Reader {
    /// Goes on with a reading of the ledger, until then or to its end.
    ///
    /// # Errors
    /// If the first page cannot be had or read, or rows are missing.
    pub async fn ledger(&self, ledger: &mut Ledger, until: Option<Instant>) -> Result<Known, ReadError> {
        loop {
            // One page after the other: where a row comes in between, a page that was read before the one above it lacks a row.
            let (from, page, size) = ledger.next();
            let page = self.ledger_page(from, None, page, size).await;
            if let Err(error @ ReadError::Failed(_)) = &page
                && ledger.pages > 0
            {
                return Ok(Known::Lost(error.clone()));
            }
            ledger.pages += 1;
            let known = ledger.feed(page)?;
            if known != Known::Partly {
                return Ok(known);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(Known::Partly);
            }
        }
    }
}
