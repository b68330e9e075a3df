//! One page of a list: parsed as a whole, or an error.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::{
    error::ReadError,
    json::{Lenient, Object, object},
    key::key,
    ledger::{Sort, WireRow},
    masks::Masks,
    wire::WireNumber,
};
use crate::domain::{LedgerRow, ListedNumber, OwnedRow, Time};

/// Rows on a page of the ledger: the documented maximum; more would silently become 50.
pub const LARGE: usize = 1000;

/// One page, keyed so that rows that move between pages count once.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Rows on the page, with those that are of no interest already left out.
    pub(super) rows: Vec<(u64, T)>,
    /// Keys of all rows on the page.
    pub keys: Vec<u64>,
    /// When each row was made, and its id, where every row of a ledger's page has both: what lacks one cannot be told from
    /// its twin.
    pub(super) ids: Option<Vec<(Timestamp, u64)>>,
    /// When each debit of a ledger's page was made that may be for a number, whatever has become of it, and its id.
    pub(super) debits: Vec<(Option<Timestamp>, u64)>,
    /// What rows of a ledger's page are, each kind once.
    pub(super) sorts: Vec<Sort>,
    /// How many rows the list has in all, where the page says so.
    pub total: Option<usize>,
}

/// A row of the ledger, as a page shows it.
#[derive(Debug)]
pub struct Shown {
    pub at: Timestamp,
    /// What tells it from another row of the same id.
    pub key: u64,
    /// The row, if it is of interest.
    pub row: Option<Arc<LedgerRow>>,
}

impl Page<Arc<LedgerRow>> {
    /// Its rows by their ids, those of no interest included, where each has one.
    pub(super) fn by_id(self) -> Option<HashMap<u64, Shown>> {
        let rows: HashMap<u64, Arc<LedgerRow>> = self.rows.into_iter().collect();
        let ids = self.ids?.into_iter().zip(self.keys);
        // A page may show a row twice.
        Some(ids.map(|((at, id), key)| (id, Shown { at, key, row: rows.get(&key).cloned() })).collect())
    }

    /// Those of its debits that may be for a number whose time can be read: when each was made, and its id.
    pub(super) fn dated_debits(&self) -> impl Iterator<Item = (Timestamp, u64)> {
        self.debits.iter().filter_map(|(at, id)| Some(((*at)?, *id)))
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            keys: Vec::new(),
            ids: None,
            debits: Vec::new(),
            sorts: Vec::new(),
            total: None,
        }
    }
}

impl<T> Page<T> {
    pub fn rows(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().map(|(_, row)| row)
    }
}

/// Null is how some servers write a list without rows, and is believed only where the total says so too.
fn rows<T>(rows: Option<Vec<T>>, total: Option<usize>, what: &str) -> Result<Vec<T>, ReadError> {
    match (rows, total) {
        (Some(rows), _) => Ok(rows),
        (None, Some(0)) => Ok(Vec::new()),
        (None, _) => Err(ReadError::unreadable(what)),
    }
}

/// An option that must be there, if only as null: serde takes a missing field for null otherwise.
fn nullable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer)
}

#[derive(Deserialize)]
struct WireNumbers {
    #[serde(deserialize_with = "nullable")]
    items: Option<Vec<Object<WireNumber>>>,
    page: Lenient<usize>,
    total: Lenient<usize>,
}

impl WireNumbers {
    fn page(body: &[u8], asked: usize) -> Result<(Vec<Object<WireNumber>>, Option<usize>), ReadError> {
        let wire: Self = object(body).ok_or_else(|| ReadError::unreadable("list"))?;
        check_echo(wire.page.0, asked)?;
        Ok((rows(wire.items, wire.total.0, "list")?, wire.total.0))
    }
}

/// A page of the owned list or of the inventory. A page that does not parse is an error, never an absence.
///
/// # Errors
/// If it does not parse, or is not the page that was asked for.
pub fn numbers_page(body: &[u8], asked: usize, masks: &Masks) -> Result<Page<Box<ListedNumber>>, ReadError> {
    let (items, total) = WireNumbers::page(body, asked)?;
    let keys = items.iter().enumerate().map(|(at, Object(item))| item.key((asked, at))).collect();
    let mut rows = Vec::with_capacity(items.len());
    for Object(item) in items {
        let contents = item.contents();
        rows.extend(item.numbers(masks)?.into_iter().map(|row| (key((contents, row.e164)), Box::new(row))));
    }
    Ok(Page { rows, keys, total, ..Page::default() })
}

/// A page of the owned list, each row of it as people are shown it.
///
/// # Errors
/// As of [`numbers_page`].
pub fn owned_page(body: &[u8], asked: usize, masks: &Masks) -> Result<Page<OwnedRow>, ReadError> {
    let (items, total) = WireNumbers::page(body, asked)?;
    let keys: Vec<_> = items.iter().enumerate().map(|(at, Object(item))| item.key((asked, at))).collect();
    let rows =
        keys.iter().zip(&items).map(|(row, Object(item))| (key((row, item.contents())), item.owned(masks)));
    Ok(Page { rows: rows.collect(), keys, total, ..Page::default() })
}

