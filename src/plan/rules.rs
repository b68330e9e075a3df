//! The rules on which money depends, one predicate each. Their numbers (R1 to R12, and the steps of the order of writes)
//! are those of `docs/exactly-once.md`; each holds a guard that the model switches off to show what it prevents.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Holder, Moment,
    cause::AttemptCause,
    guard::{Guard, on},
};
use crate::{
    api::{Attempt, AttemptState, ClaimRef, Origin, PhoneNumber, PhoneNumberClaim},
    domain::{AccountId, Debit, Time},
};

/// R1: whoever reads an open attempt verifies it, and never sends. No build but the model's can do otherwise.
pub fn reader_may_send() -> bool {
    !on(Guard::ReaderNeverSends)
}

/// R5: a record of another account is left alone.
pub fn is_of_another_account(record: &PhoneNumber, account: &AccountId) -> bool {
    record.spec.account != *account && on(Guard::AccountOfRecord)
}

/// R5: an open attempt of a claim that is gone is verified before the next claim attempts anything.
pub fn must_settle_first(attempt: &Attempt) -> bool {
    attempt.state == AttemptState::Open && on(Guard::DeadClaimsAttempt)
}

/// R5: what failed permits the next claim a new attempt; what is open does not, whatever else it permits.
pub fn permits_another_claim(attempt: &Attempt) -> bool {
    match attempt.state {
        AttemptState::Failed => true,
        AttemptState::Open => !on(Guard::DeadClaimsAttempt),
        AttemptState::Bound | AttemptState::NeedsDecision => false,
    }
}

/// R5: a claim that lives, or that cannot be read, keeps its record.
pub fn keeps_its_record(holder: Holder) -> bool {
    match holder {
        Holder::Lives | Holder::Unwatched => on(Guard::LivingClaim),
        Holder::Gone => false,
    }
}

/// R8: only a claim of the same namespace inherits; a failure is of no value, and holds nobody back.
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

/// Step 2: the look before a first attempt goes back to before the claim was created, whatever has restarted since.
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
