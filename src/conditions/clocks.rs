//! What people are told about clocks that do not agree.

use jiff::SignedDuration;

use crate::domain::Clocks;

/// By how much the clocks are apart that are known.
#[must_use]
pub fn apart(clocks: Clocks) -> String {
    let one = |(name, ahead): (&str, Option<SignedDuration>)| {
        let ahead = ahead?;
        let minutes = (ahead.as_secs().unsigned_abs() + 30) / 60;
        Some(match (minutes, ahead.is_negative()) {
            (0, _) => format!("{name} agrees"),
            (minutes, true) => format!("{name} is {minutes} min behind"),
            (minutes, false) => format!("{name} is {minutes} min ahead"),
        })
    };
    let peers = [("Vobiz's", clocks.vobiz), ("the API server's", clocks.kubernetes)];
    let each: Vec<_> = peers.into_iter().filter_map(one).collect();
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
