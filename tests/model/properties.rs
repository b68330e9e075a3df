//! The invariants as stateright takes them: a name and a function without a closure for each.

use stateright::Property;

use super::{Operators, invariants::Invariant, world::World};

macro_rules! properties {
    ($($invariant:ident),*) => {
        vec![$(Property::always(
            Invariant::$invariant.says(),
            |_: &Operators, world: &World| !world.broken.has(Invariant::$invariant),
        )),*]
    };
}

pub fn all() -> Vec<Property<Operators>> {
    let all = properties![
        AtMostOneDebit,
        OnePostPerAttempt,
        DurableBeforePost,
        BoundOnlyIfOwned,
        OneBoundClaim,
        AdoptedNeverPosted,
        NoPaidNumberForgotten,
        NoAttemptUnauthorised,
        NoPurchaseForVanishedClaim,
        SentAsWanted,
        ForeignAccountUntouched,
        ForeignNamespaceInheritsNothing
    ];
    debug_assert_eq!(all.len(), Invariant::ALL.len());
    all
}
