//! What a settled world is: nothing under way, and every claim has what it can have. Said without the plan functions, so
//! that they cannot declare themselves finished.

use super::{
    Operators,
    bounds::Twist,
    invariants::{gives_way, has_fresh_token, is_paid, may_try_again},
    world::{Cached, Claim, Held, Owner, Worker, World, bit_of, place_of},
};
use crate::api::AttemptState;

pub fn is_settled(model: &Operators, world: &World) -> bool {
    let exhausted = !model.can_open(world);
    let idle = world.operators.iter().all(|operator| {
        // Whoever has decided on an attempt that the model has no number for gets no further.
        let rests = match operator.worker {
            Worker::Idle => true,
            Worker::Decided { .. } => exhausted,
            _ => false,
        };
        rests && operator.record == Cached::Latest && operator.claims == [Cached::Latest; 2]
    });
    let landed = world.vobiz.flying.iter().all(|flying| *flying == 0);
    if world.broken.any() || !idle || !landed {
        return false;
    }
    world.claims.iter().flatten().all(|claim| has_all_it_can(model, world, *claim) || exhausted)
        && record_rests(model, world)
        && (is_remembered(world) || exhausted)
}

fn is_remembered(world: &World) -> bool {
    // A record that was lost and that no claim asks for: the list of owned numbers is all there is.
    let nobody_asks = world.truth.restored.is_some() && world.claims.iter().all(Option::is_none);
    match world.record {
        Some(record) if world.vobiz.owner == Owner::Us => record.state == AttemptState::Bound,
        Some(record) => !is_paid(world) || record.state == AttemptState::NeedsDecision,
        None => !is_paid(world) || nobody_asks,
    }
}

/// An open attempt is not settled, and a failure without a claim is removed.
fn record_rests(model: &Operators, world: &World) -> bool {
    let Some(record) = world.record else { return true };
    let claimed = world.live(record.claim).is_some();
    (record.account != 0 && !model.mix.has(Twist::TwoAccounts))
        || match record.state {
            AttemptState::Open => false,
            AttemptState::Failed => claimed && !record.deleting,
            AttemptState::Bound | AttemptState::NeedsDecision => claimed || record.unclaimed,
        }
}

fn has_all_it_can(model: &Operators, world: &World, claim: Claim) -> bool {
    if claim.deleting {
        return false;
    }
    // A claim for what another account of ours has waits, without an attempt, and so does one that is held back.
    let owned = matches!(world.vobiz.owner, Owner::Us | Owner::UsAlready);
    let waits = world.vobiz.owner == Owner::OurOther
        || match claim.held {
            Some(Held::Paused) => true,
            Some(Held::AdoptOnly) => !owned,
            None => false,
        };
    let Some(record) = world.record else { return waits };
    // What was sent with another account stays with that.
    if record.account != claim.account {
        return true;
    }
    if record.claim != claim.uid {
        let namespaces_differ =
            model.mix.has(Twist::TwoNamespaces) && place_of(record.claim) != place_of(claim.uid);
        let lives = world.live(record.claim).is_some();
        let asks = world.truth.gave_way & bit_of(claim.uid) == 0 || has_fresh_token(world, claim);
        let keeps = lives && !(asks && gives_way(world, &record));
        return keeps || (namespaces_differ && record.state != AttemptState::Failed);
    }
    match record.state {
        AttemptState::Open => false,
        AttemptState::Bound | AttemptState::NeedsDecision => true,
        AttemptState::Failed => waits || !may_try_again(world, claim, &record),
    }
}
