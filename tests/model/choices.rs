//! Which steps can be tried in a world; those that turn out to change nothing lead nowhere.

use strum::VariantArray as _;

use super::{
    bounds::Fault,
    step::Step,
    vobiz::Treatment,
    worker::Reply,
    world::{ATTEMPTS, Cached, Held, Worker, World},
};

pub fn all(world: &World, places: usize, steps: &mut Vec<Step>) {
    for operator in 0..2 {
        of_operator(world, places, operator, steps);
        faults_of_operator(world, operator, steps);
    }
    of_vobiz(world, steps);
    of_people(world, places, steps);
}

fn of_operator(world: &World, places: usize, operator: usize, steps: &mut Vec<Step>) {
    let me = &world.operators[operator];
    for place in 0..places {
        steps.push(Step::ReconcileClaim(operator, place));
        if me.worker == Worker::Idle {
            steps.push(Step::TakeTurn(operator, place));
        }
        if matches!(me.claims[place], Cached::Old(_)) {
            steps.push(Step::FollowClaim(operator, place));
        }
    }
    steps.push(Step::ReconcileRecord(operator));
    steps.push(Step::Resync(operator));
    if matches!(me.record, Cached::Old(_)) {
        steps.push(Step::FollowRecord(operator));
    }
    let lost = world.left.has(Fault::LostReply);
    match me.worker {
        Worker::Idle | Worker::Sent { .. } => {}
        Worker::Decided { .. } => {
            let replies = Reply::VARIANTS.iter().copied().filter(|reply| lost || *reply == Reply::Arrives);
            steps.extend(replies.map(|reply| Step::WriteIntent(operator, reply)));
        }
        Worker::Uncertain { .. } => {
            steps.push(Step::RereadIntent(operator, true));
            if lost {
                steps.push(Step::RereadIntent(operator, false));
            }
        }
        Worker::Opened { .. } => steps.extend([Step::Send(operator), Step::CloseWindow]),
        Worker::Answered { .. } => steps.push(Step::StoreOutcome(operator)),
    }
}

fn faults_of_operator(world: &World, operator: usize, steps: &mut Vec<Step>) {
    let has = |fault| world.left.has(fault);
    let me = &world.operators[operator];
    if has(Fault::Crash) {
        steps.push(Step::Crash(operator));
    }
    if has(Fault::NoAnswer) && matches!(me.worker, Worker::Sent { .. }) {
        steps.push(Step::GiveUp(operator));
    }
    if has(Fault::Suspend) {
        steps.push(Step::Suspend(operator));
    }
    if has(Fault::SetClock) {
        steps.extend([Step::SetClock(operator, 1), Step::SetClock(operator, -1)]);
    }
    if has(Fault::Others) {
        steps.push(Step::ReadForOthers(operator));
    }
    if has(Fault::Miss) {
        steps.push(Step::ReconcileRecordMissing(operator));
    }
    if me.skew != 0 {
        steps.push(Step::CorrectClock(operator));
    }
}

fn of_vobiz(world: &World, steps: &mut Vec<Step>) {
    for attempt in 0..ATTEMPTS {
        if world.vobiz.flying[attempt] == 0 {
            continue;
        }
        let attempt = u8::try_from(attempt).unwrap();
        for &treatment in Treatment::VARIANTS {
            if treatment.fault().is_none_or(|fault| world.left.has(fault)) {
                steps.push(Step::Arrive(attempt, treatment));
            }
        }
        if world.left.has(Fault::Resend) {
            steps.push(Step::Resend(attempt));
        }
    }
    steps.extend([Step::ShowNumber, Step::ShowDebits, Step::Settle]);
}

fn of_people(world: &World, places: usize, steps: &mut Vec<Step>) {
    for (fault, step) in [
        (Fault::Wipe, Step::WipeStatus),
        (Fault::Backup, Step::BackUp),
        (Fault::Restore, Step::Restore),
        (Fault::Vanish, Step::Vanish),
        (Fault::DeleteRecord, Step::DeleteRecord),
        (Fault::Age, Step::Age),
        (Fault::Hour, Step::PassHour),
        (Fault::Rival, Step::SoldElsewhere(Fault::Rival)),
        (Fault::OurOther, Step::SoldElsewhere(Fault::OurOther)),
    ] {
        if world.left.has(fault) {
            steps.push(step);
        }
    }
    for place in 0..places {
        steps.push(Step::FinishDeletion(place));
        for (fault, step) in [
            (Fault::Delete, Step::Delete(place)),
            (Fault::Create, Step::Create(place)),
            (Fault::Token, Step::SetToken(place)),
            (Fault::Decide, Step::Decide(place)),
            (Fault::Edit, Step::Edit(place)),
            (Fault::Move, Step::Move(place)),
            (Fault::Pause, Step::Hold(place, Held::Paused)),
            (Fault::AdoptOnly, Step::Hold(place, Held::AdoptOnly)),
            (Fault::LetGo, Step::LetGo(place)),
        ] {
            if world.left.has(fault) {
                steps.push(step);
            }
        }
    }
}
