//! The rows of a ledger that may concern numbers, asked for by their types: a few pages, where all rows would be thousands.
//! Whether the server honours the filters is told by what it shows.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use jiff::{Timestamp, civil::Date};

use super::{
    error::ReadError,
    ledger::Sort,
    page::{LARGE, Page, Shown as Row},
    paging::{Next, Pages},
    reader::Reader,
};
use crate::domain::{LedgerRow, ReferenceType, RowType};

struct Filter {
    parameter: &'static str,
    value: &'static str,
    /// What it lets pass.
    passes: fn(Sort) -> bool,
    /// Whether all that it shows may concern a number. Otherwise one row is enough, to see that it is honoured.
    of_interest: bool,
}

/// Each row that may concern a number is named by one that is of interest, but for debits without a reference type.
const FILTERS: [Filter; 6] = [
    Filter {
        parameter: "type",
        value: "debit",
        passes: |(kind, _)| kind == RowType::Debit,
        of_interest: false,
    },
    Filter {
        parameter: "reference_type",
        value: "cdr",
        passes: |(_, reference)| reference == ReferenceType::Other,
        of_interest: false,
    },
    Filter {
        parameter: "type",
        value: "credit",
        passes: |(kind, _)| kind == RowType::Credit,
        of_interest: true,
    },
    Filter {
        parameter: "type",
        value: "did_rental",
        passes: |(kind, _)| kind == RowType::DidRental,
        of_interest: true,
    },
    Filter { parameter: "reference_type", value: "did_purchase", passes: is_of_number, of_interest: true },
    Filter { parameter: "reference_type", value: "did_rental", passes: is_of_number, of_interest: true },
];

fn is_of_number((_, reference): Sort) -> bool {
    reference == ReferenceType::Number
}

/// Whether no filter names such a row, though it may concern a number.
pub fn is_unnamed((kind, reference_type): Sort) -> bool {
    kind == RowType::Debit && reference_type == ReferenceType::Absent
}

/// A reading of them.
#[derive(Debug)]
pub struct Filtered {
    from: Date,
    /// Which filter is asked by.
    at: usize,
    /// How many rows there are; they themselves stand below.
    pages: Pages<()>,
    /// All rows that were shown, by their ids.
    pub rows: HashMap<u64, Row>,
    /// What was known to be of interest when the reading began, by its ids: filters show that, or are not honoured. Of what
    /// comes while they are asked one after the other, they may show nothing.
    pub known: HashMap<u64, Arc<LedgerRow>>,
    /// The debits among them that were not told yet: when each was made, and its id.
    pub(super) untaken: Vec<(Timestamp, u64)>,
    /// The parameters that have shown rows.
    shown: HashSet<&'static str>,
}

/// What such a reading has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Shown {
    /// All rows that the filters name. `proof`: and each parameter named some.
    All { proof: bool },
    /// Something else as well, or not all that was announced: filters are not honoured.
    Otherwise,
}

impl Filtered {
    #[must_use]
    pub fn since(from: Date, known: HashMap<u64, Arc<LedgerRow>>) -> Self {
        let (rows, shown) = (HashMap::new(), HashSet::new());
        Self { from, at: 0, pages: Pages::default(), rows, known, untaken: Vec::new(), shown }
    }

    pub(super) fn shows_what_was_known(&self) -> bool {
        self.known.keys().all(|id| self.rows.contains_key(id))
    }

    /// The next page; what the reading has come to, if it is at its end.
    fn feed(&mut self, page: Page<Arc<LedgerRow>>) -> Result<Option<Shown>, ReadError> {
        let filter = &FILTERS[self.at];
        self.untaken.extend(page.dated_debits());
        if !page.sorts.iter().all(|sort| (filter.passes)(*sort)) {
            return Ok(Some(Shown::Otherwise));
        }
        if !page.keys.is_empty() {
            self.shown.insert(filter.parameter);
        }
        if filter.of_interest {
            let counted = Page { keys: page.keys.clone(), total: page.total, ..Page::default() };
            let Some(rows) = page.by_id() else { return Ok(Some(Shown::Otherwise)) };
            for (id, mut row) in rows {
                let key = row.key;
                // A row that is as it was known is kept once.
                if let Some(known) = self.known.get(&id).filter(|known| row.row.as_ref() == Some(known)) {
                    row.row = Some(known.clone());
                }
                // Two rows with one id would hide each other.
                if self.rows.insert(id, row).is_some_and(|other| other.key != key) {
                    return Ok(Some(Shown::Otherwise));
                }
            }
            match self.pages.feed(Ok(counted))? {
                Next::Page(_) => return Ok(None),
                Next::End(listed) if listed.is_whole() => {}
                Next::End(_) => return Ok(Some(Shown::Otherwise)),
            }
        }
        (self.at, self.pages) = (self.at + 1, Pages::default());
        let proof = FILTERS.iter().all(|filter| self.shown.contains(filter.parameter));
        Ok((self.at == FILTERS.len()).then_some(Shown::All { proof }))
    }
}

