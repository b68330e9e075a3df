//! Two operators at once, which know nothing of each other.

use std::sync::Arc;

use serde_json::json;
use testbed::{
    objects::{claim, claims_path},
    table::{CONFLICT, PURCHASED},
};
use vobiz_sim::InventoryNumber;

use crate::{
    Bench,
    behaviour::Behaviour,
    evidence::{Evidence, until},
    oracle,
    stage::Stage,
};

/// Claims for numbers of their own.
const CLAIMS: usize = 200;
/// Claims for one and the same number.
const RIVALS: usize = 100;

/// 200 claims are 200 purchases, and 100 claims for one number are one purchase and 99 conflicts.
pub async fn operators(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    let stage = Stage::set(bench, evidence, Behaviour::SuccessA, false).await;
    let numbers: Vec<String> =
        (0..CLAIMS).map(|index| format!("{}{:04}", stage.prefix(), 5000 + index)).collect();
    for number in &numbers {
        stage.vobiz.put_number(InventoryNumber::new(number, "INR", 50, 2)).unwrap();
    }
    let processes = [stage.start(&stage.setup()).await, stage.start(&stage.setup()).await];
    let create = async |name: String, number: &str| {
        let claim = claim(&stage.namespace, &name, &json!({ "e164": number }), &json!({}));
        bench.cluster.create(&claims_path(&stage.namespace), &claim).await;
    };
    for (index, number) in numbers.iter().enumerate() {
        create(format!("office-{index}"), number).await;
        if index % 2 == 0 {
            create(format!("rival-{}", index / 2), &stage.number).await;
        }
    }
    until("all claims are served", async || {
        let claims = bench.cluster.get(&claims_path(&stage.namespace)).await.ok_or("no claims")?;
        let claims = claims["items"].as_array().ok_or("no list of claims")?;
        let bought = claims.iter().filter(|claim| PURCHASED.describes(claim)).count();
        let refused = claims.iter().filter(|claim| CONFLICT.describes(claim)).count();
        let seen = format!("{bought} are bought, and {refused} are conflicts");
        if (bought, refused) == (CLAIMS + 1, RIVALS - 1) { Ok(()) } else { Err(seen) }
    })
    .await?;
    stage.served().await?;
    let calls = stage.timeline().calls();
    for number in numbers.iter().chain([&stage.number]) {
        let spent = (stage.vobiz.purchase_calls(number), stage.vobiz.debits(number));
        if spent != (1, 1) {
            return Err(format!("{number}: (purchase calls, debits) are {spent:?}"));
        }
        oracle::posts(&calls, &number[1..])?;
    }
    stage.end(processes).await;
    Ok(())
}
