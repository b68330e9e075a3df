//! What is asked before a purchase, and what may be answered.

use std::{borrow::Cow, cell::OnceCell};

use jiff::Timestamp;

pub use crate::plan::told::Told;
use crate::{
    api::{Attempt, PhoneNumberClaim, Reason},
    domain::Debit,
    plan::{
        Moment, attempt::NewAttempt, cause::Wanted, evidence::EvidenceRequest, observed::ClaimObserved,
        serving::Service,
    },
};

pub type Check = fn(&Asked<'_>) -> Checked;

/// What the claim is told, if its purchase is withheld.
pub type LiveCheck = fn(&LiveAsked<'_>) -> Option<Told>;

/// What is asked once the intent is written.
#[derive(Clone, Copy)]
pub struct LiveAsked<'a> {
    /// As it stands now.
    pub claim: &'a PhoneNumberClaim,
    /// As it is stored.
    pub attempt: &'a Attempt,
    /// By what is known of the accounts now.
    pub served: &'a Service,
}

#[derive(Debug, PartialEq)]
pub enum Checked {
    Pass,
    /// The number is owned, or was debited, already: the record is written open, and nothing is sent.
    Adopt(NewAttempt),
    Pause(Pause),
}

/// Nothing is attempted for now.
#[derive(Debug, PartialEq)]
pub struct Pause {
    pub told: Told,
    pub until: Wake,
}

/// What brings a claim back that waits.
#[derive(Debug, Clone, PartialEq)]
pub enum Wake {
    At(Moment),
    /// The account may be called again.
    GateOpens,
    /// The account may be called again, or that moment has come.
    GateOpensOr(Moment),
    /// Our clock agrees with others'.
    ClocksAgree,
    /// There is an answer of Vobiz's that is young enough.
    Evidence(EvidenceRequest),
    /// The account is listed for drift.
    NextListing,
    /// The claim is changed. What it wants then is wanted anew.
    ClaimChanges,
    /// What is known of the accounts changes.
    AccountsChange,
}

/// What is asked: whether the attempt that a claim wants may be made now.
pub struct Asked<'a> {
    pub observed: &'a ClaimObserved<'a>,
    pub wanted: &'a Wanted,
    pub now: Moment,
    /// Taken once: a ledger is long.
    pub(super) look: OnceCell<Look>,
}

impl<'a> Asked<'a> {
    pub fn new(observed: &'a ClaimObserved<'a>, wanted: &'a Wanted, now: Moment) -> Self {
        Self { observed, wanted, now, look: OnceCell::new() }
    }
}

pub(super) fn pause(reason: Reason, message: impl Into<Cow<'static, str>>, until: Wake) -> Checked {
    Checked::Pause(Pause { told: Told { reason, message: message.into() }, until })
}

/// What the endpoints say.
#[derive(Debug)]
pub(super) struct Look {
    pub presence: Said,
    pub debited: Said,
    pub debits: Vec<Debit>,
    /// From when on debits are looked for.
    pub from: Timestamp,
}

/// What an endpoint says, before anything is sent, about whether the number may be ours already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It has not been asked late enough.
    Unasked,
    Ours,
    NotOurs,
    /// There is no such endpoint.
    NoEndpoint,
}

#[cfg(test)]
mod for_tests {
    use super::*;

    impl Asked<'_> {
        /// What a check says of the first attempt for a number.
        pub fn about(number: &str, check: Check) -> Checked {
            let claim = serde_json::json!({ "metadata": {}, "spec": { "e164": number } });
            let claim = serde_json::from_value(claim).unwrap();
            let now = Moment { wall: Timestamp::UNIX_EPOCH, mono: std::time::Duration::ZERO };
            let wanted = Wanted { cause: crate::plan::AttemptCause::First, after: None, since: now };
            check(&Asked::new(&ClaimObserved::for_tests(&claim), &wanted, now))
        }
    }
}
