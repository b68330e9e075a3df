use std::{sync::Arc, time::Duration};

use kube::{Api, Client, CustomResourceExt};
use tokio_util::sync::CancellationToken;

use crate::{
    api::{PhoneNumber, PhoneNumberClaim},
    health::Stage,
};

/// Says what is wrong, and what to type, while the API server cannot be reached or does not know the kinds.
pub async fn explain_missing_kinds(kube: Client, stage: Arc<Stage>, stop: CancellationToken) {
    let claims: Api<PhoneNumberClaim> = Api::all(kube.clone());
    let records: Api<PhoneNumber> = Api::all(kube);
    let one = kube::api::ListParams::default().limit(1);
    let mut pause = Duration::from_secs(1);
    loop {
        let answers = tokio::time::timeout(Duration::from_secs(10), async {
            (claims.list_metadata(&one).await.map(drop), records.list_metadata(&one).await.map(drop))
        });
        let Some(answers) = stop.run_until_cancelled(answers).await else { return };
        let problem = match answers {
            Ok((Ok(()), Ok(()))) => return stage.kinds(None),
            Ok((Err(error), _) | (_, Err(error))) => problem(&error),
            Err(_) => Problem::Passing(
                "the API server does not answer; trying on. Check KUBECONFIG, or `kubectl version`".into(),
            ),
        };
        match problem {
            Problem::Passing(words) => {
                tracing::error!("{words}");
                stage.kinds(Some(words));
            }
            Problem::Forbidden(words) => return stage.kinds(Some(words)),
        }
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}

enum Problem {
    Passing(String),
    /// Claims may be readable in some namespaces only.
    Forbidden(String),
}

fn problem(error: &kube::Error) -> Problem {
    match error {
        kube::Error::Api(status) if status.code == 404 => Problem::Passing(format!(
            "the API server does not know {} or {}; trying on. Install them: vobiz-operator crd | kubectl apply -f -",
            PhoneNumberClaim::crd_name(),
            PhoneNumber::crd_name(),
        )),
        kube::Error::Api(status) if status.code == 403 => Problem::Forbidden(status.message.clone()),
        error => Problem::Passing(format!(
            "the API server cannot be reached; trying on. Check KUBECONFIG: {error}"
        )),
    }
}
