//! What happens to operators from outside: crashes, clocks, users, administrators, other buyers.

use super::{
    Operators, api,
    bounds::{Fault, Twist},
    world::{Claim, Held, Operator, Owner, Record, Token, Tokens, Worker, World},
};
use crate::api::{AttemptState, Origin, Outcome};

impl Operators {
    pub fn crash(world: &mut World, operator: usize) -> Option<()> {
        world.spend(Fault::Crash)?;
        let me = &mut world.operators[operator];
        // A hold is an argument: whoever starts it again gives it again.
        let hold = me.hold.map(|_| world.time.opened);
        *me = Operator::started(me.skew, hold);
        Some(())
    }

    pub fn wipe_status(&self, world: &mut World) -> Option<()> {
        let record = world.record?;
        world.spend(Fault::Wipe)?;
        api::put(world, &self.mix, Some(Record { unclaimed: false, ..record }));
        Some(())
    }

    pub fn back_up(world: &mut World) -> Option<()> {
        world.spend(Fault::Backup)?;
        world.backup = world.record.map(|record| Record { unclaimed: false, deleting: false, ..record });
        Some(())
    }

    /// Every operator is stopped, the backup is restored, and they are started with purchases on hold.
    pub fn restore(world: &mut World) -> Option<()> {
        world.spend(Fault::Restore)?;
        let restored = world.backup.take();
        world.truth.restored = Some(world.time.opened);
        let opened = world.time.opened;
        for operator in &mut world.operators {
            *operator = Operator::started(operator.skew, Some(opened));
        }
        world.record = restored;
        Some(())
    }

    /// The record is forced away under operators that have read it, and of which none is just about to create one.
    pub fn vanish(&self, world: &mut World) -> Option<()> {
        let record = world.record?;
        let knows = |operator: &Operator| {
            let known = operator.memory.record;
            known.is_some_and(|known| known.attempt == record.attempt && known.state == record.state)
                && !matches!(operator.worker, Worker::Decided { .. })
        };
        if !world.operators.iter().all(knows) {
            return None;
        }
        world.spend(Fault::Vanish)?;
        world.truth.restored = Some(world.time.opened);
        api::put(world, &self.mix, None);
        Some(())
    }

    /// An administrator deletes the record. It goes once its finalizer does.
    pub fn delete_record(&self, world: &mut World) -> Option<()> {
        let record = world.record.filter(|record| !record.deleting)?;
        world.spend(Fault::DeleteRecord)?;
        api::put(world, &self.mix, Some(Record { deleting: true, ..record }));
        Some(())
    }

    pub fn delete_claim(&self, world: &mut World, place: usize) -> Option<()> {
        let claim = world.claims[place].filter(|claim| !claim.deleting)?;
        world.spend(Fault::Delete)?;
        let next = self.mix.has(Twist::SlowDeletion).then_some(Claim { deleting: true, ..claim });
        api::put_claim(world, &self.mix, place, next);
        Some(())
    }

    pub fn finish_deletion(&self, world: &mut World, place: usize) -> Option<()> {
        world.claims[place].filter(|claim| claim.deleting)?;
        api::put_claim(world, &self.mix, place, None);
        Some(())
    }

    pub fn create_claim(&self, world: &mut World, place: usize) -> Option<()> {
        if world.claims[place].is_some() {
            return None;
        }
        world.spend(Fault::Create)?;
        let claim = Self::born(world, place);
        api::put_claim(world, &self.mix, place, Some(claim));
        Some(())
    }

    /// A new incarnation.
    pub fn born(world: &mut World, place: usize) -> Claim {
        let before = &mut world.born[place];
        *before += 1;
        Claim {
            uid: (*before - 1) * 2 + 1 + u8::from(place == 1),
            deleting: false,
            old: false,
            changed: false,
            account: 0,
            held: None,
            token: None,
        }
    }

    /// The user sets the next token of the mix.
    pub fn set_token(&self, world: &mut World, place: usize) -> Option<()> {
        let claim = world.claims[place].filter(|claim| !claim.deleting)?;
        world.spend(Fault::Token)?;
        let left = usize::from(world.left.of_kind(Fault::Token));
        let token = *self.mix.tokens.iter().rev().nth(left)?;
        api::put_claim(world, &self.mix, place, Some(Claim { token: Some(token), ..claim }));
        Some(())
    }

    /// An administrator answers the decision that is asked for.
    pub fn decide(&self, world: &mut World, place: usize) -> Option<()> {
        let claim = world.claims[place].filter(|claim| !claim.deleting)?;
        let asked = world
            .record
            .filter(|record| record.state == AttemptState::NeedsDecision && record.claim == claim.uid)?;
        world.spend(Fault::Decide)?;
        let token = Some(Token::Attempt(asked.attempt));
        api::put_claim(world, &self.mix, place, Some(Claim { token, ..claim }));
        Some(())
    }

