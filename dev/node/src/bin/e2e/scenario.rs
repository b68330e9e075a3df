//! What the test does, in order.

use crate::error::{E2eError, expect};
use crate::load::Load;
use crate::stage::Stage;
use crate::terminal::{elapsed, step};
use crate::{claims, examples, install, operator, rootfs, trouble, verdict};
use testbed::terminal::{quote, say};

/// Plays it to its end, or to the first thing that is not as expected.
pub async fn play(stage: &Stage) -> Result<(), E2eError> {
    install::prepare(stage).await?;
    step("Installed by Helm, as the chart's README says");
    install::install(stage).await?;
    examples::lose_a_reply(&stage.sim.admin());
    trouble::arm(stage);
    examples::apply(stage).await?;
    operator::check(stage, 0).await?;

    step("From here on, claims are created all the time");
    stage.node.kubectl(["create", "namespace", claims::NAMESPACE]).await?;
    let load = Load::start(&stage.node);
    trouble::pod_killed(stage).await?;
    trouble::process_killed(stage).await?;
    trouble::kubelet_restarted(stage).await?;
    trouble::rolled(stage).await?;
    trouble::stopped_and_held(stage).await?;
    trouble::scaled(stage).await?;
    trouble::upgraded(stage).await?;
    trouble::rotated(stage).await?;
    let created = load.stop().await?;

    step(&format!("No more trouble: the load has created {created} claims, and every claim settles"));
    let settled = claims::settle(stage).await?;
    examples::check(&settled, &stage.sim.admin())?;
    verdict::check(&settled, &stage.sim.admin())?;
    let log = stage.node.kubectl(["-n", install::NAMESPACE, "logs", install::DEPLOYMENT, "--tail=3"]).await?;
    say("    the log is readable, each line of it JSON, without the token and without a number:");
    quote(&log);
    operator::check(stage, 0).await?;
    uninstalled(stage).await?;
    say(format!("\nAll as expected, in {:.0} s.", elapsed()));
    Ok(())
}

/// Without the release, with the bare image, and with the release again.
async fn uninstalled(stage: &Stage) -> Result<(), E2eError> {
    step("Uninstalled: definitions, claims and records stay");
    install::uninstall(stage).await?;
    step("The image's file system alone: it resolves a name, and buys over TLS");
    rootfs::check(stage).await?;
    step("Installed again: nothing is bought twice");
    let calls = verdict::calls(&stage.sim.admin());
    install::install(stage).await?;
    claims::create(stage, "after-the-reinstall", &crate::stage::probe_number(40)).await?;
    claims::ready(stage, &["after-the-reinstall"]).await?;
    let more = verdict::calls(&stage.sim.admin()) - calls;
    expect(more == 1, "one purchase call, for the new claim", || more.to_string())
}
