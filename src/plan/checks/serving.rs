//! Nothing is attempted for a claim that no account serves, or whose account takes no new attempt.

use super::asked::{Asked, Checked, LiveAsked, Pause, Told, Wake};

pub fn check(asked: &Asked<'_>) -> Checked {
    let held = asked.observed.served.held.clone();
    held.map_or(Checked::Pass, |told| Checked::Pause(Pause { told, until: Wake::AccountsChange }))
}

pub fn check_live(live: &LiveAsked<'_>) -> Option<Told> {
    live.served.held.clone()
}
