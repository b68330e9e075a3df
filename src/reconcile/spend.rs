//! The one executor of calls that cost money: intent, live read of the claim, one call within the send window, outcome.

use std::{borrow::Cow, sync::Arc, time::Duration};

use kube::ResourceExt;
use tracing::Instrument;

use super::{Context, intent, outcome, trouble::Trouble, writers::Writer};
use crate::{
    account::Account,
    api::{AllowedFrom, Answer, Outcome, PhoneNumber, PhoneNumberClaim, Seen},
    domain::{AttemptId, Time},
    plan::{
        self, Change, Denial, Gate, Labels, LiveAccount, LiveClaim, Moment, NewAttempt, Permission, Service,
    },
    store::StoreError,
    vobiz::PurchaseAnswer,
};

/// So long a turn waits for the outcome of its purchase to be stored; what stores it goes on.
const LONGEST_HELD_BACK: Duration = Duration::from_secs(30);

/// A call that costs money. Each says how its intent is written, what permits it, how it is sent, and what is stored of it;
/// where that goes, [`plan::outcome_target`] says. All else is the same for each.
pub enum Spending {
    Purchase(NewAttempt),
}

impl Spending {
    /// Writes down that it is about to be sent.
    async fn write_intent(
        &self,
        context: &Context,
        account: &Account,
        claim: &PhoneNumberClaim,
        previous: Option<&PhoneNumber>,
        id: AttemptId,
        now: Moment,
    ) -> Result<Arc<PhoneNumber>, StoreError> {
        match self {
            Self::Purchase(attempt) => {
                intent::write(context, account, claim, previous, attempt.clone(), id, now).await
            }
        }
    }

    /// Whether it may be sent, once its intent is written and the claim is read again.
    fn may_send(
        &self,
        claim: &PhoneNumberClaim,
        record: &PhoneNumber,
        live: LiveClaim<'_>,
        served: &Service,
        opened: Moment,
        now: Moment,
    ) -> Permission {
        match self {
            Self::Purchase(_) => plan::may_send(claim, &record.spec.attempt, live, served, opened, now),
        }
    }

