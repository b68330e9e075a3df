//! Retry tokens of a size that no record can hold for long.

use std::sync::Arc;

use serde_json::json;
use testbed::table::{NUMBER_NOT_FOUND, PURCHASED, condition};
use vobiz_sim::InventoryNumber;

use crate::{
    Bench,
    behaviour::Behaviour,
    evidence::{Evidence, until},
    stage::{CLAIM, Stage},
};

/// After so many of this length, a record that kept them was beyond what etcd takes.
const TIMES: usize = 7;
const LENGTH: usize = 230_000;

/// No record comes near 100 kB, whatever its users write; one with few tokens is tiny.
const LARGEST: usize = 10_000;

/// What is too long is ignored and said to be; what is not works, and the record stays small.
pub async fn long(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::NotFound, false).await;
    let process = stage.start(&stage.setup()).await;
    stage.create_claim(CLAIM, &stage.number).await;
    fails(&stage, 1).await?;
    for round in 0..TIMES {
        ask(&stage, &format!("{round}{}", "x".repeat(LENGTH))).await;
        until("it is told that the token is ignored", async || {
            let claim = stage.claim().await.ok_or("there is no claim")?;
            let said = condition(&claim, "Ready").and_then(|ready| ready["message"].as_str());
            let said = said.unwrap_or_default();
            let told = said.contains("longer than 253 bytes and is ignored; type instead: kubectl annotate");
            if told { Ok(()) } else { Err(said.to_owned()) }
        })
        .await?;
    }
    stage.served().await?;
    // A token of the greatest length asks, and is asked with once.
    ask(&stage, &"y".repeat(253)).await;
    fails(&stage, 2).await?;
    stage.vobiz.put_number(InventoryNumber::new(&stage.number, "INR", 50, 2)).unwrap();
    ask(&stage, &"z".repeat(254)).await;
    stage.served().await?;
    fails(&stage, 2).await?;
    ask(&stage, "again").await;
    until("it is bought", async || {
        let claim = stage.claim().await.ok_or("there is no claim")?;
        if PURCHASED.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
    })
    .await?;
    let record = stage.record().await.ok_or("there is no record")?;
    let (size, tokens) = (record.to_string().len(), &record["spec"]["attempt"]["spentTokens"]);
    if size > LARGEST || *tokens != json!(["y".repeat(253), "again"]) {
        return Err(format!("a record of {size} bytes, and {tokens}"));
    }
    stage.end([process]).await;
    Ok(())
}

async fn ask(stage: &Stage, token: &str) {
    stage.timeline().deed(format!("a retry token of {} bytes", token.len()));
    let token = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/retry": token } } });
    stage.bench.cluster.merge(&stage.claim_path(), &token).await;
}

/// The number is not found, after so many purchase calls and no more.
async fn fails(stage: &Stage, posts: u64) -> Result<(), String> {
    until("it is not found", async || {
        let claim = stage.claim().await.ok_or("there is no claim")?;
        let made = stage.vobiz.purchase_calls(&stage.number);
        if made > posts {
            return Ok(Err(format!("{made} purchase calls instead of {posts}")));
        }
        let settled = made == posts && NUMBER_NOT_FOUND.settled().describes(&claim);
        if settled { Ok(Ok(())) } else { Err(claim["status"].to_string()) }
    })
    .await?
}
