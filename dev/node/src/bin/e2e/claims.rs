//! Claims, as kubectl shows them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::error::E2eError;
use crate::examples;
use crate::stage::Stage;
use testbed::terminal::say;

/// Where claims live that are no examples.
pub const NAMESPACE: &str = "shop";
const WITHIN: &str = "--timeout=180s";
const PATIENCE: Duration = Duration::from_mins(5);
const POLL: Duration = Duration::from_secs(2);
const TOLD_EVERY: Duration = Duration::from_secs(15);

/// A claim for a number.
pub fn claim(name: &str, e164: &str) -> Value {
    json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
        "metadata": { "name": name, "namespace": NAMESPACE }, "spec": { "e164": e164 },
    })
}

/// Several objects as one.
pub fn list(items: &[Value]) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

/// Creates a claim.
pub async fn create(stage: &Stage, name: &str, e164: &str) -> Result<(), E2eError> {
    stage.node.kubectl_with(&claim(name, e164).to_string(), &["create", "-f", "-"]).await?;
    Ok(())
}

/// Waits until claims are ready.
pub async fn ready(stage: &Stage, names: &[&str]) -> Result<(), E2eError> {
    let names: Vec<_> = names.iter().map(|name| format!("pnc/{name}")).collect();
    let mut arguments = vec!["-n", NAMESPACE, "wait", "--for=condition=Ready", WITHIN];
    arguments.extend(names.iter().map(String::as_str));
    stage.node.kubectl_with("", &arguments).await?;
    Ok(())
}

/// What is known of a claim.
#[derive(Debug, Clone)]
pub struct Seen {
    pub namespace: String,
    pub name: String,
    pub e164: String,
    /// Its conditions: type and status.
    pub conditions: Vec<(String, String)>,
    pub reason: String,
}

impl Seen {
    fn of(claim: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let conditions = claim["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let reason = conditions.iter().find(|it| it["type"] == "Ready").map(|it| text(&it["reason"]));
        Self {
            namespace: text(&claim["metadata"]["namespace"]),
            name: text(&claim["metadata"]["name"]),
            e164: text(&claim["spec"]["e164"]),
            conditions: conditions.iter().map(|it| (text(&it["type"]), text(&it["status"]))).collect(),
            reason: reason.unwrap_or_default(),
        }
    }

    pub fn is(&self, condition: &str) -> bool {
        self.conditions.iter().any(|(kind, status)| kind == condition && status == "True")
    }

    /// Settled as not bought, and it waits to be asked for.
    fn is_waiting(&self) -> bool {
        self.is("Stalled") && self.reason == "NotPurchased"
    }
}

/// All claims of the cluster.
pub async fn all(stage: &Stage) -> Result<Vec<Seen>, E2eError> {
    let found: Value = serde_json::from_str(&stage.node.kubectl(["get", "pnc", "-A", "-o", "json"]).await?)?;
    Ok(found["items"].as_array().into_iter().flatten().map(Seen::of).collect())
}

/// Waits until every claim is ready, or stalled if it is one of the refused. One whose process died twice, or stored in
/// its last moment that it knew no outcome, waits to be asked for, and is asked for, once.
pub async fn settle(stage: &Stage) -> Result<Vec<Seen>, E2eError> {
    let (begun, mut told) = (Instant::now(), Instant::now());
    let mut asked: Vec<String> = Vec::new();
    loop {
        let claims = all(stage).await?;
        for claim in claims.iter().filter(|claim| claim.is_waiting()) {
            if !asked.contains(&claim.name) {
                ask_again(stage, claim).await?;
                asked.push(claim.name.clone());
            }
        }
        let is_open =
            |claim: &&Seen| !claim.is(if examples::is_refused(claim) { "Stalled" } else { "Ready" });
        let open: Vec<_> = claims.iter().filter(is_open).collect();
        if open.is_empty() {
            return Ok(claims);
        }
        if begun.elapsed() > PATIENCE {
            let expected = format!("every claim settled within {} s", PATIENCE.as_secs());
            return Err(E2eError::Unexpected { expected, found: format!("{open:#?}") });
        }
        if told.elapsed() > TOLD_EVERY {
            told = Instant::now();
            say(format!("    … {} of {} claims are not settled yet", open.len(), claims.len()));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// As the message of such a claim says.
async fn ask_again(stage: &Stage, claim: &Seen) -> Result<(), E2eError> {
    say(format!("    {} was not bought, and waits: it is asked for again, as its message says", claim.name));
    let (named, token) = (format!("pnc/{}", claim.name), "telephony.vobiz.ai/retry=again");
    stage.node.kubectl(["-n", &claim.namespace, "annotate", &named, token]).await?;
    Ok(())
}
