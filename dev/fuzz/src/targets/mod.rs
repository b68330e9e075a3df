//! One target for each reader: makes an input, has it read, and holds the outcome against what is right.

mod lists;
mod paging;
mod purchase;
mod transport;
mod words;

use fastrand::Rng;

/// The outcome in a word, or what was wrong with it.
pub type Verdict = Result<&'static str, String>;

pub struct Target {
    pub name: &'static str,
    /// Fills in the input, for people to see.
    pub run: fn(&mut Rng, &mut Vec<u8>) -> Verdict,
}

/// Each gets the same share of the inputs; those that stand twice get two.
pub const TARGETS: [Target; 16] = [
    Target { name: "purchase", run: purchase::purchase },
    Target { name: "purchase", run: purchase::purchase },
    Target { name: "purchase", run: purchase::purchase },
    Target { name: "envelope", run: purchase::envelope },
    Target { name: "numbers page", run: lists::numbers },
    Target { name: "numbers page", run: lists::numbers },
    Target { name: "ledger page", run: lists::ledger },
    Target { name: "ledger page", run: lists::ledger },
    Target { name: "whole list", run: paging::list },
    Target { name: "balance", run: lists::balance },
    Target { name: "retry-after", run: transport::retry_after },
    Target { name: "body", run: transport::body },
    Target { name: "money", run: words::money },
    Target { name: "time", run: words::time },
    Target { name: "e164", run: words::e164 },
    Target { name: "ids", run: words::ids },
];

/// `Err` with these words, unless it holds.
fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
