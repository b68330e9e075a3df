//! Which runs there are, and which of them a seed picks.

use std::{collections::BTreeMap, fmt};

use fastrand::Rng;
use strum::VariantArray as _;

use crate::{
    behaviour::{Behaviour, Kind},
    call::Call,
    trap::{Moment, Sickness, Trap},
};

/// What is done when a call has been caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deed {
    /// `kill -9`, and a new process.
    Kill,
    /// The connection is closed instead of an answer, and the process lives on.
    Disconnect,
    /// The claim is deleted, without regard to anybody, and created anew when everything has settled.
    DeleteClaim,
    /// The claim's currency is changed, which is not too late before it is read live.
    ChangeClaim,
    /// The claim is paused, which is not too late either, and goes on once that is known.
    HoldClaim,
    /// The statuses of claim and record are removed.
    StripStatuses,
    /// The API server is not well for a while.
    Sicken(Sickness),
    /// SIGSTOP until the send window is over and another process has looked; then SIGCONT.
    Pause,
}

/// One run, but for its timing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Choice {
    pub deed: Deed,
    pub trap: Trap,
    pub behaviour: Behaviour,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trap { call, nth, moment } = self.trap;
        write!(f, "{:?}, {moment:?} {call:?} {nth}, {:?}", self.deed, self.behaviour)
    }
}

/// Every call that is visible from outside, and which of several of its kind.
const CALLS: [(Call, u32); 25] = [
    (Call::LookForKinds, 1),
    (Call::ListClaims, 1),
    (Call::ListRecords, 1),
    (Call::WatchClaims, 1),
    (Call::WatchRecords, 1),
    (Call::Listing, 1),
    (Call::Listing, 2),
    (Call::Listing, 3),
    (Call::Search, 1),
    (Call::Search, 2),
    (Call::Ledger, 1),
    (Call::Ledger, 2),
    (Call::Inventory, 1),
    (Call::Balance, 1),
    (Call::CreateRecord, 1),
    (Call::Reopen, 1),
    (Call::ReadClaim, 1),
    (Call::Purchase, 1),
    (Call::StoreOutcome, 1),
    (Call::StoreFunds, 1),
    (Call::Settle, 1),
    (Call::PatchStatus, 1),
    (Call::PatchStatus, 2),
    (Call::CreateEvent, 1),
    (Call::CreateEvent, 2),
];

const MOMENTS: [Moment; 3] = [Moment::Before, Moment::Withheld, Moment::After];

/// Whether a call is made under a behaviour at all, if nothing else goes wrong.
fn is_made(call: Call, nth: u32, behaviour: Behaviour) -> bool {
    let kind = behaviour.made().kind;
    let verified = kind != Kind::Definite;
    match (call, nth) {
        (Call::Inventory | Call::Balance | Call::StoreFunds, _) => {
            kind == Kind::FailedDebit
                || matches!(
                    behaviour,
                    Behaviour::CommitThen500Json
                        | Behaviour::DebitWithoutAssignment
                        | Behaviour::DebitWithoutAssignmentLedgerLags
                        | Behaviour::DebitWithoutAssignmentLedgerShort
                        | Behaviour::DebitWithoutAssignmentUnnamed
                        | Behaviour::DebitWithoutAssignmentUnnamedFractions
                )
        }
        (Call::Reopen, _) => kind == Kind::Again,
        (Call::Settle, _)
        | (Call::PatchStatus | Call::CreateEvent | Call::Search, 2)
        | (Call::Listing, 3) => verified,
        (Call::Ledger, 2) => verified && kind != Kind::Unclear,
        _ => true,
    }
}

/// Writes, which can still arrive when whoever sent them is dead.
fn is_write(call: Call) -> bool {
    matches!(
        call,
        Call::CreateRecord
            | Call::Reopen
            | Call::Purchase
            | Call::StoreOutcome
            | Call::StoreFunds
            | Call::Settle
            | Call::PatchStatus
            | Call::CreateEvent
    )
}

/// `kill -9` at every call, at every moment, under every behaviour.
#[must_use]
pub fn kills() -> Vec<Choice> {
    let mut all = Vec::new();
    for (call, nth) in CALLS {
        let late = is_write(call).then_some(Moment::Late);
        for moment in MOMENTS.into_iter().chain(late) {
            let made = Behaviour::VARIANTS.iter().copied().filter(|behaviour| is_made(call, nth, *behaviour));
            all.extend(made.map(|behaviour| Choice {
                deed: Deed::Kill,
                trap: Trap { call, nth, moment },
                behaviour,
            }));
        }
    }
    all
}

