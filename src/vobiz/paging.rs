use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{
    error::ReadError,
    ledger::{LedgerRow, WireRow},
    wire::{ListedNumber, WireNumber, lenient},
};

/// A list whose total keeps changing while it is paged is read so often, then taken as the union of what was
/// seen: one row would have to hide in every pass.
const PASSES: usize = 3;

/// No list that is read here has more pages; a server that never ends is an error, not a loop.
const MOST_PAGES: usize = 10_000;

/// One page, keyed so that rows that move between pages count once.
pub struct Page<T> {
    /// Rows on the page, with those that are of no interest already left out.
    rows: Vec<(String, T)>,
    /// Keys of all rows on the page.
    keys: Vec<String>,
    total: Option<usize>,
}

/// Reads every page.
///
/// Rows can move while pages are read: a row that is added pushes others to a later page, where they are seen
/// twice, and one that is removed pulls others to an earlier page, where they are missed. So the count of distinct
/// rows is held against the total, and a pass that comes out short is repeated.
pub async fn complete<T, F>(short: Short, mut page: impl FnMut(usize) -> F) -> Result<Vec<T>, ReadError>
where
    F: Future<Output = Result<Page<T>, ReadError>>,
{
    let mut union = HashMap::new();
    let mut moved = false;
    for _ in 0..PASSES {
        match pass(&mut page, &mut union).await? {
            Pass::Complete => return Ok(union.into_values().collect()),
            Pass::Short { total_changed } => moved |= total_changed,
        }
    }
    // Rows that move explain a short pass. A list that stands still and is short all the same hides rows.
    if moved || short == Short::Serves {
        Ok(union.into_values().collect())
    } else {
        Err(ReadError::unreadable("list shorter than its total"))
    }
}

/// What a list is worth whose rows never come up to its total. Where rows are searched for, the total may count those
/// that were not; where absence is to be proven, it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    Serves,
    ProvesNothing,
}

/// How a pass over all pages came out.
enum Pass {
    /// It saw as many rows as there were at its end.
    Complete,
    Short {
        total_changed: bool,
    },
}

async fn pass<T, F>(
    page: &mut impl FnMut(usize) -> F,
    union: &mut HashMap<String, T>,
) -> Result<Pass, ReadError>
where
    F: Future<Output = Result<Page<T>, ReadError>>,
{
    let mut seen = HashSet::new();
    let mut totals = HashSet::new();
    for number in 1..=MOST_PAGES {
        let Page { rows, keys, total } = match page(number).await {
            // The list exists, or there would have been no first page.
            Err(ReadError::Missing) if number > 1 => {
                return Err(ReadError::unreadable("page that does not exist"));
            }
            page => page?,
        };
        union.extend(rows);
        let before = seen.len();
        seen.extend(keys);
        totals.insert(total);
        // A page without a new row is the end, or comes from a server that does not page at all.
        let ended = seen.len() == before;
        match total {
            Some(total) if seen.len() >= total => return Ok(Pass::Complete),
            Some(_) if ended => return Ok(Pass::Short { total_changed: totals.len() > 1 }),
            None if ended => return Ok(Pass::Complete),
            _ => {}
        }
    }
    Err(ReadError::unreadable("list without an end"))
}

#[derive(Deserialize)]
struct WireNumbers {
    items: Vec<WireNumber>,
    #[serde(default, deserialize_with = "lenient")]
    page: Option<usize>,
    #[serde(default, deserialize_with = "lenient")]
    total: Option<usize>,
}

/// A page of the owned list or of the inventory. A page that does not parse is an error, never an absence.
pub fn numbers_page(body: &[u8], asked: usize) -> Result<Page<ListedNumber>, ReadError> {
    let wire: WireNumbers = serde_json::from_slice(body).map_err(|_| ReadError::unreadable("list"))?;
    check_echo(wire.page, asked)?;
    let keys = wire.items.iter().map(WireNumber::key).collect();
    let rows = wire.items.into_iter().filter_map(|row| Some((row.key(), row.parse()?))).collect();
    Ok(Page { rows, keys, total: wire.total })
}

