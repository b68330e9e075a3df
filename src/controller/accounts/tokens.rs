//! Reads the Secrets of the declared accounts: each when its account comes, when Vobiz refuses its token, and every 30 s.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, stream};
use kube::Client;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::keeper::Keeper;
use crate::{
    api::{TokenSecretRef, VobizAccount},
    cluster::secret::{self, NoToken},
    plan::Token,
    vobiz::Credentials,
};

/// How often each Secret is read.
const EVERY: Duration = Duration::from_secs(30);

/// How soon it is tried again where the API server did not say.
const AGAIN: Duration = Duration::from_secs(5);

/// Secrets that are read side by side.
const AT_ONCE: usize = 8;

/// How soon an account that has come is noticed, or one whose Secret is asked for.
const NOTICED: Duration = Duration::from_millis(500);

/// Reads Secrets until the process stops.
pub async fn follow(kube: Client, keeper: Arc<Keeper>) {
    // By the uid of the object: when its Secret is read next.
    let mut due: HashMap<String, Instant> = HashMap::new();
    loop {
        let now = Instant::now();
        let (mut reads, mut there) = (Vec::new(), HashMap::new());
        for kept in keeper.objects() {
            let Some(uid) = kept.object.metadata.uid.clone() else { continue };
            let at = due.get(&uid).copied().unwrap_or(now);
            if at <= now || was_asked(&kept.asked) || is_refused(&keeper, &kept.object) {
                reads.push((uid, kept.object));
            } else {
                there.insert(uid, at);
            }
        }
        due = there;
        let read = |(uid, object): (String, Arc<VobizAccount>)| {
            let (kube, spec) = (&kube, object.spec.clone());
            async move {
                let read = secret::credentials(kube, &spec).await;
                (uid, told(read, &spec.token_secret_ref))
            }
        };
        let mut answers = std::pin::pin!(stream::iter(reads).map(read).buffer_unordered(AT_ONCE));
        while let Some((uid, answer)) = answers.next().await {
            let pause = if answer.is_some() { EVERY.saturating_sub(shift(&uid)) } else { AGAIN };
            if let Some(answer) = answer {
                keeper.token_read(&uid, answer);
            }
            due.insert(uid, Instant::now() + pause);
        }
        sleep(NOTICED).await;
    }
}

/// What a read of the Secret says of the token; nothing, if the API server did not say.
fn told(read: Result<Credentials, NoToken>, from: &TokenSecretRef) -> Option<Result<Credentials, Token>> {
    Some(Err(match read {
        Ok(credentials) => return Some(Ok(credentials)),
        Err(NoToken::NoAnswer) => return None,
        Err(why @ NoToken::Unusable) => Token::Unusable(why.told(from)),
        Err(why @ (NoToken::NoSecret | NoToken::Forbidden | NoToken::NoKey)) => {
            Token::Missing(why.told(from))
        }
    }))
}

/// Not all are read at the same time, from the second read on.
fn shift(uid: &str) -> Duration {
    Duration::from_millis(uid.bytes().map(u64::from).sum::<u64>() * 97 % 6000)
}

/// Whether it was asked for since it was looked at last.
fn was_asked(asked: &Notify) -> bool {
    asked.notified().now_or_never().is_some()
}

/// Whether Vobiz has refused the token since it was looked at last.
fn is_refused(keeper: &Keeper, object: &VobizAccount) -> bool {
    let (known, id) = (keeper.accounts().known(), &object.spec.auth_id);
    let serves = known.directory.first(id) == object.metadata.name.as_deref();
    serves && known.working.get(id).is_some_and(|account| was_asked(&account.reload))
}
