//! All that the next step of a claim, or of a record, depends on.

use std::sync::Arc;

use super::{
    ClaimLiveness, Clocks, Evidence, Gate, Moment,
    listing::Rows,
    neighbours::Neighbours,
    ownership::{Verdict, verdict},
    rows::LedgerRows,
    serving::Service,
    time::Timeouts,
};
use crate::{
    api::{PhoneNumber, PhoneNumberClaim},
    domain::AccountId,
};

/// What was observed for one claim, in one moment.
pub struct ClaimObserved<'a> {
    pub claim: &'a PhoneNumberClaim,
    /// The record of the claim's number.
    pub record: Option<&'a PhoneNumber>,
    /// Whether there is one that this version cannot read, because a later one has written it.
    pub newer: bool,
    /// Whether the claim that the record names lives, if it is another one.
    pub liveness: ClaimLiveness,
    /// That other claim, if it lives, and can be read.
    pub holder: Option<&'a PhoneNumberClaim>,
    /// The account that calls are made with, if there is one.
    pub served: Service,
    pub gate: Gate,
    /// How far our clock is from others'.
    pub clocks: Clocks,
    pub evidence: Evidence,
    /// The value of the claim's retry annotation.
    pub retry_token: Option<&'a str>,
    /// No attempt before that moment: back-off, or a record that vanished while it was open.
    pub not_before: Option<Moment>,
    /// Purchases and adoptions are on hold until then (R11), or were.
    pub hold_until: Option<Moment>,
    /// It is in line for its turn: how old a price may be is looked at once that comes.
    pub in_line: bool,
}

/// All that a record's next step depends on.
pub struct RecordObserved<'a> {
    pub record: &'a PhoneNumber,
    /// The account that calls are made with.
    pub account: &'a AccountId,
    /// Whether the claim that the record names still stands behind it.
    pub liveness: ClaimLiveness,
    /// Whether this process is sending this very attempt now.
    pub sending: bool,
    /// When this process first read (or wrote) this attempt in this state.
    pub first_read: Moment,
    pub evidence: &'a Evidence,
    /// Begin of the first of two listings without a bound number.
    pub absent_since: Option<Moment>,
    /// What other numbers and their purchases explain of a ledger that was read from that moment on.
    pub neighbours: &'a (dyn Fn(Moment, &Arc<LedgerRows>) -> Arc<Neighbours> + Sync),
    pub timeouts: Timeouts,
    /// How far our clock is from others'.
    pub clocks: Clocks,
    pub removal: Removal,
}

impl RecordObserved<'_> {
    /// What rows say about this number. It is ours if it is listed under the account, or under the owner that our own
    /// 200 named.
    pub(super) fn judge<'a>(&self, rows: &'a Rows) -> Verdict<'a> {
        let named = self.record.spec.attempt.answer.as_ref().and_then(|answer| answer.owner.as_ref());
        verdict(rows, self.record.spec.e164, self.account, named)
    }
}

/// What stands for and against the record's removal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Removal {
    /// Whether an administrator gives the record up.
    pub forget: bool,
    pub deleting: bool,
    pub has_finalizer: bool,
}

impl Removal {
    /// Whether an administrator gives the record up, and this operator still holds it.
    pub(crate) fn is_given_up(self) -> bool {
        self.forget && self.has_finalizer
    }
}

#[cfg(test)]
mod for_tests {
    use super::*;

    impl<'a> ClaimObserved<'a> {
        /// Of a claim that stands alone: nothing holds it back, and nothing has been read for it.
        pub(crate) fn for_tests(claim: &'a PhoneNumberClaim) -> Self {
            Self {
                claim,
                record: None,
                newer: false,
                liveness: ClaimLiveness::Lives,
                holder: None,
                served: Service::by("MA_1".parse().unwrap()),
                gate: Gate::Open,
                clocks: Clocks::default(),
                evidence: Evidence::default(),
                retry_token: None,
                not_before: None,
                hold_until: None,
                in_line: false,
            }
        }
    }
}
