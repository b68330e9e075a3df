//! What the demo does, in order.

use std::path::Path;

use control_plane::Error;
use vobiz_sim::Sim;

use testbed::{
    Error as Failure,
    operator::Setup,
    terminal::{say, step, with_progress},
};

use crate::{
    expected::{CLAIMS, Outcome},
    place::Place,
    stage::{CRDS, Demo, EXAMPLES},
    verdict,
};

/// Short, for the demo: see [`explain_times`].
const TIMES: [(&str, &str); 2] = [("VOBIZ_PURCHASE_TIMEOUT", "1s"), ("VOBIZ_SETTLE_TIME", "1s")];

/// A claim that is planned, and not applied.
const ONE_MORE: &str = "dev/testbed/src/bin/demo/one-more.yaml";

/// Why failures are final sooner here than elsewhere.
fn explain_times() {
    say("Its times are short, for this demo only:");
    say("    VOBIZ_PURCHASE_TIMEOUT=1s   (default 30s)  how long one purchase call may take");
    say("    VOBIZ_SETTLE_TIME=1s        (default 2m)   how long a purchase may take to show at Vobiz");
    say(
        "A refusal is final only when a purchase that happened all the same would have shown: here 12 s after",
    );
    say(
        "the attempt was opened (a send window of 10 s, and these two), by default 2 min 40 s. This simulated",
    );
    say("Vobiz shows a purchase at once; the real one promises nothing, so keep the defaults there.");
}

/// Plays the demo, and says whether everything was as expected.
pub async fn play(demo: &mut Demo, program: &Path) -> Result<bool, Failure> {
    let setup = TIMES.iter().fold(demo.setup(program), |setup, (name, value)| setup.env(name, *value));
    let Demo { operator, sim, place } = demo;
    step("The two kinds: PhoneNumberClaim (the wish) and PhoneNumber (the record of what was bought)");
    say(format!("$ kubectl apply --server-side -f {CRDS}"));
    with_progress("waiting until they are served", place.apply_crds()).await?;

    step("The operator: `vobiz-operator run`, as a process of its own");
    explain_times();
    let operator = operator.insert(setup.spawn().map_err(Failure::Start)?);
    tokio::select! {
        result = claims(place, sim, &setup) => result,
        status = operator.wait() => Err(Failure::OperatorEnded(status.map_err(Failure::Start)?)),
    }
}

async fn claims(place: &Place, sim: &Sim, setup: &Setup) -> Result<bool, Failure> {
    step("Seven claims; each file says what to expect");
    show(place, &["apply", "-f", EXAMPLES]).await?;

    step("Two to buy, one to buy whose reply gets lost after the debit, one that is owned already");
    wait(place, Outcome::Ready).await?;

    step(
        "Two that Vobiz refuses: known at once, final once it is verified that nothing was bought after all;",
    );
    say("and one for which nothing is sent, because the number costs more than the claim allows");
    show(place, &["get", "pnc"]).await?;
    wait(place, Outcome::Stalled).await?;

    step("What users see");
    show(place, &["get", "pnc,pn"]).await?;

    step("What one more claim would cost; it is not applied");
    ask(setup, &["plan", "-f", ONE_MORE]).await;

    step("What the account owns, and what it costs a month");
    ask(setup, &["owned"]).await;

    let found = place.kubectl(&["get", "pnc", "-o", "json"]).await?;
    let rows = verdict::rows(&serde_json::from_str(&found)?, &sim.admin());
    step("The claims' conditions (each has them all with the same reason and message)");
    rows.iter().for_each(verdict::Row::tell);

    step("What Vobiz was asked and what it charged, from its own journal");
    Ok(verdict::tell(&rows, &sim.admin()))
}

/// Waits with kubectl for the claims that should end so. What does not come in time is for the verdict to tell.
async fn wait(place: &Place, outcome: Outcome) -> Result<(), Failure> {
    let condition = format!("--for=condition={}", outcome.condition());
    let claims: Vec<_> = CLAIMS
        .iter()
        .filter(|expected| expected.outcome == outcome)
        .map(|expected| format!("pnc/{}", expected.claim))
        .collect();
    let mut arguments = vec!["wait", &condition, "--timeout=30s"];
    arguments.extend(claims.iter().map(String::as_str));
    match show(place, &arguments).await {
        Err(Failure::ControlPlane(Error::Kubectl { output, .. }) | Failure::KubectlRefused(output)) => {
            say(output);
            Ok(())
        }
        result => result,
    }
}

/// Has the program answer a question, and shows both.
async fn ask(setup: &Setup, arguments: &[&str]) {
    say(format!("$ vobiz-operator {}", arguments.join(" ")));
    let (_, answer, complaint) = setup.run_to_end(arguments).await;
    say(format!("{answer}{complaint}").trim_end());
}

/// Runs kubectl as a user would, and shows both the command and what it prints.
async fn show(place: &Place, arguments: &[&str]) -> Result<(), Failure> {
    say(format!("$ kubectl {}", arguments.join(" ")));
    say(with_progress("waiting", place.kubectl(arguments)).await?.trim_end());
    Ok(())
}
