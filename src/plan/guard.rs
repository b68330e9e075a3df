//! The protocol's guards, each with a switch that only the library's own tests have: the model turns them off one by
//! one and shows what each of them prevents. In every other build they are constants.

/// A decision on which money depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// R1: whoever reads an open attempt verifies it.
    ReaderNeverSends,
    /// The send window, by the wall clock.
    SendWindowWall,
    /// The send window, by the monotonic clock.
    SendWindowMono,
    /// Absence counts only after the settle moment, by the wall clock.
    SettleWall,
    /// Absence counts only after the settle moment, by the monotonic clock.
    SettleMono,
    /// What settles an attempt was read after the settle moment.
    SettledEvidence,
    /// Absence is read from the full listing, not from a search.
    FullListing,
    /// Verification looks for a debit before it believes in absence.
    DebitInVerification,
    /// An outcome goes only to the attempt that it belongs to.
    OutcomeByAttempt,
    /// An outcome other than success goes only to an attempt that is still open.
    OutcomeWhileOpen,
    /// A success is stored even if the attempt has been settled otherwise.
    SuccessAlwaysStored,
    /// A record that was taken away is created anew with its outcome.
    OutcomeRecreates,
    /// R2: a 404 settles nothing.
    NotFoundIsOpen,
    /// R2: no other refusal settles anything.
    RefusalIsOpen,
    /// R2: a timeout or a 5xx settles nothing.
    UnknownIsOpen,
    /// R5: a dead claim's open attempt is verified before the next claim attempts anything.
    DeadClaimsAttempt,
    /// R5: a claim that lives keeps its record.
    LivingClaim,
    /// R5: a record of another account is left alone.
    AccountOfRecord,
    /// R8: only a claim of the same namespace inherits a number.
    Namespace,
    /// R6: after a refusal the user has to ask.
    AskedAfterRefusal,
    /// R6: a token is noted as spent.
    TokenSpent,
    /// R6: a token that stood there at the first attempt is spent.
    TokenAtFirst,
    /// R6: one attempt by itself after a process died.
    OneAutomatic,
    /// R10: a decision is answered by the attempt's own id.
    DecisionByItsId,
    /// Before an attempt: is the number ours already?
    LookForOwner,
    /// Before an attempt: was it debited already?
    LookForDebit,
    /// The look goes back to before the claim was created, whatever has restarted since.
    LookSinceCreation,
    /// What is looked at was begun after the claim's goal was first seen.
    LookAfterGoal,
    /// And after the hold, or the wait for a vanished record, was over.
    LookAfterWait,
    /// What was found owned or debited is written open, and verified.
    AdoptionIsVerified,
    /// Debits count for an adoption from as far back as the look went that it was opened for.
    SettledFromLook,
    /// A debit that an adoption was opened for is settled by its refund alone.
    FoundDebitStays,
    /// A number whose record vanished while a purchase could be under way is left alone for a while.
    VanishedWaits,
    /// R11: nothing is bought or adopted while on hold.
    Hold,
    /// Step 4: the claim that is bought for still exists.
    LiveClaim,
    /// Step 4: and is not being deleted.
    LiveClaimDeleting,
    /// Step 4: and wants what is about to be sent.
    LiveClaimUnchanged,
}

/// Whether the guard stands.
#[cfg(not(test))]
pub const fn on(_: Guard) -> bool {
    true
}

#[cfg(test)]
pub use switch::{Guards, on, set};

#[cfg(test)]
mod switch {
    use std::cell::Cell;

    use super::Guard;

    /// A set of guards.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Guards(u64);

    impl Guards {
        pub fn of(guards: &[Guard]) -> Self {
            Self(guards.iter().fold(0, |bits, guard| bits | 1 << *guard as u32))
        }

        fn has(self, guard: Guard) -> bool {
            self.0 & (1 << guard as u32) != 0
        }
    }

    thread_local! {
        static OFF: Cell<Guards> = const { Cell::new(Guards(0)) };
    }

    /// Says for this thread which guards are off.
    pub fn set(off: Guards) {
        OFF.set(off);
    }

    /// Whether the guard stands in this thread.
    pub fn on(guard: Guard) -> bool {
        !OFF.get().has(guard)
    }
}
