//! Reads a list to its end, although its rows move between the pages meanwhile.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Deserializer};

use super::{
    error::ReadError,
    json::{Object, lenient, object},
    ledger::WireRow,
    masks::Masks,
    wire::WireNumber,
};
use crate::domain::{LedgerRow, ListedNumber};

/// A list whose total keeps changing while it is paged is read so often, then taken as the union of what was
/// seen: one row would have to hide in every pass.
const PASSES: usize = 3;

/// No list that is read here has more pages; a server that never ends is an error, not a loop.
const MOST_PAGES: usize = 10_000;

/// One page, keyed so that rows that move between pages count once.
#[derive(Debug)]
pub struct Page<T> {
    /// Rows on the page, with those that are of no interest already left out.
    rows: Vec<(String, T)>,
    /// Keys of all rows on the page.
    keys: Vec<String>,
    total: Option<usize>,
}

impl<T> Page<T> {
    /// Its rows of interest.
    pub fn rows(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().map(|(_, row)| row)
    }

    /// How many rows there were, the others included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many rows the list has in all, where the page says so.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        self.total
    }
}

/// Reads every page.
///
/// Rows can move while pages are read: a row that is added pushes others to a later page, where they are seen
/// twice, and one that is removed pulls others to an earlier page, where they are missed. So the count of distinct
/// rows is held against the total, and a pass that comes out short is repeated.
///
/// # Errors
/// If a page cannot be had.
pub async fn complete<T, F>(mut page: impl FnMut(usize) -> F) -> Result<Listed<T>, ReadError>
where
    F: Future<Output = Result<Page<T>, ReadError>>,
{
    let mut union = Union { rows: HashMap::new(), keys: HashSet::new() };
    let mut moved = false;
    let mut least = usize::MAX;
    for _ in 0..PASSES {
        match pass(&mut page, &mut union).await? {
            Pass::Complete => return Ok(Listed::Whole(union.rows.into_values().collect())),
            Pass::Short { total_changed, total } => {
                moved |= total_changed;
                least = least.min(total);
            }
        }
    }
    // Rows that move explain a short pass, and three passes see what one missed. A list that stands still and is short
    // all the same hides rows, and so does one whose passes together have fewer than any of them announced.
    let rows = union.rows.into_values().collect();
    Ok(if moved && union.keys.len() >= least { Listed::Whole(rows) } else { Listed::Short(rows) })
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

    /// Where rows are searched for: the total may count those that were not.
    #[must_use]
    pub fn rows(self) -> Vec<T> {
        match self {
            Self::Whole(rows) | Self::Short(rows) => rows,
        }
    }
}

/// How a pass over all pages came out.
enum Pass {
    /// It saw as many rows as there were at its end.
    Complete,
    Short {
        total_changed: bool,
        /// The least that any page with rows announced.
        total: usize,
    },
}

/// What all passes saw.
struct Union<T> {
    rows: HashMap<String, T>,
    /// Of all rows, those of no interest included.
    keys: HashSet<String>,
}

async fn pass<T, F>(page: &mut impl FnMut(usize) -> F, union: &mut Union<T>) -> Result<Pass, ReadError>
where
    F: Future<Output = Result<Page<T>, ReadError>>,
{
    let mut seen = HashSet::new();
    let mut totals = HashSet::new();
    let mut least = usize::MAX;
    for number in 1..=MOST_PAGES {
        let Page { rows, keys, total } = match page(number).await {
            // The list exists, or there would have been no first page.
            Err(ReadError::Missing) if number > 1 => {
                return Err(ReadError::unreadable("page that does not exist"));
            }
            page => page?,
        };
        union.rows.extend(rows);
        union.keys.extend(keys.iter().cloned());
        let empty = keys.is_empty();
        let before = seen.len();
        seen.extend(keys);
        totals.insert(total);
        // A page without a new row is the end, or comes from a server that does not page at all.
        let ended = seen.len() == before;
        // A page that announces nothing says nothing about how few rows there may be.
        if let Some(total) = total.filter(|_| !ended) {
            least = least.min(total);
        }
        // The most that any page announced: a later page that is cut down to nothing completes no list.
        match totals.iter().max().copied().flatten() {
            Some(total) if seen.len() >= total => return Ok(Pass::Complete),
            Some(total) if ended => {
                let total_changed = totals.len() > 1;
                return Ok(Pass::Short { total_changed, total: least.min(total) });
            }
            None if empty => return Ok(Pass::Complete),
            // The same rows again, and no total: the server does not page, and may hold back what is beyond its limit.
            None if ended => return Ok(Pass::Short { total_changed: false, total: usize::MAX }),
            _ => {}
        }
    }
    Err(ReadError::unreadable("list without an end"))
}