#[derive(Deserialize)]
struct WireLedger {
    #[serde(deserialize_with = "nullable")]
    transactions: Option<Vec<Transaction>>,
    page: Lenient<usize>,
    total: Lenient<usize>,
}

/// A row of the ledger. What concerns no number is dropped as it is parsed: an account may have a million calls a day.
#[derive(Deserialize)]
#[serde(from = "Object<WireRow>")]
struct Transaction {
    key: Option<u64>,
    id: Option<u64>,
    at: Option<Timestamp>,
    sort: Sort,
    may_be_a_purchase: bool,
    of_interest: Option<WireRow>,
}

impl From<Object<WireRow>> for Transaction {
    fn from(Object(wire): Object<WireRow>) -> Self {
        let row = wire.bare();
        Self {
            key: wire.key(),
            id: wire.id_key(),
            at: row.at.map(Time::at),
            sort: (row.kind, row.reference_type),
            may_be_a_purchase: row.may_be_a_purchase(),
            of_interest: row.concerns_numbers().then_some(wire),
        }
    }
}

/// A page of the ledger. `summary` is not looked at: it may be zeroed beside rows.
///
/// # Errors
/// If it does not parse, or is not the page that was asked for.
pub fn ledger_page(body: &[u8], asked: usize, masks: &Masks) -> Result<Page<Arc<LedgerRow>>, ReadError> {
    let wire: WireLedger = object(body).ok_or_else(|| ReadError::unreadable("ledger"))?;
    check_echo(wire.page.0, asked)?;
    let transactions = rows(wire.transactions, wire.total.0, "ledger")?;
    let ids = transactions.iter().map(|row| row.at.zip(row.id)).collect();
    let debits = transactions.iter().filter(|row| row.may_be_a_purchase);
    let debits = debits.filter_map(|row| Some((row.at, row.id?))).collect();
    let (mut keys, mut sorts) = (Vec::with_capacity(transactions.len()), Vec::new());
    let mut rows: Vec<(u64, Arc<LedgerRow>)> = Vec::new();
    for (at, row) in transactions.into_iter().enumerate() {
        // A row without an id cannot be told from its twin, so its place has to do.
        let key = row.key.unwrap_or_else(|| key((asked, at)));
        keys.push(key);
        if !sorts.contains(&row.sort) {
            sorts.push(row.sort);
        }
        rows.extend(row.of_interest.map(|row| (key, Arc::new(row.parse(masks)))));
    }
    Ok(Page { rows, keys, ids, debits, sorts, total: wire.total.0 })
}

