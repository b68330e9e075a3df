//! Decides what to do about a record.

use std::time::Duration;

use super::{
    ClaimLiveness, Moment,
    change::{Change, RecordStep},
    evidence::{EvidenceRequest, FundsRead, Source},
    keep::{maintain_bound, unclaim},
    observed::{RecordObserved, Removal},
    ownership::Verdict,
    reading::Fresh,
    rules,
    settle::settle,
    time::VERIFY_EVERY,
};
use crate::api::{AttemptState, Funds, Origin, Outcome, PhoneNumber};

/// The intervals of verification after the first second: growing, then every 15 s.
const VERIFY_AFTER: [u64; 4] = [1, 3, 7, 15];

/// Decides what to do about a record.
///
/// # Expected flow
///
/// 1. While this process sends an open attempt, the record rests: the outcome is stored by the purchase itself.
/// 2. Otherwise an open attempt is verified: by searches 1, 3, 7 and 15 s after it was first read, then every 15 s. A
///    search or a listing that shows the number as owned binds it.
/// 3. From the settle moment on, one full listing and one ledger, both begun later, end the attempt: it has failed, or
///    needs a decision (R4, R10).
/// 4. A bound number follows the listing, and outlives its claim (R7, R8).
/// 5. An attempt that needs a decision is bound if ownership appears; another attempt begins with the claim
///    (`plan::decide_claim`), if its user asks.
/// 6. A failed attempt rests until its claim is gone; the record then goes as well.
///
/// # Guarantees
///
/// * No step sends: a process that reads an open attempt verifies it (R1).
/// * Presence counts in every answer begun since an open attempt was first read; absence counts only in answers begun
///   after its settle moment, and only while the clocks agree.
/// * A record of another account, or of a claim in a namespace that is not watched, is left alone, unless an
///   administrator gives it up.
/// * Only a record whose attempt has failed is deleted, once its claim is gone.
///
/// # Assumptions
///
/// * [`RecordObserved::sending`] holds from before the intent is written until the outcome is stored.
/// * [`RecordObserved::first_read`] is when this process first read, or wrote, the attempt in its present state. Losing
///   it costs time and no safety.
/// * The caller performs a write, and a deletion, by compare-and-swap against the record that was observed.
pub fn decide_record(observed: &RecordObserved<'_>, now: Moment) -> RecordStep {
    let attempt = &observed.record.spec.attempt;
    // An administrator may give up any record, one of an account that is gone above all.
    if observed.removal.is_given_up() {
        return RecordStep::DropFinalizer;
    }
    let foreign = rules::is_of_another_account(observed.record, observed.account);
    if foreign || observed.liveness == ClaimLiveness::Unwatched {
        return RecordStep::Rest;
    }
    match attempt.state {
        AttemptState::Open if observed.sending => RecordStep::Rest,
        AttemptState::Open => verify(observed, now),
        AttemptState::NeedsDecision => await_decision(observed),
        AttemptState::Bound => maintain_bound(observed, now),
        AttemptState::Failed => clean_up_failed(observed.removal, observed.liveness),
    }
}

/// Decides what to do about a record whose account is not worked with: what asks nothing of Vobiz, and no more.
pub fn decide_unserved(record: &PhoneNumber, liveness: ClaimLiveness, removal: Removal) -> RecordStep {
    if removal.is_given_up() {
        return RecordStep::DropFinalizer;
    }
    if liveness == ClaimLiveness::Unwatched {
        return RecordStep::Rest;
    }
    match record.spec.attempt.state {
        AttemptState::Open => RecordStep::Rest,
        AttemptState::Bound | AttemptState::NeedsDecision => unclaim(record, liveness),
        AttemptState::Failed => clean_up_failed(removal, liveness),
    }
}

/// A settled failure holds nothing back, and is of no use without its claim (R8).
fn clean_up_failed(removal: Removal, liveness: ClaimLiveness) -> RecordStep {
    match (removal.deleting, removal.has_finalizer, liveness) {
        (true, true, _) => RecordStep::DropFinalizer,
        (false, _, ClaimLiveness::Gone) => RecordStep::Delete,
        _ => RecordStep::Rest,
    }
}

