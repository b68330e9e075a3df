//! The protocol's guards, each with a switch that only the library's own tests have: the model turns them off one by
//! one and shows what each of them prevents. In every other build they are constants.

/// What one predicate of `rules.rs` holds; there it stands in words, with its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(strum::VariantArray))]
pub enum Guard {
    ReaderNeverSends,
    SendWindowWall,
    SendWindowMono,
    SettleWall,
    SettleMono,
    SettledEvidence,
    FullListing,
    DebitInVerification,
    OutcomeByAttempt,
    OutcomeWhileOpen,
    SuccessAlwaysStored,
    OutcomeRecreates,
    NotFoundIsOpen,
    RefusalIsOpen,
    UnknownIsOpen,
    DeadClaimsAttempt,
    LivingClaim,
    FailureKeeps,
    OwnClaimFirst,
    GivesWayOnce,
    AccountOfRecord,
    AccountStays,
    LiveAccount,
    FamilyExplains,
    Namespace,
    AskedAfterRefusal,
    TokenSpent,
    TokenAtFirst,
    OneAutomatic,
    DecisionByItsId,
    LookForOwner,
    LookForDebit,
    LookSinceCreation,
    LookAfterGoal,
    LookAfterWait,
    AdoptionIsVerified,
    SettledFromLook,
    FoundDebitStays,
    VanishedWaits,
    Hold,
    LiveClaim,
    LiveClaimDeleting,
    LiveClaimUnchanged,
    LiveClaimHeld,
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
