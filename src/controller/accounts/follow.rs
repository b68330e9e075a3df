//! Follows all objects of a kind that has no namespaces, by name.

use std::{collections::BTreeMap, fmt::Debug, pin::pin, time::Duration};

use futures::StreamExt;
use kube::{Api, Resource, ResourceExt};
use kube_runtime::{
    WatchStreamExt,
    watcher::{self, Event},
};
use serde::de::DeserializeOwned;

use crate::controller::{
    interruption::{Interruptions, is_forbidden},
    pauses::pauses,
};

/// How soon a list that was refused is asked for again.
const AGAIN: Duration = Duration::from_secs(2);

/// Tells what there is of each object, once all are known and after each change, and what interrupts the watch.
pub async fn by_name<K, T>(
    api: Api<K>,
    what: &str,
    kept: impl Fn(K) -> T,
    tell: impl Fn(Result<BTreeMap<String, T>, watcher::Error>),
) where
    K: Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    T: Clone,
{
    let (mut all, mut listed, mut interruptions) =
        (BTreeMap::new(), BTreeMap::new(), Interruptions::default());
    let named = |object: K| (object.name_any(), kept(object));
    loop {
        let mut events = pin!(watcher::watcher(api.clone(), watcher::Config::default()).backoff(pauses(1)));
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => {
                    listed = BTreeMap::new();
                    continue;
                }
                Ok(Event::InitApply(object)) => {
                    listed.extend([named(object)]);
                    continue;
                }
                Ok(Event::InitDone) => all = std::mem::take(&mut listed),
                Ok(Event::Apply(object)) => all.extend([named(object)]),
                Ok(Event::Delete(object)) => drop(all.remove(&object.name_any())),
                Err(error) => {
                    interruptions.warn(what, &error);
                    let refused = is_forbidden(&error);
                    tell(Err(error));
                    // Permitted again, this watch would go on without a word of what was told to be unknown.
                    if refused {
                        break;
                    }
                    continue;
                }
            }
            tell(Ok(all.clone()));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use k8s_openapi::api::core::v1::Namespace;
    use kube::{Client, client::Body};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn what_was_refused_for_a_while_is_told_anew() {
        let refused_once = Arc::new(AtomicBool::new(false));
        let answer = move |request: http::Request<Body>| {
            let refused_once = refused_once.clone();
            async move {
                let watches = request.uri().query().is_some_and(|query| query.contains("watch=true"));
                let is_refused = watches && !refused_once.swap(true, Ordering::SeqCst);
                if watches && !is_refused {
                    return std::future::pending().await;
                }
                let (code, body) = if is_refused {
                    (
                        403,
                        json!({ "kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403 }),
                    )
                } else {
                    let one = json!({ "metadata": { "name": "team" } });
                    (
                        200,
                        json!({ "kind": "NamespaceList", "apiVersion": "v1", "metadata": { "resourceVersion": "1" }, "items": [one] }),
                    )
                };
                let body = Body::from(body.to_string().into_bytes());
                Ok::<_, tower::BoxError>(http::Response::builder().status(code).body(body)?)
            }
        };
        let api: Api<Namespace> = Api::all(Client::new(tower::service_fn(answer), "default"));
        let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
        let tell = |found: Result<BTreeMap<String, u8>, watcher::Error>| {
            told.send(found.map(|all| all.into_keys().collect::<Vec<_>>()).map_err(drop)).unwrap();
        };
        let following = by_name(api, "namespaces", |_| 0, tell);
        let all = async {
            for expected in [Ok(vec!["team".to_owned()]), Err(()), Ok(vec!["team".to_owned()])] {
                assert_eq!(tells.recv().await.unwrap(), expected);
            }
        };
        tokio::select! {
            () = following => {}
            () = all => {}
        }
    }
}
