//! The workers that serve queued claims, one purchase at a time each.

use std::{num::NonZeroUsize, sync::Arc};

use tokio::sync::{Mutex, mpsc::UnboundedReceiver};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use tracing::Instrument;

use crate::{
    account::Key,
    metrics::Kind,
    reconcile::{Context, ReconcileError, TurnEnd, Waiting, take_turn},
    telemetry::TRACED,
};

/// Serves the claims that want a slot, so many at a time. A worker is a task of its own: no cancelled reconcile can
/// drop a purchase that it has begun, and a stop lets it finish.
pub async fn purchase(
    context: Arc<Context>,
    queue: UnboundedReceiver<Waiting>,
    concurrency: NonZeroUsize,
    stop: CancellationToken,
) {
    let queue = Arc::new(Mutex::new(queue));
    let workers = TaskTracker::new();
    for _ in 0..concurrency.get() {
        let (context, queue, stop) = (context.clone(), queue.clone(), stop.clone());
        workers.spawn(async move { while serve(&context, &queue, &stop).await {} });
    }
    workers.close();
    workers.wait().await;
}

/// Serves one claim; `false` when there is to be no more.
async fn serve(
    context: &Arc<Context>,
    queue: &Mutex<UnboundedReceiver<Waiting>>,
    stop: &CancellationToken,
) -> bool {
    let next = async {
        let waiting = queue.lock().await.recv().await?;
        let Key::Claim { namespace, name } = waiting.key else { return None };
        // It was queued before its role went: a slot of the rate limit would be lost on it.
        let readable = !context.may_not_read(&namespace, &name).await;
        if readable {
            tokio::time::sleep(context.memory.breath(context.clock.now())).await;
            context.client.slot().await;
        }
        context.metrics.dequeued(context.clock.now().mono.saturating_sub(waiting.since));
        // Whatever has become of the claim meanwhile: it may stand in the queue again.
        context.memory.dequeue(&waiting.uid);
        Some((namespace, name, readable))
    };
    let Some(Some((namespace, name, readable))) = stop.run_until_cancelled(next).await else {
        return false;
    };
    let Some(claim) = context.claims.get(&namespace, &name) else { return true };
    if !readable {
        context.account.wake(Key::Claim { namespace, name });
        return true;
    }
    let span = tracing::debug_span!(target: TRACED, "reconcile", kind = Kind::Claim.label().1, turn = true);
    let turn = take_turn(claim.clone(), context).instrument(span).await;
    let ended = TurnEnd::of(turn.as_ref().map(drop).map_err(|ReconcileError::Store(error)| error));
    context.intent_ended(&claim, ended);
    context.account.wake(Key::Claim { namespace, name });
    true
}