/// Null is how some servers write a list without rows, and is believed only where the total says so too.
fn rows<T>(rows: Option<Vec<Object<T>>>, total: Option<usize>, what: &str) -> Result<Vec<T>, ReadError> {
    match (rows, total) {
        (Some(rows), _) => Ok(rows.into_iter().map(|Object(row)| row).collect()),
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
    #[serde(default, deserialize_with = "lenient")]
    page: Option<usize>,
    #[serde(default, deserialize_with = "lenient")]
    total: Option<usize>,
}

/// A page of the owned list or of the inventory. A page that does not parse is an error, never an absence.
///
/// # Errors
/// If it does not parse, or is not the page that was asked for.
pub fn numbers_page(body: &[u8], asked: usize, masks: &Masks) -> Result<Page<ListedNumber>, ReadError> {
    let wire: WireNumbers = object(body).ok_or_else(|| ReadError::unreadable("list"))?;
    check_echo(wire.page, asked)?;
    let items = rows(wire.items, wire.total, "list")?;
    let keys = items.iter().enumerate().map(|(at, item)| item.key(|| format!("{asked}/{at}"))).collect();
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        let contents = item.contents();
        rows.extend(item.numbers(masks)?.into_iter().map(|row| (format!("{contents}/{}", row.e164), row)));
    }
    Ok(Page { rows, keys, total: wire.total })
}

#[derive(Deserialize)]
struct WireLedger {
    #[serde(deserialize_with = "nullable")]
    transactions: Option<Vec<Object<WireRow>>>,
    #[serde(default, deserialize_with = "lenient")]
    page: Option<usize>,
    #[serde(default, deserialize_with = "lenient")]
    total: Option<usize>,
}

