//! Reads the Secrets of the declared accounts: each when its account comes, when Vobiz refuses its token, and every 30 s.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

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
    domain::AccountId,
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
        let (now, refused) = (Instant::now(), refused(&keeper));
        let (mut reads, mut there) = (Vec::new(), HashMap::new());
        for kept in keeper.objects() {
            let Some(uid) = kept.object.metadata.uid.clone() else { continue };
            let at = due.get(&uid).copied().unwrap_or(now);
            if at <= now || was_asked(&kept.asked) || refused.contains(&kept.object.spec.auth_id) {
                reads.push((uid, kept.object));
            } else {
                there.insert(uid, at);
            }
        }
        due = there;
        let read = |(uid, object): (String, Arc<VobizAccount>)| {
            let (kube, spec) = (&kube, object.spec.clone());
            async move {
                let told = told(secret::credentials(kube, &spec).await, &spec.token_secret_ref);
                (uid, spec.token_secret_ref, told)
            }
        };
        let mut answers = std::pin::pin!(stream::iter(reads).map(read).buffer_unordered(AT_ONCE));
        while let Some((uid, from, answer)) = answers.next().await {
            let pause = if answer.is_some() { EVERY.saturating_sub(shift(&uid)) } else { AGAIN };
            if let Some(answer) = answer {
                keeper.token_read(&uid, &from, answer);
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
        Err(why @ NoToken::Forbidden) => {
            Token::Missing(format!("{}: name it in the chart's accounts.secrets", why.told(from)))
        }
        Err(why @ (NoToken::NoSecret | NoToken::NoKey)) => Token::Missing(why.told(from)),
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

/// The accounts whose token Vobiz has refused since they were looked at last.
fn refused(keeper: &Keeper) -> HashSet<AccountId> {
    let known = keeper.accounts().known();
    let refused = known.working.iter().filter(|(_, account)| was_asked(&account.reload));
    refused.map(|(id, _)| id.clone()).collect()
}
