//! Nothing is attempted between clocks that disagree: an attempt that is dated wrong is judged by the wrong debits.

use super::asked::{Asked, Checked, Wake, pause};
use crate::api::Reason;

pub fn check(asked: &Asked<'_>) -> Checked {
    let clocks = asked.observed.clocks;
    if !clocks.are_wrong() {
        return Checked::Pass;
    }
    let message = format!(
        "The clocks disagree: {}. Nothing is bought while they are more than 10 min apart, because what the ledger shows \
         could not be told from what came before. Put the clock of the node right (timedatectl, chronyc tracking), or ask \
         Vobiz if its clock alone differs; the operator goes on by itself.",
        clocks.apart()
    );
    pause(Reason::ClockSkew, message, Wake::ClocksAgree)
}
