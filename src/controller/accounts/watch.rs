//! Follows the declared accounts, where the API server knows their kind and lets it be read.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use futures::StreamExt;
use kube::{Api, Client, ResourceExt};
use kube_runtime::{
    WatchStreamExt,
    watcher::{self, Event},
};
use tokio::time::{sleep, timeout};

use super::keeper::Keeper;
use crate::{
    api::{Seen, VobizAccount},
    controller::{interruption::Interruptions, kinds, pauses::pauses},
};

/// How long the first answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether accounts can be declared by now.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

const AGAIN: Duration = Duration::from_secs(1);

/// Tells the keeper of all accounts, and of each change.
pub async fn follow(kube: Client, keeper: Arc<Keeper>) {
    until_listed(&kube, &keeper).await;
    let (mut objects, mut listed, mut interruptions) =
        (BTreeMap::new(), BTreeMap::new(), Interruptions::default());
    let api: Api<Seen<VobizAccount>> = Api::all(kube);
    let mut events = pin!(watcher::watcher(api, watcher::Config::default()).backoff(pauses(1)));
    while let Some(event) = events.next().await {
        let named = |object: Seen<VobizAccount>| (object.name_any(), Arc::new(object));
        match event {
            Ok(Event::Init) => {
                listed = BTreeMap::new();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listed.extend([named(object)]);
                continue;
            }
            Ok(Event::InitDone) => objects = std::mem::take(&mut listed),
            Ok(Event::Apply(object)) => objects.extend([named(object)]),
            Ok(Event::Delete(object)) => drop(objects.remove(&object.name_any())),
            Err(error) => {
                interruptions.warn("accounts", &error);
                continue;
            }
        }
        keeper.declare(objects.clone());
    }
}

/// Returns once accounts can be listed. An older definition has none: then the account of the flags serves alone.
async fn until_listed(kube: &Client, keeper: &Keeper) {
    let mut told = false;
    loop {
        match timeout(PATIENCE, kinds::list::<VobizAccount>(kube, None)).await {
            Ok(Ok(())) => return,
            Ok(Err(kube::Error::Api(status))) if [403, 404].contains(&status.code) => {
                if !std::mem::replace(&mut told, true) {
                    let why = status.message.as_str();
                    tracing::info!(
                        why,
                        "no VobizAccount can be read, so the account of the flags serves alone"
                    );
                    keeper.declare(BTreeMap::new());
                }
                sleep(LOOK_AGAIN).await;
            }
            // Nothing is known yet, and whoever names an account waits.
            Ok(Err(_)) | Err(_) => sleep(AGAIN).await,
        }
    }
}
