//! Every step that the world can take, and what each leads to: the model as stateright sees it.

use std::fmt;

use stateright::{Model, Property};

use super::{
    Operators,
    bounds::{Fault, Twist},
    choices, invariants,
    tidy::tidy,
    vobiz::{self, Treatment},
    worker::Reply,
    world::{ATTEMPTS, Claim, Held, Operator, Time, Truth, Vobiz, World},
};
use crate::plan::guard;

/// One step. The first number is the operator, the second the place of a claim.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Step {
    ReconcileClaim(usize, usize),
    ReconcileRecord(usize),
    ReconcileRecordMissing(usize),
    ReadForOthers(usize),
    TakeTurn(usize, usize),
    WriteIntent(usize, Reply),
    RereadIntent(usize, bool),
    Send(usize),
    StoreOutcome(usize),
    GiveUp(usize),
    Resync(usize),
    FollowRecord(usize),
    FollowClaim(usize, usize),
    Arrive(u8, Treatment),
    ShowNumber,
    ShowDebits,
    CloseWindow,
    Settle,
    FinishDeletion(usize),
    CorrectClock(usize),
    Crash(usize),
    Suspend(usize),
    SetClock(usize, i8),
    Resend(u8),
    SoldElsewhere(Fault),
    WipeStatus,
    BackUp,
    Restore,
    Vanish,
    DeleteRecord,
    Delete(usize),
    Create(usize),
    SetToken(usize),
    Decide(usize),
    Age,
    PassHour,
    Edit(usize),
    Move(usize),
    Hold(usize, Held),
    LetGo(usize),
}

impl Step {
    /// Whether it is something that goes wrong, or that people do: nothing that progress may wait for.
    pub fn is_fault(self) -> bool {
        match self {
            Self::ReconcileClaim(..)
            | Self::ReconcileRecord(_)
            | Self::TakeTurn(..)
            | Self::WriteIntent(_, Reply::Arrives)
            | Self::RereadIntent(_, true)
            | Self::Send(_)
            | Self::StoreOutcome(_)
            | Self::Resync(_)
            | Self::FollowRecord(_)
            | Self::FollowClaim(..)
            | Self::Arrive(_, Treatment::Served)
            | Self::ShowNumber
            | Self::ShowDebits
            | Self::CloseWindow
            | Self::Settle
            | Self::FinishDeletion(_)
            | Self::CorrectClock(_) => false,
            Self::ReconcileRecordMissing(_)
            | Self::ReadForOthers(_)
            | Self::WriteIntent(..)
            | Self::RereadIntent(..)
            | Self::GiveUp(_)
            | Self::Arrive(..)
            | Self::Crash(_)
            | Self::Suspend(_)
            | Self::SetClock(..)
            | Self::Resend(_)
            | Self::SoldElsewhere(_)
            | Self::WipeStatus
            | Self::BackUp
            | Self::Restore
            | Self::Vanish
            | Self::DeleteRecord
            | Self::Delete(_)
            | Self::Create(_)
            | Self::SetToken(_)
            | Self::Decide(_)
            | Self::Age
            | Self::PassHour
            | Self::Edit(_)
            | Self::Move(_)
            | Self::Hold(..)
            | Self::LetGo(_) => true,
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::report::step(*self))
    }
}

impl Operators {
    fn places(&self) -> usize {
        usize::from(self.mix.claims).max(1)
    }

