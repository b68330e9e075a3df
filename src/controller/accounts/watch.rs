//! Follows the declared accounts, where the API server knows their kind and lets it be read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kube::{Api, Client};
use tokio::time::{sleep, timeout};

use super::{
    declarable::{self, Declarable},
    follow::by_name,
    keeper::Keeper,
};
use crate::{controller::interruption::is_forbidden, domain::Backoff, health::Lifecycle};

/// How long the first answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether accounts can be listed by now.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// Tells the keeper of all accounts, and of each change.
pub async fn follow(kube: Client, keeper: Arc<Keeper>, lifecycle: Arc<Lifecycle>) {
    until_listed(&kube, &keeper, &lifecycle).await;
    by_name(Api::all(kube), "accounts", Arc::new, |found| match found {
        Ok(objects) => {
            keeper.declare(objects);
            lifecycle.note(|stage| stage.accounts = None);
        }
        // One that is declared, closed or suspended from now on would not be seen, and the flags would buy on.
        Err(error) if is_forbidden(&error) => {
            keeper.unlisted();
            lifecycle.note(|stage| stage.accounts = Some(declarable::refused(&error.to_string())));
        }
        Err(_) => {}
    })
    .await;
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
