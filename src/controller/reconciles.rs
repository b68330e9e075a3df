//! The loop that reconciles what is queued: measured, and tried again with growing pauses where it fails.

use std::{convert::Infallible, fmt::Debug, future::Future, sync::Arc, time::Instant};

use futures::{StreamExt, stream::BoxStream};
use kube::Resource;
use kube_runtime::{
    controller::{Action, Config, applier},
    reflector::{ObjectRef, Store as Cache},
};
use tracing::Instrument;

use crate::{
    api::ObjectKey,
    metrics::{Kind, ReconcileResult},
    reconcile::Context,
    store::StoreError,
    telemetry::TRACED,
};

/// Reconciles at the same time; each is short, because nothing in them waits for Vobiz.
const RECONCILES: u16 = 32;

pub async fn reconciles<K, F>(
    kind: Kind,
    context: Arc<Context>,
    cache: Cache<K>,
    queue: BoxStream<'static, ObjectRef<K>>,
    mut reconcile: impl FnMut(Arc<K>, Arc<Context>) -> F,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
    F: Future<Output = Result<Action, StoreError>> + Unpin,
{
    let counted = |object: Arc<K>, context: Arc<Context>| {
        let key = ObjectKey::of(&*object);
        let work = reconcile(object, context.clone());
        let span = tracing::debug_span!(target: TRACED, "reconcile", kind = kind.label().1);
        let counted = async move {
            let begun = Instant::now();
            let result = work.await;
            context.metrics.reconciled(kind, ended_as(&result), begun.elapsed());
            if result.is_ok() {
                context.setbacks.reconciles.over(&key, context.clock.now().mono);
            }
            result
        };
        Box::pin(counted.instrument(span))
    };
    let queue = queue.map(Ok::<_, Infallible>);
    let config = Config::default().concurrency(RECONCILES);
    let policy =
        |object: Arc<K>, error: &StoreError, context: Arc<Context>| failed(&*object, error, &context);
    applier(counted, policy, context, cache, queue, config).for_each(|_| std::future::ready(())).await;
}

fn ended_as(result: &Result<Action, StoreError>) -> ReconcileResult {
    match result {
        Ok(action) if *action == Action::await_change() => ReconcileResult::Success,
        Ok(_) => ReconcileResult::Requeue,
        Err(error) if error.is_overtaken() => ReconcileResult::Requeue,
        Err(_) => ReconcileResult::Error,
    }
}

/// A failure is tried again, each time later: an API server that takes no writes is not helped by one a second for each
/// object.
fn failed<K: Resource<DynamicType = ()>>(object: &K, error: &StoreError, context: &Context) -> Action {
    let why = (!error.is_overtaken()).then(|| error.to_string());
    let now = context.clock.now().mono;
    Action::requeue(context.setbacks.reconciles.failed(ObjectKey::of(object), why.as_deref(), now))
}
