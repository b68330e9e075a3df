//! Performs a purchase: stores the intent, reads the claim live, sends once, stores the outcome.

use std::{sync::Arc, time::Duration};

use kube::{ResourceExt, core::ObjectMeta};
use tracing::Instrument;

use super::{Context, outcome, reference_to, trouble::Trouble};
use crate::{
    api::{
        Answer, Outcome, Ownership, PhoneNumber, PhoneNumberClaim, PhoneNumberSpec, PhoneNumberStatus,
        RECORD_FINALIZER, Seen, Verification,
    },
    conditions,
    domain::{AttemptId, Time},
    plan::{self, Change, Denial, Gate, LiveClaim, Moment, NewAttempt, Permission},
    store::StoreError,
    vobiz::PurchaseAnswer,
};

/// So long a worker waits for the outcome of its purchase to be stored; what stores it goes on.
const LONGEST_HELD_BACK: Duration = Duration::from_secs(30);

/// Writes the intent: creates the record, or opens a new attempt in it if nobody has touched it meanwhile.
pub async fn write_intent(
    context: &Context,
    claim: &PhoneNumberClaim,
    previous: Option<&PhoneNumber>,
    intent: NewAttempt,
    now: Moment,
) -> Result<PhoneNumber, StoreError> {
    let id = AttemptId::from_random(*uuid::Uuid::new_v4().as_bytes());
    write_attempt(context, claim, previous, intent, id, now).await
}

async fn write_attempt(
    context: &Context,
    claim: &PhoneNumberClaim,
    previous: Option<&PhoneNumber>,
    intent: NewAttempt,
    id: AttemptId,
    now: Moment,
) -> Result<PhoneNumber, StoreError> {
    // What an earlier attempt found says nothing about this one.
    let verification = (!intent.looked_up).then(|| Verification {
        at: Time::micros(now.wall),
        ownership: Ownership::Unverifiable,
        owner: None,
    });
    let attempt = intent.open(id, now.wall);
    let e164 = claim.number();
    let spec = PhoneNumberSpec {
        e164,
        account: context.accounts.of_claim(claim).id(),
        claim_ref: Some(reference_to(claim)),
        attempt,
        later: previous.map(|record| record.spec.later.clone()).unwrap_or_default(),
    };
    let mut record = match previous {
        Some(previous) => PhoneNumber { spec, status: None, ..previous.clone() },
        None => PhoneNumber {
            metadata: ObjectMeta {
                name: Some(e164.digits()),
                finalizers: Some(vec![RECORD_FINALIZER.to_owned()]),
                ..ObjectMeta::default()
            },
            spec,
            status: None,
        },
    };
    // The conditions keep their times of transition.
    let conditions =
        previous.and_then(|record| record.status.as_ref()).map(|status| status.conditions.clone());
    record.status = Some(PhoneNumberStatus {
        conditions: conditions.unwrap_or_default(),
        verification,
        ..PhoneNumberStatus::default()
    });
    conditions::record(&mut record, Some(true), context.spans, now.wall);
    let stored = match previous {
        Some(_) => context.store.replace(&record).await?,
        None => context.store.create(&record).await?,
    };
    context.memory.see(&stored, now);
    Ok(stored)
}

/// Intent, live read of the claim, the one POST, outcome. The caller has a slot, and is a task that no cancelled
/// reconcile can drop. Everybody who reads the attempt from here on verifies it; only this call may send it.
///
/// Returns when the outcome is stored, or when the term has ended: the outcome is then stored all the same.
///
/// # Errors
/// If there is no intent, so that nothing was sent.
pub async fn perform(
    context: &Arc<Context>,
    claim: &Arc<PhoneNumberClaim>,
    previous: Option<&PhoneNumber>,
    intent: NewAttempt,
) -> Result<(), StoreError> {
    let id = AttemptId::from_random(*uuid::Uuid::new_v4().as_bytes());
    let sending = context.outcomes.sending(id);
    let opened = context.clock.now();
    let record = match write_attempt(context, claim, previous, intent, id, opened).await {
        Ok(record) => record,
        Err(error) => {
            drop(sending);
            outcome::wake(context, claim);
            return Err(error);
        }
    };
    let account = context.accounts.of_claim(claim);
    let unsent = |why: &str| unsent(why, context.clock.now());
    let change = match (may_send(context, claim, opened).await, account.gate()) {
        // The answers to the intent, and to the read after it, showed it.
        (Ok(()), _) if account.clocks().are_wrong() => unsent("the clocks are more than 10 minutes apart"),
        (Ok(()), Gate::Open) => send(context, claim, &record).await,
        // Another purchase has met it since this one took its turn.
        (Ok(()), Gate::Held(_, why)) => unsent(&why),
        (Err(denied), _) => {
            if denied == Denial::ClaimChanged {
                // What failed before was another wish: the new one does not wait longer for it.
                context.memory.start_over(claim.number());
            }
            unsent(denied.words())
        }
    };
    let storing = outcome::store(context.clone(), claim.clone(), record, change, sending);
    let stored = context.outcomes.spawn(storing.in_current_span());
    tokio::select! {
        _ = stored => {}
        () = context.ended.cancelled() => {}
        // The API server may refuse this record alone: other claims are not to wait for it.
        () = tokio::time::sleep(LONGEST_HELD_BACK) => {}
    }
    Ok(())
}

/// Reads the claim live, after the intent was written, until it is known whether the purchase may be sent.
async fn may_send(context: &Context, claim: &PhoneNumberClaim, opened: Moment) -> Result<(), Denial> {
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    let mut trouble = Trouble::default();
    loop {
        let read = context.live(&namespace, &name).await;
        let live = match &read {
            Ok(Some(Seen::Newer(_))) => LiveClaim::Newer,
            Ok(live) => LiveClaim::Read(live.as_ref().and_then(Seen::read).map(|claim| &**claim)),
            Err(StoreError::Forbidden(_)) => LiveClaim::Refused,
            Err(error) => {
                if trouble.met(context.clock.now().mono).is_some() {
                    tracing::warn!(%error, "the claim cannot be read; nothing is sent before it can");
                }
                LiveClaim::Unreadable
            }
        };
        match plan::permission(claim, live, opened, context.clock.now()) {
            Permission::Granted => return Ok(()),
            Permission::Denied(why) => return Err(why),
            Permission::ReadAgain => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

async fn send(context: &Context, claim: &PhoneNumberClaim, record: &PhoneNumber) -> Change {
    let attempt = &record.spec.attempt;
    let met = context.accounts.of_claim(claim).purchase(record.spec.e164, attempt.currency).await;
    let PurchaseAnswer { answer, bought, .. } = met;
    context.metrics.purchased(answer.outcome);
    tracing::info!(
        claim = format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any()),
        attempt = %attempt.id,
        outcome = ?answer.outcome,
        status = answer.http_status,
        "purchase sent"
    );
    Change::Answered { answer: Box::new(answer), bought }
}

fn unsent(why: &str, now: Moment) -> Change {
    let answer = Answer::new(Outcome::NotSent, Some(why), Time::micros(now.wall));
    Change::Answered { answer: Box::new(answer), bought: None }
}
