use std::{sync::Arc, time::Duration};

use kube::{Api, Client, CustomResourceExt};
use tokio_util::sync::CancellationToken;

use super::definitions;
use crate::{
    api::{PhoneNumber, PhoneNumberClaim},
    health::Stage,
};

/// How often definitions that are too old are looked at again.
const COMPARED_EVERY: Duration = Duration::from_mins(1);

/// Says what is wrong, and what to type, while the API server cannot be reached, does not know the kinds, or does not
/// let them be read.
pub async fn explain_missing_kinds(
    kube: Client,
    namespaces: Vec<Option<String>>,
    stage: Arc<Stage>,
    stop: CancellationToken,
) {
    let records: Api<PhoneNumber> = Api::all(kube.clone());
    let one = kube::api::ListParams::default().limit(1);
    let mut pause = Duration::from_secs(1);
    loop {
        let answers = tokio::time::timeout(Duration::from_secs(10), async {
            (any_claims(&kube, &namespaces, &one).await, records.list_metadata(&one).await.map(drop))
        });
        let Some(answers) = stop.run_until_cancelled(answers).await else { return };
        let problem = match answers {
            Ok((Ok(()), Ok(()))) => {
                stage.kinds(None);
                return compare_definitions(&kube, &stage, &stop).await;
            }
            Ok((Err(error), _) | (_, Err(error))) => problem(&error),
            Err(_) => {
                "the API server does not answer; trying on. Check KUBECONFIG, or `kubectl version`".into()
            }
        };
        tracing::error!("{problem}");
        stage.kinds(Some(problem));
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}

/// Says whether the definitions are older than this operator, until they are not.
async fn compare_definitions(kube: &Client, stage: &Stage, stop: &CancellationToken) {
    loop {
        let compared = tokio::time::timeout(Duration::from_secs(10), definitions::problem(kube));
        let Some(compared) = stop.run_until_cancelled(compared).await else { return };
        let problem = compared.ok().flatten();
        stage.definitions(problem.clone());
        let Some(problem) = problem else { return };
        tracing::warn!("{problem}");
        if stop.run_until_cancelled(tokio::time::sleep(COMPARED_EVERY)).await.is_none() {
            return;
        }
    }
}

/// Lists claims where they may be read: in any of the namespaces. Those where they may not be are named by their own
/// watches.
async fn any_claims(
    kube: &Client,
    namespaces: &[Option<String>],
    one: &kube::api::ListParams,
) -> Result<(), kube::Error> {
    let mut refused = Ok(());
    for namespace in namespaces {
        let claims: Api<PhoneNumberClaim> = match namespace {
            Some(name) => Api::namespaced(kube.clone(), name),
            None => Api::all(kube.clone()),
        };
        match claims.list_metadata(one).await {
            Ok(_) => return Ok(()),
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
        error => format!("the API server cannot be reached; trying on. Check KUBECONFIG: {error}"),
    }
}
