//! Follows claims and records: fills their caches, and tells what changes.

use std::{collections::BTreeSet, future::ready, pin::pin, sync::Arc, time::Instant};

use futures::{Stream, StreamExt};
use kube::{Api, ResourceExt};
use kube_runtime::{
    WatchStreamExt,
    reflector::store::Writer,
    watcher::{self, Event, watcher},
};

use super::{follow::Follower, interruption::Interruptions, triggers::Triggers};
use crate::{
    api::{PhoneNumber, PhoneNumberClaim, RETRY_ANNOTATION, Seen},
    plan,
    reconcile::Listed,
};

/// The namespaces that are watched, each on its own; `None` stands for all of them.
pub fn namespaces(named: &[String]) -> BTreeSet<Option<String>> {
    if named.is_empty() { [None].into() } else { named.iter().cloned().map(Some).collect() }
}

/// Lists come in pages, each of which stands in memory as one piece of text: of records so many, whose size is bounded,
/// and of claims, whose metadata their users fill as they like, no more than this.
const RECORDS_A_PAGE: u32 = 250;
const CLAIMS_A_PAGE: u32 = 20;

/// The claims one by one, where the API server sends lists as events. Such a list may be as old as what a watch has come to,
/// which is enough for claims: one that is bought for, or seems gone, is read live.
fn each(
    api: Api<Seen<PhoneNumberClaim>>,
) -> impl Stream<Item = watcher::Result<Event<Seen<PhoneNumberClaim>>>> {
    let events = watcher(api.clone(), watcher::Config::default().streaming_lists()).default_backoff();
    let pages = watcher(api, watcher::Config::default().page_size(CLAIMS_A_PAGE)).default_backoff();
    events.take_while(|event| ready(!sends_no_list(event))).chain(pages)
}

/// Whether the API server lacks the feature `WatchList`: by default, Kubernetes 1.31 and 1.33 do.
fn sends_no_list<T>(event: &watcher::Result<T>) -> bool {
    matches!(event, Err(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.code == 422)
}

/// What the cache of claims does not need, it does not keep: claims are never written back whole.
fn trim_claim(claim: &mut Seen<PhoneNumberClaim>) {
    match claim {
        Seen::Newer(newer) => Arc::make_mut(newer).trim(),
        Seen::Read(claim) => {
            let claim = Arc::make_mut(claim);
            claim.metadata.managed_fields = None;
            claim.metadata.labels = None;
            claim.metadata.owner_references = None;
            claim.metadata.finalizers = None;
            claim.annotations_mut().retain(|name, _| name == RETRY_ANNOTATION);
            // All reconciles share the cache: of a token that is ignored, it keeps only that it is too long.
            claim.annotations_mut().values_mut().for_each(plan::cut_token);
        }
    }
}

/// Records are written back whole, so only what the API server keeps by itself is left out.
fn trim_record(record: &mut Seen<PhoneNumber>) {
    match record {
        Seen::Newer(newer) => Arc::make_mut(newer).trim(),
        Seen::Read(record) => Arc::make_mut(record).metadata.managed_fields = None,
    }
}

/// Follows the claims of a namespace, or of all: fills their cache, and has them and the records of their numbers looked
/// at.
pub async fn claims(
    namespace: Option<String>,
    api: Api<Seen<PhoneNumberClaim>>,
    writer: Writer<Seen<PhoneNumberClaim>>,
    listed: Arc<Listed>,
    triggers: Arc<Triggers>,
) {
    let place = namespace.as_deref();
    let what = place.map_or_else(|| "claims".to_owned(), |name| format!("claims in namespace {name}"));
    let mut follower = Follower::new(writer);
    let mut interruptions = Interruptions::default();
    let mut events = pin!(each(api));
    while let Some(event) = events.next().await {
        let changes = match event {
            Ok(event) => follower.apply(&event.modify(trim_claim)),
            Err(error) => {
                if let Some(why) = interruptions.warn(&what, &error) {
                    listed.refused(place, why, Instant::now());
                }
                continue;
            }
        };
        if changes.listed {
            listed.filled(place);
        } else {
            listed.goes_on(place);
        }
        triggers.claims_changed(place, &changes);
    }
}

/// Follows the records: fills their cache, and has them and the claims for their numbers looked at.
pub async fn records(
    api: Api<Seen<PhoneNumber>>,
    writer: Writer<Seen<PhoneNumber>>,
    triggers: Arc<Triggers>,
) {
    let mut follower = Follower::new(writer);
    let mut interruptions = Interruptions::default();
    let mut events =
        pin!(watcher(api, watcher::Config::default().page_size(RECORDS_A_PAGE)).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => triggers.records_changed(&follower.apply(&event.modify(trim_record))),
            Err(error) => drop(interruptions.warn("records", &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::{Client, client::Body};
    use serde_json::json;
    use tower::{BoxError, service_fn};

    use super::*;

    fn claim(name: &str) -> serde_json::Value {
        json!({ "metadata": { "namespace": "a", "name": name, "uid": name }, "spec": { "e164": "+911234500000" } })
    }

    /// An API server with two claims, which may know how to send them as events.
    fn answer(request: &Request<Body>, knows: bool) -> Result<Response<Body>, BoxError> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let asks = |word: &str| query.split('&').any(|pair| pair == word);
        let told = |status: u16, body: String| {
            Ok(Response::builder().status(status).body(Body::from(body.into_bytes())).unwrap())
        };
        if asks("watch=true") && asks("sendInitialEvents=true") {
            if !knows {
                let status =
                    json!({ "kind": "Status", "status": "Failure", "reason": "Invalid", "code": 422 });
                return told(422, status.to_string());
            }
            // As the API server writes it: the type first.
            let event = |type_: &str, object| format!("{{\"type\":\"{type_}\",\"object\":{object}}}\n");
            let end = json!({
                "apiVersion": "v1", "kind": "x",
                "metadata": { "resourceVersion": "5", "annotations": { "k8s.io/initial-events-end": "true" } },
            });
            let added = ["x", "y"].map(|name| event("ADDED", claim(name)));
            return told(200, added.concat() + &event("BOOKMARK", end));
        }
        assert!(asks(&format!("limit={CLAIMS_A_PAGE}")), "{query}");
        let list = json!({ "metadata": { "resourceVersion": "5" }, "items": [claim("x"), claim("y")] });
        told(200, list.to_string())
    }

    #[tokio::test]
    async fn claims_come_one_by_one_and_in_small_pages_where_that_is_not_known() {
        for knows in [true, false] {
            let client = Client::new(service_fn(move |request| ready(answer(&request, knows))), "a");
            let events = each(Api::namespaced(client, "a")).take(4).collect::<Vec<_>>().await;
            let told: Vec<_> = events.into_iter().map(|event| event.unwrap().to_string()).collect();
            assert_eq!(told, ["Init", "InitApply(x)", "InitApply(y)", "InitDone"], "{knows}");
        }
    }
}
