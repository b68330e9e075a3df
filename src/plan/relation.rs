//! How a claim stands to the record of its number (R5 and R8).

use super::{observed::ClaimObserved, rules};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    NoRecord,
    /// The record names this claim.
    Ours,
    /// The record's claim is gone, and this one may take its place.
    Inherits,
    /// The record's claim is gone, and its attempt must settle first.
    AwaitsSettlement,
    /// There is a record that this version cannot read: it occupies its number, and nothing is done about it.
    Newer,
    Conflict(ConflictWith),
}

/// What has the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictWith {
    /// A claim that lives, or that cannot be read from here.
    Claim,
    /// A claim that is gone, of another namespace.
    Namespace,
    /// Another Vobiz account.
    Account,
}

pub(super) fn relation(observed: &ClaimObserved<'_>) -> Relation {
    if observed.newer {
        return Relation::Newer;
    }
    let Some(record) = observed.record else { return Relation::NoRecord };
    if rules::is_of_another_account(record, &observed.account) {
        return Relation::Conflict(ConflictWith::Account);
    }
    let attempt = &record.spec.attempt;
    let inherits =
        if rules::must_settle_first(attempt) { Relation::AwaitsSettlement } else { Relation::Inherits };
    let Some(named) = &record.spec.claim_ref else { return inherits };
    if Some(&named.uid) == observed.claim.metadata.uid.as_ref() {
        return Relation::Ours;
    }
    if rules::keeps_its_record(observed.liveness) {
        return Relation::Conflict(ConflictWith::Claim);
    }
    if rules::may_inherit(attempt, named, observed.claim) {
        inherits
    } else {
        Relation::Conflict(ConflictWith::Namespace)
    }
}
