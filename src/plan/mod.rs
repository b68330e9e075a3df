//! What to do next, decided without IO: [`decide_claim()`] for a request, [`decide_record()`] for what was sent and
//! bought, and, in between, [`may_send()`] and [`outcome_target()`] for the one POST.
//!
//! Everything here is a synchronous function of what was observed and the time; that is what lets the protocol
//! be checked exhaustively. The rules (R1 to R12) are explained in `docs/exactly-once.md`.

mod answers;
mod attempt;
mod bounds;
mod brief;
mod cause;
mod change;
mod checks;
mod claim;
#[cfg(test)]
mod claim_tests;
mod declared;
mod evidence;
mod family;
pub(crate) mod guard;
mod keep;
mod ledger;
mod listing;
mod look_asked;
mod memory;
mod names;
mod neighbours;
mod observed;
mod offers;
mod ordered;
mod ownership;
mod places;
mod queue;
mod reading;
mod record;
#[cfg(test)]
mod record_tests;
mod relation;
mod relatives;
mod retry;
mod rows;
mod rules;
mod send;
mod serving;
mod settle;
mod taken;
mod time;
mod told;
mod turns;
mod window;

pub use attempt::NewAttempt;
pub use bounds::{LONGEST_TOKEN, RetryToken, cut_token, debits_count, retry_token};
pub use brief::{ClaimBrief, RecordBrief};
pub use cause::Wanted;
pub use change::{Change, RecordStep};
pub use checks::{Checked, Wake, credentials_refused, quoted};
pub use claim::{ClaimStep, Decision, ask_each, decide_claim};
pub use declared::{Declared, Token};
pub use evidence::{
    BalanceRead, Contents, Evidence, EvidenceRequest, FundsRead, LedgerRead, Readings, Source,
};
pub use family::{Families, Kinship, Served};
pub use keep::is_listed_absent;
#[cfg(test)]
pub(crate) use listing::Rows;
pub use look_asked::LookAsked;
pub use memory::{ClaimMemory, RecordMemory};
pub use names::Names;
pub use neighbours::Neighbours;
pub use observed::{ClaimObserved, RecordObserved, Removal};
pub use offers::QuoteRead;
pub use ownership::{Verdict, verdict};
pub use places::Places;
pub use queue::{Enqueued, Next, Queue, TurnEnd};
#[cfg(test)]
pub(crate) use reading::Fresh;
pub use reading::Reading;
pub use record::{decide_record, decide_unserved};
pub use relation::{ConflictWith, Relation};
pub use relatives::Relatives;
pub use retry::{is_retried_unasked, permits};
pub use rows::LedgerRows;
pub use send::{Denial, LiveClaim, OutcomeTarget, Permission, may_send, outcome_target};
pub use serving::{Directory, Labels, LiveAccount, Service};
pub use settle::EXPLAINED_SOON;
pub use time::{SEND_WINDOW, Timeouts};
pub use told::{Told, forget};
pub use turns::Turns;

use crate::api::Reason;
pub(crate) use crate::domain::{Clocks, Moment};

/// Whether the claim that a record names still stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimLiveness {
    /// It was read, and it is the same claim.
    Lives,
    /// A live read found no claim of that name, or another one under it.
    Gone,
    /// It stands in a namespace that is not watched: this operator may not act on it.
    Unwatched,
}

/// Why a new attempt is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptCause {
    /// It is the claim's first.
    First,
    /// The one before failed for no fault of the claim's, or its process died.
    Automatic,
    /// The user asked with this token.
    Token(String),
}

/// Whether the account may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    Open,
    Closed(GateCause, String),
}

/// Why the account is left alone for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateCause {
    /// 401, or 403 for the whole account.
    Credentials,
    /// 429 to a read.
    RateLimited,
    /// 429 to a purchase: none is sent for as long as Vobiz asked, and the account is read all the same.
    PurchasesLimited,
    /// No answer, a 5xx, or one that cannot be read.
    Unavailable,
}

impl GateCause {
    /// What it is told as.
    pub fn reason(self) -> Reason {
        match self {
            Self::Credentials => Reason::InvalidCredentials,
            Self::RateLimited | Self::PurchasesLimited => Reason::RateLimited,
            Self::Unavailable => Reason::VobizUnavailable,
        }
    }
}
