//! What the demo does, in order.

use std::path::Path;

use control_plane::{ControlPlane, Error};
use vobiz_sim::Sim;

use crate::{
    error::DemoError,
    expected::{CLAIMS, Outcome},
    operator::{self, Operator},
    stage::{CRDS, EXAMPLES, Stage},
    terminal::{say, step, with_progress},
    verdict,
};

/// Plays the demo, and says whether everything was as expected.
pub async fn play(stage: &mut Stage, program: &Path) -> Result<bool, DemoError> {
    let Stage { operator, sim, plane } = stage;
    step("The two kinds: PhoneNumberClaim (the wish) and PhoneNumber (the record of what was bought)");
    say(format!("$ kubectl apply --server-side -f {CRDS}"));
    with_progress("waiting until they are served", plane.apply_crds(Path::new(CRDS))).await?;

    step("The operator: `vobiz-operator run`, the release build, as a process of its own");
    operator::explain_times();
    let operator = operator.insert(Operator::start(program, plane, sim)?);
    tokio::select! {
        result = claims(plane, sim) => result,
        status = operator.ended() => Err(DemoError::OperatorEnded(status?)),
    }
}

async fn claims(plane: &ControlPlane, sim: &Sim) -> Result<bool, DemoError> {
    step("Six claims; each file says what to expect");
    show(plane, &["apply", "-f", EXAMPLES]).await?;

    step("Two to buy, one to buy whose reply gets lost after the debit, one that is owned already");
    wait(plane, Outcome::Ready).await?;

    step(
        "Two that Vobiz refuses: known at once, final once it is verified that nothing was bought after all",
    );
    show(plane, &["get", "pnc"]).await?;
    wait(plane, Outcome::Stalled).await?;

    step("What users see");
    show(plane, &["get", "pnc,pn"]).await?;

    let found = plane.run_kubectl(["get", "pnc", "-o", "json"]).await?;
    let rows = verdict::rows(&serde_json::from_str(&found)?, &sim.admin());
    step("The claims' conditions (each has them all with the same reason and message)");
    rows.iter().for_each(verdict::Row::tell);

    step("What Vobiz was asked and what it charged, from its own journal");
    Ok(verdict::tell(&rows, &sim.admin()))
}

/// Waits with kubectl for the claims that should end so. What does not come in time is for the verdict to tell.
async fn wait(plane: &ControlPlane, outcome: Outcome) -> Result<(), DemoError> {
    let condition = format!("--for=condition={}", outcome.condition());
    let claims: Vec<_> = CLAIMS
        .iter()
        .filter(|expected| expected.outcome == outcome)
        .map(|expected| format!("pnc/{}", expected.claim))
        .collect();
    let mut arguments = vec!["wait", &condition, "--timeout=30s"];
    arguments.extend(claims.iter().map(String::as_str));
    match show(plane, &arguments).await {
        Err(DemoError::ControlPlane(Error::Kubectl { output, .. })) => {
            say(output);
            Ok(())
        }
        result => result,
    }
}

/// Runs kubectl as a user would, and shows both the command and what it prints.
async fn show(plane: &ControlPlane, arguments: &[&str]) -> Result<(), DemoError> {
    say(format!("$ kubectl {}", arguments.join(" ")));
    say(with_progress("waiting", plane.run_kubectl(arguments)).await?.trim_end());
    Ok(())
}
