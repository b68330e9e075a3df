//! What an operator remembers: `plan::memory`, and how it is kept in the world's small numbers.

use super::{
    Operators, clock,
    world::{
        AFTER_FIRST_READ, AFTER_SETTLED, AFTER_WAIT, AFTER_WANTED, CauseKind, Claim, KnownRecord,
        KnownWanted, Operator, Record, Time, World, place_of,
    },
};
use crate::{
    api::PhoneNumber,
    domain,
    plan::{AttemptCause, Moment, RecordMemory, Wanted},
};

impl Operators {
    /// The record as the operator sees it, which it remembers.
    pub fn see(&self, world: &mut World, operator: usize, record: &Record) -> PhoneNumber {
        let mut seen = self.cast.record(record, self.cast.now());
        self.remember(world, operator, |known, now| Some(RecordMemory::see(known, &seen.spec.attempt, now)));
        let opened = clock::opened(&self.cast, &world.operators[operator], record, world.time);
        seen.spec.attempt.opened_at = domain::Time::micros(opened);
        seen
    }

    /// The operator sees that there is no record.
    pub fn miss(&self, world: &mut World, operator: usize) {
        self.remember(world, operator, |known, now| known?.vanish(now, clock::TIMEOUTS));
    }

    /// The operator forgets what nothing depends on any more, given that there is no record.
    pub fn forget(&self, world: &mut World, operator: usize, wished: bool) {
        self.remember(world, operator, |known, now| known.filter(|memory| memory.outlasts(wished, now)));
    }

    /// The attempt that the claim wanted when the operator last decided about it.
    pub fn wanted(&self, operator: &Operator, claim: Claim) -> Option<Wanted> {
        let place = place_of(claim.uid);
        let known = operator.memory.wanted[place].filter(|known| known.uid == claim.uid)?;
        Some(Wanted {
            cause: match known.kind {
                CauseKind::First => AttemptCause::First,
                CauseKind::Automatic => AttemptCause::Automatic,
                CauseKind::Token(token) => AttemptCause::Token(self.cast.word(token).to_owned()),
            },
            after: known.after.map(|attempt| self.cast.attempt(attempt)),
            since: clock::wanted_since(&self.cast, operator, place),
        })
    }

    /// The operator remembers the attempt that the claim wants now.
    pub fn want(&self, me: &mut Operator, claim: Claim, before: Option<Wanted>, wanted: Option<Wanted>) {
        let place = place_of(claim.uid);
        let known = me.memory.wanted[place].take().zip(before);
        let Some(wanted) = wanted else { return };
        let same = known.filter(|(_, before)| before.since == wanted.since);
        if same.is_none() {
            me.unmark(AFTER_WANTED[place]);
        }
        me.memory.wanted[place] = Some(KnownWanted {
            uid: claim.uid,
            kind: match &wanted.cause {
                AttemptCause::First => CauseKind::First,
                AttemptCause::Automatic => CauseKind::Automatic,
                AttemptCause::Token(token) => CauseKind::Token(self.cast.token(token)),
            },
            after: wanted.after.map(|attempt| self.cast.id_of(attempt)),
            old: same.is_some_and(|(known, _)| known.old),
        });
    }

    fn recall(&self, operator: &Operator, time: Time) -> Option<RecordMemory> {
        let known = operator.memory.record?;
        let first_read = clock::first_read(&self.cast, operator, time);
        // Pauses between attempts are only time, and time may always pass: no failures are counted.
        let mut memory = RecordMemory::new(self.cast.attempt(known.attempt), known.state, first_read, 0);
        let end = |until| clock::end_of_wait(&self.cast, operator, until, time);
        memory.keep_back(known.kept_back.map(end));
        Some(memory)
    }

    fn remember(
        &self,
        world: &mut World,
        operator: usize,
        change: impl FnOnce(Option<RecordMemory>, Moment) -> Option<RecordMemory>,
    ) {
        let (me, time) = (&mut world.operators[operator], world.time);
        let before = self.recall(me, time);
        let after = change(before.clone(), clock::now(&self.cast, me));
        let Some(after) = after else {
            me.memory.record = None;
            return;
        };
        let known = me.memory.record.zip(before);
        let mut next = KnownRecord {
            attempt: self.cast.id_of(after.attempt),
            state: after.state,
            until: time.opened,
            kept_back: after.kept_back().map(|_| time.opened),
        };
        // A moment that was set just now comes after everything that has been begun and opened.
        match known.as_ref().filter(|(_, before)| before.first_read() == after.first_read()) {
            Some((known, _)) => next.until = known.until,
            None => me.unmark(AFTER_FIRST_READ | AFTER_SETTLED),
        }
        match known.as_ref().filter(|(_, before)| before.kept_back() == after.kept_back()) {
            Some((known, _)) => next.kept_back = known.kept_back,
            None if after.kept_back().is_some() => me.unmark(AFTER_WAIT),
            None => {}
        }
        me.memory.record = Some(next);
    }
}
