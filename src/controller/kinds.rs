//! Waits until the API server knows the two kinds and lets them be read, and says what is missing.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use kube::{Client, CustomResourceExt, Resource, api::ListParams, core::Request};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    api::{PhoneNumber, PhoneNumberClaim},
    cluster::definitions::{self, Served},
    domain::Backoff,
    health::Lifecycle,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// Says what is wrong, and what to type, while the API server cannot be reached, does not know the kinds, or does not
/// let them be read.
pub async fn explain_missing_kinds(
    kube: Client,
    namespaces: BTreeSet<Option<String>>,
    lifecycle: Arc<Lifecycle>,
) {
    for failures in 0.. {
        let answers = tokio::time::timeout(PATIENCE, async {
            (any_claims(&kube, &namespaces).await, list::<PhoneNumber>(&kube, None).await)
        });
        let problem = match answers.await {
            Ok((Ok(()), Ok(()))) => {
                lifecycle.note(|stage| stage.kinds = None);
                return compare_definitions(&kube, &lifecycle).await;
            }
            Ok((Err(error), _) | (_, Err(error))) => problem(&error),
            Err(_) => {
                "the API server does not answer; trying on. Check KUBECONFIG, or `kubectl version`".into()
            }
        };
        tracing::error!("{problem}");
        lifecycle.note(|stage| stage.kinds = Some(problem));
        tokio::time::sleep(PAUSES.after(failures)).await;
    }
}

/// Says whether the definitions are older than this operator, again and again: others may install older ones at any time.
async fn compare_definitions(kube: &Client, lifecycle: &Lifecycle) {
    let mut was_unknown = false;
    loop {
        let late = |_| Served::Unknown(format!("no answer within {} s", PATIENCE.as_secs()));
        let look = tokio::time::timeout(PATIENCE, definitions::look(kube));
        let served = look.await.unwrap_or_else(late);
        match &served {
            Served::Current | Served::Newer(_) => lifecycle.note(|stage| stage.definitions = None),
            Served::Older(lacking) => {
                let problem = format!(
                    "the definitions in the cluster are older than this operator, and what it writes there is lost: they do \
                     not know {lacking}. Install this version's: vobiz-operator crd | kubectl apply -f -"
                );
                tracing::warn!("{problem}");
                lifecycle.note(|stage| stage.definitions = Some(problem));
            }
            // What was found before still holds, as far as is known.
            Served::Unknown(why) if was_unknown => tracing::debug!(why, "the definitions cannot be read"),
            Served::Unknown(why) => tracing::warn!(
                why,
                "whether the definitions in the cluster are older than this operator cannot be found out; trying on. \
                 Fields that they do not know would be lost: see kubectl get --raw {}",
                definitions::PATH
            ),
        }
        was_unknown = matches!(served, Served::Unknown(_));
        tokio::time::sleep(served.look_again()).await;
    }
}

/// A list, regardless of its items: what a user has written in one of them does not matter here.
#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "items")]
    _items: IgnoredAny,
}

pub async fn list<K: Resource<DynamicType = ()>>(
    kube: &Client,
    namespace: Option<&str>,
) -> Result<(), kube::Error> {
    let request = Request::new(K::url_path(&(), namespace)).list_metadata(&ListParams::default().limit(1));
    kube.request::<Listed>(request.map_err(kube::Error::BuildRequest)?).await.map(drop)
}

/// Lists claims where they may be read: in any of the namespaces. Those where they may not be are named by their own
/// watches.
async fn any_claims(kube: &Client, namespaces: &BTreeSet<Option<String>>) -> Result<(), kube::Error> {
    let mut refused = Ok(());
    for namespace in namespaces {
        match list::<PhoneNumberClaim>(kube, namespace.as_deref()).await {
            Ok(()) => return Ok(()),
            Err(error) => refused = refused.and(Err(error)),
        }
    }
    refused
}

fn problem(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 404 => format!(
            "the API server does not know {} or {}; trying on. Install them: vobiz-operator crd | kubectl apply -f -",
            PhoneNumberClaim::crd_name(),
            PhoneNumber::crd_name(),
        ),
        kube::Error::Api(status) if status.code == 403 => format!(
            "claims or records may not be read; trying on. Check the operator's roles and bindings: {}",
            status.message
        ),
        kube::Error::Api(status) => format!(
            "the API server answers with an error ({}); trying on. Ask it yourself: kubectl get {}. It says: {}",
            status.code,
            PhoneNumberClaim::crd_name(),
            status.message
        ),
        kube::Error::SerdeError(why) => unreadable(why),
        kube::Error::FromUtf8(why) => unreadable(why),
        error => format!("the API server cannot be reached; trying on. Check KUBECONFIG: {error}"),
    }
}

fn unreadable(why: &dyn std::fmt::Display) -> String {
    format!(
        "the answer to a list of claims or records is what is not the API server's; trying on. Check the server in \
         KUBECONFIG, and any proxy before it: {why}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_api_server_says_is_told_apart_from_its_silence() {
        use kube::Error::{Api, SerdeError, Service};
        let api = |code, message: &str| {
            Api(Box::new(kube::core::Status {
                code,
                message: message.into(),
                ..kube::core::Status::default()
            }))
        };
        let garbled = || serde_json::from_str::<bool>("<html>").unwrap_err();
        for (error, words) in [
            (api(404, ""), "does not know"),
            (api(403, "no"), "may not be read"),
            (api(500, "etcd"), "answers with an error (500)"),
            (SerdeError(garbled()), "what is not the API server's"),
            (Service("refused".into()), "cannot be reached"),
        ] {
            let told = problem(&error);
            assert!(told.contains(words) && told.contains("trying on"), "{told}");
            assert_eq!(told.contains("cannot be reached"), words == "cannot be reached", "{told}");
        }
    }
}
