//! Reconciles a record: observes, plans, performs one step.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;
use kube_runtime::controller::Action;

use super::{Context, requeue_after};
use crate::{
    account::Account,
    api::{
        AttemptState, ClaimRef, FORGET_ANNOTATION, ObjectKey, Origin, PhoneNumber, RECORD_FINALIZER, Seen,
    },
    domain::{E164, LedgerRow, Money},
    plan::{
        self, Change, ClaimLiveness, Explained, Moment, Reading, RecordObserved, RecordStep, Removal,
        Timeouts,
    },
    store::StoreError,
};

/// Brings one record a step further: verifies what is open, keeps what is bound, removes what is of no use.
///
/// # Errors
/// If the API server did not do what was asked; the same is then tried again.
pub async fn reconcile_record(
    seen: Arc<Seen<PhoneNumber>>,
    context: Arc<Context>,
) -> Result<Action, StoreError> {
    // What a newer version has written is its own to go on with.
    let Some(record) = seen.read().cloned() else { return Ok(Action::await_change()) };
    let now = context.clock.now();
    let own = context.accounts.of_record(&record);
    let forget = record.annotations().get(FORGET_ANNOTATION).is_some_and(|value| value == "true");
    // An administrator may give up any record; nothing else is done about a foreign one.
    if own.is_none() && !forget {
        return Ok(Action::await_change());
    }
    let account = own.unwrap_or_else(|| context.accounts.default_account());
    let e164 = record.spec.e164;
    let evidence = account.evidence(e164);
    let liveness = liveness(&context, &record).await?;
    let sending = context.outcomes.is_sending(record.spec.attempt.id);
    let (explained, unsettled, known) = match &evidence.ledger {
        // The only case in which the others matter; going through them for every record would be quadratic.
        Reading::Read { value, .. } if !sending && may_need_explanation(&record, &value.rows) => (
            explained(&context, &record),
            unsettled(&context, &record),
            known(&context, account, &value.rows),
        ),
        _ => (Vec::new(), Vec::new(), Vec::new()),
    };
    let mut observed = RecordObserved {
        record: &record,
        account: &account.id(),
        liveness,
        sending,
        first_read: context.memory.see(&record, now).first_read,
        evidence: &evidence,
        absent_since: None,
        explained: &explained,
        unsettled: &unsettled,
        known: &known,
        timeouts: context.timeouts,
        clocks: account.clocks(),
        removal: Removal {
            forget,
            deleting: record.metadata.deletion_timestamp.is_some(),
            has_finalizer: record.finalizers().iter().any(|finalizer| finalizer == RECORD_FINALIZER),
        },
    };
    observed.absent_since = context.memory.absent_since(e164, plan::is_listed_absent(&observed));
    let step = plan::decide_record(&observed, now);
    let after = perform(&context, account, &record, step, now).await?;
    let liveness = context.liveness_again(liveness, record.spec.claim_ref.as_ref());
    Ok(requeue_after(after.into_iter().chain(liveness).min()))
}

/// A number that is known to be unclaimed needs no live read to stay so.
async fn liveness(context: &Context, record: &PhoneNumber) -> Result<ClaimLiveness, StoreError> {
    let named = record.spec.claim_ref.as_ref();
    let stays = |named: &ClaimRef| {
        context.claims.knows(&named.namespace) && context.claims.seen(&named.namespace, &named.name).is_none()
    };
    let unclaimed = record.spec.attempt.state == AttemptState::Bound && Change::is_unclaimed(record);
    if unclaimed && named.is_none_or(stays) {
        return Ok(ClaimLiveness::Gone);
    }
    context.liveness(named).await
}

async fn perform(
    context: &Context,
    account: &Account,
    record: &PhoneNumber,
    step: RecordStep,
    now: Moment,
) -> Result<Option<Duration>, StoreError> {
    match step {
        RecordStep::Rest => {}
        RecordStep::Wait(until) => return Ok(Some(now.until(until))),
        RecordStep::Read(request) => account.request(ObjectKey::of(record), request),
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
    let stored = context.store.replace(&context.changed(record, change, now)).await?;
    let (attempt, state) = (stored.spec.attempt.id, stored.spec.attempt.state);
    if state != record.spec.attempt.state {
        tracing::info!(%attempt, ?state, "attempt settled");
    }
    Ok(())
}

fn may_need_explanation(record: &PhoneNumber, rows: &[LedgerRow]) -> bool {
    record.spec.attempt.state == AttemptState::Open
        && rows.iter().any(|row| row.takes_money() && !row.spells_out_any(&[]))
}

/// The numbers, owned or recorded, that the ledger names in bare digits.
fn known(context: &Context, account: &Account, rows: &[LedgerRow]) -> Vec<E164> {
    let suspects = rows.iter().flat_map(LedgerRow::suspects);
    suspects.filter(|e164| context.seen(*e164).is_some() || account.lists(*e164)).collect()
}

/// The purchases of other records, which explain debits that name no number.
fn explained(context: &Context, record: &PhoneNumber) -> Vec<Explained> {
    other_purchases(context, record, AttemptState::Bound)
        .iter()
        .filter_map(|other| explanation(other, context.timeouts))
        .collect()
}

/// When those purchases of other records were opened that may still turn out to explain such a debit.
fn unsettled(context: &Context, record: &PhoneNumber) -> Vec<Timestamp> {
    let others = other_purchases(context, record, AttemptState::Open);
    others.iter().map(|other| other.spec.attempt.opened_at.at()).collect()
}

fn other_purchases(context: &Context, record: &PhoneNumber, state: AttemptState) -> Vec<Arc<PhoneNumber>> {
    let counts = |other: &PhoneNumber| {
        other.spec.e164 != record.spec.e164
            && other.spec.account == record.spec.account
            && other.spec.attempt.state == state
            && other.spec.attempt.origin == Origin::Purchase
    };
    // One of a newer version explains nothing: what is not explained is asked about.
    let found = context.records.state_filter(|other| other.read().is_some_and(|other| counts(other)));
    found.iter().filter_map(|other| other.read().cloned()).collect()
}

/// A binding may be found long after its purchase; its debit is as old as the purchase.
fn explanation(other: &PhoneNumber, timeouts: Timeouts) -> Option<Explained> {
    let number = other.status.as_ref()?.number.as_ref()?;
    let amount: Option<Money> = number.setup_fee? + number.monthly_fee?;
    let attempt = &other.spec.attempt;
    Some(Explained {
        e164: other.spec.e164,
        amount: amount?,
        currency: number.currency,
        opened: attempt.opened_at.at(),
        settled: attempt
            .settled_at
            .unwrap_or(attempt.opened_at)
            .at()
            .min(attempt.opened_at.after(timeouts.until_settled())),
    })
}
