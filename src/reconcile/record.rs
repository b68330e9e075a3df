//! Reconciles a record: observes, plans, performs one step.

use std::{sync::Arc, time::Duration};

use kube::ResourceExt;

use super::{Again, Context};
use crate::{
    account::Account,
    api::{AttemptState, ClaimRef, FORGET_ANNOTATION, ObjectKey, PhoneNumber, RECORD_FINALIZER, Seen},
    plan::{self, Change, ClaimLiveness, EXPLAINED_SOON, Moment, RecordObserved, RecordStep, Removal},
    store::StoreError,
};

/// Brings one record a step further: verifies what is open, keeps what is bound, removes what is of no use.
pub async fn reconcile_record(
    seen: Arc<Seen<PhoneNumber>>,
    context: Arc<Context>,
) -> Result<Again, StoreError> {
    // What a newer version has written is its own to go on with.
    let Some(record) = seen.read().cloned() else { return Ok(None) };
    let now = context.clock.now();
    let removal = Removal {
        forget: record.annotations().get(FORGET_ANNOTATION).is_some_and(|value| value == "true"),
        deleting: record.metadata.deletion_timestamp.is_some(),
        has_finalizer: record.finalizers().iter().any(|finalizer| finalizer == RECORD_FINALIZER),
    };
    let liveness = liveness(&context, &record).await?;
    let account = context.accounts.of(&record.spec.account);
    let step = match &account {
        Some(account) => decide(&context, account, &record, liveness, removal, now),
        None => plan::decide_unserved(&record, liveness, removal),
    };
    let after = perform(&context, account.as_deref(), &record, step, now).await?;
    let liveness = context.liveness_again(liveness, record.spec.claim_ref.as_ref());
    Ok(after.into_iter().chain(liveness).min())
}

fn decide(
    context: &Context,
    account: &Arc<Account>,
    record: &PhoneNumber,
    liveness: ClaimLiveness,
    removal: Removal,
    now: Moment,
) -> RecordStep {
    let e164 = record.spec.e164;
    let evidence = account.evidence(e164);
    let sending = context.outcomes.is_sending(record.spec.attempt.id);
    let mut observed = RecordObserved {
        record,
        account: &account.id(),
        liveness,
        sending,
        first_read: context.memory.see(record, now).first_read(),
        evidence: &evidence,
        absent_since: None,
        neighbours: &|begun, rows| context.neighbours(account, begun, rows, now),
        timeouts: context.timeouts,
        clocks: account.clocks(),
        removal,
    };
    observed.absent_since = context.memory.absent_since(e164, plan::is_listed_absent(&observed));
    plan::decide_record(&observed, now)
}

/// A number that is known to be unclaimed needs no live read to stay so.
async fn liveness(context: &Context, record: &PhoneNumber) -> Result<ClaimLiveness, StoreError> {
    let named = record.spec.claim_ref.as_ref();
    let stays = |named: &ClaimRef| {
        let key = ObjectKey::claim(&named.namespace, &named.name);
        context.claims.knows(&named.namespace) && !context.claims.cache.contains(&key)
    };
    let unclaimed = record.spec.attempt.state == AttemptState::Bound && Change::is_unclaimed(record);
    if unclaimed && named.is_none_or(stays) {
        return Ok(ClaimLiveness::Gone);
    }
    context.liveness(named).await
}

async fn perform(
    context: &Context,
    account: Option<&Account>,
    record: &PhoneNumber,
    step: RecordStep,
    now: Moment,
) -> Result<Option<Duration>, StoreError> {
    match step {
        RecordStep::Rest => {}
        RecordStep::Wait(until) => return Ok(Some(now.until(until))),
        RecordStep::Read(request) => {
            if let Some(account) = account {
                account.request(ObjectKey::of(record), request);
            }
        }
        RecordStep::AskOthers(request) => {
            if let Some(account) = account {
                context.ask_others(account, &ObjectKey::of(record), &request);
            }
            // One that cannot be read wakes nothing.
            return Ok(Some(EXPLAINED_SOON));
        }
        RecordStep::Write(change) => write(context, record, change, now).await?,
        RecordStep::Delete => context.store.delete(record).await?,
        RecordStep::DropFinalizer => drop(context.store.drop_finalizer(record).await?),
    }
    Ok(None)
}

async fn write(
    context: &Context,
    record: &PhoneNumber,
    change: Change,
    now: Moment,
) -> Result<(), StoreError> {
    let stored = context.replace(&context.changed(record, change, now)).await?;
    let (attempt, state) = (stored.spec.attempt.id, stored.spec.attempt.state);
    if state != record.spec.attempt.state {
        tracing::info!(%attempt, ?state, "attempt settled");
    }
    Ok(())
}
