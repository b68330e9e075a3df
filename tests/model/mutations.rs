//! Each guard switched off, and what breaks then.

use super::{
    bypass::Bypass::{self, *},
    invariants::Invariant::{self, *},
};
use crate::plan::guard::Guard::{self, *};

/// Guards that are off together in one mix, and an invariant that is broken then.
pub struct Mutation {
    pub off: &'static [Guard],
    pub bypassed: &'static [Bypass],
    pub mix: &'static str,
    pub breaks: Invariant,
}

const fn off(off: &'static [Guard], mix: &'static str, breaks: Invariant) -> Mutation {
    Mutation { off, bypassed: &[], mix, breaks }
}

const fn bypassed(bypassed: &'static [Bypass], mix: &'static str, breaks: Invariant) -> Mutation {
    Mutation { off: &[], bypassed, mix, breaks }
}

pub const MUTATIONS: &[Mutation] = &[
    off(&[ReaderNeverSends], "debit only, decision", AtMostOneDebit),
    off(&[SendWindowWall], "suspended", NoPaidNumberForgotten),
    off(&[SendWindowMono], "clocks", NoPaidNumberForgotten),
    off(&[SettleMono], "clocks", NoPaidNumberForgotten),
    off(&[SettleWall, SettleMono], "stale", NoPaidNumberForgotten),
    off(&[SettledEvidence, DebitInVerification], "lag, listings", NoPaidNumberForgotten),
    off(&[FullListing, SettledEvidence, DebitInVerification], "lag, missing search", NoPaidNumberForgotten),
    off(&[DebitInVerification], "debit only, decision", NoPaidNumberForgotten),
    off(&[OutcomeByAttempt], "5xx", NoPaidNumberForgotten),
    off(&[OutcomeRecreates], "record forced away, claim deleted", NoPaidNumberForgotten),
    off(&[NotFoundIsOpen], "proxy, lag", NoPaidNumberForgotten),
    off(&[RefusalIsOpen], "proxy, refusal", NoPaidNumberForgotten),
    off(&[UnknownIsOpen], "5xx", NoPaidNumberForgotten),
    off(&[DeadClaimsAttempt], "two claims, deleted", NoAttemptUnauthorised),
    off(&[LivingClaim], "two claims", OneBoundClaim),
    off(&[FailureKeeps], "an hour passes", OneBoundClaim),
    off(&[OwnClaimFirst], "an hour passes after a 401", NoAttemptUnauthorised),
    off(&[GivesWayOnce], "hours pass", NoAttemptUnauthorised),
    off(&[AccountOfRecord], "record of another account", ForeignAccountUntouched),
    off(&[AccountOfRecord, LiveAccount], "moved to another account", ForeignAccountUntouched),
    off(&[AccountStays], "moved to another account", SentAsWanted),
    off(&[LiveAccount], "moved to another account", SentAsWanted),
    off(&[SettledEvidence], "debit beside the family's", AskedForCause),
    off(&[FamilyExplains], "debit beside another account's", NoPaidNumberForgotten),
    off(&[Namespace], "two namespaces, deleted", ForeignNamespaceInheritsNothing),
    off(&[AskedAfterRefusal], "refusal, token", NoAttemptUnauthorised),
    off(&[TokenSpent], "refusals, token", NoAttemptUnauthorised),
    off(&[TokenAtFirst], "token at first", NoAttemptUnauthorised),
    off(&[OneAutomatic], "crashes, lost reply", NoAttemptUnauthorised),
    off(&[DecisionByItsId], "debit only, decision, token", AtMostOneDebit),
    off(&[LookForOwner], "owned already", AdoptedNeverPosted),
    off(&[LookForDebit], "record lost", AtMostOneDebit),
    off(&[LookSinceCreation], "record lost, a day passes", AtMostOneDebit),
    off(&[SettledFromLook, FoundDebitStays], "record lost, a day passes", NoPaidNumberForgotten),
    off(&[LookAfterGoal], "record forced away", AtMostOneDebit),
    off(&[LookAfterWait], "record lost, read for others", AtMostOneDebit),
    off(&[AdoptionIsVerified], "record lost", BoundOnlyIfOwned),
    off(&[VanishedWaits], "record forced away", AtMostOneDebit),
    off(&[Hold], "record lost", AtMostOneDebit),
    off(&[LiveClaim], "deleted slowly", NoPurchaseForVanishedClaim),
    off(&[LiveClaimDeleting], "deleted slowly", NoPurchaseForVanishedClaim),
    off(&[LiveClaimUnchanged], "claim changed", SentAsWanted),
    off(&[LiveClaimHeld], "paused, let go", HeldBackNothingSent),
    bypassed(&[CompareAndSwap], "5xx", NoPaidNumberForgotten),
    bypassed(&[CreateIsExclusive], "debit only, decision", AtMostOneDebit),
    bypassed(&[CreateIsExclusive], "moved to another account", OneAccountAtATime),
    bypassed(&[VerifiedWhereSent], "moved to another account", NoPaidNumberForgotten),
    bypassed(&[RereadIntent], "lost reply", DurableBeforePost),
    bypassed(&[LiveHolder], "stale, deleted, re-created", OneBoundClaim),
    bypassed(&[WriterSends], "crash", OnePostPerAttempt),
];

/// Guards without which, alone, nothing breaks: each with why it stays.
pub const SPARE: &[(Guard, &str)] = &[
    (
        SettleWall,
        "The monotonic clock alone waits at least as long, because nobody reads an attempt before it is opened. The \
         wall clock is the one that the conditions show, and the two must not contradict each other.",
    ),
    (
        FullListing,
        "After the settle moment only a listing is asked for, so no search is young enough to be believed; and the look \
         for debits meets one that misses the number.",
    ),
    (
        SettledFromLook,
        "A debit that the look found is remembered, and settled by its refund alone; one that the look did not come to \
         see, because the number was listed, needs it.",
    ),
    (FoundDebitStays, "The ledger shows it again; one that does not, once it has, needs this."),
    (
        OutcomeWhileOpen,
        "It keeps what verification found from being overwritten with what is known less well; only the message \
         would be wrong.",
    ),
    (
        SuccessAlwaysStored,
        "It matters only if a purchase takes effect later than the settle time, which the model rules out.",
    ),
];