    /// A day passes in which there is no record: whoever has seen the claim before it knows since when it looks back, and
    /// the others have only the claim to go by.
    pub fn age(world: &mut World) -> Option<()> {
        let idle = world.operators.iter().all(|operator| operator.worker == Worker::Idle);
        if world.record.is_some() || !idle || world.time.past < world.time.opened {
            return None;
        }
        world.spend(Fault::Age)?;
        world.vobiz.aged = world.every_debit();
        world.claims.iter_mut().flatten().for_each(|claim| claim.old = true);
        for operator in &mut world.operators {
            operator.memory.wanted.iter_mut().flatten().for_each(|goal| goal.old = true);
        }
        Some(())
    }

    /// An hour passes after a failure, and nothing follows it.
    pub fn pass_hour(world: &mut World) -> Option<()> {
        let failed = world.record.filter(|record| record.state == AttemptState::Failed && !record.hour)?;
        world.spend(Fault::Hour)?;
        world.record = Some(Record { hour: true, ..failed });
        Some(())
    }

    /// The user wants something else of the same claim: another currency.
    pub fn edit(&self, world: &mut World, place: usize) -> Option<()> {
        let claim = world.claims[place].filter(|claim| !claim.deleting && !claim.changed)?;
        world.spend(Fault::Edit)?;
        api::put_claim(world, &self.mix, place, Some(Claim { changed: true, ..claim }));
        Some(())
    }

    /// The user has the claim bought with the other account.
    pub fn move_claim(&self, world: &mut World, place: usize) -> Option<()> {
        let claim = world.claims[place].filter(|claim| !claim.deleting)?;
        world.spend(Fault::Move)?;
        api::put_claim(world, &self.mix, place, Some(Claim { account: 1 - claim.account, ..claim }));
        Some(())
    }

    /// The user holds the claim's purchase back.
    pub fn hold(&self, world: &mut World, place: usize, held: Held) -> Option<()> {
        let claim = world.claims[place].filter(|claim| !claim.deleting && claim.held.is_none())?;
        world.spend(if held == Held::Paused { Fault::Pause } else { Fault::AdoptOnly })?;
        api::put_claim(world, &self.mix, place, Some(Claim { held: Some(held), ..claim }));
        Some(())
    }

    /// And does no longer.
    pub fn let_go(&self, world: &mut World, place: usize) -> Option<()> {
        let claim = world.claims[place].filter(|claim| !claim.deleting && claim.held.is_some())?;
        world.spend(Fault::LetGo)?;
        api::put_claim(world, &self.mix, place, Some(Claim { held: None, ..claim }));
        Some(())
    }

    pub fn sold_elsewhere(world: &mut World, fault: Fault) -> Option<()> {
        if world.vobiz.owner != Owner::Nobody {
            return None;
        }
        world.spend(fault)?;
        world.vobiz.owner = if fault == Fault::Rival { Owner::Rival } else { Owner::OurOther };
        Some(())
    }

    pub fn set_clock(world: &mut World, operator: usize, skew: i8) -> Option<()> {
        if world.operators[operator].skew == skew {
            return None;
        }
        world.spend(Fault::SetClock)?;
        world.operators[operator].skew = skew;
        Some(())
    }

    /// A wrong clock is put right, sooner or later.
    pub fn correct_clock(world: &mut World, operator: usize) -> Option<()> {
        (std::mem::take(&mut world.operators[operator].skew) != 0).then_some(())
    }

    /// The machine sleeps between the intent and the POST.
    pub fn suspend(world: &mut World, operator: usize) -> Option<()> {
        let Worker::Opened { spending, suspended: false } = world.operators[operator].worker else {
            return None;
        };
        world.spend(Fault::Suspend)?;
        world.operators[operator].worker = Worker::Opened { spending, suspended: true };
        Some(())
    }

    /// Something on the way sends a POST again that has not been answered.
    pub fn resend(world: &mut World, attempt: u8) -> Option<()> {
        if world.vobiz.flying[usize::from(attempt)] != 1 {
            return None;
        }
        world.spend(Fault::Resend)?;
        world.vobiz.flying[usize::from(attempt)] += 1;
        Some(())
    }

    /// What another account of ours has left behind: a failure, which would permit an attempt if it were ours.
    pub fn foreign_record() -> Record {
        Record { account: 1, ..Self::failed_record(Outcome::NotSent) }
    }

    /// A failure of the first claim's.
    pub fn failed_record(answer: Outcome) -> Record {
        Record {
            attempt: 0,
            state: AttemptState::Failed,
            origin: Origin::Purchase,
            answer: Some(answer),
            spent: Tokens::default(),
            automatic_used: false,
            unexplained: 0,
            answered: 0,
            claim: 1,
            account: 0,
            unclaimed: false,
            deleting: false,
            gave_way: 0,
            hour: false,
            reaches: false,
            changed: false,
            skew: 0,
        }
    }
}
