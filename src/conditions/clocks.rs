//! What people are told about clocks that do not agree.

use crate::{metrics::Peer, plan::Clocks};

/// Which clocks disagree with ours, and by how much.
#[must_use]
pub fn apart(clocks: Clocks) -> String {
    let name = |peer| match peer {
        Peer::Vobiz => "Vobiz's",
        Peer::Kubernetes => "the API server's",
    };
    let one = |peer: &Peer| {
        let ahead = clocks.of(*peer)?;
        let minutes = (ahead.as_secs().unsigned_abs() + 30) / 60;
        let which = if ahead.is_negative() { "behind" } else { "ahead of" };
        Some(match minutes {
            0 => format!("{} agrees with it", name(*peer)),
            minutes => format!("{} is {minutes} min {which} it", name(*peer)),
        })
    };
    let each: Vec<_> = Peer::ALL.iter().filter_map(one).collect();
    format!("the clock of the operator's machine is not the others': {}", each.join(", "))
}

pub fn nothing_bought(clocks: Clocks) -> String {
    format!(
        "Nothing is bought: {}. Beyond 10 min, what the ledger shows cannot be told from what came before. Put the clock \
         of the operator's node right (timedatectl, chronyc tracking), or ask Vobiz if its clock alone is another; the \
         operator goes on by itself.",
        apart(clocks)
    )
}

/// What an open attempt says while nothing proves that it did not buy.
pub fn undated(message: &str, clocks: Clocks) -> String {
    format!("{message} It cannot be settled now: {}.", apart(clocks))
}
