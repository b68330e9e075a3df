//! A claim's turn to purchase: how it comes to wait for one, what is made sure before the turn begins, and how it ends.

use std::{pin::pin, sync::Arc, time::Duration};

use kube::ResourceExt;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Context, UNREADABLE_EVERY,
    claim::{Known, decide, observe, perform},
    spend::{Spending, spend},
};
use crate::{
    account::{Account, Place},
    api::{ObjectKey, PhoneNumberClaim},
    conditions::SHOWN_AFTER,
    metrics::Kind,
    plan::{ClaimStep, Enqueued, TurnEnd},
    store::StoreError,
    telemetry::TRACED,
};

/// How long the claim whose turn it is may keep the others waiting until it is known whether it may be read.
const LONGEST_ASKED: Duration = Duration::from_secs(2);

/// How long a claim keeps its place for a price that does not come.
const LONGEST_PRICED: Duration = Duration::from_secs(10);

/// A claim's turn that has begun.
struct Turn<'a> {
    claim: Arc<PhoneNumberClaim>,
    place: Place<'a>,
    /// Whether it has a slot of the rate limit. A claim with a ceiling waits for its own once its price is known.
    has_slot: bool,
}

impl Context {
    /// Has the claim wait for its turn to purchase; returns when to come back, where it waits for something else.
    pub(super) async fn enqueue(&self, claim: &PhoneNumberClaim) -> Option<Duration> {
        let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
        if self.may_not_read(&namespace, &name).await {
            return Some(UNREADABLE_EVERY);
        }
        // The API server dates every claim.
        let created = claim.metadata.creation_timestamp.as_ref().map(|created| created.0).unwrap_or_default();
        match self.accounts.of_claim(claim).queue.enqueue(claim.reference(), created) {
            Enqueued::Now | Enqueued::Already => None,
            Enqueued::After(pause) => Some(pause),
        }
    }

    /// Waits for the next claim whose turn it is in that account.
    async fn next_turn<'a>(&self, account: &'a Account) -> Turn<'a> {
        loop {
            let turn = account.queue.next().await;
            // It was queued before its role went: a slot of the rate limit would be lost on it.
            // Without an answer it is readable: the purchase reads its claim once more, and others wait behind this one.
            let refused = self.may_not_read(&turn.claim.namespace, &turn.claim.name);
            let readable = !tokio::time::timeout(LONGEST_ASKED, refused).await.unwrap_or(false);
            // No other claim waits behind the reading of a price.
            let is_priced = self.claim(&turn.claim).is_some_and(|claim| claim.spec.max_price.is_some());
            let has_slot = readable && !is_priced;
            if has_slot {
                account.client.pace.purchase_slot().await;
            }
            let (named, place) = turn.begin();
            match self.claim(&named) {
                Some(claim) if readable => return Turn { claim, place, has_slot },
                Some(_) => {
                    drop(place);
                    account.wake(ObjectKey::claim(&named.namespace, &named.name));
                }
                None => {}
            }
        }
    }

    /// Notes how a turn, or another write of an intent, ended; returns how long the claim waits before the next.
    pub(super) fn intent_ended(
        &self,
        claim: &PhoneNumberClaim,
        failed: Option<&StoreError>,
    ) -> Option<Duration> {
        let now = self.clock.now().mono;
        let end = turn_end(failed);
        match &end {
            TurnEnd::Refused(why) => drop(self.setbacks.intents.failed(ObjectKey::of(claim), Some(why), now)),
            TurnEnd::Done | TurnEnd::Overtaken => self.setbacks.intents.over(&ObjectKey::of(claim), now),
        }
        self.accounts.of_claim(claim).queue.turn_ended(&claim.uid().unwrap_or_default(), end)
    }
}

