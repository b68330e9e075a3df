//! All that a claim's next step depends on.

use super::{Clocks, Evidence, Gate, Holder, Moment};
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
    pub holder: Holder,
    /// The account that calls are made with.
    pub account: AccountId,
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
}

#[cfg(test)]
impl<'a> ClaimObserved<'a> {
    /// Of a claim that stands alone: nothing holds it back, and nothing has been read for it.
    pub(crate) fn for_tests(claim: &'a PhoneNumberClaim) -> Self {
        Self {
            claim,
            record: None,
            newer: false,
            holder: Holder::Lives,
            account: "MA_1".parse().unwrap(),
            gate: Gate::Open,
            clocks: Clocks::default(),
            evidence: Evidence::default(),
            retry_token: None,
            not_before: None,
            hold_until: None,
        }
    }
}
