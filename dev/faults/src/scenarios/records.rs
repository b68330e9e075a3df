//! Records that somebody deletes, that are lost, or that a backup brings back older than the truth. The last two are
//! survived as the documentation says: the operators are stopped first, and started again with purchases on hold.

use std::sync::Arc;

use serde_json::{Value, json};
use testbed::{
    objects::{API, state},
    table::{ADOPTED, NEEDS_DECISION, NUMBER_NOT_FOUND, PURCHASED, Row},
};
use tokio::time::timeout;
use vobiz_sim::InventoryNumber;

use crate::{
    Bench,
    behaviour::Behaviour,
    call::Call,
    evidence::{Evidence, PATIENCE, until},
    stage::{CLAIM, Process, Stage},
    trap::{Caught, Moment, Release, Rules, Trap},
};

pub(super) async fn shows(stage: &Stage, row: Row) -> Result<(), String> {
    until(row.reason, async || {
        let claim = stage.claim().await.ok_or("there is no claim")?;
        if row.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
    })
    .await
}

fn spent(stage: &Stage, posts: u64, debits: u64) -> Result<(), String> {
    let found = (stage.vobiz.purchase_calls(&stage.number), stage.vobiz.debits(&stage.number));
    let told = || format!("(purchase calls, debits) are {found:?} instead of {:?}", (posts, debits));
    if found == (posts, debits) { Ok(()) } else { Err(told()) }
}

/// Starts an operator that is caught at a purchase, and is as patient as whoever caught it.
async fn caught_at_purchase(stage: &Stage, moment: Moment) -> Result<(Process, Caught), String> {
    let rules = Arc::new(Rules::default());
    let caught = rules.set(Trap { call: Call::Purchase, nth: 1, moment }, stage.digits(), CLAIM);
    let patient = stage.setup().env("VOBIZ_PURCHASE_TIMEOUT", "10m").env("VOBIZ_SETTLE_TIME", "10m");
    let process = stage.start_watched(&patient, rules).await;
    Ok((process, met(caught).await?))
}

async fn met(caught: tokio::sync::oneshot::Receiver<Caught>) -> Result<Caught, String> {
    let met = timeout(PATIENCE, caught).await;
    met.ok().and_then(Result::ok).ok_or_else(|| "nothing was purchased".to_owned())
}

async fn on_hold(stage: &Stage) -> Process {
    stage.start(&stage.setup().env("HOLD_PURCHASES", "true")).await
}

/// On hold for as long as a purchase that is still on its way may need on a busy machine.
pub(super) async fn on_long_hold(stage: &Stage) -> Process {
    let setup = stage.setup().env("HOLD_PURCHASES", "true").env("VOBIZ_SETTLE_TIME", "45s");
    stage.start(&setup).await
}

/// Ends as that row says, stays so, and has cost that much.
pub(super) async fn ends(
    stage: &Stage,
    process: Process,
    row: Row,
    posts: u64,
    debits: u64,
) -> Result<(), String> {
    shows(stage, row).await?;
    stage.served().await?;
    shows(stage, row).await?;
    spent(stage, posts, debits)?;
    stage.end([process]).await;
    Ok(())
}

/// A record that is deleted stays as long as money may be at stake.
pub async fn deleted(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::SuccessA, false).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let (process, caught) = caught_at_purchase(&stage, Moment::Before).await?;
    stage.delete_record().await;
    let _ = caught.release.send(Release::Pass);
    shows(&stage, PURCHASED).await?;
    stage.delete_record().await;
    stage.served().await?;
    let record = stage.record().await.ok_or("the record of a bought number is gone")?;
    if record["metadata"]["deletionTimestamp"].is_null() || state(&record) != "Bound" {
        return Err(record.to_string());
    }
    ends(&stage, process, PURCHASED, 1, 1).await
}

/// The record is lost after the purchase.
pub async fn lost(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::SuccessA, false).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let process = stage.start(&stage.setup()).await;
    shows(&stage, PURCHASED).await?;
    stage.keep(process.kill9().await);
    stage.force_record_away().await;
    let process = on_hold(&stage).await;
    ends(&stage, process, ADOPTED, 1, 1).await
}

