//! The mirror of `reconcile::claim` and `reconcile::record`: observe, let the production function decide, perform.

use super::{
    Operators, api,
    bypass::Bypass,
    clock, invariants,
    world::{AFTER_GOAL, Cached, Claim, GoalKind, KnownGoal, NOBODY, Record, Token, Worker, World, place_of},
};
use crate::{
    api::{AttemptState, PhoneNumber},
    plan::{self, ClaimObserved, ClaimStep, Clocks, Goal, Holder, Intent},
};

/// A claim looked at, and what is to be done about it.
pub struct Looked {
    pub claim: Claim,
    pub record: Option<Record>,
    pub step: ClaimStep,
}

impl Operators {
    /// `Context::holder`.
    pub fn holder(&self, world: &World, operator: usize, uid: u8) -> Holder {
        if uid == NOBODY {
            return Holder::Gone;
        }
        let place = place_of(uid);
        let is_it = |claim: Option<Claim>| claim.is_some_and(|claim| claim.uid == uid);
        let live = is_it(world.claims[place]) && !self.off.has(Bypass::LiveHolder);
        if is_it(world.cached_claim(operator, place)) || live { Holder::Lives } else { Holder::Gone }
    }

    /// `Observation::make`, and the decision on it.
    pub fn look(&self, world: &mut World, operator: usize, place: usize, slot: bool) -> Option<Looked> {
        let claim = world.cached_claim(operator, place)?;
        let record = world.cached_record(operator);
        let seen = record.map(|record| self.see(world, operator, &record));
        if seen.is_none() {
            self.miss(world, operator);
        }
        let holder = match record {
            Some(record) if record.claim == claim.uid => Holder::Lives,
            Some(record) => self.holder(world, operator, record.claim),
            None => Holder::Gone,
        };
        let of_goal =
            self.observe(world, operator, claim, seen.as_ref(), holder, slot, |view, _| plan::goal(view));
        self.remember_goal(world, operator, place, claim, record, of_goal);
        let step = self.observe(world, operator, claim, seen.as_ref(), holder, slot, plan::claim);
        Some(Looked { claim, record, step })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of what is observed")]
    fn observe<T>(
        &self,
        world: &World,
        operator: usize,
        claim: Claim,
        record: Option<&PhoneNumber>,
        holder: Holder,
        slot: bool,
        decide: impl FnOnce(&ClaimObserved<'_>, plan::Moment) -> T,
    ) -> T {
        let me = &world.operators[operator];
        let evidence =
            clock::evidence(&self.cast, me, Some(place_of(claim.uid)), world.time, world.vobiz.aged);
        let end = |until| clock::end_of_wait(&self.cast, me, until, world.time);
        let view = ClaimObserved {
            claim: self.cast.claim(claim),
            record,
            newer: false,
            holder,
            account: &self.cast.ours,
            gate: &self.cast.gate,
            clocks: Clocks::default(),
            evidence: &evidence,
            retry_token: claim.token.map(|token| self.cast.word(token)),
            goal_since: clock::goal_since(&self.cast, me, place_of(claim.uid)),
            not_before: me.memory.kept_back().map(end),
            hold_until: me.hold.map(end),
            slot,
        };
        decide(&view, clock::now(&self.cast, me))
    }

    /// `Memory::goal_since`.
    fn remember_goal(
        &self,
        world: &mut World,
        operator: usize,
        place: usize,
        claim: Claim,
        record: Option<Record>,
        goal: Option<Goal>,
    ) {
        let kind = goal.map(|goal| match goal {
            Goal::First => GoalKind::First,
            Goal::Automatic => GoalKind::Automatic,
            Goal::Token(token) => GoalKind::Token(self.cast.token(&token)),
        });
        let me = &mut world.operators[operator];
        let known = me.memory.goals[place];
        let after = record.map(|record| record.attempt);
        let goal = kind.map(|kind| {
            let same = |known: &KnownGoal| (known.uid, known.kind, known.after) == (claim.uid, kind, after);
            KnownGoal { uid: claim.uid, kind, after, old: known.filter(same).is_some_and(|known| known.old) }
        });
        me.memory.goals[place] = goal;
        if known != goal {
            me.unmark(AFTER_GOAL[place]);
        }
    }

    /// `reconcile_claim`.
    pub fn reconcile_claim(&self, world: &mut World, operator: usize, place: usize) -> Option<()> {
        let looked = self.look(world, operator, place, false)?;
        match looked.step {
            ClaimStep::Rest
            | ClaimStep::Wait(_)
            | ClaimStep::AwaitGate
            | ClaimStep::AwaitClocks
            | ClaimStep::Queue
            | ClaimStep::Elsewhere(_)
            | ClaimStep::Purchase(_) => {}
            ClaimStep::Read(need) => self.read(world, operator, &need),
            ClaimStep::OpenUnsent(intent) => {
                self.open_unsent(world, operator, looked.claim, looked.record, intent);
            }
            ClaimStep::Bind => {
                let Some(record) = looked.record else { return Some(()) };
                let next = Record { claim: looked.claim.uid, unclaimed: false, ..record };
                api::replace(world, &self.mix, self.off, operator, Some(next));
            }
        }
        Some(())
    }

    fn open_unsent(
        &self,
        world: &mut World,
        operator: usize,
        claim: Claim,
        previous: Option<Record>,
        intent: Intent,
    ) {
        let draft = self.draft(world, operator, claim, previous, intent);
        let base = previous.map(|_| world.operators[operator].record == Cached::Latest);
        self.write_attempt(world, operator, draft, base, claim.token);
    }

    /// `write_attempt`, up to the write.
    pub fn draft(
        &self,
        world: &World,
        operator: usize,
        claim: Claim,
        previous: Option<Record>,
        intent: Intent,
    ) -> Record {
        let blank = Record {
            attempt: 0,
            state: AttemptState::Open,
            origin: intent.origin,
            answer: None,
            spent: super::world::Tokens::default(),
            automatic_used: false,
            unexplained: 0,
            answered: 0,
            claim: claim.uid,
            foreign_account: false,
            unclaimed: false,
            deleting: previous.is_some_and(|record| record.deleting),
            reaches: false,
            changed: false,
            skew: world.operators[operator].skew,
        };
        // The id is given with the write.
        let attempt = intent.open(self.cast.attempt(0), self.cast.now());
        self.cast.read_attempt(&attempt, &blank)
    }

    /// Stores a new attempt, if nobody was first; returns the record as stored.
    pub fn write_attempt(
        &self,
        world: &mut World,
        operator: usize,
        draft: Record,
        base: Option<bool>,
        token: Option<Token>,
    ) -> Option<Record> {
        let may = match base {
            None => world.record.is_none() || self.off.has(Bypass::CreateIsExclusive),
            Some(latest) => world.record.is_some() && (latest || self.off.has(Bypass::CompareAndSwap)),
        };
        if !may || !self.can_open(world) {
            return None;
        }
        let record = Record { attempt: world.time.opened, skew: world.operators[operator].skew, ..draft };
        invariants::on_attempt(world, record.claim, token, world.record);
        world.time.opened += 1;
        api::put(world, &self.mix, Some(record));
        self.see(world, operator, &record);
        Some(record)
    }

    /// `take_turn`: a slot is at hand.
    pub fn take_turn(&self, world: &mut World, operator: usize, place: usize) -> Option<()> {
        if world.operators[operator].worker != Worker::Idle {
            return None;
        }
        let looked = self.look(world, operator, place, true)?;
        if let (Some(draft), true) = (looked.record, self.off.has(Bypass::WriterSends)) {
            let open = draft.state == AttemptState::Open && draft.claim == looked.claim.uid;
            world.operators[operator].worker = Worker::Opened { draft, suspended: false };
            return open.then_some(());
        }
        let ClaimStep::Purchase(intent) = looked.step else { return None };
        let draft = self.draft(world, operator, looked.claim, looked.record, intent);
        let base = looked.record.map(|_| world.operators[operator].record == Cached::Latest);
        world.operators[operator].worker = Worker::Decided { draft, base, token: looked.claim.token };
        Some(())
    }
}
