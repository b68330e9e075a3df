//! Decides what to do about a claim, and what it is told.

use std::time::Duration;

use super::{
    Moment,
    attempt::NewAttempt,
    cause::Wanted,
    change::Change,
    checks::{Asked, BEFORE_PURCHASE, Checked, Told, Wake, purchase},
    evidence::Source,
    observed::ClaimObserved,
    relation::{ConflictWith, Relation, relation},
    time::FAILURE_KEEPS,
};
use crate::api::{AttemptState, Reason};

/// What becomes of a claim now. Step and words come from one value, so that what is told cannot differ from what is done.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Decision {
    pub relation: Relation,
    /// The attempt that the claim wants, if any.
    pub wanted: Option<Wanted>,
    pub step: ClaimStep,
    /// What stands between the claim and that attempt.
    pub told: Option<Told>,
}

impl Decision {
    /// What is to be remembered for the next decision. What waits for people to change the claim, or the accounts, is wanted
    /// anew then, and looked up as it is by that time.
    pub fn to_remember(&self) -> Option<&Wanted> {
        let waits_for_people = match self.step {
            ClaimStep::Await(Wake::ClaimChanges) => true,
            ClaimStep::Await(Wake::AccountsChange) => {
                self.told.as_ref().is_some_and(|told| told.reason.holds_the_claim())
            }
            _ => false,
        };
        self.wanted.as_ref().filter(|_| !waits_for_people)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum ClaimStep {
    /// Nothing, until something changes.
    Rest,
    /// Nothing, until then.
    Await(Wake),
    /// In its turn: write the intent, read the claim again, send the one POST.
    Purchase(NewAttempt),
    /// Write the record open, without permission to send: verification decides.
    OpenUnsent(NewAttempt),
    /// Take over what is recorded; no POST.
    Bind,
}

impl ClaimStep {
    /// Whether nothing but a price that is young enough stands between the claim and its purchase.
    pub fn lacks_price(&self) -> bool {
        matches!(self, Self::Await(Wake::Evidence(request)) if matches!(request.sources[..], [Source::Quote(_)]))
    }
}

/// Decides what to do about a claim.
///
/// # Expected flow
///
/// 1. A claim without a record wants its first attempt. It passes the checks of [`super::BEFORE_PURCHASE`] one after the
///    other: each pauses it, has it adopt what is owned or debited already, or lets it pass. Past the last, it waits for its
///    turn; when that comes, the claim is decided about once more, and buys if the step is still [`ClaimStep::Purchase`].
/// 2. From then on its record is decided about ([`super::decide_record`]), and the claim rests.
/// 3. After a failure it wants another attempt if the failure was not its own, or if its user asks (R6, R10), and all begins
///    anew with the checks.
/// 4. A claim takes over the record of its number, without a purchase, if the claim that the record names is gone (R5,
///    R8). A failure that is followed by nothing for an hour gives way to the first attempt of another claim.
///
/// # Guarantees
///
/// * A purchase is a step only if no check holds it back, in answers begun after the attempt was wanted.
/// * A number whose attempt is open is never bought again: the attempt is verified (R1).
/// * The claim is told what it waits for, and is woken by the end of what it is told of.
///
/// # Assumptions
///
/// * `remembered` is what the last decision about this claim returned as [`Decision::to_remember`], or nothing. Losing it costs
///   another look, and no safety.
/// * The caller that performs a purchase writes the intent by compare-and-swap against the record that was observed.
pub fn decide_claim(observed: &ClaimObserved<'_>, remembered: Option<&Wanted>, now: Moment) -> Decision {
    let relation = relation(observed, now);
    let wanted = Wanted::of(observed, relation, remembered, now);
    let (step, told) = if binds(observed, relation) {
        let deleting = observed.claim.metadata.deletion_timestamp.is_some();
        (if deleting { ClaimStep::Rest } else { ClaimStep::Bind }, None)
    } else if let Some(wanted) = &wanted {
        attempt(&Asked::new(observed, wanted, now))
    } else {
        (rest(relation, now), None)
    };
    Decision { relation, wanted, step, told }
}

/// Nothing is attempted: until something changes, or a failure gives way. Whether its own claim still asks, only a look
/// tells.
fn rest(relation: Relation, now: Moment) -> ClaimStep {
    let Relation::Conflict(ConflictWith::Failure(gives_way)) = relation else { return ClaimStep::Rest };
    let after = gives_way.and_then(|at| Duration::try_from(at.duration_since(now.wall)).ok());
    ClaimStep::Await(Wake::At(now.plus(after.unwrap_or(FAILURE_KEEPS))))
}

/// What comes of the attempt that is wanted: a pause, an adoption, or, past all checks, the purchase.
fn attempt(asked: &Asked<'_>) -> (ClaimStep, Option<Told>) {
    let mut answers = BEFORE_PURCHASE.iter().map(|(_, check)| check(asked));
    match answers.find(|answer| *answer != Checked::Pass) {
        Some(Checked::Pause(pause)) => (ClaimStep::Await(pause.until), Some(pause.told)),
        Some(Checked::Adopt(attempt)) => (ClaimStep::OpenUnsent(attempt), None),
        Some(Checked::Pass) | None => {
            let message = "Waiting for the purchase's turn (rate limit and concurrency of this operator).";
            let told = Told { reason: Reason::Purchasing, message: message.into() };
            (ClaimStep::Purchase(purchase(asked)), Some(told))
        }
    }
}

/// What each check says to the attempt that is wanted, those behind the first that holds it back included.
pub fn ask_each(observed: &ClaimObserved<'_>, wanted: &Wanted, now: Moment) -> Vec<(&'static str, Checked)> {
    let asked = Asked::new(observed, wanted, now);
    BEFORE_PURCHASE.iter().map(|(name, check)| (*name, check(&asked))).collect()
}

/// Whether what is recorded is to be the claim's.
fn binds(observed: &ClaimObserved<'_>, relation: Relation) -> bool {
    let Some(record) = observed.record else { return false };
    match record.spec.attempt.state {
        AttemptState::Open | AttemptState::Failed => return false,
        AttemptState::Bound | AttemptState::NeedsDecision => {}
    }
    match relation {
        Relation::Inherits => true,
        // An administrator who hands a number over names the claim in the record, which still says that it has none.
        Relation::Ours => Change::is_unclaimed(record),
        Relation::NoRecord
        | Relation::AwaitsSettlement
        | Relation::Conflict(_)
        | Relation::Newer
        | Relation::Unserved => false,
    }
}
