//! The mirror of `reconcile::claim` and `reconcile::record`: observe, let the production function decide, perform.

use super::{
    Operators, api,
    bypass::Bypass,
    clock, invariants,
    world::{Account, Cached, Claim, NOBODY, Record, Spending, Token, Worker, World, place_of},
};
use crate::{
    api::{AttemptState, PhoneNumber},
    plan::{
        self, ClaimLiveness, ClaimObserved, ClaimStep, Clocks, Decision, Gate, NewAttempt, Service, Wake,
        Wanted,
    },
};

/// A claim looked at, and what is to be done about it.
pub struct Looked {
    pub claim: Claim,
    pub record: Option<Record>,
    /// The account that serves the claim.
    pub account: usize,
    pub step: ClaimStep,
}

impl Operators {
    /// `Context::liveness`.
    pub fn liveness(&self, world: &World, operator: usize, uid: u8) -> ClaimLiveness {
        if uid == NOBODY {
            return ClaimLiveness::Gone;
        }
        let place = place_of(uid);
        let is_it = |claim: Option<Claim>| claim.is_some_and(|claim| claim.uid == uid);
        let live = is_it(world.claims[place]) && !self.off.has(Bypass::LiveHolder);
        if is_it(world.cached_claim(operator, place)) || live {
            ClaimLiveness::Lives
        } else {
            ClaimLiveness::Gone
        }
    }

    /// `observe` and `decide`.
    pub fn look(&self, world: &mut World, operator: usize, place: usize) -> Option<Looked> {
        let claim = world.cached_claim(operator, place)?;
        let record = world.cached_record(operator);
        let seen = record.map(|record| self.see(world, operator, &record));
        if seen.is_none() {
            self.miss(world, operator);
        }
        let (liveness, holder) = match record {
            Some(record) if record.claim == claim.uid => (ClaimLiveness::Lives, None),
            Some(Record { claim: uid, .. }) => {
                let holder = world.cached_claim(operator, place_of(uid)).filter(|holder| holder.uid == uid);
                (self.liveness(world, operator, uid), holder)
            }
            None => (ClaimLiveness::Gone, None),
        };
        let served = self.cast.directory.serve(self.cast.claim(claim), seen.as_ref());
        let account = self.cast.account_of(&served);
        let named = (liveness, holder, served);
        let wanted = self.wanted(&world.operators[operator], claim);
        let decision = self.decide_claim(world, operator, claim, seen.as_ref(), named, wanted.as_ref());
        self.want(&mut world.operators[operator], claim, wanted, decision.to_remember().cloned());
        Some(Looked { claim, record, account, step: decision.step })
    }

    fn decide_claim(
        &self,
        world: &World,
        operator: usize,
        claim: Claim,
        record: Option<&PhoneNumber>,
        (liveness, holder, served): (ClaimLiveness, Option<Claim>, Service),
        remembered: Option<&Wanted>,
    ) -> Decision {
        let (me, place) = (&world.operators[operator], place_of(claim.uid));
        let account = self.cast.account_of(&served);
        let end = |until| clock::end_of_wait(&self.cast, me, until, world.time);
        let observed = ClaimObserved {
            claim: self.cast.claim(claim),
            record,
            newer: false,
            liveness,
            holder: holder.map(|holder| self.cast.claim(holder)),
            served,
            gate: Gate::Open,
            clocks: Clocks::default(),
            evidence: clock::evidence(&self.cast, me, account, Some(place), world.time, world.vobiz.aged),
            retry_token: claim.token.map(|token| self.cast.word(token)),
            not_before: me.memory.kept_back().map(end),
            hold_until: me.hold.map(end),
            in_line: false,
        };
        plan::decide_claim(&observed, remembered, clock::now(&self.cast, me))
    }

    /// `reconcile_claim`.
    pub fn reconcile_claim(&self, world: &mut World, operator: usize, place: usize) -> Option<()> {
        let looked = self.look(world, operator, place)?;
        match looked.step.clone() {
            ClaimStep::Await(Wake::Evidence(need)) => self.read(world, operator, looked.account, &need),
            ClaimStep::Rest
            | ClaimStep::Await(
                Wake::At(_)
                | Wake::GateOpens
                | Wake::GateOpensOr(_)
                | Wake::ClocksAgree
                | Wake::NextListing
                | Wake::ClaimChanges
                | Wake::AccountsChange,
            )
            | ClaimStep::Purchase(_) => {}
            ClaimStep::OpenUnsent(intent) => {
                self.open_unsent(world, operator, &looked, intent);
            }
            ClaimStep::Bind => {
                let Some(record) = looked.record else { return Some(()) };
                let next = Record { claim: looked.claim.uid, unclaimed: false, ..record };
                api::replace(world, &self.mix, self.off, operator, Some(next));
            }
        }
        Some(())
    }

    fn open_unsent(&self, world: &mut World, operator: usize, looked: &Looked, intent: NewAttempt) {
        let draft = self.draft(world, operator, looked, intent);
        let base = looked.record.map(|_| world.operators[operator].record == Cached::Latest);
        self.write_attempt(world, operator, draft, base, looked.claim.token);
    }

    /// `write_attempt`, up to the write.
    pub fn draft(&self, world: &World, operator: usize, looked: &Looked, intent: NewAttempt) -> Record {
        let (claim, previous) = (looked.claim, looked.record);
        let account = Account::try_from(looked.account).unwrap();
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
            account: previous.map_or(account, |record| record.account),
            unclaimed: false,
            deleting: previous.is_some_and(|record| record.deleting),
            gave_way: 0,
            hour: false,
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
        let looked = self.look(world, operator, place)?;
        if let (Some(draft), true) = (looked.record, self.off.has(Bypass::WriterSends)) {
            let open = draft.state == AttemptState::Open && draft.claim == looked.claim.uid;
            world.operators[operator].worker =
                Worker::Opened { spending: Spending::Purchase(draft, draft.account), suspended: false };
            return open.then_some(());
        }
        let ClaimStep::Purchase(intent) = &looked.step else { return None };
        let draft = self.draft(world, operator, &looked, intent.clone());
        let base = looked.record.map(|_| world.operators[operator].record == Cached::Latest);
        let spending = Spending::Purchase(draft, Account::try_from(looked.account).unwrap());
        world.operators[operator].worker = Worker::Decided { spending, base, token: looked.claim.token };
        Some(())
    }
}