/// Other deeds than a kill, at the calls around the purchase.
#[must_use]
pub fn deeds() -> Vec<Choice> {
    const BEHAVIOURS: [Behaviour; 5] = [
        Behaviour::SuccessA,
        Behaviour::CommitThenDrop,
        Behaviour::DropBefore,
        Behaviour::NotFound,
        Behaviour::DebitWithoutAssignment,
    ];
    let around: Vec<(Call, u32)> = CALLS.into_iter().skip(6).collect();
    let mut all = Vec::new();
    let mut add = |deed, calls: &[(Call, u32)], moments: &[Moment], behaviours: &[Behaviour]| {
        for ((call, nth), moment) in
            calls.iter().flat_map(|call| moments.iter().map(move |moment| (*call, *moment)))
        {
            let made = behaviours.iter().filter(|behaviour| is_made(call, nth, **behaviour));
            all.extend(made.map(|behaviour| Choice {
                deed,
                trap: Trap { call, nth, moment },
                behaviour: *behaviour,
            }));
        }
    };
    let held = [Moment::Before, Moment::Withheld];
    add(Deed::Disconnect, &CALLS, &held, &BEHAVIOURS);
    add(Deed::DeleteClaim, &around, &held, &BEHAVIOURS);
    let decided = [(Call::CreateRecord, 1), (Call::ReadClaim, 1)];
    add(Deed::ChangeClaim, &decided, &[Moment::Before], &BEHAVIOURS[..3]);
    add(Deed::HoldClaim, &decided, &[Moment::Before], &BEHAVIOURS[..3]);
    add(Deed::StripStatuses, &around, &[Moment::Withheld], &BEHAVIOURS[..3]);
    let sending =
        [(Call::CreateRecord, 1), (Call::ReadClaim, 1), (Call::Purchase, 1), (Call::StoreOutcome, 1)];
    add(Deed::Pause, &sending, &held, &BEHAVIOURS[..4]);
    let asked =
        [(Call::CreateRecord, 1), (Call::ReadClaim, 1), (Call::StoreOutcome, 1), (Call::PatchStatus, 1)];
    for sickness in [
        Sickness::Refuses(429),
        Sickness::Refuses(500),
        Sickness::Refuses(503),
        Sickness::RefusesRecords(500),
        Sickness::DoesAndSays(500),
        Sickness::DoesAndSays(503),
        Sickness::Silent,
        Sickness::DoesAndIsSilent,
    ] {
        add(Deed::Sicken(sickness), &asked, &[Moment::Before], &BEHAVIOURS[..3]);
    }
    all
}

/// Picks runs: as many different calls and moments as there are before any comes twice, each with the behaviour that
/// was picked least so far. All of it follows from the seed.
#[must_use]
pub fn pick(mut all: Vec<Choice>, count: usize, seed: u64) -> Vec<Choice> {
    let mut random = Rng::with_seed(seed);
    all.sort_unstable();
    random.shuffle(&mut all);
    let mut groups: Vec<(Deed, Trap, Vec<Choice>)> = Vec::new();
    for choice in all {
        match groups.iter_mut().find(|(deed, trap, _)| (*deed, *trap) == (choice.deed, choice.trap)) {
            Some((_, _, group)) => group.push(choice),
            None => groups.push((choice.deed, choice.trap, vec![choice])),
        }
    }
    let mut picked = Vec::new();
    let mut used: BTreeMap<Behaviour, usize> = BTreeMap::new();
    while picked.len() < count && groups.iter().any(|(_, _, group)| !group.is_empty()) {
        for (_, _, group) in &mut groups {
            let least =
                group.iter().enumerate().min_by_key(|(_, choice)| used.get(&choice.behaviour).copied());
            if let Some(at) = least.map(|(at, _)| at).filter(|_| picked.len() < count) {
                let choice = group.remove(at);
                *used.entry(choice.behaviour).or_default() += 1;
                picked.push(choice);
            }
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_picks_the_same_runs_each_time_and_another_seed_picks_others() {
        assert_eq!(pick(kills(), 100, 7), pick(kills(), 100, 7));
        assert_ne!(pick(kills(), 100, 7), pick(kills(), 100, 8));
    }

    #[test]
    fn no_call_is_caught_twice_before_each_has_been_caught_once() {
        let picked = pick(kills(), 80, 1);
        let mut traps: Vec<Trap> = picked.iter().map(|choice| choice.trap).collect();
        traps.sort_unstable();
        traps.dedup();
        assert_eq!(traps.len(), picked.len());
        let mut behaviours: Vec<Behaviour> = picked.iter().map(|choice| choice.behaviour).collect();
        behaviours.sort_unstable();
        behaviours.dedup();
        assert!(behaviours.len() > 30, "{}", behaviours.len());
    }

    #[test]
    fn there_are_more_than_six_hundred_places_to_die() {
        assert!(kills().len() > 600);
    }
}
