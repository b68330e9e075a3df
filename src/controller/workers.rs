//! The workers: each takes the next turn to purchase, waits for its slot, and sends.

use std::{num::NonZeroUsize, sync::Arc};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;

use crate::{
    account::Account,
    metrics::Kind,
    reconcile::{Context, take_turn},
    telemetry::TRACED,
};

/// Serves the claims that want a slot of an account, so many at a time. A worker is a task of its own: no cancelled reconcile can
/// drop a purchase that it has begun, and a stop lets it finish.
pub async fn purchase(
    context: Arc<Context>,
    account: Arc<Account>,
    concurrency: NonZeroUsize,
    stop: CancellationToken,
) {
    let workers = TaskTracker::new();
    for _ in 0..concurrency.get() {
        let (context, account, stop) = (context.clone(), account.clone(), stop.clone());
        workers.spawn(async move {
            while let Some(claim) = stop.run_until_cancelled(context.next_turn(&account)).await {
                let kind = Kind::Claim.label().1;
                let span = tracing::debug_span!(target: TRACED, "reconcile", kind, turn = true);
                take_turn(claim, &context).instrument(span).await;
            }
        });
    }
    workers.close();
    workers.wait().await;
}
