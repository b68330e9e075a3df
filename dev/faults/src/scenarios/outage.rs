//! The control plane goes away while purchases are on their way, and comes back.

use std::sync::Arc;

use control_plane::Options;
use serde_json::{Value, json};
use testbed::{
    Cluster,
    objects::{claim, claim_path, claims_path, record_path, state},
    table::PURCHASED,
};
use vobiz_sim::{Answer, Fault, FaultRule, HoldAt, InventoryNumber, JournalFilter, Operation, Target};

use crate::{
    Bench,
    behaviour::Behaviour,
    evidence::{Evidence, PATIENCE, until},
    stage::Stage,
};

const CLAIMS: usize = 8;

/// etcd and the API server are killed, and started again with the same data.
pub async fn both(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    outage(bench, evidence, true).await
}

/// Only etcd is: the API server answers, and can do nothing.
pub async fn etcd(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    outage(bench, evidence, false).await
}

async fn outage(bench: &Arc<Bench>, evidence: Evidence, api_server_too: bool) -> Result<(), String> {
    let stage = Stage::set(bench, evidence.clone(), Behaviour::SuccessA, false).await;
    let mut own = Cluster::with_kinds(Options::default()).await;
    let numbers: Vec<String> =
        (0..CLAIMS).map(|index| format!("{}{:04}", stage.prefix(), 5000 + index)).collect();
    for (index, number) in numbers.iter().enumerate() {
        stage.vobiz.put_number(InventoryNumber::new(number, "INR", 50, 2)).unwrap();
        let at = if index % 2 == 0 { HoldAt::Before } else { HoldAt::After };
        stage.vobiz.arm(FaultRule::new(Target::Purchase, Fault::Hold { at }).e164(number));
    }
    let operator = stage
        .setup()
        .env("KUBECONFIG", own.plane.kubeconfig().display().to_string())
        .env("VOBIZ_PURCHASE_TIMEOUT", "5m")
        .env("VOBIZ_SETTLE_TIME", "5m")
        .env("PURCHASE_CONCURRENCY", CLAIMS.to_string())
        .without("WATCH_NAMESPACES")
        .start();
    for (index, number) in numbers.iter().enumerate() {
        let claim = claim("default", &format!("office-{index}"), &json!({ "e164": number }), &json!({}));
        own.create(&claims_path("default"), &claim).await;
    }
    let purchases = JournalFilter { operation: Some(Operation::Purchase), ..JournalFilter::default() };
    let all_held = |journal: &vobiz_sim::Journal| {
        journal.requests.iter().filter(|request| request.answer == Answer::Held).count() == CLAIMS
    };
    stage.vobiz.wait_for(&purchases, PATIENCE, all_held).await.map_err(|error| error.to_string())?;
    own.plane.stop_etcd();
    if api_server_too {
        own.plane.stop_apiserver();
    }
    stage.timeline().deed("the control plane is gone");
    stage.vobiz.release_all(None);
    until("the operator has met the outage", async || {
        let log = evidence.log();
        let met = log.matches("the outcome of a purchase cannot be stored yet").count() >= CLAIMS;
        if met { Ok(()) } else { Err(log.lines().last().unwrap_or_default().to_owned()) }
    })
    .await?;
    own.plane.start_etcd().await.unwrap();
    own.plane.start_apiserver().await.unwrap();
    stage.timeline().deed("the control plane is back");
    bought(&stage, &own, &numbers).await?;
    operator.kill9().await;
    own.plane.stop().map_err(|error| error.to_string())
}

/// Each claim shows that its number is bought, each record knows the answer that arrived in the outage.
async fn bought(stage: &Stage, own: &Cluster, numbers: &[String]) -> Result<(), String> {
    for (index, number) in numbers.iter().enumerate() {
        let path = claim_path("default", &format!("office-{index}"));
        until("the claim is served", async || {
            // An API server that has just come back may break off an answer.
            let claim = own.try_get(&path).await.map_err(|error| error.to_string())?.ok_or("it is gone")?;
            if PURCHASED.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
        })
        .await?;
        let record: Value = own.get(&record_path(number)).await.ok_or("there is no record")?;
        let outcome = &record["spec"]["attempt"]["answer"]["outcome"];
        let spent = (stage.vobiz.purchase_calls(number), stage.vobiz.debits(number));
        if (state(&record), outcome) != ("Bound", &json!("Purchased")) || spent != (1, 1) {
            return Err(format!("{record} and {spent:?}"));
        }
    }
    Ok(())
}
