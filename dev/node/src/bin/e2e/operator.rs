//! The operator's Pods.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::{E2eError, expect};
use crate::install::{DEPLOYMENT, NAMESPACE};
use crate::logs;
use crate::stage::Stage;

const LABEL: &str = "app.kubernetes.io/name=vobiz-operator";
const WITHIN: &str = "--timeout=180s";
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(500);

/// A Pod that is not about to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    pub container: String,
    pub restarts: u64,
}

/// The Pods that are not about to end.
pub async fn pods(stage: &Stage) -> Result<Vec<Pod>, E2eError> {
    let found = stage.node.kubectl(["-n", NAMESPACE, "get", "pods", "-l", LABEL, "-o", "json"]).await?;
    let found: Value = serde_json::from_str(&found)?;
    let items = found["items"].as_array().cloned().unwrap_or_default();
    Ok(items.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).map(pod).collect())
}

fn pod(pod: &Value) -> Pod {
    let status = &pod["status"]["containerStatuses"][0];
    let container = status["containerID"].as_str().unwrap_or_default();
    Pod {
        name: pod["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        container: container.trim_start_matches("containerd://").to_owned(),
        restarts: status["restartCount"].as_u64().unwrap_or_default(),
    }
}

/// The one Pod, once the Deployment is as it should be.
pub async fn only(stage: &Stage) -> Result<Pod, E2eError> {
    settled(stage).await?;
    let pods = pods(stage).await?;
    let [pod] = pods.as_slice() else {
        return Err(E2eError::Unexpected { expected: "one pod".into(), found: format!("{pods:?}") });
    };
    Ok(pod.clone())
}

/// Waits until as many Pods as are wanted are ready, of the newest template only.
pub async fn settled(stage: &Stage) -> Result<(), E2eError> {
    stage.node.kubectl(["-n", NAMESPACE, "rollout", "status", DEPLOYMENT, WITHIN]).await?;
    Ok(())
}

/// A kubelet that has just begun does not know its Pods for a moment, and says so with a 404.
async fn log(stage: &Stage, pod: &str) -> Result<String, E2eError> {
    let begun = Instant::now();
    loop {
        match stage.node.kubectl(["-n", NAMESPACE, "logs", pod]).await {
            Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(POLL).await,
            answer => return Ok(answer?),
        }
    }
}

/// What must hold of every Pod before it is replaced: its log reads well, and its container was restarted only if we
/// made it so.
pub async fn check(stage: &Stage, restarts: u64) -> Result<(), E2eError> {
    for pod in pods(stage).await? {
        expect(pod.restarts == restarts, format!("{restarts} restarts"), || format!("{pod:?}"))?;
        let log = log(stage, &pod.name).await?;
        logs::check(&log).map_err(|found| E2eError::Unexpected {
            expected: format!("a readable log of {}", pod.name),
            found,
        })?;
    }
    Ok(())
}