/// A page of the ledger. `summary` is not looked at: it may be zeroed beside rows.
///
/// # Errors
/// If it does not parse, or is not the page that was asked for.
pub fn ledger_page(body: &[u8], asked: usize, masks: &Masks) -> Result<Page<LedgerRow>, ReadError> {
    let wire: WireLedger = object(body).ok_or_else(|| ReadError::unreadable("ledger"))?;
    check_echo(wire.page, asked)?;
    let transactions = rows(wire.transactions, wire.total, "ledger")?;
    let parsed: Vec<_> =
        transactions.into_iter().enumerate().map(|(at, row)| (at, row.parse(masks))).collect();
    // A row without an id cannot be told from its twin, so its place has to do.
    let key =
        |at: usize, row: &LedgerRow| if row.id.is_empty() { format!("{asked}/{at}") } else { row.id.clone() };
    // A refund must not hide its debit, even if both have the same id.
    let keyed = parsed
        .into_iter()
        .map(|(at, row)| (format!("{}/{:?}/{:?}", key(at, &row), row.kind, row.amount), row));
    let keyed: Vec<_> = keyed.collect();
    let keys = keyed.iter().map(|(key, _)| key.clone()).collect();
    let rows = keyed.into_iter().filter(|(_, row)| row.concerns_numbers()).collect();
    Ok(Page { rows, keys, total: wire.total })
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
    use super::*;

    fn numbers_page(body: &[u8], asked: usize) -> Result<Page<ListedNumber>, ReadError> {
        super::numbers_page(body, asked, &Masks::default())
    }

    fn ledger_page(body: &[u8], asked: usize) -> Result<Page<LedgerRow>, ReadError> {
        super::ledger_page(body, asked, &Masks::default())
    }

    fn page(ids: &[u32], total: Option<usize>) -> Page<u32> {
        let keys: Vec<String> = ids.iter().map(ToString::to_string).collect();
        Page { rows: keys.iter().cloned().zip(ids.iter().copied()).collect(), keys, total }
    }

    async fn read(pages: Vec<Page<u32>>) -> (Vec<u32>, usize) {
        let mut pages = pages.into_iter();
        let mut calls = 0;
        let mut rows = complete(|_| {
            calls += 1;
            std::future::ready(pages.next().ok_or_else(|| ReadError::Failed("too many calls".into())))
        })
        .await
        .and_then(Listed::whole)
        .unwrap();
        rows.sort_unstable();
        (rows, calls)
    }

    #[tokio::test]
    async fn a_list_ends_at_its_total_without_another_call() {
        assert_eq!(read(vec![page(&[1, 2], Some(3)), page(&[3], Some(3))]).await, (vec![1, 2, 3], 2));
        assert_eq!(read(vec![page(&[], Some(0))]).await, (vec![], 1));
    }

    #[tokio::test]
    async fn a_list_without_a_total_ends_at_an_empty_page() {
        assert_eq!(read(vec![page(&[1], None), page(&[2], None), page(&[], None)]).await, (vec![1, 2], 3));
    }

    #[tokio::test]
    async fn a_row_that_slipped_between_pages_is_found_in_the_next_pass() {
        let pages = vec![
            page(&[1, 2], Some(4)),
            page(&[4], Some(4)),
            page(&[], Some(4)),
            page(&[1, 2, 3, 4], Some(4)),
        ];
        assert_eq!(read(pages).await, (vec![1, 2, 3, 4], 4));
    }

    #[tokio::test]
    async fn a_total_that_keeps_changing_does_not_restart_the_list_for_ever() {
        let pass = |a, b| [page(&[1, a], Some(4)), page(&[b], Some(3)), page(&[], Some(3))];
        let passes = [pass(2, 3), pass(2, 3), pass(3, 4)];
        assert_eq!(read(passes.into_iter().flatten().collect()).await, (vec![1, 2, 3, 4], 9));
    }

    #[tokio::test]
    async fn a_total_that_never_stands_still_is_believed_at_its_least() {
        let pass = || [page(&[1, 2], Some(4)), page(&[3], Some(3)), page(&[], Some(4))];
        let passes = [pass(), pass(), pass()];
        assert_eq!(read(passes.into_iter().flatten().collect()).await, (vec![1, 2, 3], 9));
    }

    #[tokio::test]
    async fn a_page_without_a_total_does_not_make_a_short_list_whole() {
        for rest in [None, Some(5)] {
            let rows = complete(|number| {
                std::future::ready(Ok(match number {
                    1 => page(&[1, 2], Some(4)),
                    2 => page(&[3], rest),
                    _ => page(&[], Some(4)),
                }))
            });
            assert!(matches!(rows.await, Ok(Listed::Short(_))), "{rest:?}");
        }
    }

    #[tokio::test]
    async fn a_page_that_is_cut_down_to_nothing_does_not_end_the_list_before_it() {
        for (rest, passes) in [(Some(0), 3), (Some(2), 3), (None, 3)] {
            let mut calls = 0;
            let rows = complete(|number| {
                calls += 1;
                std::future::ready(Ok(if number == 1 { page(&[1, 2], Some(4)) } else { page(&[], rest) }))
            });
            assert!(matches!(rows.await, Ok(Listed::Short(_))), "{rest:?}");
            assert_eq!(calls, 2 * passes);
        }
    }

    #[tokio::test]
    async fn a_list_that_stays_shorter_than_its_total_proves_nothing() {
        let mut calls = 0;
        let rows = complete(|number| {
            calls += 1;
            std::future::ready(Ok(if number == 1 { page(&[1], Some(9)) } else { page(&[], Some(9)) }))
        });
        let rows = rows.await.unwrap();
        assert!(matches!(rows.whole(), Err(ReadError::Failed(_))));
        assert_eq!(calls, 6);
    }

    #[tokio::test]
    async fn an_unpaged_list_without_a_total_is_incomplete() {
        let mut calls = 0;
        let rows = complete(|_| {
            calls += 1;
            std::future::ready(Ok(page(&[1, 2], None)))
        });
        assert!(matches!(rows.await, Ok(Listed::Short(_))));
        assert_eq!(calls, 2 * PASSES);
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
        assert_eq!((numbers.len(), numbers.total()), (0, Some(0)));
        assert_eq!((ledger.len(), ledger.total()), (0, Some(0)));
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

    #[tokio::test]
    async fn a_row_without_digits_is_counted_and_is_about_no_number() {
        let body = br#"{"items":[{"e164":"","account_id":"MA_1"},{"e164":null},{"e164":null},{"id":"4","e164":"sip:desk@x"},
            {"id":"5","e164":"+911234500000","account_id":"MA_1","status":"active"}],"total":5}"#;
        let rows = complete(|number| std::future::ready(numbers_page(body, number)));
        let rows = rows.await.unwrap().whole().unwrap();
        let numbers: Vec<_> = rows.iter().map(|row| row.e164.to_string()).collect();
        assert_eq!(numbers, ["+911234500000"]);
    }

    #[test]
    fn a_number_with_something_beside_it_is_nobodys_and_not_absent() {
        for text in ["\"sip:911234500000@10.0.0.1\"", "\"+91 12345 00000 x12\"", "911234500000"] {
            let body = format!(
                r#"{{"items":[{{"id":"1","e164":{text},"account_id":"MA_1","status":"active"}}],"total":1}}"#
            );
            let page = numbers_page(body.as_bytes(), 1).unwrap();
            let row = page.rows().find(|row| row.e164.to_string() == "+911234500000").expect(text);
            assert_eq!((&row.owner, page.len()), (&None, 1), "{text}");
        }
    }

    #[tokio::test]
    async fn two_rows_with_the_same_id_hide_each_other_in_no_list() {
        let body = br#"{"items":[{"id":"1","e164":"+12","account_id":"MA_1","status":"active"},
            {"id":"1","e164":"+12","account_id":"MA_1","status":"released"},
            {"id":"1","e164":"+13","account_id":"MA_1","status":"active"}]}"#;
        let pages = |number| if number == 1 { body.as_slice() } else { br#"{"items":[]}"# };
        let rows = complete(|number| std::future::ready(numbers_page(pages(number), number)));
        assert_eq!(rows.await.unwrap().whole().unwrap().len(), 3);
        let body = br#"{"transactions":[{"id":"1","type":"debit","amount":5},{"id":"1","type":"credit","amount":5}],"total":2}"#;
        let rows = complete(|_| std::future::ready(ledger_page(body, 1)));
        assert_eq!(rows.await.unwrap().whole().unwrap().len(), 2);
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