    async fn send(
        &self,
        context: &Context,
        account: &Account,
        claim: &PhoneNumberClaim,
        record: &PhoneNumber,
    ) -> Change {
        let attempt = &record.spec.attempt;
        let met = match self {
            Self::Purchase(_) => {
                let call = account.client.purchase(record.spec.e164, attempt.currency);
                account.queue.sent(&claim.uid().unwrap_or_default(), call).await
            }
        };
        account.report(&met);
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

    /// What is stored where it was not sent.
    fn unsent(&self, answer: Answer) -> Change {
        match self {
            Self::Purchase(_) => Change::Answered { answer: Box::new(answer), bought: None },
        }
    }
}

/// Spends once, with this account. The caller has a slot of it, and is a task that no cancelled reconcile can drop. Every
/// process that reads the attempt from here on verifies it; only this call may send it. Until it does, it is a writer.
///
/// Returns when the outcome is stored, or when the term has ended: the outcome is then stored all the same.
/// An error means that there is no intent, so that nothing was sent. Otherwise, whether the record is bound.
pub async fn spend(
    context: &Arc<Context>,
    account: &Account,
    claim: &Arc<PhoneNumberClaim>,
    previous: Option<&PhoneNumber>,
    spending: Spending,
    writer: Writer,
) -> Result<bool, StoreError> {
    let id = intent::fresh_id();
    let under_way = context.outcomes.sending(id);
    let opened = context.clock.now();
    let record = match spending.write_intent(context, account, claim, previous, id, opened).await {
        Ok(record) => record,
        Err(error) => {
            drop(under_way);
            outcome::wake(context, claim);
            return Err(error);
        }
    };
    let unsent = |why: &str| {
        let at = Time::micros(context.clock.now().wall);
        spending.unsent(Answer::new(Outcome::NotSent, Some(why), at))
    };
    let permitted = await_permission(context, claim, &record, &spending, opened).await;
    drop(writer);
    let change = match (permitted, account.gate()) {
        // The answers to the intent, and to the read after it, showed it.
        (Ok(()), _) if account.clocks().are_wrong() => unsent("the clocks are more than 10 minutes apart"),
        (Ok(()), Gate::Open) => spending.send(context, account, claim, &record).await,
        // Another purchase has met it since this one took its turn.
        (Ok(()), Gate::Closed(_, why)) => unsent(&why),
        (Err(denied), _) => {
            if denied == Denial::ClaimChanged {
                // What failed before was another wish: the new one does not wait longer for it.
                context.memory.start_over(claim.number());
            }
            spending.unsent(denied.answer(Time::micros(context.clock.now().wall)))
        }
    };
    let storing = outcome::store(context.clone(), claim.clone(), record, change, under_way);
    let stored = context.outcomes.spawn(storing.in_current_span());
    Ok(tokio::select! {
        bound = stored => bound.unwrap_or(false),
        () = context.ended.cancelled() => false,
        // The API server may refuse this record alone: other claims are not to wait for it.
        () = tokio::time::sleep(LONGEST_HELD_BACK) => false,
    })
}

/// The VobizAccount that serves the record's account, read live; none where the flags do.
async fn live_account(
    context: &Context,
    namespace: &str,
    record: &PhoneNumber,
) -> Result<Option<LiveAccount>, StoreError> {
    let known = context.accounts.known();
    let Some(name) = known.directory.first(&record.spec.account) else { return Ok(None) };
    let object = context.store.get_account(name).await?;
    let chooses_by_labels = object
        .as_ref()
        .and_then(Seen::read)
        .is_some_and(|object| object.spec.allowed_namespaces.from == AllowedFrom::Selector);
    let labels = if chooses_by_labels {
        let read = context.store.get_labels(namespace).await?;
        Some(Labels::Read(read.into_iter().map(|labels| (namespace.to_owned(), labels)).collect()))
    } else {
        None
    };
    Ok(Some(LiveAccount { name: name.to_owned(), object, labels }))
}

/// Reads the claim and its account live, after the intent was written, until it is known whether the call may be sent. What is
/// watched of either may be older than what the API server has acknowledged.
async fn await_permission(
    context: &Context,
    claim: &PhoneNumberClaim,
    record: &PhoneNumber,
    spending: &Spending,
    opened: Moment,
) -> Result<(), Denial> {
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    let mut trouble = Trouble::default();
    loop {
        let (read, account) =
            tokio::join!(context.live(&namespace, &name), live_account(context, &namespace, record));
        let live = match (&read, &account) {
            (Err(StoreError::Forbidden(_)), _) => LiveClaim::Refused,
            (_, Err(StoreError::Forbidden(_))) => LiveClaim::AccountRefused,
            (Err(error), _) | (_, Err(error)) => {
                if trouble.met(context.clock.now().mono).is_some() {
                    tracing::warn!(%error, "the claim, or its account, cannot be read; nothing is sent before it can");
                }
                LiveClaim::Unreadable
            }
            (Ok(Some(Seen::Newer(_))), _) => LiveClaim::Newer,
            (Ok(live), Ok(_)) => LiveClaim::Read(live.as_ref().and_then(Seen::read).map(|claim| &**claim)),
        };
        let asks = if let LiveClaim::Read(Some(live)) = live { live } else { claim };
        let known = context.accounts.known();
        let directory = match &account {
            Ok(Some(live)) => known.directory.with(live),
            Ok(None) | Err(_) => Cow::Borrowed(&known.directory),
        };
        let served = directory.serve(asks, Some(record));
        match spending.may_send(claim, record, live, &served, opened, context.clock.now()) {
            Permission::Granted => return Ok(()),
            Permission::Denied(why) => return Err(why),
            Permission::ReadAgain => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}
