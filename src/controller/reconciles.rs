//! The loop that reconciles what is queued: measured, and tried again with growing pauses where it fails.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{
    StreamExt,
    stream::{BoxStream, FuturesUnordered},
};
use tokio::{task::yield_now, time::sleep_until};
use tracing::Instrument;

use super::agenda::Agenda;
use crate::{
    api::{Kept, ObjectKey, Seen},
    cache::Cache,
    metrics::{Kind, ReconcileResult},
    reconcile::{Again, Context},
    store::StoreError,
    telemetry::TRACED,
};

/// Reconciles at the same time; each is short, because nothing in them waits for Vobiz.
const RECONCILES: usize = 32;

/// Reconciles what is queued, each object once at a time, until the queue ends; then finishes what is under way.
pub async fn reconciles<K: Kept, B, F: Future<Output = Result<Again, StoreError>>>(
    kind: Kind,
    context: Arc<Context>,
    cache: Cache<K, B>,
    mut queue: BoxStream<'static, ObjectKey>,
    mut reconcile: impl FnMut(Arc<Seen<K>>, Arc<Context>) -> F,
) {
    let mut running = FuturesUnordered::new();
    // Whether each was woken meanwhile: then it is looked at once more.
    let mut woken = BTreeMap::new();
    let mut agenda = Agenda::default();
    let mut begun = 0_usize;
    loop {
        let is_free = running.len() < RECONCILES;
        let due = agenda.next().filter(|_| is_free);
        let next = tokio::select! {
            Some((key, again)) = running.next() => match (woken.remove(&key), again) {
                (Some(true), _) => Some(key),
                (_, Some(after)) => {
                    agenda.put(key, after, tokio::time::Instant::now());
                    None
                }
                (_, None) => None,
            },
            queued = queue.next(), if is_free => match queued {
                Some(key) => Some(key),
                None => break,
            },
            () = sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                agenda.take(tokio::time::Instant::now())
            }
        };
        let Some(key) = next else { continue };
        agenda.remove(&key);
        if let Some(again) = woken.get_mut(&key) {
            *again = true;
        } else if let Some(object) = cache.get(&key) {
            woken.insert(key.clone(), false);
            let work = reconcile(object, context.clone());
            running.push(measured(kind, context.clone(), key, work));
            begun += 1;
            // Claims and records stand in their queues in the order of their numbers: where all are queued, and nothing is to
            // be done, a claim and its record are looked at while both are unpacked.
            if begun.is_multiple_of(RECONCILES) {
                yield_now().await;
            }
        }
    }
    while running.next().await.is_some() {}
}

/// Reconciles an object; returns when it is looked at again.
async fn measured(
    kind: Kind,
    context: Arc<Context>,
    key: ObjectKey,
    work: impl Future<Output = Result<Again, StoreError>>,
) -> (ObjectKey, Again) {
    let span = tracing::debug_span!(target: TRACED, "reconcile", kind = kind.label().1);
    let begun = Instant::now();
    let result = work.instrument(span).await;
    context.metrics.reconciled(kind, ended_as(&result), begun.elapsed());
    let again = match result {
        Ok(again) => {
            context.setbacks.reconciles.over(&key, context.clock.now().mono);
            again
        }
        Err(error) => Some(failed(&key, &error, &context)),
    };
    (key, again)
}

fn ended_as(result: &Result<Again, StoreError>) -> ReconcileResult {
    match result {
        Ok(None) => ReconcileResult::Success,
        Ok(Some(_)) => ReconcileResult::Requeue,
        Err(error) if error.is_overtaken() => ReconcileResult::Requeue,
        Err(_) => ReconcileResult::Error,
    }
}

/// A failure is tried again, each time later: an API server that takes no writes is not helped by one a second for each
/// object.
fn failed(key: &ObjectKey, error: &StoreError, context: &Context) -> Duration {
    let why = (!error.is_overtaken()).then(|| error.to_string());
    context.setbacks.reconciles.failed(key.clone(), why.as_deref(), context.clock.now().mono)
}
