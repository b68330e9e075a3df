//! Vobiz and what lies before it: POSTs that take effect late, twice or not at all, answers that get lost, lists and a
//! ledger that lag. It keeps to one assumption: what a POST does is done, and shown, before its attempt is past.

use super::{
    bounds::{Fault, Mix, Twist},
    world::{DEBITS, Owner, Said, Vobiz, Worker, World},
};
use crate::api::Outcome;

/// How one POST is treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::VariantArray)]
pub enum Treatment {
    Served,
    /// Served, and the answer is lost.
    Unanswered,
    FailBefore,
    FailAfter,
    DebitOnly,
    Refuse,
    Unauthorized,
}

impl Treatment {
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Served => None,
            Self::Unanswered => Some(Fault::NoAnswer),
            Self::FailBefore => Some(Fault::FailBefore),
            Self::FailAfter => Some(Fault::FailAfter),
            Self::DebitOnly => Some(Fault::DebitOnly),
            Self::Refuse => Some(Fault::Refuse),
            Self::Unauthorized => Some(Fault::Unauthorized),
        }
    }
}

/// One copy of an attempt's POST arrives.
pub fn arrive(world: &mut World, mix: &Mix, attempt: u8, treatment: Treatment) -> Option<()> {
    let flying = &mut world.vobiz.flying[usize::from(attempt)];
    *flying = flying.checked_sub(1)?;
    let last = *flying == 0;
    if let Some(fault) = treatment.fault() {
        world.spend(fault)?;
    }
    let free = world.vobiz.owner == Owner::Nobody;
    let outcome = match treatment {
        Treatment::FailBefore => Outcome::Unknown,
        Treatment::Refuse => Outcome::PaymentFailed,
        Treatment::Unauthorized => Outcome::Unauthorized,
        Treatment::FailAfter if free => {
            sell(world, mix, attempt);
            Outcome::Unknown
        }
        Treatment::DebitOnly if free => {
            debit(world, mix, attempt);
            Outcome::Unknown
        }
        Treatment::FailAfter | Treatment::DebitOnly => return None,
        Treatment::Served | Treatment::Unanswered => {
            if free {
                sell(world, mix, attempt);
            }
            match (treatment, free) {
                (Treatment::Unanswered, _) => Outcome::Unknown,
                (_, true) => Outcome::Purchased,
                (_, false) => Outcome::NotFound,
            }
        }
    };
    // Whatever sends a POST again has lost the answer to the first one.
    if last {
        answer(world, attempt, outcome);
    }
    Some(())
}

fn sell(world: &mut World, mix: &Mix, attempt: u8) {
    world.vobiz.owner = Owner::Us;
    world.vobiz.buyer = world.vobiz.of_other >> attempt & 1;
    world.vobiz.unlisted |= u8::from(mix.has(Twist::Lag)) << attempt;
    debit(world, mix, attempt);
}

fn debit(world: &mut World, mix: &Mix, attempt: u8) {
    let id = world.vobiz.debits;
    debug_assert!(usize::from(id) < DEBITS, "a second debit is a violation, and no world goes on after it");
    world.vobiz.debits += 1;
    world.vobiz.debited_other |= (world.vobiz.of_other >> attempt & 1) << id;
    world.vobiz.unshown |= u8::from(mix.has(Twist::Lag)) << attempt;
    if !mix.has(Twist::Lag) {
        world.vobiz.shown |= 1 << id;
    }
}

/// The answer reaches the process that waits for it, if it still does.
pub fn answer(world: &mut World, attempt: u8, outcome: Outcome) {
    for operator in &mut world.operators {
        if let Worker::Sent { spending } = operator.worker
            && spending.draft().attempt == attempt
        {
            operator.worker = Worker::Answered { spending, outcome };
        }
    }
}

/// The lists show the number.
pub fn show_number(world: &mut World) -> Option<()> {
    (std::mem::take(&mut world.vobiz.unlisted) != 0).then_some(())
}

/// The ledger shows all debits.
pub fn show_debits(world: &mut World) -> Option<()> {
    world.vobiz.shown = world.every_debit();
    (std::mem::take(&mut world.vobiz.unshown) != 0).then_some(())
}

/// What one account is shown, which is not of the other's family.
pub fn list(world: &World, account: usize) -> Said {
    match world.vobiz.owner {
        Owner::UsAlready => Said::Ours,
        Owner::Us if world.vobiz.unlisted == 0 && usize::from(world.vobiz.buyer) == account => Said::Ours,
        Owner::OurOther => Said::Others,
        Owner::Us | Owner::Nobody | Owner::Rival => Said::Absent,
    }
}

/// The debit of the number that is bought with the other account.
const NEIGHBOURS: u8 = 1 << (DEBITS - 1);

pub fn ledger(world: &World, mix: &Mix, account: usize) -> Said {
    let Vobiz { shown, debited_other: others, .. } = world.vobiz;
    let (family, neighbour) = (mix.has(Twist::OneFamily), mix.has(Twist::Neighbour));
    let own = if account == 0 { !others } else { others };
    let neighbours = if neighbour && (account == 1 || family) { NEIGHBOURS } else { 0 };
    Said::Debits(if family { shown } else { shown & own } | neighbours)
}

/// Whether everything that the attempt has done is done and shown.
pub fn has_settled(world: &World, attempt: u8) -> bool {
    let vobiz = &world.vobiz;
    vobiz.flying[usize::from(attempt)] == 0 && (vobiz.unlisted | vobiz.unshown) & (1 << attempt) == 0
}
