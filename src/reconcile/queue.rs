//! A claim's turn to purchase: how it comes to wait for one, what is made sure before the turn begins, and how it ends.

use std::{pin::pin, sync::Arc, time::Duration};

use kube::ResourceExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use super::{
    Context, UNREADABLE_EVERY,
    claim::{Known, Performed, decide, observe, perform},
    intent,
    spend::{Spending, spend},
    writers::Writer,
};
use crate::{
    account::{Account, Place},
    api::{ObjectKey, PhoneNumberClaim},
    conditions::SHOWN_AFTER,
    metrics::Kind,
    plan::{ClaimStep, Enqueued, TurnEnd},
    store::StoreError,
    telemetry::TRACED,
    vobiz::READ_TIMEOUT,
};

/// How long the claim whose turn it is may keep the others waiting until it is known whether it may be read.
const LONGEST_ASKED: Duration = Duration::from_secs(2);

/// How long a claim keeps its place for a price that does not come: longer than a page may take. Where each takes nearly as long
/// as it may, a price that is given up sooner would be read in each turn, and never be known in one.
const LONGEST_PRICED: Duration = READ_TIMEOUT.saturating_add(Duration::from_secs(5));

/// A claim's turn that has begun.
struct Turn {
    claim: Arc<PhoneNumberClaim>,
    place: Place,
    /// It has a slot of the rate limit, and may write. A claim with a ceiling waits for both once its price is known.
    writer: Option<Writer>,
}

impl Context {
    /// Has the claim wait for its turn to purchase; returns when to come back, where it waits for something else.
    pub(super) async fn enqueue(&self, account: &Account, claim: &PhoneNumberClaim) -> Option<Duration> {
        let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
        if self.may_not_read(&namespace, &name).await {
            return Some(UNREADABLE_EVERY);
        }
        // The API server dates every claim.
        let created = claim.metadata.creation_timestamp.as_ref().map(|created| created.0).unwrap_or_default();
        match account.queue.enqueue(claim.reference(), created) {
            Enqueued::Now | Enqueued::Already => None,
            Enqueued::After(pause) => Some(pause),
        }
    }

    /// Waits for the next claim whose turn it is in that account.
    async fn next_turn(&self, account: &Account) -> Turn {
        loop {
            let next = account.queue.next().await;
            // It was queued before its role went: a slot of the rate limit would be lost on it.
            // Without an answer it is readable: the purchase reads its claim once more, and others wait behind this one.
            let refused = self.may_not_read(&next.namespace, &next.name);
            let readable = !tokio::time::timeout(LONGEST_ASKED, refused).await.unwrap_or(false);
            // No other claim waits behind the reading of a price.
            let is_priced = self.claim(&next).is_some_and(|claim| claim.spec.max_price.is_some());
            let may_buy = readable && !is_priced;
            let writer = if may_buy { Some(self.writer(account).await) } else { None };
            let place = account.queue.begin(&next);
            match self.claim(&next) {
                Some(claim) if readable => return Turn { claim, place, writer },
                Some(_) => {
                    drop(place);
                    account.wake(ObjectKey::claim(&next.namespace, &next.name));
                }
                None => {}
            }
        }
    }

    /// Waits for what a purchase needs. First for its slot: a slow rate limit keeps no other account from writing.
    async fn writer(&self, account: &Account) -> Writer {
        account.client.pace.purchase_slot().await;
        self.writers.next(&account.writes_next).await
    }

    /// Notes how a turn, or another write of an intent, ended; returns how long the claim waits before the next.
    pub(super) fn intent_ended(
        &self,
        account: &Account,
        claim: &PhoneNumberClaim,
        end: TurnEnd,
    ) -> Option<Duration> {
        let now = self.clock.now().mono;
        match &end {
            // The claim's next reconcile meets it as well, and says so.
            TurnEnd::InVain => {}
            TurnEnd::Refused(why) => drop(self.setbacks.intents.failed(ObjectKey::of(claim), Some(why), now)),
            TurnEnd::Done | TurnEnd::Overtaken => self.setbacks.intents.over(&ObjectKey::of(claim), now),
        }
        account.queue.turn_ended(&claim.uid().unwrap_or_default(), end)
    }
}

/// Gives the claims that wait in the account their turns, as places come free, until `stop`. Each turn is a task of its own,
/// among `tasks`: no cancelled reconcile can drop a purchase that it has begun, and a stop lets it finish.
pub async fn give_turns(
    context: Arc<Context>,
    account: Arc<Account>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    while let Some(turn) = stop.run_until_cancelled(context.next_turn(&account)).await {
        tasks.spawn(serve(context.clone(), account.clone(), turn));
    }
}

