//! What must come of each claim in examples/.

use vobiz_sim::{Fault, FaultRule, Target, Times};

/// The outcome of one claim.
pub struct Expected {
    pub claim: &'static str,
    pub outcome: Outcome,
    pub reason: &'static str,
    /// Purchase calls that Vobiz receives for it.
    pub calls: u64,
    /// What Vobiz takes for it.
    pub debits: &'static [&'static str],
}

/// How a claim ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ready,
    Stalled,
}

impl Outcome {
    /// The condition to wait for.
    pub fn condition(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Stalled => "Stalled",
        }
    }
}

const fn ready(claim: &'static str, reason: &'static str, debits: &'static [&'static str]) -> Expected {
    // Every debit was asked for once.
    Expected { claim, outcome: Outcome::Ready, reason, calls: debits.len() as u64, debits }
}

const fn refused(claim: &'static str, reason: &'static str) -> Expected {
    Expected { claim, outcome: Outcome::Stalled, reason, calls: 1, debits: &[] }
}

const fn held_back(claim: &'static str, reason: &'static str) -> Expected {
    Expected { claim, outcome: Outcome::Stalled, reason, calls: 0, debits: &[] }
}

/// Every claim of examples/, as the simulated Vobiz of `vobiz.yaml` must answer it.
pub const CLAIMS: [Expected; 7] = [
    ready("buy-inr", "Purchased", &["52 INR"]),
    ready("buy-usd", "Purchased", &["1 USD"]),
    ready("lost-reply", "Purchased", &["52 INR"]),
    ready("already-owned", "Adopted", &[]),
    refused("not-in-inventory", "NumberNotFound"),
    refused("short-balance", "InsufficientBalance"),
    held_back("ceiling", "PriceExceeded"),
];

/// The purchase for examples/lost-reply.yaml is made and paid for, and its reply never arrives.
pub fn lost_reply() -> FaultRule {
    FaultRule {
        on: Target::Purchase,
        account: None,
        e164: Some("+911234500005".to_owned()),
        times: Times::default(),
        fault: Fault::CommitThenDrop,
    }
}
