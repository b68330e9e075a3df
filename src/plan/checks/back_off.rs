//! No attempt before a pause is over: after a failure that is retried unasked, or after a record that vanished while it
//! was open.

use super::{
    account::passing,
    asked::{Asked, Checked, Wake},
};
use crate::{domain::Time, plan::AttemptCause};

/// A user who asks does not wait.
pub fn check(asked: &Asked<'_>) -> Checked {
    let unasked = !matches!(asked.wanted.cause, AttemptCause::Token(_));
    let waits = asked.observed.not_before.filter(|until| unasked && !asked.now.waited(*until));
    let Some(until) = waits.map(|until| asked.now.when(until)) else { return Checked::Pass };
    let message = format!(
        "Nothing is sent before {}: what an earlier attempt for this number may have bought could still show.",
        Time::seconds(until.wall)
    );
    passing(asked, message, Wake::At(until))
}
