//! Installing, as the chart's README says.

use serde_json::json;

use crate::error::{E2eError, expect};
use crate::stage::{ACCOUNT, CHART, Stage, TOKEN};
use crate::terminal::step;
use testbed::terminal::{quote, say};

pub const NAMESPACE: &str = "vobiz-system";
pub const RELEASE: &str = "vobiz-operator";
pub const DEPLOYMENT: &str = "deployment/vobiz-operator";
const SECRET: &str = "vobiz-credentials";
const AUTHORITY: &str = "vobiz-ca";
/// Short, so that what failed is final soon; long enough for a machine with much to do.
pub const TIMEOUT_SECONDS: u64 = 5;
pub const SETTLE_SECONDS: u64 = 20;

/// The namespace, which admits nothing but `restricted` Pods, and what the chart is told to find there.
pub async fn prepare(stage: &Stage) -> Result<(), E2eError> {
    step("A namespace that enforces the Pod Security level `restricted`, with the credentials as a Secret");
    let labels = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
    apply(
        stage,
        &json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE, "labels": labels },
        }),
    )
    .await?;
    put_credentials(stage, TOKEN).await?;
    apply(
        stage,
        &json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": AUTHORITY, "namespace": NAMESPACE },
            "data": { "ca.crt": stage.sim.ca_pem() },
        }),
    )
    .await?;
    refuses_what_is_not_restricted(stage).await
}

/// Creates the Secret, or changes it.
pub async fn put_credentials(stage: &Stage, token: &str) -> Result<(), E2eError> {
    apply(
        stage,
        &json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": SECRET, "namespace": NAMESPACE },
            "stringData": { "auth-id": ACCOUNT, "auth-token": token },
        }),
    )
    .await
}

async fn apply(stage: &Stage, object: &serde_json::Value) -> Result<(), E2eError> {
    stage.node.kubectl_with(&object.to_string(), &["apply", "-f", "-"]).await?;
    Ok(())
}

/// The level is really enforced: a Pod that wants more is refused.
async fn refuses_what_is_not_restricted(stage: &Stage) -> Result<(), E2eError> {
    let container = json!({ "name": "root", "image": "localhost/none:1" });
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "root", "namespace": NAMESPACE },
        "spec": { "containers": [container] },
    });
    let answer = stage.node.kubectl_with(&pod.to_string(), &["create", "--dry-run=server", "-f", "-"]).await;
    let answer = answer.unwrap_or_else(|error| error.to_string());
    expect(answer.contains("violates PodSecurity"), "an ordinary Pod to be refused there", || answer)
}

/// The values of this installation, for `--set`.
fn values(stage: &Stage) -> Vec<String> {
    let sets = [
        ("image.registry", "localhost".to_owned()),
        ("vobiz.existingSecret", SECRET.to_owned()),
        ("vobiz.ca.configMap", AUTHORITY.to_owned()),
        ("vobiz.apiUrl", stage.vobiz_url()),
        ("vobiz.purchaseTimeout", format!("{TIMEOUT_SECONDS}s")),
        ("vobiz.settleTime", format!("{SETTLE_SECONDS}s")),
    ];
    sets.into_iter().flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]).collect()
}

/// `helm install --wait`.
pub async fn install(stage: &Stage) -> Result<(), E2eError> {
    let values = values(stage);
    say(format!("$ helm -n {NAMESPACE} install {RELEASE} {CHART} --wait {}", values.join(" ")));
    let mut arguments = vec!["-n", NAMESPACE, "install", RELEASE, CHART, "--wait", "--timeout", "5m"];
    arguments.extend(values.iter().map(String::as_str));
    quote(&stage.node.helm(&arguments).await?);
    quote(&stage.node.kubectl(["-n", NAMESPACE, "get", "pods", "-o", "wide"]).await?);
    Ok(())
}

/// `helm uninstall`, which leaves what cost money.
pub async fn uninstall(stage: &Stage) -> Result<(), E2eError> {
    say(format!("$ helm -n {NAMESPACE} uninstall {RELEASE} --wait"));
    let kept = ["get", "crd,pnc,pn", "-A", "-o", "name"];
    let before = stage.node.kubectl(kept).await?;
    quote(&stage.node.helm(&["-n", NAMESPACE, "uninstall", RELEASE, "--wait", "--timeout", "5m"]).await?);
    // It takes the Deployment away, and then its pod has its time to end well.
    stage.node.kubectl(["-n", NAMESPACE, "wait", "--for=delete", "pod", "--all", "--timeout=180s"]).await?;
    let after = stage.node.kubectl(kept).await?;
    expect(before == after && before.contains("customresourcedefinition"), before, || after.clone())?;
    say(format!("{} definitions, claims and records are there as before", after.lines().count()));
    Ok(())
}
