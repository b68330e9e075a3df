//! Follows all objects of a kind that has no namespaces, by name.

use std::{collections::BTreeMap, fmt::Debug, pin::pin};

use futures::StreamExt;
use kube::{Api, Resource, ResourceExt};
use kube_runtime::{
    WatchStreamExt,
    watcher::{self, Event},
};
use serde::de::DeserializeOwned;

use crate::controller::{interruption::Interruptions, pauses::pauses};

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
    let mut events = pin!(watcher::watcher(api, watcher::Config::default()).backoff(pauses(1)));
    let named = |object: K| (object.name_any(), kept(object));
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
                tell(Err(error));
                continue;
            }
        }
        tell(Ok(all.clone()));
    }
}
