//! Decides about a record whose number is bound: it follows the listing.

use std::time::Duration;

use super::{
    ClaimLiveness, Moment,
    change::{Change, RecordStep},
    evidence::{EvidenceRequest, Source},
    observed::RecordObserved,
    ownership::Verdict,
    reading::Fresh,
};
use crate::{
    api::{AttemptState, Ownership, PhoneNumber},
    domain::ListedNumber,
};

/// A bound number is lost when two listings so far apart do not have it.
const LOST_AFTER: Duration = Duration::from_mins(1);

/// R7 and R8: a bound number follows the listing, is never bought again, and outlives its claim.
pub(super) fn maintain_bound(observed: &RecordObserved<'_>, now: Moment) -> RecordStep {
    let settled = bound_and_settled(observed);
    if let Fresh::Value(begun, rows) = observed.evidence.listing.since(settled)
        && begun.wall >= settled.wall
    {
        match observed.judge(rows) {
            Verdict::Owned(row) if Change::would_refresh(observed.record, row, Ownership::Owned) => {
                return refresh(row, Ownership::Owned, begun);
            }
            // A row that names no status is no news of a number that is here, and shows that one that was gone is back.
            Verdict::InDoubt(row)
                if (row.number.status.is_some() || Change::is_away(observed.record))
                    && Change::would_refresh(observed.record, row, Ownership::Undecided) =>
            {
                return refresh(row, Ownership::Undecided, begun);
            }
            // One listing is enough: presence proves, under whichever account.
            Verdict::Elsewhere(owner) if Change::moved_to(observed.record) != Some(owner) => {
                return RecordStep::Write(Change::Lose { owner: Some(owner.clone()), begun });
            }
            Verdict::Absent if !Change::is_lost(observed.record) => {
                return confirm_loss(observed, begun, now);
            }
            Verdict::Owned(_)
            | Verdict::InDoubt(_)
            | Verdict::Undecided
            | Verdict::Elsewhere(_)
            | Verdict::Absent => {}
        }
    }
    match unclaim(observed.record, observed.liveness) {
        RecordStep::Rest => describe(observed, settled, now),
        step => step,
    }
}

/// A backup keeps the binding and drops what was known of the number. It is read again as soon as a listing counts: the
/// next look for drift may be far off, and the first one of this process was too early.
fn describe(observed: &RecordObserved<'_>, settled: Moment, now: Moment) -> RecordStep {
    let known = observed.record.described().is_some();
    match observed.evidence.listing.since(settled) {
        Fresh::Stale if !known && now.waited(settled) => {
            RecordStep::Read(EvidenceRequest::new(settled, [Source::Listing]))
        }
        Fresh::Stale if !known => RecordStep::Wait(now.when(settled)),
        Fresh::Stale | Fresh::NoSuchEndpoint | Fresh::Value(..) => RecordStep::Rest,
    }
}

fn refresh(row: &ListedNumber, ownership: Ownership, begun: Moment) -> RecordStep {
    RecordStep::Write(Change::Refresh { listed: Box::new(row.clone()), ownership, begun })
}

fn confirm_loss(observed: &RecordObserved<'_>, begun: Moment, now: Moment) -> RecordStep {
    let Some(first) = observed.absent_since else { return unclaim(observed.record, observed.liveness) };
    let second = first.plus(LOST_AFTER);
    if begun.mono >= second.mono {
        return RecordStep::Write(Change::Lose { owner: None, begun });
    }
    match unclaim(observed.record, observed.liveness) {
        RecordStep::Rest if now.mono < second.mono => RecordStep::Wait(now.when(second)),
        RecordStep::Rest => RecordStep::Read(EvidenceRequest::new(second, [Source::Listing])),
        step => step,
    }
}

/// The moment from which a listing is trusted to show a bound number; before it, a listing may lag behind the purchase.
fn bound_and_settled(observed: &RecordObserved<'_>) -> Moment {
    let attempt = &observed.record.spec.attempt;
    let bound = attempt.settled_at.unwrap_or(attempt.opened_at);
    let since_bind = bound.after(observed.timeouts.settle);
    // Read after the restart of a process, a binding that is old enough need not be waited for again.
    let waited = observed.first_read.wall >= since_bind;
    let mono =
        if waited { observed.first_read.mono } else { observed.first_read.mono + observed.timeouts.settle };
    Moment { wall: since_bind, mono }
}

/// Whether the latest listing that counts does not have a bound number, and when it was begun.
pub fn is_listed_absent(observed: &RecordObserved<'_>) -> Option<Moment> {
    if observed.record.spec.attempt.state != AttemptState::Bound {
        return None;
    }
    let settled = bound_and_settled(observed);
    match observed.evidence.listing.since(settled) {
        Fresh::Value(begun, rows) if begun.wall >= settled.wall => {
            matches!(observed.judge(rows), Verdict::Absent).then_some(begun)
        }
        _ => None,
    }
}

/// The claim is gone; the number, and what it costs, stay.
pub(super) fn unclaim(record: &PhoneNumber, liveness: ClaimLiveness) -> RecordStep {
    if liveness == ClaimLiveness::Gone && !Change::is_unclaimed(record) {
        return RecordStep::Write(Change::Unclaim);
    }
    RecordStep::Rest
}
