//! Debits whose meaning depends on what else the ledger has, and on how long something had to be waited for.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use testbed::{
    objects::{claim_path, state},
    table::{NEEDS_DECISION, PURCHASED},
};
use tokio::time::sleep;
use vobiz_sim::{
    AccountPatch, Fault, FaultRule, InventoryNumber, LedgerEntry, NumberNaming, RowStatus, RowType, Target,
};

use super::records::{ends, on_long_hold, shows};
use crate::{
    Bench,
    behaviour::Behaviour,
    evidence::{Evidence, until},
    stage::{CLAIM, Stage},
};

/// A day, and what the clocks may differ: how far back a debit counts.
const COUNTED: Duration = Duration::from_mins(24 * 60 + 10);

/// For how long a debit still counts that is nearly as old.
const STILL: Duration = Duration::from_secs(25);

fn row(stage: &Stage, kind: RowType, reference_type: &str, at: Timestamp) -> LedgerEntry {
    LedgerEntry {
        account: stage.account.clone(),
        kind,
        amount: 52.into(),
        currency: "INR".into(),
        description: String::new(),
        reference: Some(stage.number.clone()),
        reference_type: Some(reference_type.into()),
        status: RowStatus::Completed,
        at: Some(at),
    }
}

/// A debit of which no record knows, seen by a look that goes back from now, and by none from soon on.
async fn debited_and_claimed(bench: &Arc<Bench>, evidence: Evidence) -> Stage {
    let stage = Stage::set(bench, evidence, Behaviour::SuccessA, false).await;
    let at = Timestamp::now() - COUNTED + STILL;
    stage.vobiz.put_ledger(row(&stage, RowType::Debit, "did_purchase", at)).unwrap();
    stage.timeline().deed("an old debit, and no record of it");
    stage.create_claim(CLAIM, &stage.number).await;
    stage
}

/// The lists fail until the debit is too old for a look that begins now, and the operator is killed in between.
pub async fn older_than_an_outage(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = debited_and_claimed(bench, evidence).await;
    let down = Fault::status(503, r#"{"error":"unavailable"}"#);
    stage.vobiz.arm(FaultRule::new(Target::List, down).account(&stage.account).forever());
    let process = stage.start(&stage.setup()).await;
    sleep(STILL + Duration::from_secs(5)).await;
    stage.keep(process.kill9().await);
    let process = stage.start(&stage.setup()).await;
    sleep(Duration::from_secs(3)).await;
    stage.vobiz.disarm(Some(&stage.account));
    stage.timeline().deed("the lists can be read");
    ends(&stage, process, NEEDS_DECISION, 0, 0).await
}

/// Purchases are on hold until then, as they are after a restore.
pub async fn older_than_a_hold(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = debited_and_claimed(bench, evidence).await;
    let process = on_long_hold(&stage).await;
    ends(&stage, process, NEEDS_DECISION, 0, 0).await
}

async fn attempt(stage: &Stage) -> Option<Value> {
    Some(stage.record().await?["spec"]["attempt"].clone())
}

/// The first debit is answered for, and given back while the second attempt, debited like the first, is verified.
pub async fn refund_of_an_older_debit(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let behaviour = Behaviour::DebitWithoutAssignment;
    let stage = Stage::set(bench, evidence, behaviour, false).await;
    stage.create_claim(CLAIM, &stage.number).await;
    let process = stage.start(&stage.setup()).await;
    shows(&stage, NEEDS_DECISION).await?;
    let first = attempt(&stage).await.ok_or("there is no record")?["id"].clone();
    for rule in behaviour.rules(&stage.account, &stage.number) {
        stage.vobiz.arm(rule);
    }
    stage.timeline().deed("the decision is answered");
    let token = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/retry": first } } });
    bench.cluster.merge(&stage.claim_path(), &token).await;
    until("a second debit", async || {
        let debits = stage.vobiz.debits(&stage.number);
        if debits == 2 { Ok(()) } else { Err(format!("{debits} debits")) }
    })
    .await?;
    stage.timeline().deed("the first debit is given back");
    stage.vobiz.put_ledger(row(&stage, RowType::Credit, "refund", Timestamp::now())).unwrap();
    until("the second attempt has settled", async || {
        let record = stage.record().await.ok_or("there is no record")?;
        let settled = record["spec"]["attempt"]["id"] != first && state(&record) != "Open";
        if settled { Ok(()) } else { Err(record["spec"].to_string()) }
    })
    .await?;
    ends(&stage, process, NEEDS_DECISION, 2, 2).await
}

/// Another number's purchase, of the same price, is named in the ledger; this one's debit is not.
pub async fn beside_a_named_purchase(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::DebitWithoutAssignmentUnnamed, false).await;
    let named_in = |naming| {
        let mut options = stage.vobiz.account(&stage.account).unwrap().options;
        options.ledger_names_number = naming;
        let auth_id = stage.account.clone();
        let patch = AccountPatch { auth_id, options: Some(options), ..AccountPatch::default() };
        stage.vobiz.patch_account(patch).unwrap();
    };
    named_in(NumberNaming::Reference);
    let process = stage.start(&stage.setup()).await;
    let (name, number) = ("named", format!("{}7000", stage.prefix()));
    stage.vobiz.put_number(InventoryNumber::new(&number, "INR", 50, 2)).unwrap();
    stage.create_claim(name, &number).await;
    until("the other number is bought", async || {
        let claim = bench.cluster.get(&claim_path(&stage.namespace, name)).await.ok_or("it is gone")?;
        if PURCHASED.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
    })
    .await?;
    named_in(NumberNaming::Nowhere);
    stage.create_claim(CLAIM, &stage.number).await;
    ends(&stage, process, NEEDS_DECISION, 1, 1).await
}
