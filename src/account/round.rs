//! One round of reads of an account, and the listing that may go on over several.

use std::time::Duration;

use crate::domain::Moment;

/// A listing that is being read.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    pub begun: Moment,
    /// Whether it is for drift.
    pub resync: bool,
}

/// One round of reads, as it begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    pub began: Moment,
    /// Until when the account was held, if it was: only the cheapest read shows whether the others go through.
    pub held: Option<Duration>,
    /// Whether the account is to be listed for drift.
    pub resync: bool,
    /// Whether the cheapest read comes first, or is all that there is to read.
    pub probes: bool,
}
