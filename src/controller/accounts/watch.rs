//! Follows the declared accounts, where the API server knows their kind and lets it be read.

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use futures::StreamExt;
use kube::{Api, Client, ResourceExt};
use kube_runtime::{
    WatchStreamExt,
    watcher::{self, Event},
};
use tokio::time::{sleep, timeout};

use super::{
    declarable::{self, Declarable},
    keeper::Keeper,
};
use crate::{
    api::{Seen, VobizAccount},
    controller::{interruption::Interruptions, pauses::pauses},
    domain::Backoff,
    health::Lifecycle,
};

/// How long the first answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether accounts can be listed by now.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// Tells the keeper of all accounts, and of each change.
pub async fn follow(kube: Client, keeper: Arc<Keeper>, lifecycle: Arc<Lifecycle>) {
    until_listed(&kube, &keeper, &lifecycle).await;
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

/// Returns once accounts can be listed. Where their kind is not served, there are none, and the account of the flags serves
/// alone; where they may not be read, nothing is known, and nothing is bought.
async fn until_listed(kube: &Client, keeper: &Keeper, lifecycle: &Lifecycle) {
    for failures in 0.. {
        let late = |_| Declarable::Unknown(format!("no answer within {} s", PATIENCE.as_secs()));
        let look = timeout(PATIENCE, declarable::look(kube)).await.unwrap_or_else(late);
        let problem = if let Declarable::Unknown(why) = &look { Some(why.clone()) } else { None };
        if let Some(problem) = &problem {
            tracing::error!("{problem}");
        }
        lifecycle.note(|stage| stage.accounts = problem);
        match look {
            Declarable::Listed => return,
            Declarable::NotServed => {
                keeper.declare(BTreeMap::new());
                sleep(PAUSES.longest).await;
            }
            Declarable::Unknown(_) => sleep(PAUSES.after(failures)).await,
        }
    }
}
