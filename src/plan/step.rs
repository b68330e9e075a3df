//! The steps that can be decided for a record.

use super::{Moment, change::Change, evidence::EvidenceRequest};

/// What to do about a record.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordStep {
    /// Nothing, until something changes.
    Rest,
    /// Nothing before that moment.
    Wait(Moment),
    Read(EvidenceRequest),
    Write(Change),
    Delete,
    DropFinalizer,
}
