//! The API server: one record, guarded by its resource version, and caches that follow it, at once or late.

use super::{
    bounds::{Mix, Twist},
    bypass::{Bypass, Bypasses},
    invariants,
    world::{Cached, Claim, Record, Worker, World},
};

/// Stores the record as it is after a write, and lets every copy of it grow old.
pub fn put(world: &mut World, mix: &Mix, next: Option<Record>) {
    let previous = world.record;
    invariants::on_write(world, mix, previous, next);
    world.record = next;
    if let Some(record) = next {
        world.truth.durable |= 1 << record.attempt;
    }
    for operator in &mut world.operators {
        if mix.has(Twist::Stale) && operator.record == Cached::Latest {
            operator.record = Cached::Old(previous);
        }
        match &mut operator.worker {
            Worker::Decided { base: Some(latest), .. } => *latest = false,
            Worker::Uncertain { stored, .. } => *stored = false,
            _ => {}
        }
    }
}

/// A replacement by somebody who has the record as `operator` sees it.
pub fn replace(world: &mut World, mix: &Mix, off: Bypasses, operator: usize, next: Option<Record>) -> bool {
    let latest = world.operators[operator].record == Cached::Latest;
    let exists = world.record.is_some();
    if exists && (latest || off.has(Bypass::CompareAndSwap)) {
        put(world, mix, next);
        return true;
    }
    false
}

/// A claim is created, changed or taken away.
pub fn put_claim(world: &mut World, mix: &Mix, place: usize, next: Option<Claim>) {
    let previous = world.claims[place];
    world.claims[place] = next;
    for operator in &mut world.operators {
        if mix.has(Twist::Stale) && operator.claims[place] == Cached::Latest {
            operator.claims[place] = Cached::Old(previous);
        }
    }
}

/// A watch catches up.
pub fn follow_record(world: &mut World, operator: usize) -> Option<()> {
    let cached = &mut world.operators[operator].record;
    (std::mem::replace(cached, Cached::Latest) != Cached::Latest).then_some(())
}

/// The same for a claim.
pub fn follow_claim(world: &mut World, operator: usize, place: usize) -> Option<()> {
    let cached = &mut world.operators[operator].claims[place];
    (std::mem::replace(cached, Cached::Latest) != Cached::Latest).then_some(())
}
