//! Lists of numbers and of ledger rows.

use fastrand::Rng;
use vobiz_operator::{
    domain::{Currency, E164, LedgerRow, ListedNumber},
    vobiz::{
        Balance,
        readers::{Masks, Page, ledger_page, numbers_page},
    },
};

use super::{Verdict, ensure};
use crate::{
    documents::{BALANCES, LEDGERS, LISTS, NUMBER},
    inputs,
    node::Node,
    oracle::{digits, is_e164, sum_of},
};

/// The rows of a page that was read: `None` where they are null, which is an empty page with a total of 0 and nothing else.
fn rows<'a, T>(document: &'a Node, name: &str, page: &Page<T>) -> Result<&'a [Node], String> {
    let rows = document.field(name).ok_or(format!("a page without {name}"))?;
    let Some(items) = rows.items() else {
        let empty = rows.raw() == Some("null") && document.field("total").and_then(Node::raw) == Some("0");
        return ensure(empty && page.keys.is_empty(), || format!("a page that has no {name}"))
            .map(|()| &[][..]);
    };
    ensure(page.keys.len() == items.len(), || format!("{} rows of {}", page.keys.len(), items.len()))?;
    Ok(items)
}

/// No row is lost, and none of our number, however it is written and whatever stands beside it; and what has no digits is no
/// number.
pub fn numbers(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    *input = inputs::body(rng, &LISTS);
    let Ok(page) = numbers_page(input, 1, &Masks::default()) else { return Ok("unreadable") };
    let Some(document) = Node::parse(input).filter(|document| !document.has_escaped_keys()) else {
        return Ok("odd page");
    };
    let items = rows(&document, "items", &page)?;
    let read: Vec<&ListedNumber> = page.rows().map(|row| &**row).collect();
    for item in items {
        let Some(text) = item.field("e164").and_then(Node::plain) else { continue };
        let same: Vec<_> = read.iter().filter(|row| digits(text) == row.e164.digits()).collect();
        if is_e164(text) || digits(text) == digits(NUMBER) {
            ensure(!same.is_empty(), || format!("the row of {text} was lost"))?;
        }
        if text.split(|c: char| !c.is_ascii_digit()).take(8).any(|run| run == digits(NUMBER)) {
            let ours = read.iter().any(|row| row.e164.digits() == digits(NUMBER));
            ensure(ours, || format!("{text:?} stands in nobody's way"))?;
        }
        if !is_e164(text) {
            let owned = same.iter().any(|row| row.owner.is_some());
            let only = items.iter().filter_map(|item| item.field("e164")?.plain());
            let only = only.filter(|other| digits(other) == digits(text)).count() == 1;
            ensure(!(owned && only), || format!("{text:?} was taken for a number that somebody owns"))?;
        }
        ensure_sums(item, text, &same)?;
    }
    let names =
        |item: &Node| item.field("e164").is_some_and(|field| format!("{field:?}").contains(char::is_numeric));
    ensure(read.is_empty() || items.iter().any(names), || "a number was made up".into())?;
    Ok(if page.keys.is_empty() { "empty page" } else { "page" })
}

/// Some row of this number has the item's sums; where only one row has it, that one.
fn ensure_sums(item: &Node, text: &str, same: &[&&ListedNumber]) -> Result<(), String> {
    if let ([row], true) = (same, is_e164(text)) {
        sum_of(Some(item), "setup_fee", row.number.setup_fee, false)?;
        sum_of(Some(item), "monthly_fee", row.number.monthly_fee, false)?;
    }
    Ok(())
}

/// No row that may be a purchase is lost.
pub fn ledger(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    *input = inputs::body(rng, &LEDGERS);
    let Ok(page) = ledger_page(input, 1, &Masks::default()) else { return Ok("unreadable") };
    let Some(document) = Node::parse(input).filter(|document| !document.has_escaped_keys()) else {
        return Ok("odd ledger");
    };
    let items = rows(&document, "transactions", &page)?;
    let words = ["type", "status", "reference_type"];
    if items.iter().any(|item| words.iter().filter_map(|word| item.field(word)).any(Node::has_escapes)) {
        return Ok("odd ledger");
    }
    let mut debits = items.iter().filter(|item| is_debit(item));
    let read: Vec<&LedgerRow> = page.rows().map(|row| &**row).collect();
    let mut taken = read.iter().filter(|row| row.takes_money());
    let e164: E164 = NUMBER.parse().map_err(|_| "the number itself")?;
    loop {
        match (debits.next(), taken.next()) {
            (None, None) => break,
            (Some(item), Some(row)) => {
                sum_of(Some(item), "amount", row.amount, true)?;
                let holds_ours = |field| {
                    item.field(field).and_then(Node::plain).is_some_and(|text: &str| {
                        text.split(|c: char| !c.is_ascii_digit()).any(|run| run == &NUMBER[1..])
                    })
                };
                let named = holds_ours("reference") || holds_ours("description");
                ensure(!named || row.names(e164), || format!("the debit for our number was lost: {item:?}"))?;
            }
            (item, row) => return Err(format!("a debit was lost or made up: {item:?} {row:?}")),
        }
    }
    Ok(if read.is_empty() { "no rows of interest" } else { "rows" })
}

/// A row that took money, for all that can be told, and may have taken it for a number.
fn is_debit(item: &Node) -> bool {
    let is = |field: &str, words: &[&str]| {
        let raw = item.field(field).and_then(Node::raw).unwrap_or_default();
        words.iter().any(|word| raw == format!("\"{word}\""))
    };
    let no_word = |field: &str| !item.field(field).is_some_and(Node::is_string);
    // A word that nobody knows acquits nobody.
    let live = !is("status", &["failed", "cancelled"]);
    let for_numbers = no_word("reference_type") || is("reference_type", &["did_purchase", "did_rental", ""]);
    live && (is("type", &["did_rental"]) || (is("type", &["debit"]) && for_numbers))
}

pub fn balance(rng: &mut Rng, input: &mut Vec<u8>) -> Verdict {
    *input = inputs::body(rng, &BALANCES);
    let Ok(balance) = Balance::parse(input) else { return Ok("unreadable") };
    let Some(document) = Node::parse(input).filter(|document| !document.has_escaped_keys()) else {
        return Ok("odd balance");
    };
    ensure(document.is_map(), || "a balance that is no object".into())?;
    sum_of(Some(&document), "available_balance", balance.available_balance, false)?;
    let currency = document.field("currency").and_then(Node::plain).map(str::parse::<Currency>);
    Ok(match (balance.available_balance, currency) {
        (Some(_), Some(Ok(_))) => "balance in a currency",
        (Some(_), _) => "balance",
        (None, _) => "no balance",
    })
}