impl Reader {
    /// Goes on with a reading by filters, until then. Nothing, if more pages are to be read.
    ///
    /// # Errors
    /// If a page cannot be had or read.
    pub async fn filtered(&self, reading: &mut Filtered, until: Instant) -> Result<Option<Shown>, ReadError> {
        loop {
            let (filter, page) = (&FILTERS[reading.at], *reading.pages.ahead(1).start());
            let size = if filter.of_interest { LARGE } else { 1 };
            let filter = (filter.parameter, filter.value);
            let page = self.ledger_page(Some(reading.from), Some(filter), page, size).await?;
            let shown = reading.feed(page)?;
            if shown.is_some() || Instant::now() >= until {
                return Ok(shown);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vobiz::{masks::Masks, page::ledger_page};

    const CALL: &str =
        r#"{"id":"1","type":"debit","reference_type":"cdr","created_at":"2026-01-02T00:00:00Z"}"#;
    const CREDIT: &str =
        r#"{"id":"2","type":"credit","reference_type":"payment","created_at":"2026-01-02T00:00:00Z"}"#;
    const PURCHASE: &str =
        r#"{"id":"3","type":"debit","reference_type":"did_purchase","created_at":"2026-01-02T00:00:00Z"}"#;
    const RENTAL: &str = r#"{"id":"4","type":"did_rental","created_at":"2026-01-02T00:00:00Z"}"#;

    /// What the reading comes to if each filter shows that.
    fn read(shown: [&[&str]; 6], total: Option<usize>) -> (Shown, Filtered) {
        let mut filtered = Filtered::since("2026-01-02".parse().unwrap(), HashMap::new());
        loop {
            let (rows, page) = (shown[filtered.at], *filtered.pages.ahead(1).start());
            let total = total.unwrap_or(rows.len());
            let rows = if page == 1 { rows.join(",") } else { String::new() };
            let body = format!(r#"{{"transactions":[{rows}],"total":{total}}}"#);
            let page = ledger_page(body.as_bytes(), 1, &Masks::default()).unwrap();
            if let Some(shown) = filtered.feed(page).unwrap() {
                return (shown, filtered);
            }
        }
    }

    #[test]
    fn filters_are_honoured_where_each_shows_its_own_rows_alone() {
        let (all, proof) = (Shown::All { proof: true }, Shown::All { proof: false });
        for (shown, expected) in [
            ([&[CALL][..], &[CALL], &[CREDIT], &[RENTAL], &[PURCHASE], &[]], &all),
            ([&[CALL], &[CALL], &[], &[], &[], &[]], &all),
            // Of a parameter that never shows anything, nothing is known.
            ([&[CALL], &[], &[CREDIT], &[], &[], &[]], &proof),
            ([&[], &[CALL], &[], &[], &[PURCHASE], &[]], &proof),
            ([&[CALL], &[CALL], &[CALL], &[CALL], &[CALL], &[CALL]], &Shown::Otherwise),
            ([&[CREDIT], &[CALL], &[CREDIT], &[], &[], &[]], &Shown::Otherwise),
            ([&[CALL], &[CALL], &[CREDIT], &[], &[PURCHASE, CALL], &[]], &Shown::Otherwise),
        ] {
            assert_eq!(read(shown, None).0, *expected, "{shown:?}");
        }
        let hidden = read([&[CALL], &[CALL], &[CREDIT], &[], &[], &[]], Some(2));
        assert_eq!(hidden.0, Shown::Otherwise, "fewer rows than announced");
    }

    #[test]
    fn what_may_concern_a_number_is_kept_and_what_shows_filters_is_not() {
        let (_, filtered) = read([&[CALL], &[CALL], &[CREDIT], &[RENTAL], &[PURCHASE], &[]], None);
        assert_eq!(filtered.rows.values().filter(|shown| shown.row.is_some()).count(), 3);
        let (_, otherwise) = read([&[CALL], &[CALL], &[PURCHASE], &[], &[], &[]], None);
        // Of a page that shows something else as well, too.
        let debits = [&filtered, &otherwise].map(|filtered| filtered.untaken.len());
        assert_eq!(debits, [2, 1]);
        let (debit, absent) = (RowType::Debit, ReferenceType::Absent);
        assert!(is_unnamed((debit, absent)) && !is_unnamed((RowType::DidRental, absent)));
        assert!(!is_unnamed((debit, ReferenceType::Other)) && !is_unnamed((debit, ReferenceType::Number)));
    }
}
