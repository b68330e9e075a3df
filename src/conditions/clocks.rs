//! What people are told about clocks that do not agree.

use crate::{metrics::Peer, plan::Clocks};

/// By how much the clocks are apart that are known.
#[must_use]
pub fn apart(clocks: Clocks) -> String {
    let name = |peer| match peer {
        Peer::Vobiz => "Vobiz's",
        Peer::Kubernetes => "the API server's",
    };
    let one = |peer: &Peer| {
        let ahead = clocks.of(*peer)?;
        let minutes = (ahead.as_secs().unsigned_abs() + 30) / 60;
        Some(match (minutes, ahead.is_negative()) {
            (0, _) => format!("{} agrees", name(*peer)),
            (minutes, true) => format!("{} is {minutes} min behind", name(*peer)),
            (minutes, false) => format!("{} is {minutes} min ahead", name(*peer)),
        })
    };
    let each: Vec<_> = Peer::ALL.iter().filter_map(one).collect();
    format!("by the clock of the operator's node, {}", each.join(" and "))
}

pub fn nothing_bought(clocks: Clocks) -> String {
    format!(
        "The clocks disagree: {}. Nothing is bought while they are more than 10 min apart, because what the ledger shows \
         could not be told from what came before. Put the clock of the node right (timedatectl, chronyc tracking), or ask \
         Vobiz if its clock alone differs; the operator goes on by itself.",
        apart(clocks)
    )
}

/// What an open attempt says while nothing proves that it did not buy.
pub fn undated(message: &str, clocks: Clocks) -> String {
    format!("{message} It cannot be settled while the clocks disagree: {}.", apart(clocks))
}
