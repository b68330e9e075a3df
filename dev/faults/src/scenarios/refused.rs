//! An API server that reads, and takes no writes of records: etcd is full, or a webhook is down.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testbed::{
    objects::{claim_path, record_path, state},
    operator::Setup,
    table::{ADOPTED, NUMBER_NOT_FOUND, PURCHASED, condition},
};
use tokio::time::{sleep, timeout};
use vobiz_sim::InventoryNumber;

use crate::{
    Bench,
    behaviour::Behaviour,
    call::Call,
    evidence::{Evidence, PATIENCE, until},
    stage::{CLAIM, Process, Stage},
    trap::{Moment, Release, Rules, Sickness, Trap},
};

/// Within that time the claim has to say what is known.
const TOLD_WITHIN: Duration = Duration::from_secs(20);

/// Writes in that time, and twice as many as the pauses leave room for: a hot loop makes a thousand.
const HANDFUL: usize = 18;

const SICK: Sickness = Sickness::RefusesRecords(500);

/// Waits until a claim says that, and returns how long it took.
async fn says(stage: &Stage, name: &str, part: &str) -> Result<Duration, String> {
    let start = Instant::now();
    until(part, async || {
        let claim = stage.bench.cluster.get(&claim_path(&stage.namespace, name)).await.ok_or("no claim")?;
        let ready = condition(&claim, "Ready").and_then(|ready| ready["message"].as_str());
        let said = ready.unwrap_or_default().to_owned();
        if said.contains("process stopped") {
            return Ok(Err(said));
        }
        if said.contains(part) { Ok(Ok(start.elapsed())) } else { Err(said) }
    })
    .await?
}

fn writes(stage: &Stage, call: Call) -> usize {
    stage.timeline().calls().iter().filter(|made| made.call == call).count()
}

fn at_most(what: &str, found: usize, most: usize) -> Result<(), String> {
    if found <= most { Ok(()) } else { Err(format!("{found} {what} instead of {most} at most")) }
}

fn said_once(evidence: &Evidence, line: &str) -> Result<(), String> {
    match evidence.log().matches(line).count() {
        1 => Ok(()),
        times => Err(format!("the log says {times} times: {line}")),
    }
}

/// Has the number bought when its outcome cannot be stored, and returns how long it took to tell the claim.
async fn bought_and_refused(stage: &Stage, setup: &Setup) -> Result<(Process, Duration), String> {
    let rules = Arc::new(Rules::default());
    let trap = Trap { call: Call::StoreOutcome, nth: 1, moment: Moment::Before };
    let caught = rules.set(trap, stage.digits(), CLAIM);
    let process = stage.start_watched(setup, rules).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let caught = timeout(PATIENCE, caught).await.ok().and_then(Result::ok).ok_or("nothing was bought")?;
    stage.timeline().deed("writes of records are refused");
    process.rules.sicken(Some(SICK));
    let _ = caught.release.send(Release::Pass);
    let took = says(stage, CLAIM, "The number is bought, but that cannot be recorded in the cluster").await?;
    if took > TOLD_WITHIN {
        return Err(format!("the claim was told only after {took:?}"));
    }
    Ok((process, took))
}

/// Writes of records are taken again: what is known is stored, and nothing is bought once more.
async fn heals(stage: &Stage, evidence: &Evidence, process: Process) -> Result<(), String> {
    process.rules.sicken(None);
    stage.timeline().deed("writes of records are taken");
    until("the claim is served", async || {
        let claim = stage.claim().await.ok_or("there is no claim")?;
        if PURCHASED.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
    })
    .await?;
    said_once(evidence, "the outcome of a purchase is stored after all")?;
    let record: Value = stage.record().await.ok_or("there is no record")?;
    let outcome = &record["spec"]["attempt"]["answer"]["outcome"];
    let spent = (stage.vobiz.purchase_calls(&stage.number), stage.vobiz.debits(&stage.number));
    if (state(&record), outcome.as_str(), spent) != ("Bound", Some("Purchased"), (1, 1)) {
        return Err(format!("{record} and {spent:?}"));
    }
    stage.end([process]).await;
    Ok(())
}

/// The number is bought, and that cannot be stored.
pub async fn outcome(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence.clone(), Behaviour::SuccessA, false).await;
    let (process, took) = bought_and_refused(&stage, &stage.setup()).await?;
    sleep(TOLD_WITHIN.saturating_sub(took)).await;
    at_most("writes of the outcome", writes(&stage, Call::StoreOutcome), HANDFUL)?;
    at_most("writes of the status", writes(&stage, Call::PatchStatus), 3)?;
    said_once(&evidence, "the outcome of a purchase cannot be stored yet")?;
    heals(&stage, &evidence, process).await
}

