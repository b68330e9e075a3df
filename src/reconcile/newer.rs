//! Claims that this version cannot read: they are told so, and nothing else is done about them.

use std::time::Duration;

use super::{Again, Context};
use crate::{
    api::{Newer, PhoneNumberClaim, Reason, Seen},
    conditions,
    store::StoreError,
};

/// How soon a refused word is tried again.
const REFUSED: Duration = Duration::from_mins(5);

pub async fn tell(
    context: &Context,
    claim: &Seen<PhoneNumberClaim>,
    newer: &Newer,
) -> Result<Again, StoreError> {
    // What it was about to attempt is off; should it come back, it begins anew.
    context.remember(newer.metadata.uid.as_deref().unwrap_or_default(), None);
    let now = context.clock.now();
    let told = conditions::newer(newer, now.wall);
    if told == newer.conditions() {
        return Ok(None);
    }
    match context.store.tell_newer(newer, &told).await {
        Err(StoreError::NotFound) => return Ok(None),
        // Not by a definition that does not know the claim's words, for instance: the log and the metric tell of it.
        Err(StoreError::Refused(why) | StoreError::Forbidden(why)) => {
            tracing::warn!(why, "a claim of a newer version cannot be told that it is left alone");
            return Ok(Some(REFUSED));
        }
        written => written?,
    }
    let reason = Reason::NewerVersion;
    let was_told = newer.conditions().iter().any(|condition| condition["reason"] == reason.into_str());
    if !was_told {
        let message = told.first().and_then(|condition| condition["message"].as_str()).unwrap_or_default();
        context.announce(claim, reason, message, now).await;
    }
    Ok(None)
}
