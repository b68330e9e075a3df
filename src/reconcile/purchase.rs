//! Performs a purchase: stores the intent, reads the claim live, sends once, stores the outcome.

use std::{sync::Arc, time::Duration};

use kube::{ResourceExt, core::ObjectMeta};
use tracing::Instrument;

use super::{Context, outcome, reference_to, trouble::Trouble};
use crate::{
    api::{
        Answer, Funds, Outcome, Ownership, PhoneNumber, PhoneNumberClaim, PhoneNumberSpec, PhoneNumberStatus,
        RECORD_FINALIZER, Seen, Verification,
    },
    conditions,
    domain::{AttemptId, ListedNumber, Time, presentable},
    metrics::Bought,
    plan::{self, Change, Denial, Gate, LiveClaim, Moment, NewAttempt, Permission},
    store::StoreError,
    vobiz::{LONGEST_WORDS, PurchaseError, Purchased, RejectionKind},
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
    let result = context.accounts.of_claim(claim).purchase(record.spec.e164, attempt.currency).await;
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
        // Whatever it quotes, it is stored and shown.
        message: message.map(|message| presentable(&message, LONGEST_WORDS)),
        funds: None,
        required: None,
        available: None,
        currency: None,
        owner: None,
        at,
    }
}

fn answer_from(result: Result<Purchased, PurchaseError>, at: Time) -> (Answer, Option<Box<ListedNumber>>) {
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
