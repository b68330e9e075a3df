//! Why an attempt is made for a claim, if one is, and since when that has been known (R6 and R10).

use super::{AttemptCause, Moment, observed::ClaimObserved, relation::Relation, retry::permitted, rules};
use crate::{api::AttemptState, domain::AttemptId};

/// An attempt that a claim wants. What is looked at for it was asked for after it was first wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub cause: AttemptCause,
    pub after: Option<AttemptId>,
    /// Since when this process has known of it.
    pub since: Moment,
}

impl Wanted {
    /// What the claim wants, if anything: as it is remembered if it is the same as before, or from now on.
    pub(super) fn of(
        observed: &ClaimObserved<'_>,
        relation: Relation,
        remembered: Option<&Self>,
        now: Moment,
    ) -> Option<Self> {
        let cause = cause(observed, relation)?;
        let after = observed.record.map(|record| record.spec.attempt.id);
        let same = remembered.filter(|known| known.cause == cause && known.after == after);
        Some(Self { cause, after, since: same.map_or(now, |known| known.since) })
    }
}

/// What the claim may attempt now, if anything.
fn cause(observed: &ClaimObserved<'_>, relation: Relation) -> Option<AttemptCause> {
    if observed.claim.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let Some(record) = observed.record else {
        return (relation == Relation::NoRecord).then_some(AttemptCause::First);
    };
    let attempt = &record.spec.attempt;
    // A failure whose record is being deleted is about to be forgotten; a new attempt would be stored in what goes.
    if record.metadata.deletion_timestamp.is_some() && attempt.state == AttemptState::Failed {
        return None;
    }
    match relation {
        Relation::Ours => permitted(attempt, observed.retry_token),
        Relation::Unserved => Some(AttemptCause::First),
        Relation::Inherits => rules::permits_another_claim(attempt).then_some(AttemptCause::First),
        Relation::NoRecord | Relation::AwaitsSettlement | Relation::Newer | Relation::Conflict(_) => None,
    }
}