    fn take(&self, world: &mut World, step: Step) -> Option<()> {
        match step {
            Step::ReconcileClaim(operator, place) => self.reconcile_claim(world, operator, place),
            Step::ReconcileRecord(operator) => self.reconcile_record(world, operator, false),
            Step::ReconcileRecordMissing(operator) => {
                world.spend(Fault::Miss)?;
                self.reconcile_record(world, operator, true)
            }
            Step::ReadForOthers(operator) => self.read_for_others(world, operator),
            Step::TakeTurn(operator, place) => self.take_turn(world, operator, place),
            Step::WriteIntent(operator, reply) => self.write_intent(world, operator, reply),
            Step::RereadIntent(operator, answered) => self.reread_intent(world, operator, answered),
            Step::Send(operator) => self.send(world, operator),
            Step::StoreOutcome(operator) => self.store_outcome(world, operator),
            Step::GiveUp(operator) => Self::give_up(world, operator),
            Step::Resync(operator) => self.resync(world, operator),
            Step::FollowRecord(operator) => super::api::follow_record(world, operator),
            Step::FollowClaim(operator, place) => super::api::follow_claim(world, operator, place),
            Step::Arrive(attempt, treatment) => vobiz::arrive(world, &self.mix, attempt, treatment),
            Step::ShowNumber => vobiz::show_number(world),
            Step::ShowDebits => vobiz::show_debits(world),
            Step::CloseWindow => super::tidy::close_window(world),
            Step::Settle => super::tidy::settle(world),
            Step::FinishDeletion(place) => self.finish_deletion(world, place),
            Step::CorrectClock(operator) => Self::correct_clock(world, operator),
            Step::Crash(operator) => Self::crash(world, operator),
            Step::Suspend(operator) => Self::suspend(world, operator),
            Step::SetClock(operator, skew) => Self::set_clock(world, operator, skew),
            Step::Resend(attempt) => Self::resend(world, attempt),
            Step::SoldElsewhere(fault) => Self::sold_elsewhere(world, fault),
            Step::WipeStatus => self.wipe_status(world),
            Step::BackUp => Self::back_up(world),
            Step::Restore => Self::restore(world),
            Step::Vanish => self.vanish(world),
            Step::DeleteRecord => self.delete_record(world),
            Step::Delete(place) => self.delete_claim(world, place),
            Step::Create(place) => self.create_claim(world, place),
            Step::SetToken(place) => self.set_token(world, place),
            Step::Decide(place) => self.decide(world, place),
            Step::Age => Self::age(world),
            Step::PassHour => Self::pass_hour(world),
            Step::Edit(place) => self.edit(world, place),
            Step::Move(place) => self.move_claim(world, place),
            Step::Hold(place, held) => self.hold(world, place, held),
            Step::LetGo(place) => self.let_go(world, place),
        }
    }

    fn start(&self) -> World {
        let mix = &self.mix;
        let mut world = World {
            record: None,
            backup: None,
            claims: [None; 2],
            born: [0; 2],
            vobiz: Vobiz {
                owner: mix.owner,
                buyer: 0,
                of_other: 0,
                debited_other: 0,
                unlisted: 0,
                unshown: 0,
                flying: [0; ATTEMPTS],
                debits: 0,
                shown: 0,
                aged: 0,
            },
            operators: [Operator::started(0, None); 2],
            time: Time::default(),
            left: super::bounds::Faults::of(mix.faults),
            truth: Truth::default(),
            broken: invariants::Broken::default(),
        };
        for place in 0..usize::from(mix.claims) {
            let claim = Self::born(&mut world, place);
            let token = mix.tokens.first().copied().filter(|_| mix.has(Twist::TokenAtFirst));
            world.claims[place] = Some(Claim { token, ..claim });
        }
        let foreign = mix.has(Twist::ForeignRecord).then(Self::foreign_record);
        world.record = foreign.or_else(|| mix.failed.map(Self::failed_record));
        if world.record.is_some() {
            world.time = Time { opened: 1, closed: 1, past: 1 };
        }
        world
    }
}

impl Model for Operators {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![self.start()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.broken.any() {
            return;
        }
        choices::all(world, self.places(), steps);
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        // The checker runs in threads of its own.
        guard::set(self.guards);
        let mut world = *before;
        self.take(&mut world, step)?;
        tidy(self, &mut world);
        invariants::on_step(&mut world);
        if let Some(only) = self.watched {
            world.broken = world.broken.only(only);
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        invariants::properties()
    }
}