/// A server that answers with another page than was asked for does not page the way it is read here.
fn check_echo(echoed: Option<usize>, asked: usize) -> Result<(), ReadError> {
    match echoed {
        Some(page) if page != asked => Err(ReadError::unreadable("list page other than the one asked for")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn numbers_page(body: &[u8], asked: usize) -> Result<Page<Box<ListedNumber>>, ReadError> {
        super::numbers_page(body, asked, &Masks::default())
    }

    fn ledger_page(body: &[u8], asked: usize) -> Result<Page<Arc<LedgerRow>>, ReadError> {
        super::ledger_page(body, asked, &Masks::default())
    }

    #[test]
    fn a_page_that_does_not_parse_is_an_error_and_no_absence() {
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"items":null}"#,
            r#"{"items":null,"total":1}"#,
            r#"{"items":null,"total":"0"}"#,
            r#"{"items":null,"total":null}"#,
            r#"{"total":0}"#,
            r#"{"items":{},"total":0}"#,
            r#"{"items":null,"total":0,"page":2}"#,
            "[[]]",
            r#"{"items":[["+12"]]}"#,
            r#"{"items":[null],"total":0}"#,
            r#"{"items":[{"e164":{}}]}"#,
            r#"{"items":[{"e164":true}]}"#,
            r#"{"items":[{"e164":"\u0669\u0661\u0661\u0662\u0663\u0664\u0665\u0660\u0660\u0660\u0660\u0660"}]}"#,
            r#"{"items":[{}]}"#,
            r#"{"items":[{"e164":"+12"}],"page":2}"#,
        ] {
            assert!(matches!(numbers_page(body.as_bytes(), 1), Err(ReadError::Failed(_))), "{body}");
        }
        for body in [
            "",
            "{}",
            "[[]]",
            r#"{"transactions":[{}]}"#,
            r#"{"transactions":null}"#,
            r#"{"transactions":null,"total":3}"#,
            r#"{"total":0}"#,
            r#"{"transactions":[["debit"]]}"#,
            r#"{"error":"Failed to retrieve transactions"}"#,
        ] {
            assert!(matches!(ledger_page(body.as_bytes(), 1), Err(ReadError::Failed(_))), "{body}");
        }
    }

    #[test]
    fn null_in_the_place_of_rows_is_an_empty_page_where_the_total_is_0() {
        let numbers = numbers_page(br#"{"items":null,"total":0}"#, 1).unwrap();
        let ledger = ledger_page(br#"{"transactions":null,"summary":{},"total":0,"page":1}"#, 1).unwrap();
        assert_eq!((numbers.keys.len(), numbers.total), (0, Some(0)));
        assert_eq!((ledger.keys.len(), ledger.total), (0, Some(0)));
    }

    #[test]
    fn a_number_that_is_not_written_as_e164_is_nobodys_and_not_absent() {
        for text in ["911234500000", "+91 12345-00000", "00911234500000", " +911234500000"] {
            let body = format!(r#"{{"items":[{{"e164":"{text}","account_id":"MA_1","status":"active"}}]}}"#);
            let page = numbers_page(body.as_bytes(), 1).unwrap();
            let row = page.rows().next().unwrap();
            assert_eq!((row.e164.to_string().as_str(), &row.owner), ("+911234500000", &None), "{text}");
        }
    }

    #[test]
    fn a_number_with_something_beside_it_is_nobodys_and_not_absent() {
        for text in ["\"sip:911234500000@10.0.0.1\"", "\"+91 12345 00000 x12\"", "911234500000"] {
            let body = format!(
                r#"{{"items":[{{"id":"1","e164":{text},"account_id":"MA_1","status":"active"}}],"total":1}}"#
            );
            let page = numbers_page(body.as_bytes(), 1).unwrap();
            let row = page.rows().find(|row| row.e164.to_string() == "+911234500000").expect(text);
            assert_eq!((&row.owner, page.keys.len()), (&None, 1), "{text}");
        }
    }

    #[test]
    fn a_row_about_no_number_is_shown_to_people_too() {
        let body = br#"{"items":[{"e164":"acme"},{"e164":"acme"},{"e164":"+12"},{"e164":"\u0661\u0662"}],"total":4}"#;
        let page = owned_page(body, 1, &Masks::default()).unwrap();
        let rows: HashSet<_> = page.rows.iter().map(|(key, _)| key).collect();
        assert_eq!((rows.len(), page.rows().filter(|row| row.e164.is_some()).count()), (4, 1));
    }

    #[test]
    fn a_row_that_a_page_shows_twice_is_no_less_of_interest() {
        let row = |id: &str| {
            format!(
                r#"{{"id":"{id}","type":"debit","amount":52,"reference_type":"did_purchase",
                "created_at":"2026-01-02T03:04:05Z"}}"#
            )
        };
        for order in [["a", "b", "b"], ["b", "a", "b"], ["b", "b", "a"]] {
            let rows = order.map(row).join(",");
            let body = format!(r#"{{"transactions":[{rows}],"total":2}}"#);
            let shown = ledger_page(body.as_bytes(), 1).unwrap().by_id().unwrap();
            assert_eq!(shown.values().filter(|shown| shown.row.is_some()).count(), 2, "{order:?}");
        }
    }

    #[test]
    fn a_zeroed_summary_beside_rows_hides_no_row() {
        let body = r#"{"transactions":[{"id":"t","type":"debit","amount":52,"reference_type":"did_purchase"}],"summary":{"total":0}}"#;
        assert_eq!(ledger_page(body.as_bytes(), 1).unwrap().rows.len(), 1);
    }

    #[test]
    fn a_token_that_vobiz_echoes_is_in_no_row() {
        let masks = Masks::of(["hush-hush"].into_iter());
        let number = r#"{"items":[{"e164":"+12","id":"hush-hush","account_id":"hush-hush","status":"hush-hush",
            "country":"%68ush-hush","region":"in hush-hush"}],"total":1}"#;
        let long = format!("{}hush-hush", "x".repeat(296));
        let debit = format!(
            r#"{{"transactions":[{{"id":"hush-hush","type":"debit","description":"+12 hush-hush"}},
            {{"id":"{long}","type":"debit"}}],"total":2}}"#
        );
        let listed = super::numbers_page(number.as_bytes(), 1, &masks).unwrap();
        let ledger = super::ledger_page(debit.as_bytes(), 1, &masks).unwrap();
        assert_eq!((listed.rows.len(), ledger.rows.len()), (1, 2));
        let rows = (listed.rows().collect::<Vec<_>>(), ledger.rows().collect::<Vec<_>>());
        let words = format!("{rows:?}");
        assert!(!words.contains("hus") && words.contains("***"), "{words}");
        assert_eq!(listed.rows().next().unwrap().owner, None);
    }
}
