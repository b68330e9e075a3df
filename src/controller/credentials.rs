//! Reads the credentials files again when they change, and when Vobiz has refused their contents.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    account::Account,
    vobiz::{Credentials, CredentialsSource},
};

const CREDENTIALS_EVERY: Duration = Duration::from_secs(2);

pub async fn reload(source: CredentialsSource, current: watch::Sender<Credentials>, account: Arc<Account>) {
    if !source.can_change() {
        return;
    }
    let mut told = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(CREDENTIALS_EVERY) => {}
            () = account.reload.notified() => {}
        }
        match source.read() {
            Ok(read) if read.account != current.borrow().account => {
                if !std::mem::replace(&mut told, true) {
                    tracing::error!(
                        "the auth id has changed: restart the operator to work with another account"
                    );
                }
            }
            Ok(read) if !read.same_as(&current.borrow()) => {
                tracing::info!("the auth token has changed");
                current.send_replace(read);
                account.credentials_changed();
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "the credentials cannot be read again; the last ones stay in use");
            }
        }
    }
}
