//! The passing of time, and the forgetting of what can no longer matter: two worlds that nobody can tell apart should be
//! one.

use super::{
    Operators,
    bypass::Bypass,
    clock, vobiz,
    world::{
        AFTER_FIRST_READ, AFTER_SETTLED, AFTER_WAIT, AFTER_WANTED, ATTEMPTS, Operator, Reading, Time, Worker,
        World,
    },
};
use crate::{
    api::AttemptState,
    plan::guard::{self, Guard},
};

/// The next send window closes.
pub fn close_window(world: &mut World) -> Option<()> {
    let time = &mut world.time;
    (time.closed < time.opened).then(|| time.closed += 1)
}

/// The settle moment of the next attempt comes: all that it did is done and shown by then.
pub fn settle(world: &mut World) -> Option<()> {
    let next = world.time.past;
    if next >= world.time.closed || !vobiz::has_settled(world, next) {
        return None;
    }
    world.time.past += 1;
    Some(())
}

/// Forgets what nothing depends on any more.
pub fn tidy(operators: &Operators, world: &mut World) {
    close_unwatched_windows(world);
    pass_idle_time(world);
    for operator in 0..world.operators.len() {
        sweep(operators, world, operator);
    }
    let time = world.time;
    for operator in &mut world.operators {
        forget(operator, time);
    }
    // Only an attempt that is still to be sent can be sent again.
    let unsent = world.operators.iter().filter_map(|operator| match &operator.worker {
        Worker::Uncertain { spending, .. } | Worker::Opened { spending, .. } => {
            Some(1 << spending.draft().attempt)
        }
        _ => None,
    });
    let unsent: u8 = unsent.sum();
    let open = world
        .record
        .filter(|_| operators.off.has(Bypass::WriterSends))
        .map_or(0, |record| 1 << record.attempt);
    let unsent = unsent | open;
    let flying = (0..ATTEMPTS).filter(|attempt| world.vobiz.flying[*attempt] > 0);
    world.vobiz.of_other &= flying.map(|attempt| 1 << attempt).sum::<u8>();
    world.truth.posted &= unsent;
    world.truth.durable &= unsent;
}

/// `Memory::sweep`, which may come at once: the earlier, the shorter the number of a vanished record is kept back.
fn sweep(operators: &Operators, world: &mut World, operator: usize) {
    if world.cached_record(operator).is_none() {
        let wished = (0..world.claims.len()).any(|place| world.cached_claim(operator, place).is_some());
        operators.miss(world, operator);
        operators.forget(world, operator, wished);
    }
}

/// The send window means something only to a process that is about to send.
fn close_unwatched_windows(world: &mut World) {
    let next = world.operators.iter().filter_map(|operator| match &operator.worker {
        Worker::Uncertain { spending, .. } | Worker::Opened { spending, .. } => {
            Some(spending.draft().attempt)
        }
        _ => None,
    });
    let next = next.filter(|attempt| *attempt >= world.time.closed).min();
    world.time.closed = next.unwrap_or(world.time.opened);
}

/// Where nobody waits for time to pass, it has passed.
fn pass_idle_time(world: &mut World) {
    let time = world.time;
    let watched = world.record.is_some_and(|record| record.state == AttemptState::Open)
        || world.backup.is_some()
        || world.operators.iter().any(|operator| {
            !clock::has_waited(operator, time)
                || operator.worker != Worker::Idle
                || matches!(operator.record, super::world::Cached::Old(Some(_)))
        });
    let settled = (time.past..time.opened).all(|attempt| vobiz::has_settled(world, attempt));
    if !watched && settled && usize::from(time.opened) <= ATTEMPTS {
        world.time = Time { opened: time.opened, closed: time.opened, past: time.opened };
    }
}

fn forget(operator: &mut Operator, time: Time) {
    let over = |until: u8| if until > time.past { until } else { 0 };
    operator.hold = operator.hold.map(over);
    let memory = &mut operator.memory;
    let waited = operator.hold.is_some() || memory.kept_back().is_some();
    let mut useful = 0;
    for (goal, mark) in memory.wanted.iter().zip(AFTER_WANTED) {
        useful |= if goal.is_some() { mark } else { 0 };
    }
    if let Some(known) = &mut memory.record {
        known.kept_back = known.kept_back.map(over);
        useful |= match known.state {
            AttemptState::Open => AFTER_FIRST_READ | AFTER_SETTLED,
            AttemptState::NeedsDecision => AFTER_FIRST_READ,
            AttemptState::Bound | AttemptState::Failed => 0,
        };
        if known.until <= time.past || useful & AFTER_FIRST_READ == 0 {
            known.until = 0;
        }
    }
    let wait = if waited { AFTER_WAIT } else { 0 };
    for reading in operator.readings() {
        let after_wait = reading.marks & wait;
        reading.marks &= useful;
        // What is too old for everybody is as good as none, unless its age is overlooked.
        if reading.marks == 0 && guard::on(Guard::LookAfterGoal) {
            *reading = Reading::NEVER;
        } else {
            reading.marks |= after_wait;
        }
    }
    debug_assert!(memory_is_over(operator, time));
}

/// A span that is over is noted as such.
fn memory_is_over(operator: &Operator, time: Time) -> bool {
    operator.memory.record.is_none_or(|known| known.until == 0 || known.until > time.past)
        || !clock::is_over(operator, time)
}
