//! The outcome of a purchase goes into the record, however long that takes.

use std::{sync::Arc, time::Duration};

use super::{
    Context, intent,
    outcomes::Sending,
    trouble::{News, Trouble},
};
use crate::{
    api::{AttemptState, EventKind, ObjectKey, PhoneNumber, PhoneNumberClaim, Reason, Seen},
    conditions::{self, Unstored},
    domain::{AttemptId, Backoff, E164, Outcome},
    plan::{self, Change, OutcomeTarget},
    store::StoreError,
};

const PAUSES: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

/// Stores the outcome, for as long as it takes: it may be all that is known of a number that was paid for. Every failed
/// try is followed by a back-off, regardless of the error: haste does not help an API server that is not well.
///
/// Returns whether the record is bound now. If so, the record and its claim were woken when that was answered, and the others that
/// wait for it are when the watch shows it.
pub async fn store(
    context: Arc<Context>,
    claim: Arc<PhoneNumberClaim>,
    record: Arc<PhoneNumber>,
    change: Change,
    sending: Sending,
) -> bool {
    let mut telling = Telling::begin(&context, record.spec.attempt.id, &change, &sending);
    let name = record.spec.e164.digits();
    let mut current = Some(record.clone());
    let mut written = None;
    for failures in 0.. {
        match write(&context, &claim, &record, current.as_deref(), &change).await {
            Ok(stored) => {
                written = stored;
                break;
            }
            // Stored, beside what this version cannot read.
            Err(StoreError::Newer) => break,
            // Another writer was first, which a read has shown.
            Err(StoreError::Conflict | StoreError::Exists) => {}
            // Not found: the record has just gone, or the whole kind, and then for longer.
            Err(error) => {
                telling.failed(&context, &error);
                wake(&context, &claim);
            }
        }
        tokio::time::sleep(PAUSES.after(failures)).await;
        match context.store.get_record(&name).await {
            Ok(Some(Seen::Newer(found))) => {
                current = found.stand_in(&record).map(Arc::new);
                if current.is_none() {
                    hand_over(record.spec.attempt.id, &change);
                    break;
                }
            }
            Ok(found) => current = found.and_then(|found| found.read().cloned()),
            Err(error) => telling.failed(&context, &error),
        }
    }
    telling.over(&context);
    drop(sending);
    let bound = written.as_ref().is_some_and(|stored| stored.spec.attempt.state == AttemptState::Bound);
    if !bound {
        wake(&context, &claim);
        // It may name another claim by now.
        if let Some(stored) = &written {
            context.wake(stored);
        }
    }
    bound
}

/// A reconcile that saw the record meanwhile has left it to this purchase, and would not be requeued.
pub fn wake(context: &Context, claim: &PhoneNumberClaim) {
    context.accounts.wake(ObjectKey::number(claim.number()));
    context.accounts.wake(ObjectKey::of(claim));
}

/// One try, given the record as it was read last. Returns the record as it was stored, if that was for this process to do.
async fn write(
    context: &Context,
    claim: &PhoneNumberClaim,
    record: &PhoneNumber,
    current: Option<&PhoneNumber>,
    change: &Change,
) -> Result<Option<Arc<PhoneNumber>>, StoreError> {
    let id = record.spec.attempt.id;
    let changed = |record| context.changed(record, change.clone(), context.clock.now());
    let stored = match plan::outcome_target(current, (&record.spec.account, id), change) {
        OutcomeTarget::Drop => return Ok(None),
        OutcomeTarget::Superseded => {
            tracing::warn!(attempt = %id, "the record holds a newer attempt; its verification will find the number");
            return Ok(None);
        }
        OutcomeTarget::Elsewhere(found) => {
            let bought =
                matches!(change, Change::Answered { answer, .. } if answer.outcome == Outcome::Purchased);
            let message = conditions::recorded_elsewhere(record, bought, found);
            tracing::error!(attempt = %id, account = %record.spec.account, "{}", E164::masked(&message));
            let reason = Reason::Conflict.into_str();
            context.publish(claim, EventKind::Warning, reason, &message, context.clock.now()).await;
            return Ok(None);
        }
        OutcomeTarget::Replace(found) => context.replace(&changed(found)).await?,
        OutcomeTarget::Recreate => {
            let gone =
                PhoneNumber { status: record.status.clone(), ..intent::new_record(record.spec.clone()) };
            context.create(&changed(&gone)).await?
        }
    };
    context.memory.see(&stored, context.clock.now());
    Ok(Some(stored))
}

/// What is told, in the log and to the claim, while an outcome cannot be stored.
struct Telling<'a> {
    attempt: AttemptId,
    change: &'a Change,
    sending: &'a Sending,
    since: Duration,
    trouble: Trouble,
}

impl<'a> Telling<'a> {
    fn begin(context: &Context, attempt: AttemptId, change: &'a Change, sending: &'a Sending) -> Self {
        let since = context.clock.now().mono;
        let telling = Self { attempt, change, sending, since, trouble: Trouble::default() };
        telling.note(None);
        telling
    }

    fn note(&self, why: Option<String>) {
        self.sending.unstored(Unstored { change: self.change.clone(), why, since: self.since });
    }

    fn failed(&mut self, context: &Context, error: &StoreError) {
        let attempt = self.attempt;
        match self.trouble.met(context.clock.now().mono) {
            Some(News::Begins) => {
                tracing::error!(%attempt, %error, "the outcome of a purchase cannot be stored yet; it is tried again");
            }
            Some(News::GoesOn { lasts, failures }) => {
                let lasts_s = lasts.as_secs();
                tracing::error!(%attempt, %error, lasts_s, failures, "the outcome of a purchase still cannot be stored");
            }
            // The claim keeps the words that it has: a status write each time that they vary would help no user.
            Some(News::Ends { .. }) | None => return,
        }
        self.note(Some(error.to_string()));
    }

    fn over(mut self, context: &Context) {
        if let Some(News::Ends { lasts, failures }) = self.trouble.over(context.clock.now().mono) {
            let (attempt, lasted_s) = (self.attempt, lasts.as_secs());
            tracing::info!(%attempt, lasted_s, failures, "the outcome of a purchase is stored after all");
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
