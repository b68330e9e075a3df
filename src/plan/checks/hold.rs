//! R11: after a restore from a backup, nothing is bought or adopted for a while.

use super::{
    account::passing,
    asked::{Asked, Checked, Wake},
};
use crate::{domain::Time, plan::rules};

pub fn check(asked: &Asked<'_>) -> Checked {
    let held = asked.observed.hold_until.filter(|until| rules::is_on_hold(*until, asked.now));
    let Some(until) = held.map(|until| asked.now.when(until)) else { return Checked::Pass };
    let shown = Time::seconds(until.wall);
    let message = format!("Purchases and adoptions are on hold until {shown} (--hold-purchases).");
    passing(asked, message, Wake::At(until))
}
