//! Follows the labels of the namespaces, where an account chooses namespaces by them, and nowhere else.

use std::{pin::pin, sync::Arc};

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, ResourceExt, core::PartialObjectMeta};
use kube_runtime::{
    WatchStreamExt,
    watcher::{self, Event},
};

use super::keeper::Keeper;
use crate::{
    controller::{interruption::Interruptions, pauses::pauses},
    plan::Labels,
};

/// Tells the keeper of all labels, and of each change, while they are needed.
pub async fn follow(kube: Client, keeper: Arc<Keeper>) {
    let mut changes = keeper.accounts().changes();
    loop {
        // The accounts live as long as the process.
        let Ok(_) = changes.wait_for(|known| known.directory.needs_labels()).await else { return };
        let unneeded = async {
            let mut changes = changes.clone();
            let _ = changes.wait_for(|known| !known.directory.needs_labels()).await;
        };
        tokio::select! {
            () = watch(kube.clone(), &keeper) => {}
            () = unneeded => keeper.label(None),
        }
    }
}

async fn watch(kube: Client, keeper: &Keeper) {
    let (mut labels, mut listed, mut interruptions) =
        (Labels::new(), Labels::new(), Interruptions::default());
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(kube);
    let mut events = pin!(watcher::watcher(api, watcher::Config::default()).backoff(pauses(1)));
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => {
                listed = Labels::new();
                continue;
            }
            Ok(Event::InitApply(namespace)) => {
                listed.insert(namespace.name_any(), namespace.labels().clone());
                continue;
            }
            Ok(Event::InitDone) => labels = std::mem::take(&mut listed),
            Ok(Event::Apply(namespace)) => {
                let now = namespace.labels().clone();
                if labels.insert(namespace.name_any(), now.clone()) == Some(now) {
                    continue;
                }
            }
            Ok(Event::Delete(namespace)) => drop(labels.remove(&namespace.name_any())),
            Err(error) => {
                interruptions.warn("namespaces", &error);
                continue;
            }
        }
        keeper.label(Some(labels.clone()));
    }
}
