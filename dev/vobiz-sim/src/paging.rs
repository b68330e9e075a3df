//! Pages of a listing.

use crate::params::Params;

/// Which page was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) page: usize,
    pub(crate) per_page: usize,
}

impl Page {
    /// The page of a list of numbers: 25 rows, at most 100.
    pub(crate) fn of_numbers(params: &Params) -> Self {
        Self::read(params, 25, |asked| asked.min(100))
    }

    /// The page of the ledger: 50 rows, at most 1000, and 50 again for whoever asks for more.
    pub(crate) fn of_ledger(params: &Params) -> Self {
        Self::read(params, 50, |asked| if asked > 1000 { 50 } else { asked })
    }

    fn read(params: &Params, usual: usize, limit: impl Fn(usize) -> usize) -> Self {
        Self {
            page: params.number("page").filter(|page| *page > 0).unwrap_or(1),
            per_page: limit(params.number("per_page").filter(|rows| *rows > 0).unwrap_or(usual)),
        }
    }

    pub(crate) fn skipped(self) -> usize {
        (self.page - 1).saturating_mul(self.per_page)
    }

    pub(crate) fn cut<T>(self, rows: Vec<T>) -> Vec<T> {
        rows.into_iter().skip(self.skipped()).take(self.per_page).collect()
    }
}
