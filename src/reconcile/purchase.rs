use std::time::Duration;

use kube::{ResourceExt, core::ObjectMeta};

use super::{Context, key_of, reference_to};
use crate::{
    account::Key,
    api::{
        Answer, Funds, Outcome, Ownership, PhoneNumber, PhoneNumberClaim, PhoneNumberSpec, PhoneNumberStatus,
        RECORD_FINALIZER, Seen, Verification,
    },
    conditions,
    domain::{AttemptId, Time},
    metrics::Bought,
    plan::{self, Change, Gate, Intent, LiveClaim, Moment, OutcomeStep, Permission},
    store::StoreError,
    vobiz::{PurchaseError, Purchased, RejectionKind},
};

/// Writes the intent: creates the record, or opens a new attempt in it if nobody has touched it meanwhile.
pub async fn write_intent(
    context: &Context,
    claim: &PhoneNumberClaim,
    previous: Option<&PhoneNumber>,
    intent: Intent,
    now: Moment,
) -> Result<PhoneNumber, StoreError> {
    let id = AttemptId::from_random(*uuid::Uuid::new_v4().as_bytes());
    write_attempt(context, claim, previous, intent, id, now).await
}

async fn write_attempt(
    context: &Context,
    claim: &PhoneNumberClaim,
    previous: Option<&PhoneNumber>,
    intent: Intent,
    id: AttemptId,
    now: Moment,
) -> Result<PhoneNumber, StoreError> {
    // What an earlier attempt found says nothing about this one.
    let verification = (!intent.looked_up)
        .then(|| Verification { at: Time::micros(now.wall), ownership: Ownership::Unverifiable });
    let attempt = intent.open(id, now.wall);
    let e164 = claim.spec.e164;
    let spec = PhoneNumberSpec {
        e164,
        account: context.account.id(),
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
    context.memory.first_read(&stored, now);
    Ok(stored)
}

/// Intent, live read of the claim, the one POST, outcome. The caller has a slot, and is a task that no cancelled
/// reconcile can drop. Everybody who reads the attempt from here on verifies it; only this call may send it.
pub async fn perform(
    context: &Context,
    claim: &PhoneNumberClaim,
    previous: Option<&PhoneNumber>,
    intent: Intent,
) -> Result<(), StoreError> {
    let id = AttemptId::from_random(*uuid::Uuid::new_v4().as_bytes());
    let sending = context.memory.sending(id);
    let performed = attempt(context, claim, previous, intent, id).await;
    drop(sending);
    // However it ended: whoever saw the record meanwhile has left it to this call, and would not look again.
    context.account.wake(Key::Record(claim.spec.e164.digits()));
    context.account.wake(key_of(claim));
    performed
}

async fn attempt(
    context: &Context,
    claim: &PhoneNumberClaim,
    previous: Option<&PhoneNumber>,
    intent: Intent,
    id: AttemptId,
) -> Result<(), StoreError> {
    let opened = context.clock.now();
    let record = match write_attempt(context, claim, previous, intent, id, opened).await {
        Ok(record) => record,
        // Somebody else was first: what they wrote is looked at next.
        Err(StoreError::Conflict | StoreError::Exists | StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    let change = match (may_send(context, claim, opened).await, context.account.gate()) {
        (Ok(()), Gate::Open) => send(context, claim, &record).await,
        // Another purchase has met it since this one took its turn.
        (Ok(()), Gate::Held(_, why)) => unsent(&why),
        (Err(why), _) => unsent(why),
    };
    store_outcome(context, record, change).await;
    Ok(())
}

/// Reads the claim live, after the intent was written, until it is known whether the purchase may be sent.
async fn may_send(context: &Context, claim: &PhoneNumberClaim, opened: Moment) -> Result<(), &'static str> {
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    loop {
        let read = context.store.claim(&namespace, &name).await;
        let live = match &read {
            Ok(Some(Seen::Newer(_))) => LiveClaim::Newer,
            Ok(live) => LiveClaim::Read(live.as_ref().and_then(Seen::read).map(|claim| &**claim)),
            Err(error) => {
                tracing::warn!(%error, "the claim cannot be read; nothing is sent before it can");
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
    let result = context.client.purchase(record.spec.e164, attempt.currency).await;
    if let Err(error) = &result {
        context.account.report(error);
    }
    let at = Time::micros(context.clock.now().wall);
    let (answer, bought) = answer_from(result, at);
    context.metrics.purchased(counted(answer.outcome));
    tracing::info!(
        claim = format!("{}/{}", claim.namespace().unwrap_or_default(), claim.name_any()),
        attempt = %attempt.id,
        outcome = ?answer.outcome,
        status = answer.http_status,
        "purchase sent"
    );
    Change::Answered { answer: Box::new(answer), bought }
}

fn counted(outcome: Outcome) -> Bought {
    match outcome {
        Outcome::Purchased => Bought::Purchased,
        Outcome::NotSent => Bought::NotSent,
        Outcome::NotFound => Bought::NotFound,
        Outcome::PaymentFailed => Bought::PaymentFailed,
        Outcome::Unauthorized => Bought::Unauthorized,
        Outcome::RateLimited => Bought::RateLimited,
        Outcome::Rejected => Bought::Rejected,
        Outcome::Unknown => Bought::Unknown,
    }
}

fn unsent(why: &str) -> Change {
    let now = jiff::Timestamp::now();
    Change::Answered {
        answer: Box::new(blank(Outcome::NotSent, Some(why.to_owned()), Time::micros(now))),
        bought: None,
    }
}

fn blank(outcome: Outcome, message: Option<String>, at: Time) -> Answer {
    Answer {
        outcome,
        http_status: None,
        code: None,
        message,
        funds: None,
        required: None,
        available: None,
        currency: None,
        owner: None,
        at,
    }
}

fn answer_from(
    result: Result<Purchased, PurchaseError>,
    at: Time,
) -> (Answer, Option<Box<crate::vobiz::ListedNumber>>) {
    match result {
        Ok(Purchased(listed)) => {
            let answer = Answer {
                http_status: Some(200),
                owner: listed.owner.clone(),
                ..blank(Outcome::Purchased, None, at)
            };
            (answer, Some(Box::new(listed)))
        }
        Err(PurchaseError::NotSent(why)) => (blank(Outcome::NotSent, Some(why), at), None),
        Err(PurchaseError::Unknown { status, message }) => {
            let answer =
                Answer { http_status: status.map(i32::from), ..blank(Outcome::Unknown, Some(message), at) };
            (answer, None)
        }
        Err(PurchaseError::Rejected(rejection)) => {
            let outcome = match rejection.kind {
                RejectionKind::NotFound => Outcome::NotFound,
                RejectionKind::PaymentFailed => Outcome::PaymentFailed,
                RejectionKind::Unauthorized => Outcome::Unauthorized,
                RejectionKind::RateLimited => Outcome::RateLimited,
                RejectionKind::Other => Outcome::Rejected,
            };
            let words = rejection.envelope;
            let told = words.required.is_some() && words.available.is_some();
            let answer = Answer {
                http_status: Some(i32::from(rejection.status)),
                code: words.code,
                funds: told.then_some(Funds::Insufficient),
                required: words.required,
                available: words.available,
                currency: words.currency,
                ..blank(outcome, words.message, at)
            };
            (answer, None)
        }
    }
}

/// Stores the outcome, for as long as it takes.
async fn store_outcome(context: &Context, record: PhoneNumber, change: Change) {
    let id = record.spec.attempt.id;
    let mut current = Some(record.clone());
    let mut pause = Duration::from_millis(100);
    loop {
        let written = match plan::outcome(current.as_ref(), id, &change) {
            OutcomeStep::Drop => return,
            OutcomeStep::Superseded => {
                tracing::warn!(attempt = %id, "the record holds a newer attempt; its verification will find the number");
                return;
            }
            OutcomeStep::Replace(found) => context.store.replace(&changed(context, found, &change)).await,
            OutcomeStep::Recreate => context.store.create(&changed(context, &anew(&record), &change)).await,
        };
        match written {
            Ok(stored) => {
                context.memory.first_read(&stored, context.clock.now());
                return;
            }
            // It is stored, beside what this version cannot read.
            Err(StoreError::Newer) => return,
            // Somebody else wrote in between.
            Err(StoreError::Conflict | StoreError::Exists) => {}
            // Not found: the record has just gone, or the whole kind, and then for longer.
            Err(error) => {
                tracing::error!(attempt = %id, %error, "the outcome of a purchase cannot be stored yet");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
        }
        match context.store.record(&record.name_any()).await {
            Ok(Some(Seen::Newer(found))) => {
                let Some(found) = found.stand_in(&record) else {
                    return hand_over(id, &change);
                };
                current = Some(found);
            }
            Ok(found) => current = found.and_then(|found| found.read().map(|found| (**found).clone())),
            Err(error) => {
                tracing::error!(attempt = %id, %error, "the record of a purchase cannot be read yet");
            }
        }
    }
}

/// The record is in the hands of a newer version, which has found out what became of the attempt, or will. What this
/// process knows of it is left where people find it.
fn hand_over(id: AttemptId, change: &Change) {
    let answer = if let Change::Answered { answer, .. } = change { Some(answer) } else { None };
    tracing::error!(
        attempt = %id,
        outcome = ?answer.map(|answer| answer.outcome),
        status = answer.and_then(|answer| answer.http_status),
        "a newer version of the operator has rewritten the record of a purchase in a way that this version cannot \
         read: the outcome is not stored, and that version verifies the attempt. Compare with kubectl get phonenumbers"
    );
}

fn changed(context: &Context, record: &PhoneNumber, change: &Change) -> PhoneNumber {
    let now = context.clock.now().wall;
    let mut next = record.clone();
    change.clone().apply(&mut next, now);
    conditions::record(&mut next, change.claimed(), context.spans, now);
    next
}

/// The record as if it had never been created.
fn anew(record: &PhoneNumber) -> PhoneNumber {
    let metadata = ObjectMeta {
        name: record.metadata.name.clone(),
        finalizers: Some(vec![RECORD_FINALIZER.to_owned()]),
        ..ObjectMeta::default()
    };
    PhoneNumber { metadata, ..record.clone() }
}
