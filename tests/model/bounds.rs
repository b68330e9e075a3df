//! What can go wrong, how often in each mix, and what the world looks like at its start.

use super::world::{Owner, Token};
use crate::api::Outcome;

/// A fault, or something that people do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fault {
    /// A process dies and is started again.
    Crash,
    /// The API server's answer to a write is lost.
    LostReply,
    /// Vobiz's answer to a purchase is lost, or does not come in time.
    NoAnswer,
    /// A 5xx, and nothing was done.
    FailBefore,
    /// A 5xx, although the number was debited and assigned.
    FailAfter,
    /// A 5xx: debited, but not assigned.
    DebitOnly,
    /// 402.
    Refuse,
    /// 401.
    Unauthorized,
    /// Something on the way repeats a POST.
    Resend,
    /// Another customer buys the number.
    Rival,
    /// Another account of ours buys the number.
    OurOther,
    /// A search does not show what is there.
    Miss,
    /// The record's status is wiped.
    Wipe,
    Delete,
    Create,
    /// The user sets a retry token.
    Token,
    /// An administrator answers a decision.
    Decide,
    /// A backup of the record is made.
    Backup,
    /// The backup is restored (without one: the record is lost), with every operator stopped.
    Restore,
    /// The record is taken away under running operators.
    Vanish,
    /// A day passes: what was debited before it is not seen by a look that goes back from now on.
    Age,
    /// An hour passes after a failure.
    Hour,
    /// The user changes what the claim wants.
    Edit,
    /// The user has the claim bought with the other account.
    Move,
    /// An administrator deletes the record, as `kubectl delete` does.
    DeleteRecord,
    /// The user pauses the claim.
    Pause,
    /// The user has the claim adopt only.
    AdoptOnly,
    /// The user lets the claim buy again.
    LetGo,
    /// The account is read for the sake of other numbers.
    Others,
    /// A wall clock is set forward or back by more than anything waits.
    SetClock,
    /// A machine is suspended; its monotonic clock stands still.
    Suspend,
}

const KINDS: usize = Fault::Suspend as usize + 1;

/// How much of each is left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Faults([u8; KINDS]);

impl Faults {
    pub fn of(faults: &[(Fault, u8)]) -> Self {
        let mut left = Self::default();
        for (fault, times) in faults {
            left.0[*fault as usize] = *times;
        }
        left
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.0[fault as usize] > 0
    }

    pub fn of_kind(&self, fault: Fault) -> u8 {
        self.0[fault as usize]
    }

    pub fn take(&mut self, fault: Fault) -> Option<()> {
        let left = &mut self.0[fault as usize];
        *left = left.checked_sub(1)?;
        Some(())
    }
}

/// How a mix differs from the plain world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Twist {
    /// The second claim is of another namespace.
    TwoNamespaces,
    /// Watches lag: a cache shows the past until it is brought up to date.
    Stale,
    /// Lists and ledger lag behind purchases.
    Lag,
    /// Presence is read from the full listing, as it is where many wait.
    Listings,
    /// A deletion takes two steps, as with somebody's finalizer.
    SlowDeletion,
    /// The first token stands at the claims from the start.
    TokenAtFirst,
    /// The record that is there at the start belongs to another account.
    ForeignRecord,
    /// The other account is served as well. It is not of our family.
    TwoAccounts,
    /// Another number is bought with the other account for the same price, and debits name no number.
    Neighbour,
    /// Both accounts have one ledger.
    OneFamily,
}

/// One mix: a start, and bounded faults.
#[derive(Clone, Debug)]
pub struct Mix {
    pub name: &'static str,
    pub faults: &'static [(Fault, u8)],
    pub twists: &'static [Twist],
    /// Attempts that can be opened; a world that has used them up counts as settled.
    pub attempts: u8,
    /// Claims at the start.
    pub claims: u8,
    pub owner: Owner,
    /// What Vobiz answered to an attempt of the first claim's that had failed before the start.
    pub failed: Option<Outcome>,
    /// Tokens that users set, in that order.
    pub tokens: &'static [Token],
}

impl Mix {
    pub const PLAIN: Self = Self {
        name: "",
        faults: &[],
        twists: &[],
        attempts: 2,
        claims: 1,
        owner: Owner::Nobody,
        failed: None,
        tokens: &[],
    };

    pub fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }
}
