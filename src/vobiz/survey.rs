//! Asks each read once, in both casings: which of them answer, and how. For people who look for what is wrong.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};

use super::{
    casing::Casing,
    error::ReadError,
    notices::Notice,
    page::{self, LARGE, Page},
    reader::{Read, Reader},
    wire::Balance,
};
use crate::domain::{Currency, LedgerRow, Time, day_begins};

/// What came of one read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried<T = ()> {
    /// The casings in which it was answered.
    pub casings: Vec<Casing>,
    /// As it is read by those who ask for it.
    pub answer: Result<T, ReadError>,
}

/// What came of all of them.
#[derive(Debug, Clone)]
pub struct Survey {
    pub listing: Tried,
    pub inventory: Tried,
    pub balance: Tried,
    pub ledger: Tried<Debits>,
    pub notices: Vec<Notice>,
}

/// What the first page of the ledger shows of debits for numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debits {
    pub newest: Option<Time>,
    /// Of any kind.
    pub rows: usize,
    /// From then on the page has all rows. Nothing, if that cannot be told: there are more, in no known order.
    pub since: Option<Timestamp>,
}

impl Reader {
    /// Asks for the first page of each list, of the ledger since that UTC day, and for the balance in that currency.
    pub async fn survey(&self, from: Date, currency: Currency) -> Survey {
        let (masks, numbers) = (self.masks(), [("page", "1"), ("per_page", "100")]);
        let listed = |body: &[u8]| page::numbers_page(body, 1, &masks).map(drop);
        // First: what it is answered with tells a wrong casing from wrong credentials.
        let listing = self.try_out(Read::Owned, "numbers", &numbers, listed).await;
        let (day, size, balance) = (from.to_string(), LARGE.to_string(), format!("balance/{currency}"));
        let ledger = [("page", "1"), ("per_page", size.as_str()), ("from_date", day.as_str())];
        let (inventory, balance, ledger) = tokio::join!(
            self.try_out(Read::Inventory, "inventory/numbers", &numbers, listed),
            self.try_out(Read::Balance, &balance, &[], |body| Balance::parse(body).map(drop)),
            self.try_out(Read::Ledger, "transactions", &ledger, |body| {
                page::ledger_page(body, 1, &masks).map(|page| debits(&page, from))
            }),
        );
        Survey { listing, inventory, balance, ledger, notices: self.notices.seen() }
    }

    async fn try_out<T>(
        &self,
        read: Read,
        path: &str,
        query: &[(&str, &str)],
        parse: impl FnOnce(&[u8]) -> Result<T, ReadError>,
    ) -> Tried<T> {
        let (asked, operation) = (self.casings.first(read as usize), read.operation(false));
        let (first, second) = tokio::join!(
            self.counted_get(operation, asked.casing, path, query),
            self.counted_get(operation, asked.casing.other(), path, query),
        );
        let answers = [(asked.casing, first.is_ok()), (asked.casing.other(), second.is_ok())];
        let casings =
            answers.into_iter().filter_map(|(casing, answered)| answered.then_some(casing)).collect();
        let doubted = self.casings.doubts(asked, &first);
        let body = if doubted { self.casings.decide(asked, first, second) } else { first };
        Tried { casings, answer: body.and_then(|body| parse(&body)) }
    }
}

fn debits(page: &Page<Arc<LedgerRow>>, from: Date) -> Debits {
    let newest = page.rows().filter(|row| row.takes_money()).filter_map(|row| row.at).max();
    let is_all = page.total.is_some_and(|total| total <= page.keys.len());
    // Vobiz documents no order: on a page that begins with older rows, newer ones may be missing.
    let in_order = page.ids.as_ref().filter(|ids| ids.is_sorted_by(|(one, _), (next, _)| one >= next));
    let since =
        if is_all { Some(day_begins(from)) } else { in_order.and_then(|ids| ids.last()).map(|(at, _)| *at) };
    Debits { newest, rows: page.keys.len(), since }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vobiz::masks::Masks;

    fn of(rows: &[(&str, &str)], total: usize) -> (Option<String>, Option<String>) {
        let row = |(at, reference): &(&str, &str)| {
            format!(r#"{{"id":"{at}","type":"debit","reference_type":"{reference}","created_at":"{at}"}}"#)
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        let body = format!(r#"{{"transactions":[{}],"total":{total}}}"#, rows.join(","));
        let page = page::ledger_page(body.as_bytes(), 1, &Masks::default()).unwrap();
        let Debits { newest, since, .. } = debits(&page, "2026-01-01".parse().unwrap());
        (newest.map(|at| at.to_string()), since.map(|at| at.to_string()))
    }

    #[test]
    fn the_newest_debit_and_from_when_on_nothing_is_missing_are_found() {
        let (call, older, newer) = ("2026-01-09T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z");
        let rows = [(call, "cdr"), (older, "did_purchase"), (newer, "did_purchase")];
        let found = |newest: Option<&str>, since: &str| (newest.map(str::to_owned), Some(since.to_owned()));
        assert_eq!(of(&rows, 3), found(Some(newer), "2026-01-01T00:00:00Z"));
        assert_eq!(of(&rows, 4), (Some(newer.to_owned()), None), "there are more pages, in no known order");
        let in_order = [rows[0], rows[2], rows[1]];
        assert_eq!(of(&in_order, 4), found(Some(newer), older), "there are more pages, of older rows");
        assert_eq!(of(&rows[..1], 9), found(None, call), "calls alone");
        assert_eq!(of(&[], 0), found(None, "2026-01-01T00:00:00Z"));
    }
}