#[derive(Deserialize)]
struct WireLedger {
    transactions: Vec<WireRow>,
    #[serde(default, deserialize_with = "lenient")]
    page: Option<usize>,
    #[serde(default, deserialize_with = "lenient")]
    total: Option<usize>,
}

/// A page of the ledger. `summary` is not looked at: it may be zeroed beside rows.
pub fn ledger_page(body: &[u8], asked: usize) -> Result<Page<LedgerRow>, ReadError> {
    let wire: WireLedger = serde_json::from_slice(body).map_err(|_| ReadError::unreadable("ledger"))?;
    check_echo(wire.page, asked)?;
    let parsed: Vec<_> =
        wire.transactions.into_iter().enumerate().map(|(at, row)| (at, row.parse())).collect();
    // A row without an id cannot be told from its twin, so its place has to do.
    let key =
        |at: usize, row: &LedgerRow| if row.id.is_empty() { format!("{asked}/{at}") } else { row.id.clone() };
    let keys = parsed.iter().map(|(at, row)| key(*at, row)).collect();
    let rows = parsed
        .into_iter()
        .filter(|(_, row)| row.concerns_numbers())
        .map(|(at, row)| (key(at, &row), row))
        .collect();
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

    fn page(ids: &[u32], total: Option<usize>) -> Page<u32> {
        let keys: Vec<String> = ids.iter().map(ToString::to_string).collect();
        Page { rows: keys.iter().cloned().zip(ids.iter().copied()).collect(), keys, total }
    }

    async fn read(pages: Vec<Page<u32>>) -> (Vec<u32>, usize) {
        let mut pages = pages.into_iter();
        let mut calls = 0;
        let mut rows = complete(Short::ProvesNothing, |_| {
            calls += 1;
            std::future::ready(pages.next().ok_or_else(|| ReadError::Failed("too many calls".into())))
        })
        .await
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
        let pass = || [page(&[1], Some(9)), page(&[], Some(8))];
        assert_eq!(read([pass(), pass(), pass()].into_iter().flatten().collect()).await, (vec![1], 6));
    }

    #[tokio::test]
    async fn a_list_that_stays_shorter_than_its_total_proves_nothing() {
        let mut calls = 0;
        let rows = complete(Short::ProvesNothing, |number| {
            calls += 1;
            std::future::ready(Ok(if number == 1 { page(&[1], Some(9)) } else { page(&[], Some(9)) }))
        });
        assert!(matches!(rows.await, Err(ReadError::Failed(_))));
        assert_eq!(calls, 6);
    }

    #[tokio::test]
    async fn a_server_that_does_not_page_is_not_asked_for_ever() {
        assert_eq!(read(vec![page(&[1, 2], None), page(&[1, 2], None)]).await, (vec![1, 2], 2));
    }

    #[test]
    fn a_page_that_does_not_parse_is_an_error_and_no_absence() {
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"items":null}"#,
            r#"{"items":[{}]}"#,
            r#"{"items":[{"e164":"+12"}],"page":2}"#,
        ] {
            assert!(matches!(numbers_page(body.as_bytes(), 1), Err(ReadError::Failed(_))), "{body}");
        }
        for body in ["", "{}", r#"{"transactions":[{}]}"#, r#"{"error":"Failed to retrieve transactions"}"#] {
            assert!(matches!(ledger_page(body.as_bytes(), 1), Err(ReadError::Failed(_))), "{body}");
        }
    }

    #[test]
    fn a_zeroed_summary_beside_rows_hides_no_row() {
        let body = r#"{"transactions":[{"id":"t","type":"debit","amount":52,"reference_type":"did_purchase"}],"summary":{"total":0}}"#;
        assert_eq!(ledger_page(body.as_bytes(), 1).unwrap().rows.len(), 1);
    }
}
