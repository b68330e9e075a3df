//! The look for debits before anything is sent: how far back it goes, what it finds, and what is answered for.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Moment, bounds,
    claim::{ClaimObserved, Goal, Said},
    evidence::{Fresh, earlier},
    guard::{self, Guard},
    ledger::Ledger,
};
use crate::{
    api::{Attempt, AttemptState, Debit, Origin},
    domain::Time,
};

/// How far back a debit is looked for before anything is sent.
pub(super) const LEDGER_LOOKBACK: Duration = Duration::from_hours(24);

/// How much further back than usual a wish or an attempt that is older than this process is followed: a long weekend in
/// all. The ledger of a busy account is long.
const LONGEST_LOOKBACK: Duration = Duration::from_hours(72);

/// From when on debits are looked for. The process, and with it the goal, may be younger than the wish: what was to be
/// seen when the claim was created, or when the last attempt was made, is to be seen after a wait or a restart.
pub(super) fn debits_from(observed: &ClaimObserved<'_>, goal: &Goal, since: Moment) -> Timestamp {
    let back = |at: Timestamp, span| at.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let usual = back(since.wall, LEDGER_LOOKBACK);
    let longest = back(since.wall, LONGEST_LOOKBACK);
    let created = observed.claim.metadata.creation_timestamp.as_ref();
    let created = created.filter(|_| *goal == Goal::First && guard::on(Guard::LookSinceCreation));
    let previous = observed.record.map(|record| &record.spec.attempt);
    let known = [
        created.map(|created| back(created.0, LEDGER_LOOKBACK)),
        previous.map(|attempt| earlier(attempt.opened_at.at())),
        previous.and_then(|attempt| attempt.debits_from).map(Time::at),
    ];
    let known = known.into_iter().flatten().map(|from| from.max(longest));
    // An adoption was opened for something that was seen: what comes after it looks as far back.
    let adopted = previous.filter(|attempt| attempt.origin == Origin::Adoption).map(adoption_debits_from);
    known.chain(adopted).fold(usual, Timestamp::min)
}

/// From when on debits count for an adoption: as far back as the look went that it was opened for.
pub(super) fn adoption_debits_from(attempt: &Attempt) -> Timestamp {
    let opened = attempt.opened_at.at();
    let usual = opened.saturating_sub(LEDGER_LOOKBACK).unwrap_or(Timestamp::MIN);
    let looked = attempt.debits_from.filter(|_| guard::on(Guard::SettledFromLook));
    looked.map_or(usual, |from| from.at().min(usual))
}

/// The debits that name the number, begun at `since` or later and looked for from `from` on.
pub(super) fn debits(
    observed: &ClaimObserved<'_>,
    goal: &Goal,
    since: Moment,
    from: Timestamp,
) -> (Said, Vec<Debit>) {
    let answered = answered_debits(observed, goal);
    match observed.evidence.ledger.since(since) {
        Fresh::Value(_, read) if read.from <= earlier(from) => {
            let e164 = observed.claim.spec.e164;
            let ledger = Ledger { rows: &read.rows, e164, since: from, answered: &answered, known: &[] };
            let named = ledger.named();
            (if named.is_empty() { Said::NotOurs } else { Said::Ours }, named)
        }
        Fresh::Missing => (Said::NoEndpoint, Vec::new()),
        Fresh::Value(..) | Fresh::Stale => (Said::Unasked, Vec::new()),
    }
}

/// The debits that need no answer any more: those answered before, and, with the token of a decision, those that
/// the decision was about.
pub(super) fn answered_debits(observed: &ClaimObserved<'_>, goal: &Goal) -> Vec<String> {
    let Some(attempt) = observed.record.map(|record| &record.spec.attempt) else { return Vec::new() };
    let mut answered = attempt.answered_debits.clone();
    if attempt.state == AttemptState::NeedsDecision && matches!(goal, Goal::Token(_)) {
        answered.extend(bounds::unexplained(attempt));
    }
    answered
}
