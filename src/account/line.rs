//! Which claim is next whose price is read.

use std::collections::HashSet;

use crate::{api::ObjectKey, plan::Turns};

/// The claims for which prices are to be read. The namespaces take turns, and within one the claim is first that came first:
/// however many prices one waits for, the others wait for one of its.
#[derive(Default)]
pub struct PriceLine {
    /// By when they came.
    turns: Turns<(u64, ObjectKey)>,
    standing: HashSet<ObjectKey>,
    came: u64,
}

impl PriceLine {
    /// A claim stands in line once, however often it asks.
    pub fn join(&mut self, claim: &ObjectKey) {
        let Some(namespace) = claim.namespace() else { return };
        if self.standing.insert(claim.clone()) {
            self.came += 1;
            self.turns.insert(namespace, (self.came, claim.clone()));
        }
    }

    /// The claim whose turn it is leaves.
    pub fn next(&mut self) -> Option<ObjectKey> {
        let first = self.turns.next(|_| true)?.clone();
        let namespace = first.1.namespace()?;
        self.turns.send_back(namespace);
        self.turns.remove(namespace, &first);
        self.standing.remove(&first.1);
        Some(first.1)
    }
}
