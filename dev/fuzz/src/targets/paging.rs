use std::{
    cell::{Cell, RefCell},
    fmt::Write as _,
    future::ready,
};

use fastrand::Rng;
use futures::FutureExt as _;
use vobiz_operator::vobiz::readers::{Short, complete, numbers_page};

use super::{Verdict, ensure};

/// A list that the server hides rows of, on any page but without changing what its first page says of the total: what
/// is accepted as the whole list is the whole list, or as long as a page with rows announced. Nobody can tell the latter
/// from a list that has become shorter.
pub fn list(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    let count = rng.usize(..12);
    let size = rng.usize(1..5);
    let hostile = rng.u8(..4) != 0;
    let rng = RefCell::new(rng);
    let shown = RefCell::new(input);
    let least = Cell::new(count);
    let asked = |page: usize| {
        let mut rng = rng.borrow_mut();
        let (body, announced) = page_of(&mut rng, count, size, page, hostile);
        least.set(least.get().min(announced.unwrap_or(count)));
        let mut shown = shown.borrow_mut();
        shown.extend_from_slice(body.as_bytes());
        shown.push(b'\n');
        ready(numbers_page(body.as_bytes(), page))
    };
    let outcome = complete(Short::ProvesNothing, asked).now_or_never().ok_or("paging waits for nothing")?;
    match outcome {
        Ok(rows) => {
            let least = least.get();
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
fn page_of(rng: &mut Rng, count: usize, size: usize, page: usize, hostile: bool) -> (String, Option<usize>) {
    let first = (page - 1) * size;
    let mut items: Vec<usize> = (first..count.min(first + size)).collect();
    let mut total = Some(count);
    if hostile && rng.bool() {
        match rng.u8(..6) {
            0 => items.clear(),
            1 => items.truncate(1),
            2 if page > 1 => total = Some(rng.usize(..14)),
            3 if page > 1 => total = None,
            4 if page > 1 => return (r#"{"items":null,"total":0}"#.into(), None),
            5 => {
                let unreadable = ["", "{}", "<html>", r#"{"error":"x"}"#, r#"{"items":null}"#];
                return (unreadable[rng.usize(..5)].into(), None);
            }
            _ => items = (0..count.min(size)).collect(),
        }
    }
    let mut body = String::from(r#"{"items":["#);
    for (at, item) in items.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(body, r#"{comma}{{"id":"{item}","e164":"+49{:08}"}}"#, 10_000_000 + item);
    }
    body.push(']');
    if let Some(total) = total {
        let _ = write!(body, r#","total":{total}"#);
    }
    body.push('}');
    (body, total.filter(|_| !items.is_empty()))
}