/// The record is lost while the purchase is on its way, and its process is dead.
pub async fn lost_in_flight(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::SuccessA, false).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let (process, caught) = caught_at_purchase(&stage, Moment::Late).await?;
    stage.keep(process.kill9().await);
    stage.force_record_away().await;
    let process = on_long_hold(&stage).await;
    // It arrives when the new process has looked at everything, and is only waiting.
    until("the account is listed", async || {
        let listed =
            stage.timeline().calls().into_iter().any(|call| {
                call.process == process.id && call.call == Call::Listing && call.answered.is_some()
            });
        if listed { Ok(()) } else { Err("no listing".into()) }
    })
    .await?;
    let _ = caught.release.send(Release::Pass);
    ends(&stage, process, ADOPTED, 1, 1).await
}

/// The record is lost, and all that is left of the purchase is a row of the ledger.
pub async fn lost_with_debit(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::DebitWithoutAssignment, false).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let (process, caught) = caught_at_purchase(&stage, Moment::Withheld).await?;
    stage.keep(process.kill9().await);
    drop(caught);
    stage.force_record_away().await;
    let process = on_hold(&stage).await;
    ends(&stage, process, NEEDS_DECISION, 1, 1).await
}

/// Puts a record back as a backup has it.
async fn restore(stage: &Stage, copy: &Value) {
    stage.force_record_away().await;
    stage.timeline().deed("an older copy of the record is restored");
    let mut copy = copy.clone();
    let metadata = json!({ "name": copy["metadata"]["name"], "finalizers": copy["metadata"]["finalizers"] });
    copy["metadata"] = metadata;
    // Backups keep the spec.
    copy["status"] = Value::Null;
    stage.bench.cluster.create(&format!("{API}/phonenumbers"), &copy).await;
}

/// The copy is from before the purchase was sent.
pub async fn restored_open(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::SuccessA, false).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let (process, caught) = caught_at_purchase(&stage, Moment::Before).await?;
    let copy = stage.record().await.ok_or("there is no record")?;
    let _ = caught.release.send(Release::Pass);
    shows(&stage, PURCHASED).await?;
    stage.keep(process.kill9().await);
    restore(&stage, &copy).await;
    let process = on_hold(&stage).await;
    until("the record is bound again", async || {
        let record = stage.record().await.ok_or("there is no record")?;
        if state(&record) == "Bound" { Ok(()) } else { Err(record["spec"].to_string()) }
    })
    .await?;
    ends(&stage, process, PURCHASED, 1, 1).await
}

/// A claim that failed, a copy of its record as it was then, the number in stock, and a token that asks again.
async fn failed_and_asked_again(stage: &Stage) -> Result<Value, String> {
    stage.create_claim(CLAIM, &stage.number).await;
    let process = stage.start(&stage.setup()).await;
    shows(stage, NUMBER_NOT_FOUND.settled()).await?;
    stage.keep(process.kill9().await);
    let copy = stage.record().await.ok_or("there is no record")?;
    stage.vobiz.put_number(InventoryNumber::new(&stage.number, "INR", 50, 2)).unwrap();
    let token = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/retry": "again" } } });
    stage.bench.cluster.merge(&stage.claim_path(), &token).await;
    Ok(copy)
}

/// The copy is from a failure before the purchase; the token that had permitted the purchase is not spent in it.
pub async fn restored_failed(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::NotFound, false).await;
    let copy = failed_and_asked_again(&stage).await?;
    let process = stage.start(&stage.setup()).await;
    shows(&stage, PURCHASED).await?;
    stage.keep(process.kill9().await);
    restore(&stage, &copy).await;
    let process = on_hold(&stage).await;
    ends(&stage, process, ADOPTED, 2, 1).await
}

/// The same, and the purchase arrives only after the restore.
pub async fn restored_in_flight(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::NotFound, false).await;
    let copy = failed_and_asked_again(&stage).await?;
    let (process, caught) = caught_at_purchase(&stage, Moment::Late).await?;
    stage.keep(process.kill9().await);
    restore(&stage, &copy).await;
    let process = on_long_hold(&stage).await;
    let _ = caught.release.send(Release::Pass);
    ends(&stage, process, ADOPTED, 2, 1).await
}
