//! What to do next, decided without IO: [`claim()`] for a wish, [`record()`] for what was sent and bought, and, in
//! between, [`permission()`] and [`outcome()`] for the one POST.
//!
//! Everything here is a synchronous function of what was observed and the time; that is what lets the protocol
//! be checked exhaustively. The rules (R1 to R12) are explained in `docs/exactly-once.md`.

mod bounds;
mod change;
mod claim;
#[cfg(test)]
mod claim_tests;
mod evidence;
pub(crate) mod guard;
mod keep;
mod record;
#[cfg(test)]
mod record_tests;
mod send;
mod settle;
mod time;

pub use bounds::{LONGEST_TOKEN, RetryToken, cut_token, debits_count, is_spent, retry_token};
pub use change::{Change, Intent};
pub use claim::{
    ClaimObserved, ClaimStep, ConflictWith, Goal, Relation, claim, goal, is_retried_unasked, relation,
};
pub use evidence::{Evidence, Explained, FundsRead, LedgerRead, Need, Reading, Rows, Verdict, verdict};
pub use keep::is_listed_absent;
pub use record::{RecordObserved, RecordStep, Removal, record};
pub use send::{LiveClaim, OutcomeStep, Permission, outcome, permission};
pub use time::{Moment, SEND_WINDOW, Spans};

/// Whether the claim that a record names still stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// It was read, and it is the same claim.
    Lives,
    /// A live read found no claim of that name, or another one under it.
    Gone,
    /// It stands in a namespace that is not watched: nobody here may act on it.
    Unwatched,
}

/// Whether the account may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    Open,
    Held(GateCause, String),
}

/// Why the account is left alone for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateCause {
    /// 401, or 403 for the whole account.
    Credentials,
    /// 429.
    RateLimited,
    /// No answer, a 5xx, or one that cannot be read.
    Unavailable,
}
