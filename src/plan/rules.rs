//! The rules on which money depends, one predicate each. Their numbers (R1 to R12, and the steps of the order of writes)
//! are those of `docs/exactly-once.md`; each holds a guard that the model switches off to show what it prevents.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    AttemptCause, ClaimLiveness, Kinship, Moment, Timeouts,
    guard::{Guard, on},
    time::{FAILURE_KEEPS, SEND_WINDOW},
};
use crate::{
    api::{
        Attempt, AttemptState, ClaimRef, Origin, Outcome, PhoneNumber, PhoneNumberClaim, PhoneNumberClaimSpec,
    },
    domain::{AccountId, AttemptId, Debit, Time},
};

/// R1: a process that reads an open attempt verifies it, and never sends. No build but the model's can do otherwise.
pub fn reader_may_send() -> bool {
    !on(Guard::ReaderNeverSends)
}

/// R2: whether an answer leaves it to verification what became of the purchase.
pub fn stays_open(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Purchased | Outcome::NotSent => false,
        Outcome::NotFound => on(Guard::NotFoundIsOpen),
        Outcome::PaymentFailed | Outcome::Unauthorized | Outcome::RateLimited | Outcome::Rejected => {
            on(Guard::RefusalIsOpen)
        }
        Outcome::Unknown => on(Guard::UnknownIsOpen),
    }
}

/// R4: an attempt settles when both clocks agree that its time has passed: the wall clock since the attempt was opened, our
/// own since we first read it. The first may have been set, the second has not seen what was before.
pub fn settle_moment(attempt: &Attempt, first_read: Moment, timeouts: Timeouts) -> Moment {
    let span = timeouts.until_settled();
    Moment {
        wall: if on(Guard::SettleWall) { attempt.opened_at.after(span) } else { Timestamp::MIN },
        mono: first_read.mono + if on(Guard::SettleMono) { span } else { Duration::ZERO },
    }
}

/// R4: what settles an attempt was begun after that moment.
pub fn evidence_begins(settles: Moment, first_read: Moment) -> Moment {
    if on(Guard::SettledEvidence) { settles } else { first_read }
}

/// R4: absence is read from the full listing, and never from a search.
pub fn absence_needs_the_listing() -> bool {
    on(Guard::FullListing)
}

/// R4: verification looks for a debit before it believes in absence.
pub fn verification_looks_for_debits() -> bool {
    on(Guard::DebitInVerification)
}

/// R5: a record of another account is left alone.
pub fn is_of_another_account(record: &PhoneNumber, account: &AccountId) -> bool {
    record.spec.account != *account && on(Guard::AccountOfRecord)
}

/// R5: what was sent or bought with an account stays with it, whatever its claim names by now; a failure does not.
pub fn stays_with_its_account(attempt: &Attempt) -> bool {
    attempt.state != AttemptState::Failed && on(Guard::AccountStays)
}

/// Step 4: what was recorded with one account is not sent once another one, or none, serves its claim.
pub fn is_served_by_another(record: &PhoneNumber, serves: Option<&AccountId>) -> bool {
    serves != Some(&record.spec.account) && on(Guard::LiveAccount)
}

/// R10: a purchase explains debits of its own family's ledger alone. One that may be of the family explains none.
pub fn explains_its_ledger(kinship: Kinship) -> bool {
    kinship == Kinship::Family || !on(Guard::FamilyExplains)
}

/// R5: an open attempt of a claim that is gone is verified before the next claim attempts anything.
pub fn must_settle_first(attempt: &Attempt) -> bool {
    attempt.state == AttemptState::Open && on(Guard::DeadClaimsAttempt)
}

/// R5: a failed attempt permits the next claim a new one; an open attempt does not, regardless of what else it permits.
pub fn permits_another_claim(attempt: &Attempt) -> bool {
    match attempt.state {
        AttemptState::Failed => true,
        AttemptState::Open => !on(Guard::DeadClaimsAttempt),
        AttemptState::Bound | AttemptState::NeedsDecision => false,
    }
}

/// R5: a claim that lives, or that cannot be read, keeps its record.
pub fn keeps_its_record(liveness: ClaimLiveness) -> bool {
    match liveness {
        ClaimLiveness::Lives | ClaimLiveness::Unwatched => on(Guard::LivingClaim),
        ClaimLiveness::Gone => false,
    }
}

/// R5: an hour after it has settled, a failure gives its number up to another claim, though its own claim lives.
pub fn gives_way(attempt: &Attempt) -> Option<Timestamp> {
    let settled = attempt.settled_at.filter(|_| attempt.state == AttemptState::Failed)?;
    Some(settled.after(if on(Guard::FailureKeeps) { FAILURE_KEEPS } else { Duration::ZERO }))
}

/// R5: it gives way to none while its own claim has another attempt to come, asked for or not.
pub fn goes_on(next: Option<&AttemptCause>) -> bool {
    next.is_some() && on(Guard::OwnClaimFirst)
}

/// R6: a claim that has given way asks before it makes another attempt, or two claims would take turns for ever.
pub fn has_given_way(attempt: &Attempt, claim: &PhoneNumberClaim) -> bool {
    let known = claim.metadata.uid.as_ref().is_some_and(|uid| attempt.earlier_claims.contains(uid));
    known && on(Guard::GivesWayOnce)
}

/// R8: only a claim of the same namespace inherits; a failed attempt is of no value, and holds no claim back.
pub fn may_inherit(attempt: &Attempt, from: &ClaimRef, heir: &PhoneNumberClaim) -> bool {
    Some(&from.namespace) == heir.metadata.namespace.as_ref()
        || attempt.state == AttemptState::Failed
        || !on(Guard::Namespace)
}

