//! Follows the declared accounts, where the API server knows their kind and lets it be read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kube::{Api, Client};
use tokio::time::{sleep, timeout};

use super::{follow::by_name, keeper::Keeper};
use crate::{api::VobizAccount, controller::kinds};

/// How long the first answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether accounts can be declared by now.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

const AGAIN: Duration = Duration::from_secs(1);

/// Tells the keeper of all accounts, and of each change.
pub async fn follow(kube: Client, keeper: Arc<Keeper>) {
    until_listed(&kube, &keeper).await;
    by_name(Api::all(kube), "accounts", Arc::new, |found| {
        if let Ok(objects) = found {
            keeper.declare(objects);
        }
    })
    .await;
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
