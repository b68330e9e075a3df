//! The operator's whole job, with no right beyond those that the chart gives it.

use serde_json::{Value, json};
use tokio::sync::RwLock;
use vobiz_sim::{Fault, FaultRule, HoldAt, JournalFilter, OwnedNumber, Target};

use crate::{
    harness::{PROGRAM, eventually, run},
    operator::{Operator, Setup},
    release::{Mode, Release, declared, token},
    right::Right,
    table::{
        ACCOUNT_NOT_ALLOWED, ADOPTED, CONFLICT, INSUFFICIENT_BALANCE, INVALID_CREDENTIALS, NUMBER_NOT_FOUND,
        PURCHASED, condition,
    },
};

/// An operator that serves all namespaces has them for itself: the other tests' accounts are not its own.
pub static NAMESPACES: RwLock<()> = RwLock::const_new(());

/// Whether this operator elects a leader at all.
pub async fn elects(release: &Release) -> bool {
    let setup = Setup::new(PROGRAM, release.cluster.plane.group(), release.folder().join("help.log"));
    setup.run_to_end(&["run", "--help"]).await.1.contains("LEADER_ELECT")
}

/// The rights to a Lease are of no use to an operator that does not elect, nor is the right to write accounts, or to read one
/// before a purchase, to one that has none.
pub async fn expected(release: &Release) -> Vec<Right> {
    let elects = elects(release).await;
    let has_accounts = release.values.get("accounts").is_some();
    let is_of_use = |right: &Right| match right.resource.as_str() {
        "leases" => elects,
        "vobizaccounts" | "vobizaccounts/status" => {
            has_accounts || !["get", "patch"].contains(&right.verb.as_str())
        }
        _ => true,
    };
    release.rights().into_iter().filter(is_of_use).collect()
}

/// Changes a record while its purchase is under way, so that the outcome has to be written to what is read anew.
pub async fn meddle_with_a_purchase(release: &Release, name: &str, number: &str) {
    release.vobiz.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before }).e164(number));
    release.claim(name, number).await;
    release.vobiz.wait_for_held(&JournalFilter::e164(number), testbed::PATIENCE).await.unwrap();
    let note = json!({ "metadata": { "annotations": { "example.com/note": "seen" } } });
    release.cluster.merge(&Release::record_path(number), &note).await;
    assert_eq!(release.vobiz.release_all(None), 1, "exactly one request is held");
}

fn claimed(record: Option<&Value>, status: &str) -> bool {
    let condition = record.and_then(|record| condition(record, "Claimed"));
    condition.is_some_and(|condition| condition["status"] == status)
}

/// Whether Vobiz's answer is written down.
pub fn is_answered(record: Option<&Value>) -> bool {
    record.is_some_and(|record| !record["spec"]["attempt"]["answer"].is_null())
}

/// A wrong token is told, its change is noticed, and the number is bought.
async fn bought_once_the_token_is_right(release: &Release, number: &str) -> Operator {
    release.mount("auth-token", b"wrong");
    let operator = release.operator().await;
    let claim = release.claim("bought", number).await;
    release.until("bought", INVALID_CREDENTIALS).await;
    release.mount("auth-token", token(&release.account).as_bytes());
    release.until("bought", PURCHASED).await;
    eventually("there is an event", async || {
        if release.has_event(&claim).await { Ok(()) } else { Err("none".to_owned()) }
    })
    .await;
    operator
}

/// A number outlives its claim, and comes back to the next one without a purchase.
async fn outlives_its_claim(release: &Release, number: &str) {
    release.cluster.delete(&release.claim_path("bought")).await;
    release.until_record(number, |record| claimed(record, "False")).await;
    release.claim("bought", number).await;
    release.until("bought", PURCHASED).await;
    release.until_record(number, |record| claimed(record, "True")).await;
}

async fn whole_job(release: &Release) -> Operator {
    let [bought, other, short] = ["INR", "INR", "USD"].map(|currency| release.stocked(currency));
    let [missing, given_up, owned] = [(); 3].map(|()| release.number());
    release.vobiz.put_owned(OwnedNumber::new(&owned, &release.account)).unwrap();

    let operator = bought_once_the_token_is_right(release, &bought).await;
    for (name, number) in
        [("missing", &missing), ("given-up", &given_up), ("short", &short), ("owned", &owned)]
    {
        release.claim(name, number).await;
    }
    release.until("owned", ADOPTED).await;
    release.claim("late", &bought).await;
    release.until("late", CONFLICT).await;
    release.cluster.delete(&release.claim_path("late")).await;
    meddle_with_a_purchase(release, "other", &other).await;
    release.until("other", PURCHASED).await;
    outlives_its_claim(release, &bought).await;

    // A failure that nobody stands behind any more is removed once it is settled.
    release.until_record(&given_up, is_answered).await;
    release.cluster.delete(&release.claim_path("given-up")).await;
    release.until("short", INSUFFICIENT_BALANCE.settled()).await;
    release.until("missing", NUMBER_NOT_FOUND.settled()).await;
    release.until_record(&given_up, |record| record.is_none()).await;

    release.stock(&missing, "INR");
    let retry = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/retry": "again" } } });
    release.cluster.merge(&release.claim_path("missing"), &retry).await;
    release.until("missing", PURCHASED).await;

    let spent = [&bought, &other, &short, &owned, &missing, &given_up].map(|number| release.spent(number));
    assert_eq!(spent, [(1, 1), (1, 1), (1, 0), (0, 0), (2, 1), (1, 0)]);
    assert!(!release.released());
    operator
}

/// Buys in an account that is declared, and that is opened to the namespace by a label.
async fn buys_in_a_declared_account(release: &Release) {
    let number = release.stocked("INR");
    release.declare().await;
    release.claim_with_declared("elsewhere", &number).await;
    release.until("elsewhere", ACCOUNT_NOT_ALLOWED).await;
    release.open_to_tenant().await;
    release.until("elsewhere", PURCHASED).await;
    assert_eq!(release.vobiz.owner(&number), Some(declared(&release.account)));
    eventually("the account says that it is accepted", async || {
        let account = release.declared().await.unwrap();
        let is_so = condition(&account, "Ready").is_some_and(|ready| ready["reason"] == "Accepted");
        if is_so { Ok(()) } else { Err(account.to_string()) }
    })
    .await;
}

async fn does_its_job(mode: Mode) {
    let release = Release::install(mode, None).await;
    let audit = release.audit();
    let operator = whole_job(&release).await;
    if mode == Mode::Cluster {
        buys_in_a_declared_account(&release).await;
    }
    operator.kill9().await;
    release.forget_declared().await;
    let wanted: Vec<_> = audit.refused().into_iter().collect();
    assert_eq!(wanted, [], "rights are missing");
    let expected = expected(&release).await;
    let used: Vec<_> = audit.used().into_iter().collect();
    assert_eq!(used, expected, "the rights that were used, and those that the chart gives");
}

#[test]
fn the_charts_rights_do_the_whole_job_everywhere_and_each_is_used() {
    run(async {
        let _alone = NAMESPACES.write().await;
        does_its_job(Mode::Cluster).await;
    });
}

#[test]
fn the_charts_rights_do_the_whole_job_in_some_namespaces_each_used() {
    run(async {
        let _beside_others = NAMESPACES.read().await;
        does_its_job(Mode::Namespaced).await;
    });
}
