//! The protocol, checked exhaustively: two operators that are always at work, an API server, Vobiz, and bounded faults.
//! The production functions of `crate::plan` decide every step; what is modelled by hand is what they are given and
//! what is done with their answer. What is assumed, and the figures, stand in `docs/exactly-once.md`.
//!
//! This is compiled into the library's unit tests, and so only there are the guards' switches.

mod accounts;
mod api;
mod bounds;
mod bypass;
mod cast;
mod choices;
mod claims;
mod clock;
mod documented;
mod explore;
mod invariants;
mod memory;
mod mixes;
mod mutations;
mod operator;
mod people;
mod process;
mod record;
mod report;
mod run;
mod settled;
mod step;
mod tidy;
mod vobiz;
mod worker;
mod world;

use bounds::Mix;
use bypass::Bypasses;
use cast::Cast;
use invariants::Invariant;
use world::World;

use crate::plan::guard::Guards;

/// The model: a mix, and the guards that are switched off in it.
pub struct Operators {
    mix: Mix,
    guards: Guards,
    off: Bypasses,
    /// The one invariant that is looked at; otherwise all are.
    watched: Option<Invariant>,
    cast: Cast,
}

impl Operators {
    /// With every guard.
    fn guarded(mix: &Mix) -> Self {
        Self::without(mix, Guards::default(), Bypasses::default(), None)
    }

    fn without(mix: &Mix, guards: Guards, off: Bypasses, watched: Option<Invariant>) -> Self {
        Self { mix: mix.clone(), guards, off, watched, cast: Cast::new(mix) }
    }

    /// Whether there is a number left for another attempt: the bound of the model, not of the operator.
    fn can_open(&self, world: &World) -> bool {
        world.time.opened < self.mix.attempts
    }
}