/// R6: after a refusal for the claim's own sake, or an unknown outcome, the user has to ask.
pub fn user_asks_after_a_refusal() -> bool {
    on(Guard::AskedAfterRefusal)
}

/// R6: a token that was used is noted, and works once.
pub fn used_token_is_spent() -> bool {
    on(Guard::TokenSpent)
}

/// R6: a token that stood there at the first attempt is spent with it: it cannot have been meant for a failure.
pub fn is_spent_at_first(cause: &AttemptCause) -> bool {
    *cause == AttemptCause::First && on(Guard::TokenAtFirst)
}

/// R6: one attempt by itself after a process died.
pub fn may_retry_after_a_death(attempt: &Attempt) -> bool {
    !attempt.automatic_retry_used || !on(Guard::OneAutomatic)
}

/// R10: only the id of the very attempt that needs the decision answers it: a token that was meant for something else
/// decides nothing.
pub fn answers_the_decision(token: &str, attempt: &Attempt) -> bool {
    token == attempt.id.to_string() || !on(Guard::DecisionByItsId)
}

/// Step 2: what the account owns already is adopted.
pub fn adopts_what_is_owned(owned: bool) -> bool {
    owned && on(Guard::LookForOwner)
}

/// Step 2: what the account was debited for already is adopted.
pub fn adopts_what_is_debited(debited: bool) -> bool {
    debited && on(Guard::LookForDebit)
}

/// Step 2: the look before a first attempt goes back to before the claim was created, regardless of restarts since
/// then.
pub fn looks_back_to_creation(cause: &AttemptCause) -> bool {
    *cause == AttemptCause::First && on(Guard::LookSinceCreation)
}

/// Step 2: a number whose record vanished while it was open is left alone for as long as a purchase can take to show.
pub fn vanished_number_waits() -> bool {
    on(Guard::VanishedWaits)
}

/// Step 2: what is looked at was begun after the attempt was first wanted, and after all that had to be waited for: what
/// was read for others while a purchase might still take effect does not show it.
pub fn look_begins(wanted: Moment, waited_for: impl Iterator<Item = Moment>, now: Moment) -> Duration {
    if !on(Guard::LookAfterGoal) {
        return Duration::ZERO;
    }
    let over = waited_for.filter(|until| now.waited(*until) && on(Guard::LookAfterWait));
    over.fold(wanted.mono, |since, until| since.max(until.mono))
}

/// Step 2: what was found owned or debited is written open, and verified: found owned is not owned now.
pub fn begins_open(origin: Origin) -> bool {
    origin == Origin::Purchase || on(Guard::AdoptionIsVerified)
}

/// R4: debits count for an adoption from as far back as the look went that it was opened for.
pub fn look_of_the_adoption(attempt: &Attempt) -> Option<Timestamp> {
    attempt.debits_from.map(Time::at).filter(|_| on(Guard::SettledFromLook))
}

/// R4: a debit that an adoption was opened for is settled by its refund alone.
pub fn found_debits(attempt: &Attempt) -> &[Debit] {
    if on(Guard::FoundDebitStays) { &attempt.unexplained_debits } else { &[] }
}

/// R11: nothing is bought or adopted while on hold.
pub fn is_on_hold(until: Moment, now: Moment) -> bool {
    !now.waited(until) && on(Guard::Hold)
}

/// Step 4: the claim that is bought for was read, and lives.
pub fn buys_for_a_claim_that_lives() -> bool {
    on(Guard::LiveClaim)
}

/// Step 4: a claim that was read is the one that is bought for, and is not being deleted.
pub fn lives_on(claim: &PhoneNumberClaim, read: &PhoneNumberClaim) -> bool {
    read.metadata.uid == claim.metadata.uid
        && (read.metadata.deletion_timestamp.is_none() || !on(Guard::LiveClaimDeleting))
}

/// Step 4: and it wants what is about to be sent. All of it counts, but for what only says whether that may be: this is
/// asked of the claim as it was read.
pub fn wants_the_same(claim: &PhoneNumberClaim, read: &PhoneNumberClaim) -> bool {
    let PhoneNumberClaimSpec { acquire, max_price, account_ref, .. } = claim.spec.clone();
    let sent = PhoneNumberClaimSpec { max_price, acquire, account_ref, ..read.spec.clone() };
    sent == claim.spec || !on(Guard::LiveClaimUnchanged)
}

/// Step 4: and nothing holds it back that did not before.
pub fn live_claim_may_hold_back() -> bool {
    on(Guard::LiveClaimHeld)
}

/// Step 5: the send window is over, on either clock: the monotonic one stands still while a machine is suspended.
pub fn is_too_late(opened: Moment, now: Moment) -> bool {
    let closes = opened.plus(SEND_WINDOW);
    (now.mono >= closes.mono && on(Guard::SendWindowMono))
        || (now.wall >= closes.wall && on(Guard::SendWindowWall))
}

/// Step 6: a record that was taken away is created anew with the outcome of its attempt.
pub fn outcome_recreates_its_record() -> bool {
    on(Guard::OutcomeRecreates)
}

/// Step 6: an outcome goes only to the attempt that it belongs to.
pub fn is_another_attempt(stored: &Attempt, sent: AttemptId) -> bool {
    stored.id != sent && on(Guard::OutcomeByAttempt)
}

/// Step 6: an outcome goes to an attempt that is still open. A success is stored even if the attempt has been settled
/// otherwise.
pub fn takes_the_outcome(stored: &Attempt, purchased: bool) -> bool {
    stored.state == AttemptState::Open
        || (purchased && on(Guard::SuccessAlwaysStored))
        || !on(Guard::OutcomeWhileOpen)
}
