//! Follows the labels of the namespaces, where an account chooses namespaces by them, and nowhere else.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, core::PartialObjectMeta};

use super::{follow::by_name, keeper::Keeper};
use crate::{controller::interruption::is_forbidden, plan::Labels};

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
            () = unneeded => keeper.label(Labels::Unread),
        }
    }
}

async fn watch(kube: Client, keeper: &Keeper) {
    let api: Api<PartialObjectMeta<Namespace>> = Api::all(kube);
    let labels = |namespace: PartialObjectMeta<Namespace>| namespace.metadata.labels.unwrap_or_default();
    by_name(api, "namespaces", labels, |found| match found {
        Ok(labels) => keeper.label(Labels::Read(labels)),
        // What was read before may be wrong by now, and nothing would tell.
        Err(error) if is_forbidden(&error) => keeper.label(Labels::Refused),
        Err(_) => {}
    })
    .await;
}