/// Serves a claim in its turn; what was decided before the wait is decided again.
async fn serve(context: Arc<Context>, account: Arc<Account>, Turn { claim, place, writer }: Turn) {
    let taken = Box::pin(take(&context, &account, &claim, writer));
    let taken = told_if_it_lasts(&account, &claim, taken);
    let kind = Kind::Claim.label().1;
    let span = tracing::debug_span!(target: TRACED, "reconcile", kind, turn = true);
    let ended = taken.instrument(span).await;
    let (is_bound, end) = ended.map_or_else(|end| (false, end), |is_bound| (is_bound, TurnEnd::Done));
    context.intent_ended(&account, &claim, end);
    // Before it is woken: a claim whose turn is not over does not queue for another.
    drop(place);
    if !is_bound {
        account.wake(ObjectKey::of(&*claim));
    }
}

/// Takes the claim's turn. Returns whether the record is bound; or how the turn ended in which nothing could be done. Of what
/// fails, only the write of an intent has the others pause.
async fn take(
    context: &Arc<Context>,
    account: &Account,
    claim: &PhoneNumberClaim,
    writer: Option<Writer>,
) -> Result<bool, TurnEnd> {
    let writer = if writer.is_some() {
        writer
    } else {
        let priced = context.ended.run_until_cancelled(priced(context, account, claim)).await;
        priced.unwrap_or(Ok(None)).map_err(|_| TurnEnd::InVain)?
    };
    // It may have been changed meanwhile.
    let Some(claim) = context.claim(&claim.reference()) else { return Ok(false) };
    let (known, now) = (Known::of(context, &claim), context.clock.now());
    let observed = observe(context, &claim, &known, now).await.map_err(|_| TurnEnd::InVain)?;
    match (decide(context, &observed, now).step, writer) {
        // Another account may serve the claim by now: then it queues there.
        (ClaimStep::Purchase(attempt), Some(writer)) if observed.served.account == Some(account.id()) => {
            let purchase = Spending::Purchase(attempt);
            let spent = spend(context, account, &claim, observed.record, purchase, writer).await;
            spent.map_err(|error| intent::in_vain(&error))
        }
        (other, _) => match perform(context, &observed, &other, now).await {
            Ok(Performed::Opened(_, end)) if end != TurnEnd::Done => Err(end),
            Ok(_) => Ok(false),
            Err(_) => Err(TurnEnd::InVain),
        },
    }
}

/// Has the price read that has grown too old in the queue, and waits until the claim may buy, if it does at that price. In its
/// turn: in a long queue, one that is read before it is too old each time.
async fn priced(
    context: &Context,
    account: &Account,
    claim: &PhoneNumberClaim,
) -> Result<Option<Writer>, StoreError> {
    let mut step = next_step(context, claim).await?;
    if step.lacks_price() {
        let read = tokio::time::timeout(LONGEST_PRICED, account.read_price(claim.number()));
        // As at a purchase that hangs, others are given a place.
        let _ = account.queue.sent(&claim.uid().unwrap_or_default(), read).await;
        step = next_step(context, claim).await?;
    }
    let buys = matches!(step, ClaimStep::Purchase(_));
    Ok(if buys { Some(context.writer(account).await) } else { None })
}

async fn next_step(context: &Context, claim: &PhoneNumberClaim) -> Result<ClaimStep, StoreError> {
    let (known, now) = (Known::of(context, claim), context.clock.now());
    let observed = observe(context, claim, &known, now).await?;
    Ok(decide(context, &observed, now).step)
}

/// Has the claim told what its turn is at for as long as that lasts: a record that is being sent wakes its claim only once it changes,
/// and what goes before it, for one that waits for its price, may take longer than a look at it is worth.
async fn told_if_it_lasts<T>(
    account: &Account,
    claim: &PhoneNumberClaim,
    turn: impl Future<Output = T>,
) -> T {
    let mut turn = pin!(turn);
    loop {
        tokio::select! {
            ended = &mut turn => return ended,
            () = tokio::time::sleep(SHOWN_AFTER) => account.wake(ObjectKey::of(claim)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use serde_json::json;
    use tokio::sync::mpsc;

    use super::*;
    use crate::account::client;

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_looked_at_for_as_long_as_its_turn_lasts() {
        let claim = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "namespace": "a", "name": "office" }, "spec": { "e164": "+911234500000" },
        });
        let claim = serde_json::from_value(claim).unwrap();
        let (wake, mut woken) = mpsc::unbounded_channel();
        let client = client("http://127.0.0.1:1".into(), "MA_1");
        let account = Account::new(client, NonZeroUsize::MIN, Arc::default(), wake);
        for (seconds, looks) in [(4, 0), (6, 1), (29, 5)] {
            let turn = tokio::time::sleep(Duration::from_secs(seconds));
            told_if_it_lasts(&account, &claim, turn).await;
            let woken = std::iter::from_fn(|| woken.try_recv().ok()).count();
            assert_eq!(woken, looks, "{seconds} s");
        }
    }
}
