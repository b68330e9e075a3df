//! Two accounts, of which one becomes unwell while its purchases are on their way: the other buys on all the same, and both
//! have paid once for each number in the end, though the operator is killed meanwhile.

use std::sync::Arc;

use serde_json::json;
use testbed::{
    objects::{self, ACCOUNTS, claim_path, claims_path, secrets_path, token},
    table::{NOT_PURCHASED, PURCHASED},
};
use vobiz_sim::{Account, Fault, FaultRule, InventoryNumber, JournalFilter, Operation, Target};

use crate::{
    Bench,
    behaviour::{Behaviour, answer},
    evidence::{Evidence, PATIENCE, until},
    oracle,
    stage::Stage,
};

/// In the account that is well, before the operator is killed; and as many after that.
const CLAIMS: usize = 10;
/// In the other one, when it becomes unwell.
const CAUGHT: usize = 6;
/// There, while it is.
const LATER: usize = 2;

/// The name of the account that becomes unwell.
const UNWELL: &str = "unwell";

#[derive(Clone, Copy)]
enum Illness {
    Limited,
    Failing,
    Silent,
    Refused,
}

impl Illness {
    /// What its calls meet; a purchase may be carried out all the same.
    fn fault(self, commit: bool) -> Fault {
        match self {
            Self::Limited => answer(429, commit),
            Self::Failing => answer(503, commit),
            Self::Silent => Fault::NeverReply { commit },
            Self::Refused => answer(401, commit),
        }
    }
}

pub async fn limited(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    unwell(bench, evidence, Illness::Limited).await
}

pub async fn failing(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    unwell(bench, evidence, Illness::Failing).await
}

pub async fn silent(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    unwell(bench, evidence, Illness::Silent).await
}

/// As with a wrong token.
pub async fn refused(bench: &Arc<Bench>, evidence: Evidence) -> Result<(), String> {
    unwell(bench, evidence, Illness::Refused).await
}

/// The account of the flags is well.
async fn unwell(bench: &Arc<Bench>, evidence: Evidence, illness: Illness) -> Result<(), String> {
    // Each operator of a control plane serves each account that is declared there.
    let own = Arc::new(Bench::start(bench.program.clone()).await);
    let stage = Stage::set(&own, evidence, Behaviour::SuccessA, false).await;
    let account = format!("{}_{UNWELL}", stage.account);
    declare(&stage, &account).await;
    let caught = numbers(&stage, UNWELL, 5000, CAUGHT);
    for (index, (_, number)) in caught.iter().enumerate() {
        stage.vobiz.arm(purchase_of(&account, number, illness.fault(index % 2 == 0)));
    }
    let process = stage.start(&stage.setup()).await;
    claim(&stage, &caught, Some(UNWELL)).await;
    let purchases =
        JournalFilter { operation: Some(Operation::Purchase), ..JournalFilter::account(&account) };
    let sent = stage.vobiz.wait_for(&purchases, PATIENCE, |journal| !journal.requests.is_empty());
    sent.await.map_err(|error| error.to_string())?;
    stage.timeline().deed("one account is unwell");
    stage.vobiz.arm(FaultRule::new(Target::AnyRead, illness.fault(false)).account(&account).forever());
    let later = numbers(&stage, "later", 5100, LATER);
    claim(&stage, &later, Some(UNWELL)).await;

    let well = numbers(&stage, "well", 5200, CLAIMS);
    claim(&stage, &well, None).await;
    bought(&stage, &well).await?;
    stage.timeline().deed("the operator is killed");
    stage.keep(process.kill9().await);
    let process = stage.start(&stage.setup()).await;
    let after = numbers(&stage, "after", 5300, CLAIMS);
    claim(&stage, &after, None).await;
    bought(&stage, &after).await?;
    if let Some((name, _)) = later.iter().find(|(_, number)| stage.vobiz.purchase_calls(number) > 0) {
        return Err(format!("{name} was sent unseen"));
    }

    stage.timeline().deed("it is well again");
    stage.vobiz.disarm(Some(&account));
    bought(&stage, &caught).await?;
    bought(&stage, &later).await?;
    stage.served().await?;
    once(&stage, &stage.account, &[well, after])?;
    once(&stage, &account, &[caught, later])?;
    stage.end([process]).await;
    Ok(())
}

async fn declare(stage: &Stage, account: &str) {
    stage.vobiz.put_account(Account::new(account, token(account)).with_balance("INR", 1_000_000));
    let (cluster, namespace) = (&stage.bench.cluster, &stage.namespace);
    cluster.create(&secrets_path(namespace), &objects::secret(UNWELL, &token(account))).await;
    cluster.create(ACCOUNTS, &objects::account(UNWELL, account, namespace)).await;
}

/// Numbers in stock, from that one on, and the names of the claims for them.
fn numbers(stage: &Stage, kind: &str, from: usize, count: usize) -> Vec<(String, String)> {
    let of = |index| (format!("{kind}-{index}"), format!("{}{:04}", stage.prefix(), from + index));
    let numbers: Vec<_> = (0..count).map(of).collect();
    for (_, number) in &numbers {
        stage.vobiz.put_number(InventoryNumber::new(number, "INR", 50, 2)).unwrap();
    }
    numbers
}

fn purchase_of(account: &str, number: &str, fault: Fault) -> FaultRule {
    FaultRule::new(Target::Purchase, fault).account(account).e164(number)
}

async fn claim(stage: &Stage, claims: &[(String, String)], account: Option<&str>) {
    for (name, number) in claims {
        let spec = json!({ "e164": number, "accountRef": account.map(|name| json!({ "name": name })) });
        let claim = objects::claim(&stage.namespace, name, &spec, &json!({}));
        stage.bench.cluster.create(&claims_path(&stage.namespace), &claim).await;
    }
}

/// All of them come to be bought; one that was not, and whose user is asked for another attempt, after that.
async fn bought(stage: &Stage, claims: &[(String, String)]) -> Result<(), String> {
    for (name, _) in claims {
        let path = claim_path(&stage.namespace, name);
        let again = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/retry": "again" } } });
        until(&format!("{name} is bought"), async || {
            let claim = stage.bench.cluster.get(&path).await.ok_or("there is no claim")?;
            if NOT_PURCHASED.describes(&claim) {
                stage.bench.cluster.merge(&path, &again).await;
            }
            if PURCHASED.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
        })
        .await?;
    }
    Ok(())
}

/// The account has paid for each number once, nothing was sent after that, and each POST was permitted.
fn once(stage: &Stage, account: &str, claims: &[Vec<(String, String)>]) -> Result<(), String> {
    let calls = stage.timeline().calls();
    for (name, number) in claims.iter().flatten() {
        let journal = stage.vobiz.journal(&JournalFilter::e164(number));
        let debits: Vec<_> = journal.debits.iter().map(|debit| (debit.seq, debit.account.as_str())).collect();
        let last = journal.requests.iter().map(|request| request.seq).max().unwrap_or_default();
        let owner = stage.vobiz.owner(number);
        if debits != [(last, account)] || owner.as_deref() != Some(account) {
            return Err(format!("{name} of {account}: debits {debits:?}, last call {last}, owner {owner:?}"));
        }
        oracle::posts(&calls, &number[1..])?;
    }
    Ok(())
}