/// Serves the claims that wait for a turn in the account, one at a time; what was decided before the wait is decided again.
/// A worker is a task of its own: no cancelled reconcile can drop a purchase that it has begun, and a stop lets it finish.
pub async fn worker(context: Arc<Context>, account: Arc<Account>, stop: CancellationToken) {
    while let Some(Turn { claim, place, has_slot }) =
        stop.run_until_cancelled(context.next_turn(&account)).await
    {
        let taken = Box::pin(take(&context, &account, &claim, has_slot));
        let taken = told_if_it_lasts(&account, &claim, taken);
        let kind = Kind::Claim.label().1;
        let span = tracing::debug_span!(target: TRACED, "reconcile", kind, turn = true);
        let ended = taken.instrument(span).await;
        context.intent_ended(&claim, ended.as_ref().err());
        // Before it is woken: a claim whose turn is not over does not queue for another.
        drop(place);
        if !ended.unwrap_or(false) {
            account.wake(ObjectKey::of(&*claim));
        }
    }
}

/// Takes the claim's turn. Returns whether the record is bound.
async fn take(
    context: &Arc<Context>,
    account: &Account,
    claim: &PhoneNumberClaim,
    has_slot: bool,
) -> Result<bool, StoreError> {
    let has_slot = has_slot || {
        let priced = context.ended.run_until_cancelled(priced(context, account, claim)).await;
        priced.unwrap_or(Ok(false))?
    };
    // It may have been changed meanwhile.
    let Some(claim) = context.claim(&claim.reference()) else { return Ok(false) };
    let (known, now) = (Known::of(context, &claim), context.clock.now());
    let observed = observe(context, &claim, &known, now).await?;
    match decide(context, &observed, now).step {
        ClaimStep::Purchase(attempt) if has_slot => {
            spend(context, account, &claim, observed.record, Spending::Purchase(attempt)).await
        }
        other => perform(context, &observed, &other, now).await.map(|_| false),
    }
}

/// Has the price read that has grown too old in the queue, and waits for a slot if the claim buys at it. In its turn: in a
/// long queue, one that is read before it is too old each time.
async fn priced(context: &Context, account: &Account, claim: &PhoneNumberClaim) -> Result<bool, StoreError> {
    let mut step = next_step(context, claim).await?;
    if step.lacks_price() {
        let read = tokio::time::timeout(LONGEST_PRICED, account.read_price(claim.number()));
        // As at a purchase that hangs, others are given a place.
        let _ = account.queue.sent(&claim.uid().unwrap_or_default(), read).await;
        step = next_step(context, claim).await?;
    }
    let buys = matches!(step, ClaimStep::Purchase(_));
    if buys {
        account.client.pace.purchase_slot().await;
    }
    Ok(buys)
}

async fn next_step(context: &Context, claim: &PhoneNumberClaim) -> Result<ClaimStep, StoreError> {
    let (known, now) = (Known::of(context, claim), context.clock.now());
    let observed = observe(context, claim, &known, now).await?;
    Ok(decide(context, &observed, now).step)
}

/// Has the claim told what its turn is at if that lasts: a record that is being sent wakes its claim only once it changes.
async fn told_if_it_lasts<T>(
    account: &Account,
    claim: &PhoneNumberClaim,
    turn: impl Future<Output = T>,
) -> T {
    let mut turn = pin!(turn);
    tokio::select! {
        ended = &mut turn => return ended,
        () = tokio::time::sleep(SHOWN_AFTER) => account.wake(ObjectKey::of(claim)),
    }
    turn.await
}

/// What became of a write, or of the turn that it ended.
fn turn_end(failed: Option<&StoreError>) -> TurnEnd {
    match failed {
        None => TurnEnd::Done,
        Some(error) if error.is_overtaken() => TurnEnd::Overtaken,
        Some(error) => TurnEnd::Refused(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_api_server_refuses_is_told() {
        assert_eq!(turn_end(None), TurnEnd::Done);
        assert_eq!(turn_end(Some(&StoreError::Conflict)), TurnEnd::Overtaken);
        let refused = StoreError::NotStored("no space".into());
        assert_eq!(turn_end(Some(&refused)), TurnEnd::Refused(refused.to_string()));
    }
}
