//! The intent of an attempt: what is written before anything is sent, and all that is written where nothing is.

use std::sync::Arc;

use super::Context;
use crate::{
    account::Account,
    api::{
        Ownership, PhoneNumber, PhoneNumberClaim, PhoneNumberSpec, PhoneNumberStatus, RECORD_FINALIZER,
        Verification,
    },
    conditions,
    domain::{AttemptId, Time},
    plan::{Moment, NewAttempt, TurnEnd},
    store::StoreError,
};

/// Writes the intent under this id: creates the record, or opens a new attempt in it if it has not changed meanwhile.
pub async fn write(
    context: &Context,
    account: &Account,
    claim: &PhoneNumberClaim,
    previous: Option<&PhoneNumber>,
    attempt: NewAttempt,
    id: AttemptId,
    now: Moment,
) -> Result<Arc<PhoneNumber>, StoreError> {
    // What an earlier attempt found says nothing about this one.
    let verification = (!attempt.looked_up).then(|| Verification {
        at: Time::micros(now.wall),
        ownership: Ownership::Unverifiable,
        owner: None,
    });
    let attempt = attempt.open(id, now.wall);
    let spec = PhoneNumberSpec {
        e164: claim.number(),
        // Immutable: not even the case of its letters changes.
        account: previous.map_or_else(|| account.id(), |record| record.spec.account.clone()),
        claim_ref: Some(claim.reference()),
        attempt,
        later: previous.map(|record| record.spec.later.clone()).unwrap_or_default(),
    };
    let mut record = new_record(spec);
    if let Some(previous) = previous {
        record.metadata = previous.metadata.clone();
    }
    // The conditions keep their times of transition.
    let conditions = previous.map(|record| record.conditions().to_vec());
    record.status = Some(PhoneNumberStatus {
        conditions: conditions.unwrap_or_default(),
        verification,
        ..PhoneNumberStatus::default()
    });
    conditions::set_record_conditions(&mut record, Some(true), context.timeouts, now.wall);
    let stored = match previous {
        Some(_) => context.replace(&record).await?,
        None => context.create(&record).await?,
    };
    context.memory.see(&stored, now);
    Ok(stored)
}

/// A record that was never stored, or is stored no more.
pub fn new_record(spec: PhoneNumberSpec) -> PhoneNumber {
    let mut record = PhoneNumber::new(&spec.e164.digits(), spec);
    record.metadata.finalizers = Some(vec![RECORD_FINALIZER.to_owned()]);
    record
}

pub fn fresh_id() -> AttemptId {
    AttemptId::from_random(*uuid::Uuid::new_v4().as_bytes())
}

/// What the write of an intent met that failed.
pub fn in_vain(error: &StoreError) -> TurnEnd {
    if error.is_overtaken() { TurnEnd::Overtaken } else { TurnEnd::Refused(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_api_server_refuses_is_told() {
        assert_eq!(in_vain(&StoreError::Conflict), TurnEnd::Overtaken);
        let refused = StoreError::NotStored("no space".into());
        assert_eq!(in_vain(&refused), TurnEnd::Refused(refused.to_string()));
    }
}
