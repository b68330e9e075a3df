//! Reads the credentials of the flags again when their files change, and has Vobiz accept those of each account.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::accounts::{Keeper, each};
use crate::{
    account::Accounts,
    vobiz::{Credentials, CredentialsSource},
};

const CREDENTIALS_EVERY: Duration = Duration::from_secs(2);

pub async fn reload(source: CredentialsSource, mut current: Credentials, keeper: Arc<Keeper>) {
    if !source.can_change() {
        return;
    }
    let mut told = false;
    loop {
        sleep(CREDENTIALS_EVERY).await;
        match source.read() {
            Ok(read) if read.account != current.account => {
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(
                        "the auth id has changed: restart the operator to work with another account"
                    );
                }
            }
            Ok(read) if !read.same_as(&current) => {
                keeper.flags_read(read.clone());
                current = read;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the credentials cannot be read again; the last ones stay in use");
            }
        }
    }
}

/// Has Vobiz accept the credentials of each account, for a process that waits for its election: see
/// `Account::check_credentials`.
pub async fn check(accounts: Arc<Accounts>, interval: Duration, tasks: TaskTracker, end: CancellationToken) {
    each(&accounts, interval, &end, |account, first, stop| {
        tasks.spawn(async move {
            let check = async {
                sleep(first).await;
                account.check_credentials().await;
            };
            stop.run_until_cancelled(check).await;
        });
    })
    .await;
}