/// The same, and the process loses its election, and is elected again, before it can be stored.
pub async fn term(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence.clone(), Behaviour::SuccessA, false).await;
    let namespace = stage.namespace.clone();
    let setup = stage.setup().env("LEADER_ELECT", "true").env("LEADER_ELECTION_NAMESPACE", &namespace);
    let (process, _) = bought_and_refused(&stage, &setup).await?;
    let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/vobiz-operator");
    let logged = async |line: &str, times: usize| {
        until(line, async || {
            let log = evidence.log();
            if log.matches(line).count() >= times { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await
    };
    let thief = json!({ "spec": { "holderIdentity": "somebody", "leaseDurationSeconds": 3600 } });
    bench.cluster.merge(&lease, &thief).await;
    logged("outcomes of purchases are not stored yet; this process goes on trying", 1).await?;
    let nobody = json!({ "spec": { "holderIdentity": "" } });
    bench.cluster.merge(&lease, &nobody).await;
    logged("elected: this process leads", 2).await?;
    // Longer than an attempt takes to settle that nobody knows anything about.
    sleep(Duration::from_secs(20)).await;
    says(&stage, CLAIM, "The number is bought, but that cannot be recorded in the cluster").await?;
    at_most("settlements", writes(&stage, Call::Settle), 0)?;
    heals(&stage, &evidence, process).await
}

/// An attempt has settled, and that cannot be stored: reconciles are tried again with growing pauses, like all else.
pub async fn settlement(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence.clone(), Behaviour::NotFound, false).await;
    let rules = Arc::new(Rules::default());
    let trap = Trap { call: Call::Settle, nth: 1, moment: Moment::Before };
    let caught = rules.set(trap, stage.digits(), CLAIM);
    let process = stage.start_watched(&stage.setup(), rules).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let caught = timeout(PATIENCE, caught).await.ok().and_then(Result::ok).ok_or("nothing has settled")?;
    stage.timeline().deed("writes of records are refused");
    process.rules.sicken(Some(SICK));
    let _ = caught.release.send(Release::Pass);
    sleep(TOLD_WITHIN).await;
    at_most("writes of the settlement", writes(&stage, Call::Settle), 7)?;
    let line = "what claims and records need is not read or stored by the API server";
    said_once(&evidence, &format!("{line}; it is tried again"))?;
    process.rules.sicken(None);
    stage.timeline().deed("writes of records are taken");
    until("it is settled", async || {
        let claim = stage.claim().await.ok_or("there is no claim")?;
        let settled = NUMBER_NOT_FOUND.settled().describes(&claim);
        if settled { Ok(()) } else { Err(claim["status"].to_string()) }
    })
    .await?;
    said_once(&evidence, &format!("over: {line}"))?;
    at_most("purchases", writes(&stage, Call::Purchase), 1)?;
    stage.end([process]).await;
    Ok(())
}

/// Two numbers are to be bought and one to be adopted, and no intent is taken.
pub async fn intent(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence.clone(), Behaviour::SuccessA, true).await;
    let second = format!("{}5000", stage.prefix());
    stage.vobiz.put_number(InventoryNumber::new(&second, "INR", 50, 2)).unwrap();
    let owned = stage.owned();
    let wishes = [(CLAIM, &stage.number), ("second", &second), ("owned", &owned)];
    let rules = Arc::new(Rules::default());
    rules.sicken(Some(SICK));
    let process = stage.start_watched(&stage.setup(), rules).await;
    for (name, number) in wishes {
        stage.create_claim(name, number).await;
    }
    let start = Instant::now();
    for (name, _) in wishes {
        says(&stage, name, "The purchase cannot be recorded in the cluster, so it is not sent").await?;
    }
    if start.elapsed() > TOLD_WITHIN {
        return Err(format!("the claims were told only after {:?}", start.elapsed()));
    }
    sleep(TOLD_WITHIN.saturating_sub(start.elapsed())).await;
    at_most("intents", writes(&stage, Call::CreateRecord), HANDFUL)?;
    at_most("purchases", writes(&stage, Call::Purchase), 0)?;
    said_once(
        &evidence,
        "a purchase cannot be recorded in the cluster, so it is not sent; it is tried again",
    )?;
    process.rules.sicken(None);
    stage.timeline().deed("writes of records are taken");
    for ((name, number), row) in wishes.into_iter().zip([PURCHASED, PURCHASED, ADOPTED]) {
        until("the claim is served", async || {
            let path = claim_path(&stage.namespace, name);
            let claim = stage.bench.cluster.get(&path).await.ok_or("there is no claim")?;
            if row.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
        })
        .await?;
        stage.bench.cluster.get(&record_path(number)).await.ok_or("there is no record")?;
        let posts = stage.vobiz.purchase_calls(number);
        if posts != u64::from(name != "owned") {
            return Err(format!("{posts} purchase calls for {name}"));
        }
    }
    stage.end([process]).await;
    Ok(())
}