/// R4: presence proves, absence does not; and absence counts only once the attempt has had its time.
fn verify(observed: &RecordObserved<'_>, now: Moment) -> RecordStep {
    let attempt = &observed.record.spec.attempt;
    if let Some(bind) = presence(observed, observed.first_read) {
        return RecordStep::Write(bind);
    }
    let settles = rules::settle_moment(attempt, observed.first_read, observed.timeouts);
    // Sums are for the message: what cannot be read in time must not keep the attempt open.
    if !now.reached(settles)
        && let Some(step) = ask_for_funds(observed)
    {
        return step;
    }
    // Between clocks that do not agree, what is not shown proves nothing; what is shown proves as much as ever.
    let dated = !observed.clocks.are_wrong();
    if dated && now.reached(settles) {
        return settle(observed, on_one_clock(settles, now), now);
    }
    let next = next_verification(observed);
    if now.mono < next.mono {
        let next = now.when(next);
        let settles_first = dated && now.until(settles) < now.until(next);
        return RecordStep::Wait(if settles_first { settles } else { next });
    }
    RecordStep::Read(EvidenceRequest::new(next, [Source::Search(observed.record.spec.e164)]))
}

/// A moment that both clocks have reached, by the monotonic clock alone: evidence that was begun before the later of
/// the two had reached it is too old.
fn on_one_clock(moment: Moment, now: Moment) -> Moment {
    let since = Duration::try_from(now.wall.duration_since(moment.wall)).unwrap_or_default();
    Moment { mono: moment.mono.max(now.mono.saturating_sub(since)), ..moment }
}

fn next_verification(observed: &RecordObserved<'_>) -> Moment {
    let first = observed.first_read;
    let asked = [observed.evidence.search.begun(), observed.evidence.listing.begun()];
    let last = asked.into_iter().flatten().map(|begun| begun.mono).max().unwrap_or_default();
    // What was found owned before the record was written is confirmed at once, not after a second.
    let soonest =
        if observed.record.spec.attempt.origin == Origin::Adoption { Some(Duration::ZERO) } else { None };
    let listed = soonest.into_iter().chain(VERIFY_AFTER.map(Duration::from_secs));
    let regular = (2..).map(|times| VERIFY_EVERY * times);
    let due = listed.chain(regular).map(|after| first.plus(after)).find(|due| due.mono > last);
    due.unwrap_or(first)
}

/// Ownership, in an answer begun at `since` or later.
fn presence(observed: &RecordObserved<'_>, since: Moment) -> Option<Change> {
    let readings = [&observed.evidence.listing, &observed.evidence.search];
    readings.into_iter().find_map(|reading| match reading.since(since) {
        Fresh::Value(begun, rows) => match observed.judge(rows) {
            Verdict::Owned(row) => Some(Change::Bind { listed: Box::new(row.clone()), begun }),
            Verdict::InDoubt(_) | Verdict::Undecided | Verdict::Elsewhere(_) | Verdict::Absent => None,
        },
        Fresh::NoSuchEndpoint | Fresh::Stale => None,
    })
}

/// A failed debit is shown with the sum needed and the sum available, and a 500 is believed to be one only if they
/// do not say otherwise (R3).
fn ask_for_funds(observed: &RecordObserved<'_>) -> Option<RecordStep> {
    let attempt = &observed.record.spec.attempt;
    let answer = attempt.answer.as_ref()?;
    if answer.outcome != Outcome::PaymentFailed || answer.funds.is_some() {
        return None;
    }
    Some(match observed.evidence.funds.since(observed.first_read) {
        Fresh::Stale => {
            // A number that is ours after all needs no sums: the listing of the same round shows it.
            let e164 = observed.record.spec.e164;
            let funds = Source::Funds { e164, currency: attempt.currency };
            RecordStep::Read(EvidenceRequest::new(observed.first_read, [Source::Search(e164), funds]))
        }
        Fresh::NoSuchEndpoint => RecordStep::Write(Change::Funds(Funds::Unknown, FundsRead::default())),
        Fresh::Value(_, read) => {
            let funds = match (read.required, read.available) {
                (Some(required), Some(available)) if !available.covers(required) => Funds::Insufficient,
                (Some(_), Some(_)) => Funds::Sufficient,
                _ => Funds::Unknown,
            };
            RecordStep::Write(Change::Funds(funds, *read))
        }
    })
}

/// R10: only ownership that appears later, or an administrator, decides.
fn await_decision(observed: &RecordObserved<'_>) -> RecordStep {
    match presence(observed, observed.first_read) {
        Some(bind) => RecordStep::Write(bind),
        None => unclaim(observed.record, observed.liveness),
    }
}
