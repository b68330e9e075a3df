//! How a claim stands to the record of its number (R5 and R8).

use jiff::Timestamp;

use super::{
    Moment,
    bounds::retry_token,
    observed::ClaimObserved,
    retry::{fresh, permitted},
    rules,
};
use crate::api::Attempt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    NoRecord,
    /// The record names this claim.
    Ours,
    /// The record's claim is gone, or has given the number up, and this one may take its place.
    Inherits,
    /// The record's claim is gone, and its attempt must settle first.
    AwaitsSettlement,
    /// There is a record that this version cannot read: it occupies its number, and nothing is done about it.
    Newer,
    Conflict(ConflictWith),
    /// No account serves the claim. Before it has one, the record of its number is no matter of its own.
    Unserved,
}

/// What has the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictWith {
    /// A claim that lives, or that cannot be read from here.
    Claim,
    /// A claim that lives, and whose attempt has failed: it gives the number up at that time, or, with none, may make
    /// another attempt first.
    Failure(Option<Timestamp>),
    /// A claim that is gone, of another namespace.
    Namespace,
    /// Another Vobiz account.
    Account,
}

pub(super) fn relation(observed: &ClaimObserved<'_>, now: Moment) -> Relation {
    if observed.newer {
        return Relation::Newer;
    }
    let Some(record) = observed.record else { return Relation::NoRecord };
    let named = record.spec.claim_ref.as_ref();
    let is_ours = named.is_some_and(|named| Some(&named.uid) == observed.claim.metadata.uid.as_ref());
    match &observed.served.account {
        None if !is_ours => return Relation::Unserved,
        Some(account) if rules::is_of_another_account(record, account) => {
            return Relation::Conflict(ConflictWith::Account);
        }
        None | Some(_) => {}
    }
    let attempt = &record.spec.attempt;
    let inherits =
        if rules::must_settle_first(attempt) { Relation::AwaitsSettlement } else { Relation::Inherits };
    let Some(named) = named else { return inherits };
    if is_ours {
        return Relation::Ours;
    }
    if rules::keeps_its_record(observed.liveness) {
        return conflict(observed, attempt, now).map_or(Relation::Inherits, Relation::Conflict);
    }
    if rules::may_inherit(attempt, named, observed.claim) {
        inherits
    } else {
        Relation::Conflict(ConflictWith::Namespace)
    }
}

/// How a claim that lives keeps its number from this one; not any more, if its attempt failed long enough ago.
fn conflict(observed: &ClaimObserved<'_>, attempt: &Attempt, now: Moment) -> Option<ConflictWith> {
    let (Some(holder), Some(from)) = (observed.holder, rules::gives_way(attempt)) else {
        return Some(ConflictWith::Claim);
    };
    if rules::goes_on(permitted(attempt, retry_token(holder).usable()).as_ref()) {
        return Some(ConflictWith::Failure(None));
    }
    if rules::has_given_way(attempt, observed.claim) && fresh(attempt, observed.retry_token).is_none() {
        return Some(ConflictWith::Claim);
    }
    (now.wall < from).then_some(ConflictWith::Failure(Some(from)))
}
