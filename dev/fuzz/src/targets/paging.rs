//! Lists whose rows move between the pages.

use std::fmt::Write as _;

use fastrand::Rng;
use vobiz_operator::vobiz::{
    ReadError,
    readers::{Masks, Next, Page, Pages, ledger_page, numbers_page},
};

use super::{Verdict, ensure};

/// A list that the server hides rows of, on any page but without changing what its first page says of the total: what
/// is accepted as the whole list is the whole list, or as long as a page with rows announced. Nobody can tell the latter
/// from a list that has become shorter.
pub fn list(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    if rng.bool() {
        whole(rng, input, &NUMBERS, |body, page| numbers_page(body, page, &Masks::default()))
    } else {
        whole(rng, input, &LEDGER, |body, page| ledger_page(body, page, &Masks::default()))
    }
}

/// How a list is written.
struct Shape {
    field: &'static str,
    row: fn(usize) -> String,
}

const NUMBERS: Shape =
    Shape { field: "items", row: |at| format!(r#"{{"id":"{at}","e164":"+49{:08}"}}"#, 10_000_000 + at) };
const LEDGER: Shape = Shape {
    field: "transactions",
    row: |at| format!(r#"{{"id":"{at}","type":"debit","amount":5,"reference_type":"did_purchase"}}"#),
};

fn whole<T>(
    rng: &mut Rng,
    input: &mut Vec<u8>,
    shape: &Shape,
    read: fn(&[u8], usize) -> Result<Page<T>, ReadError>,
) -> Verdict {
    let count = rng.usize(..12);
    let size = rng.usize(1..5);
    let hostile = rng.u8(..4) != 0;
    let mut least = count;
    let (mut pages, mut page) = (Pages::default(), 1);
    let outcome = loop {
        let (body, announced) = page_of(rng, shape, count, size, page, hostile);
        least = least.min(announced.unwrap_or(count));
        input.extend_from_slice(body.as_bytes());
        input.push(b'\n');
        match pages.feed(read(body.as_bytes(), page)) {
            Ok(Next::Page(next)) => page = next,
            Ok(Next::End(listed)) => break listed.whole(),
            Err(error) => break Err(error),
        }
    };
    match outcome {
        Ok(rows) => {
            ensure(rows.len() >= least, || {
                format!("{} rows were taken for all {count} ({least})", rows.len())
            })?;
            Ok(if hostile { "whole in spite of it" } else { "whole" })
        }
        Err(error) => {
            ensure(hostile, || format!("an honest list cannot be read: {error}"))?;
            Ok("unreadable")
        }
    }
}

/// A page, and the total that it announces beside rows.
fn page_of(
    rng: &mut Rng,
    shape: &Shape,
    count: usize,
    size: usize,
    page: usize,
    hostile: bool,
) -> (String, Option<usize>) {
    let Shape { field, row } = shape;
    let first = (page - 1) * size;
    let mut items: Vec<usize> = (first..count.min(first + size)).collect();
    let mut total = Some(count);
    if hostile && rng.bool() {
        match rng.u8(..6) {
            0 => items.clear(),
            1 => items.truncate(1),
            2 if page > 1 => total = Some(rng.usize(..14)),
            3 if page > 1 => total = None,
            4 if page > 1 => return (format!(r#"{{"{field}":null,"total":0}}"#), None),
            5 => {
                let null = format!(r#"{{"{field}":null}}"#);
                let unreadable = ["", "{}", "<html>", r#"{"error":"x"}"#, &null];
                return (unreadable[rng.usize(..5)].into(), None);
            }
            _ => items = (0..count.min(size)).collect(),
        }
    }
    let rows: Vec<_> = items.iter().map(|item| row(*item)).collect();
    let mut body = format!(r#"{{"{field}":[{}]"#, rows.join(","));
    if let Some(total) = total {
        let _ = write!(body, r#","total":{total}"#);
    }
    body.push('}');
    (body, total.filter(|_| !items.is_empty()))
}
