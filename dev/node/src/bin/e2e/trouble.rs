//! What production does to an operator, while claims are created all the time.

use std::time::{Duration, Instant};

use vobiz_sim::{Answer, Fault, FaultRule, HoldAt, JournalFilter, Operation, Target};

use crate::claims;
use crate::error::{E2eError, expect};
use crate::install::{self, DEPLOYMENT, NAMESPACE, RELEASE};
use crate::operator;
use crate::stage::{ACCOUNT, CHART, Stage, probe_number};
use crate::terminal::step;
use testbed::terminal::say;

/// The account's second token.
pub const ROTATED: &str = "rotated-token";
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(500);

/// A purchase whose process dies: name, index of its number, and where the call is held.
type Held = (&'static str, usize, HoldAt);
/// By a force that leaves it a moment, in which it may still store that it knows nothing.
const KILLED: [Held; 2] =
    [("killed-before-the-debit", 0, HoldAt::Before), ("killed-after-the-debit", 1, HoldAt::After)];
/// At once. Nothing ever comes of the last call: only that number may be asked for again by itself.
const CRASHED: [Held; 3] = [
    ("crashed-before-the-debit", 2, HoldAt::Before),
    ("crashed-after-the-debit", 3, HoldAt::After),
    ("crashed-for-nothing", FOR_NOTHING, HoldAt::Before),
];
const FOR_NOTHING: usize = 4;
/// Probes have the numbers after those.
const FIRST_PROBE: usize = 10;

/// How long a purchase takes otherwise, so that there are some under way at any time. It must be armed last: of two
/// faults of a kind the older one wins.
const PACE: Fault = Fault::Delay { ms: 300 };

/// Arms everything.
pub fn arm(stage: &Stage) {
    let vobiz = stage.sim.admin();
    for (_, index, at) in KILLED.into_iter().chain(CRASHED) {
        vobiz.arm(FaultRule::new(Target::Purchase, Fault::Hold { at }).e164(probe_number(index)));
    }
    vobiz.arm(FaultRule::new(Target::Purchase, Fault::DropBefore).e164(probe_number(FOR_NOTHING)));
    vobiz.arm(FaultRule::new(Target::Purchase, PACE).forever());
}

/// Buys one more number, to see that it still can be done.
async fn still_buys(stage: &Stage, probe: usize, name: &str) -> Result<(), E2eError> {
    let begun = Instant::now();
    claims::create(stage, name, &probe_number(FIRST_PROBE + probe)).await?;
    claims::ready(stage, &[name]).await?;
    let calls = stage.sim.admin().purchase_calls(&probe_number(FIRST_PROBE + probe));
    let seconds = begun.elapsed().as_secs_f64();
    say(format!("    a number claimed after it was bought in {seconds:.1} s, with {calls} purchase calls"));
    Ok(())
}

/// Creates claims, and waits until the purchase of each is held.
async fn hold(stage: &Stage, held: &[Held]) -> Result<(), E2eError> {
    for (name, index, _) in held {
        claims::create(stage, name, &probe_number(*index)).await?;
    }
    let wanted: Vec<_> = held.iter().map(|(_, index, _)| probe_number(*index)).collect();
    let purchases = JournalFilter { operation: Some(Operation::Purchase), ..JournalFilter::default() };
    let all_held = |journal: &vobiz_sim::Journal| {
        let holds = |number: &String| {
            let mut requests = journal.requests.iter();
            requests.any(|it| it.answer == Answer::Held && it.e164.as_ref() == Some(number))
        };
        wanted.iter().all(holds)
    };
    stage.sim.admin().wait_for(&purchases, PATIENCE, all_held).await?;
    Ok(())
}

/// The Pod is deleted by force while purchases are under way.
pub async fn pod_killed(stage: &Stage) -> Result<(), E2eError> {
    step("The pod is deleted by force, with two purchases under way");
    hold(stage, &KILLED).await?;
    let pod = operator::only(stage).await?;
    let delete = ["-n", NAMESPACE, "delete", "pod", &pod.name, "--force", "--grace-period=0"];
    stage.node.kubectl(delete).await?;
    let begun = Instant::now();
    while stage.node.process(&pod.container).await?.is_some() {
        expect(begun.elapsed() < PATIENCE, "the container to end", || pod.container.clone())?;
        tokio::time::sleep(POLL).await;
    }
    let released = stage.sim.admin().release_all(None);
    say(format!("    the process is gone; then Vobiz goes on with {released} calls that nobody waits for"));
    operator::settled(stage).await?;
    still_buys(stage, 0, "after-the-kill").await?;
    claims::ready(stage, &KILLED.map(|(name, ..)| name)).await
}

/// The container's process is killed, and the kubelet starts it again in the same Pod.
pub async fn process_killed(stage: &Stage) -> Result<(), E2eError> {
    step("The operator's process is killed (SIGKILL), with three purchases under way");
    hold(stage, &CRASHED).await?;
    let before = operator::only(stage).await?;
    stage.node.kill_container(&before.container).await?;
    stage.sim.admin().release_all(None);
    let begun = Instant::now();
    let after = loop {
        let pods = operator::pods(stage).await?;
        match pods.into_iter().find(|pod| pod.name == before.name && pod.container != before.container) {
            Some(pod) => break pod,
            None => expect(begun.elapsed() < PATIENCE, "a new container", || before.container.clone())?,
        }
        tokio::time::sleep(POLL).await;
    };
    expect(after.restarts == 1, "one restart", || format!("{after:?}"))?;
    operator::settled(stage).await?;
    still_buys(stage, 1, "after-the-crash").await?;
    claims::ready(stage, &[CRASHED[0].0, CRASHED[1].0]).await?;
    operator::check(stage, 1).await
}

/// The node's agent dies and comes back. Nobody else should notice.
pub async fn kubelet_restarted(stage: &Stage) -> Result<(), E2eError> {
    step("The node's kubelet is killed, and started again");
    let before = operator::only(stage).await?;
    stage.node.kill_kubelet().await?;
    still_buys(stage, 2, "without-kubelet").await?;
    stage.node.start_kubelet().await?;
    let after = operator::only(stage).await?;
    expect(before == after, format!("{before:?}"), || format!("{after:?}"))?;
    say("    the container went on all the while");
    Ok(())
}

/// `kubectl rollout restart`.
pub async fn rolled(stage: &Stage) -> Result<(), E2eError> {
    step("The Deployment is rolled");
    operator::check(stage, 1).await?;
    stage.node.kubectl(["-n", NAMESPACE, "rollout", "restart", DEPLOYMENT]).await?;
    operator::settled(stage).await?;
    still_buys(stage, 3, "after-the-roll").await?;
    operator::check(stage, 0).await
}

/// What `docs/operations.md` says to do around a restore, with its commands.
pub async fn stopped_and_held(stage: &Stage) -> Result<(), E2eError> {
    step("Stopped by Helm, started with purchases on hold, and no longer held, as for a restore");
    let upgrade = ["-n", NAMESPACE, "upgrade", RELEASE, CHART, "--reset-then-reuse-values"];
    let with = |set: &[&'static str]| [upgrade.as_slice(), set, &["--wait", "--timeout", "5m"]].concat();
    stage.node.helm(&with(&["--set", "replicaCount=0"])).await?;
    let release = format!("app.kubernetes.io/instance={RELEASE}");
    let gone = ["-n", NAMESPACE, "wait", "--for=delete", "pod", "-l", &release, "--timeout=180s"];
    stage.node.kubectl(gone).await?;
    stage.node.helm(&with(&["--set", "replicaCount=1", "--set", "holdPurchases=true"])).await?;
    still_buys(stage, 10, "after-the-hold").await?;
    stage.node.helm(&with(&["--set", "holdPurchases=false"])).await?;
    still_buys(stage, 11, "without-the-hold").await?;
    operator::check(stage, 0).await
}

/// A second replica comes, the first goes, and the second is taken away again.
pub async fn scaled(stage: &Stage) -> Result<(), E2eError> {
    step("The Deployment is scaled to 2, the older pod is deleted, and it is scaled to 1 again");
    let first = operator::only(stage).await?;
    stage.node.kubectl(["-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=2"]).await?;
    operator::settled(stage).await?;
    still_buys(stage, 4, "with-two-pods").await?;
    operator::check(stage, 0).await?;
    stage.node.kubectl(["-n", NAMESPACE, "delete", "pod", &first.name]).await?;
    still_buys(stage, 5, "after-the-takeover").await?;
    operator::settled(stage).await?;
    stage.node.kubectl(["-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=1"]).await?;
    operator::settled(stage).await?;
    still_buys(stage, 6, "with-one-pod").await
}

/// `helm upgrade`, and back.
pub async fn upgraded(stage: &Stage) -> Result<(), E2eError> {
    step("helm upgrade with another value, and helm rollback");
    let upgrade = ["-n", NAMESPACE, "upgrade", RELEASE, CHART, "--reuse-values"];
    let change = ["--set", "purchaseConcurrency=4", "--wait", "--timeout", "5m"];
    stage.node.helm(&[upgrade.as_slice(), &change].concat()).await?;
    still_buys(stage, 7, "after-the-upgrade").await?;
    operator::check(stage, 0).await?;
    stage.node.helm(&["-n", NAMESPACE, "rollback", RELEASE, "1", "--wait", "--timeout", "5m"]).await?;
    still_buys(stage, 8, "after-the-rollback").await?;
    operator::check(stage, 0).await
}

/// Vobiz gets a new token, and then the Secret.
pub async fn rotated(stage: &Stage) -> Result<(), E2eError> {
    step("The token is rotated, at Vobiz and in the Secret");
    let before = operator::only(stage).await?;
    stage.sim.admin().set_token(ACCOUNT, ROTATED)?;
    install::put_credentials(stage, ROTATED).await?;
    still_buys(stage, 9, "with-the-new-token").await?;
    let after = operator::only(stage).await?;
    expect(before == after, format!("{before:?}"), || format!("{after:?}"))?;
    say("    in the same container: the mounted file was read again");
    operator::check(stage, 0).await
}
