//! From when on debits count: for the look before an attempt, and for its verification.

use std::time::Duration;

use jiff::Timestamp;

use super::{AttemptCause, Moment, evidence::earlier, observed::ClaimObserved, rules};
use crate::{
    api::{Attempt, Origin},
    domain::Time,
};

/// How far back a debit is looked for before anything is sent.
pub(super) const LEDGER_LOOKBACK: Duration = Duration::from_hours(24);

/// How much further back than usual a wish or an attempt that is older than this process is followed: a long weekend in
/// all. The ledger of a busy account is long.
const LONGEST_LOOKBACK: Duration = Duration::from_hours(72);

/// From when on debits are looked for. The process, and with it what it wants, may be younger than the wish: what was to be
/// seen when the claim was created, or when the last attempt was made, is to be seen after a wait or a restart.
pub(super) fn debits_from(observed: &ClaimObserved<'_>, cause: &AttemptCause, since: Moment) -> Timestamp {
    let back = |at: Timestamp, span| at.saturating_sub(span).unwrap_or(Timestamp::MIN);
    let usual = back(since.wall, LEDGER_LOOKBACK);
    let longest = back(since.wall, LONGEST_LOOKBACK);
    let created = observed.claim.metadata.creation_timestamp.as_ref();
    let created = created.filter(|_| rules::looks_back_to_creation(cause));
    let previous = observed.record.map(|record| &record.spec.attempt);
    let known = [
        created.map(|created| back(created.0, LEDGER_LOOKBACK)),
        previous.map(|attempt| earlier(attempt.opened_at.at())),
        previous.and_then(|attempt| attempt.debits_from).map(Time::at),
    ];
    let known = known.into_iter().flatten().map(|from| from.max(longest));
    // An adoption was opened because of a listing or a debit. The attempt after it looks back as far, even beyond the
    // longest: it must see that debit again.
    let adopted = previous.filter(|attempt| attempt.origin == Origin::Adoption).map(adoption_debits_from);
    known.chain(adopted).fold(usual, Timestamp::min)
}

/// From when on debits count for an adoption: as far back as the look went that it was opened for.
fn adoption_debits_from(attempt: &Attempt) -> Timestamp {
    let opened = attempt.opened_at.at();
    let usual = opened.saturating_sub(LEDGER_LOOKBACK).unwrap_or(Timestamp::MIN);
    rules::look_of_the_adoption(attempt).map_or(usual, |from| from.min(usual))
}

/// Debits that name the number count as far back as the look before the attempt went: what it did not see, because the
/// ledger lagged or the debit was for a record that has vanished, asks for a decision all the same.
pub(super) fn named_count_from(attempt: &Attempt) -> Timestamp {
    let since = unnamed_count_from(attempt);
    match attempt.origin {
        Origin::Purchase => attempt.debits_from.map_or(since, |from| from.at().min(since)),
        Origin::Adoption => since,
    }
}

/// Those that name none: a purchase is debited after its attempt was opened. An adoption asks about all debits that
/// were found before it.
pub(super) fn unnamed_count_from(attempt: &Attempt) -> Timestamp {
    match attempt.origin {
        Origin::Purchase => attempt.opened_at.at(),
        Origin::Adoption => adoption_debits_from(attempt),
    }
}
