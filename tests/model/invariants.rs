//! What must always hold. Most of it is about a step, so each step notes what it has broken, and a world in which
//! something is broken goes no further.

use stateright::Property;

use super::{
    Operators,
    bounds::{Mix, Twist},
    world::{ATTEMPTS, Account, Claim, NOBODY, Owner, Record, Token, Worker, World, bit_of, place_of},
};
use crate::api::{AttemptState, Origin, Outcome};

macro_rules! invariants {
    ($($invariant:ident => $words:literal,)+) => {
        /// What must never happen.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Invariant { $($invariant),+ }

        impl Invariant {
            pub fn says(self) -> &'static str {
                match self { $(Self::$invariant => $words),+ }
            }
        }

        /// The invariants as stateright takes them: words, and a function without a closure, for each.
        pub fn properties() -> Vec<Property<Operators>> {
            vec![$(Property::always($words, |_: &Operators, world: &World| {
                !world.broken.has(Invariant::$invariant)
            })),+]
        }
    };
}

invariants! {
    AtMostOneDebit => "at most one debit",
    OnePostPerAttempt => "at most one POST per attempt",
    DurableBeforePost => "a POST only after its attempt is durable",
    BoundOnlyIfOwned => "bound only if owned",
    OneBoundClaim => "one claim per number",
    AdoptedNeverPosted => "adopted numbers are never POSTed",
    NoPaidNumberForgotten => "no paid number is forgotten",
    NoAttemptUnauthorised => "no attempt without permission",
    NoPurchaseForVanishedClaim => "no purchase for a vanished claim",
    SentAsWanted => "what is sent is what the claim wants",
    HeldBackNothingSent => "nothing is sent for a claim that is held back",
    ForeignAccountUntouched => "another account's record is left alone",
    OneAccountAtATime => "one account at a time",
    AskedForCause => "a decision is asked for a debit alone",
    ForeignNamespaceInheritsNothing => "another namespace inherits nothing",
}

/// A set of invariants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Broken(u16);

impl Broken {
    pub fn note(&mut self, invariant: Invariant) {
        self.0 |= 1 << invariant as u16;
    }

    pub fn has(self, invariant: Invariant) -> bool {
        self.0 & (1 << invariant as u16) != 0
    }

    pub fn only(self, invariant: Invariant) -> Self {
        Self(self.0 & (1 << invariant as u16))
    }

    pub fn any(self) -> bool {
        self.0 != 0
    }
}

/// Whether the number was paid for, and nobody has said that this is settled.
pub fn is_paid(world: &World) -> bool {
    world.vobiz.owner == Owner::Us || world.every_debit() & !world.truth.answered != 0
}

fn is_remembered(record: Option<Record>) -> bool {
    record.is_some_and(|record| record.state != AttemptState::Failed)
}

/// Before the record changes.
pub fn on_write(world: &mut World, mix: &Mix, previous: Option<Record>, next: Option<Record>) {
    let broken = &mut world.broken;
    if let (Some(was), Some(is)) = (previous, next)
        && was.claim != is.claim
        && was.claim != NOBODY
    {
        let gives_way = was.state == AttemptState::Failed && was.hour;
        if !gives_way && world.claims.iter().flatten().any(|claim| claim.uid == was.claim) {
            broken.note(Invariant::OneBoundClaim);
        }
        let other_namespace = mix.has(Twist::TwoNamespaces) && place_of(was.claim) != place_of(is.claim);
        if other_namespace && was.state != AttemptState::Failed {
            broken.note(Invariant::ForeignNamespaceInheritsNothing);
        }
    }
    let is_foreign = |record: &Record| record.account != 0 && !mix.has(Twist::TwoAccounts);
    if previous.is_some_and(|record| is_foreign(&record)) && previous != next {
        broken.note(Invariant::ForeignAccountUntouched);
    }
    let becomes = |state| {
        next.filter(|record| record.state == state && previous.is_none_or(|record| record.state != state))
    };
    if becomes(AttemptState::Bound).is_some_and(|record| !is_owned(world, record)) {
        world.broken.note(Invariant::BoundOnlyIfOwned);
    }
    let asks = mix.has(Twist::Neighbour) && becomes(AttemptState::NeedsDecision).is_some();
    if asks && !is_paid(world) {
        world.broken.note(Invariant::AskedForCause);
    }
    let fails = next.filter(|record| record.state == AttemptState::Failed && previous != next);
    let after_restore = fails.is_some_and(|record| {
        !is_foreign(&record) && world.truth.restored.is_some_and(|before| record.attempt >= before)
    });
    if after_restore && is_paid(world) {
        world.broken.note(Invariant::NoPaidNumberForgotten);
    }
}

/// Whether the account of the record has the number.
fn is_owned(world: &World, record: Record) -> bool {
    match world.vobiz.owner {
        Owner::UsAlready => true,
        Owner::Us => world.vobiz.buyer == record.account,
        Owner::Nobody | Owner::Rival | Owner::OurOther => false,
    }
}

