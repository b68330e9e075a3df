//! The mirror of `reconcile::spend`: intent, live read of the claim, the one call, outcome. What differs between
//! two calls that cost money is [`Spending`]'s.

use super::{
    Operators, api,
    bounds::Fault,
    bypass::Bypass,
    clock, invariants, vobiz,
    world::{Claim, Record, Spending, Worker, World},
};
use crate::{
    api::{Outcome, PhoneNumber, PhoneNumberClaim},
    plan::{self, Change, Directory, LiveClaim, Moment, OutcomeTarget, Permission},
};

impl Spending {
    /// Whether it may be sent, once its intent is written and the claim is read again.
    fn may_send(
        self,
        directory: &Directory,
        claim: &PhoneNumberClaim,
        record: &PhoneNumber,
        live: LiveClaim<'_>,
        (opened, now): (Moment, Moment),
    ) -> Permission {
        match self {
            Self::Purchase(..) => {
                let asks = if let LiveClaim::Read(Some(live)) = live { live } else { claim };
                let served = directory.serve(asks, Some(record));
                plan::may_send(claim, &record.spec.attempt, live, &served, opened, now)
            }
        }
    }

    /// It leaves.
    fn send(self, world: &mut World) {
        match self {
            Self::Purchase(draft, account) => {
                invariants::on_post(world, &draft, account);
                world.vobiz.of_other |= account << draft.attempt;
                world.vobiz.flying[usize::from(draft.attempt)] += 1;
            }
        }
    }

    /// What is stored of it.
    fn change(self, operators: &Operators, outcome: Outcome) -> Change {
        match self {
            Self::Purchase(_, account) => {
                Change::Answered { answer: Box::new(operators.cast.answer(outcome, account)), bought: None }
            }
        }
    }
}

/// What becomes of the API server's reply to the intent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::VariantArray)]
pub enum Reply {
    Arrives,
    /// The intent was stored, the reply is lost.
    LostAfter,
    /// The intent never reached the API server.
    LostBefore,
}

impl Operators {
    /// The intent goes to the API server.
    pub fn write_intent(&self, world: &mut World, operator: usize, reply: Reply) -> Option<()> {
        let Worker::Decided { spending, base, token } = world.operators[operator].worker else { return None };
        if !self.can_open(world) {
            return None;
        }
        if reply != Reply::Arrives {
            world.spend(Fault::LostReply)?;
        }
        world.operators[operator].worker = Worker::Idle;
        world.operators[operator].worker = if reply == Reply::LostBefore {
            Self::lose(world, operator, spending)
        } else {
            match (self.write_attempt(world, operator, *spending.draft(), base, token), reply) {
                // Somebody else was first: what they wrote is looked at next.
                (None, _) => Worker::Idle,
                (Some(draft), Reply::Arrives) => {
                    Worker::Opened { spending: spending.opened(draft), suspended: false }
                }
                (Some(draft), _) => Worker::Uncertain { spending: spending.opened(draft), stored: true },
            }
        };
        Some(())
    }

    /// An intent that is nowhere has an id all the same.
    fn lose(world: &mut World, operator: usize, spending: Spending) -> Worker {
        let attempt = world.time.opened;
        world.time.opened += 1;
        let draft = Record { attempt, skew: world.operators[operator].skew, ..*spending.draft() };
        Worker::Uncertain { spending: spending.opened(draft), stored: false }
    }

    /// `Store::stored`: what is stored is read; it goes on only if that is what was written.
    pub fn reread_intent(&self, world: &mut World, operator: usize, answered: bool) -> Option<()> {
        let Worker::Uncertain { spending, stored } = world.operators[operator].worker else { return None };
        if !answered {
            world.spend(Fault::LostReply)?;
        }
        let goes_on = (answered && stored) || self.off.has(Bypass::RereadIntent);
        world.operators[operator].worker =
            if goes_on { Worker::Opened { spending, suspended: false } } else { Worker::Idle };
        Some(())
    }

    /// The claim is read live, and the POST leaves or does not.
    pub fn send(&self, world: &mut World, operator: usize) -> Option<()> {
        let Worker::Opened { spending, suspended } = world.operators[operator].worker else { return None };
        let draft = spending.draft();
        let decided_on = Claim {
            uid: draft.claim,
            deleting: false,
            old: false,
            changed: draft.changed,
            account: draft.account,
            held: None,
            token: None,
        };
        let claim = self.cast.claim(decided_on);
        let live = world.claims[super::world::place_of(draft.claim)];
        let live = live.map(|live| self.cast.claim(live));
        let window = clock::window(&self.cast, &world.operators[operator], draft, suspended, world.time);
        let record = self.cast.record(draft, self.cast.now());
        let permission =
            spending.may_send(&self.cast.directory, claim, &record, LiveClaim::Read(live), window);
        world.operators[operator].worker = match permission {
            Permission::Granted => {
                spending.send(world);
                Worker::Sent { spending }
            }
            Permission::Denied(_) => Worker::Answered { spending, outcome: Outcome::NotSent },
            Permission::ReadAgain => return None,
        };
        Some(())
    }

    /// The purchase timeout: nobody waits for the answer any more.
    pub fn give_up(world: &mut World, operator: usize) -> Option<()> {
        let Worker::Sent { spending } = world.operators[operator].worker else { return None };
        world.spend(Fault::NoAnswer)?;
        vobiz::answer(world, spending.draft().attempt, Outcome::Unknown);
        Some(())
    }

    /// `store_outcome`. What is read before each try and the write are one step: a write that meets another version
    /// changes nothing, and the next try reads again.
    pub fn store_outcome(&self, world: &mut World, operator: usize) -> Option<()> {
        let Worker::Answered { spending, outcome } = world.operators[operator].worker else { return None };
        let (draft, change) = (*spending.draft(), spending.change(self, outcome));
        // Blind writers have only their own copy.
        let stored = if self.off.has(Bypass::CompareAndSwap) { Some(draft) } else { world.record };
        let seen = stored.map(|record| self.cast.record(&record, self.cast.now()));
        let target = match plan::outcome_target(
            seen.as_ref(),
            (&self.cast.accounts[usize::from(draft.account)], self.cast.attempt(draft.attempt)),
            &change,
        ) {
            OutcomeTarget::Drop | OutcomeTarget::Superseded | OutcomeTarget::Elsewhere(_) => None,
            OutcomeTarget::Replace(found) => stored.map(|record| (found.clone(), record)),
            OutcomeTarget::Recreate => {
                let draft = Record { deleting: false, ..draft };
                Some((self.cast.record(&draft, self.cast.now()), draft))
            }
        };
        if let Some((mut record, before)) = target {
            let claimed = change.claimed();
            change.apply(&mut record, self.cast.now());
            let next = self.cast.read_back(&record, &before, claimed);
            api::put(world, &self.mix, Some(next));
            self.see(world, operator, &next);
        }
        world.operators[operator].worker = Worker::Idle;
        invariants::on_outcome(world, outcome);
        Some(())
    }
}