/// Whether an attempt with the other account has not settled.
fn is_under_way_elsewhere(world: &World, account: Account) -> bool {
    let flies =
        |attempt: usize| world.vobiz.flying[attempt] > 0 && world.vobiz.of_other >> attempt & 1 != account;
    let is_open = |record: Record| record.state == AttemptState::Open && record.account != account;
    (0..ATTEMPTS).any(flies) || world.record.is_some_and(is_open)
}

/// Before a POST leaves.
pub fn on_post(world: &mut World, draft: &Record, account: Account) {
    let attempt = 1 << draft.attempt;
    let claim_stands = world.live(draft.claim).is_some_and(|claim| !claim.deleting);
    let held = world.live(draft.claim).is_some_and(|claim| claim.held.is_some());
    let wants_other = world
        .live(draft.claim)
        .is_some_and(|claim| claim.changed != draft.changed || claim.account != account);
    for (broken, invariant) in [
        (world.truth.posted & attempt != 0, Invariant::OnePostPerAttempt),
        (world.truth.durable & attempt == 0, Invariant::DurableBeforePost),
        (
            draft.origin == Origin::Adoption || world.vobiz.owner == Owner::UsAlready,
            Invariant::AdoptedNeverPosted,
        ),
        (!claim_stands, Invariant::NoPurchaseForVanishedClaim),
        (wants_other, Invariant::SentAsWanted),
        (held, Invariant::HeldBackNothingSent),
        (draft.account != account, Invariant::ForeignAccountUntouched),
        (is_under_way_elsewhere(world, account), Invariant::OneAccountAtATime),
    ] {
        if broken {
            world.broken.note(invariant);
        }
    }
    world.truth.posted |= attempt;
}

/// R6, R10 and R5, kept by somebody who does not trust what the record says about them.
pub fn on_attempt(world: &mut World, uid: u8, token: Option<Token>, previous: Option<Record>) {
    let fresh = token.filter(|token| !world.truth.tokens.has(*token));
    let spend = |world: &mut World| {
        if let Some(token) = fresh {
            world.truth.tokens.add(token);
        }
        world.truth.automatic = 0;
    };
    let Some(record) = previous else { return spend(world) };
    if record.claim != uid && record.state == AttemptState::Failed {
        if world.live(record.claim).is_some() {
            let asks = fresh.is_some() || world.truth.gave_way & bit_of(uid) == 0;
            if !asks || !gives_way(world, &record) {
                world.broken.note(Invariant::NoAttemptUnauthorised);
            }
            world.truth.gave_way |= bit_of(record.claim);
        }
        return spend(world);
    }
    let permitted = match record.state {
        AttemptState::Open | AttemptState::Bound => false,
        AttemptState::NeedsDecision => {
            let answered = fresh == Some(Token::Attempt(record.attempt));
            if answered {
                world.truth.answered |= record.unexplained;
                spend(world);
            }
            answered
        }
        AttemptState::Failed if fresh.is_some() => {
            spend(world);
            true
        }
        AttemptState::Failed if record.origin == Origin::Adoption => true,
        AttemptState::Failed => match record.answer {
            None => {
                world.truth.automatic += 1;
                world.truth.automatic == 1
            }
            Some(Outcome::NotSent | Outcome::Unauthorized | Outcome::RateLimited) => true,
            Some(_) => false,
        },
    };
    if !permitted {
        world.broken.note(Invariant::NoAttemptUnauthorised);
    }
}

/// Whether the claim asks with a token that was not used before.
pub fn has_fresh_token(world: &World, claim: Claim) -> bool {
    claim.token.is_some_and(|token| !world.truth.tokens.has(token))
}

/// R6: whether another attempt follows a failure of the claim's, asked for or not.
pub fn may_try_again(world: &World, claim: Claim, record: &Record) -> bool {
    let unasked = record.origin == Origin::Adoption
        || match record.answer {
            None => world.truth.automatic == 0,
            Some(Outcome::NotSent | Outcome::Unauthorized | Outcome::RateLimited) => true,
            Some(_) => false,
        };
    has_fresh_token(world, claim) || unasked
}

/// R5: whether a failure is left to another claim, though its own claim lives.
pub fn gives_way(world: &World, failed: &Record) -> bool {
    let goes_on = world.live(failed.claim).is_some_and(|claim| may_try_again(world, *claim, failed));
    failed.state == AttemptState::Failed && failed.hour && !goes_on
}

/// After every step.
pub fn on_step(world: &mut World) {
    if (world.every_debit() & !world.truth.answered).count_ones() > 1 {
        world.broken.note(Invariant::AtMostOneDebit);
    }
    let somebody_knows = world
        .operators
        .iter()
        .any(|operator| matches!(operator.worker, Worker::Sent { .. } | Worker::Answered { .. }));
    let forgotten = is_paid(world) && !is_remembered(world.record) && !somebody_knows;
    // What a restore has lost is found again, or it is not: that is a question of liveness, until an attempt that was
    // opened after it has failed (`on_write`).
    if forgotten && world.truth.restored.is_none() {
        world.broken.note(Invariant::NoPaidNumberForgotten);
    }
}

/// After the outcome of a purchase was dealt with.
pub fn on_outcome(world: &mut World, outcome: Outcome) {
    if outcome == Outcome::Purchased && !is_remembered(world.record) {
        world.broken.note(Invariant::NoPaidNumberForgotten);
    }
}
