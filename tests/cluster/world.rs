//! One test's own part of the world: a namespace, a Vobiz, an account, and numbers that nobody else has.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU32, Ordering},
};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use vobiz_sim::{
    Account, Config, Fault, FaultRule, HoldAt, InventoryNumber, Journal, JournalFilter, Operation, Sim,
    SimAdmin, State, Target,
};

use testbed::objects::{self, claims_path};
pub use testbed::objects::{claim_path, claimed, record_path, state, token};

use crate::{
    harness::{Cluster, PATIENCE, cluster, eventually},
    operator::{Operator, Setup},
    statuses,
    table::{PURCHASED, Row, check_always},
};

static WORLDS: AtomicU32 = AtomicU32::new(1);

pub struct World {
    pub cluster: &'static Cluster,
    pub vobiz: SimAdmin,
    pub namespace: String,
    pub account: String,
    pub folder: TempDir,
    sim: Sim,
    id: u32,
    numbers: Cell<u32>,
}

impl World {
    pub async fn new() -> Self {
        Self::within(cluster().await).await
    }

    /// In a cluster that a test has for itself.
    pub async fn within(cluster: &'static Cluster) -> Self {
        let id = WORLDS.fetch_add(1, Ordering::Relaxed);
        let (namespace, account) = (format!("test-{id}"), format!("MA_T{id}"));
        let money =
            Account::new(&account, token(&account)).with_balance("INR", 10_000).with_balance("USD", 100);
        let state = State { accounts: vec![money], ..State::default() };
        let sim = Sim::start(Config { state, ..Config::default() }).await.unwrap();
        let (vobiz, folder) = (sim.admin(), TempDir::new().unwrap());
        let world = Self { cluster, vobiz, namespace, account, folder, sim, id, numbers: Cell::new(0) };
        world.create_namespace(&world.namespace).await;
        world
    }

    pub async fn create_namespace(&self, name: &str) {
        self.cluster.create_namespace(name, &json!({})).await;
    }

    /// A second namespace for this test.
    pub async fn other_namespace(&self) -> String {
        let name = format!("{}-other", self.namespace);
        self.create_namespace(&name).await;
        name
    }

    pub fn url(&self) -> String {
        self.sim.url()
    }

    /// How an operator of this world's account and namespace is started.
    pub fn setup(&self) -> Setup {
        let log = self.folder.path().join("operator.log");
        Setup::new(env!("CARGO_BIN_EXE_vobiz-operator"), self.cluster.plane.group(), log)
            .env("KUBECONFIG", self.cluster.plane.kubeconfig().display().to_string())
            .env("VOBIZ_API_URL", self.url())
            .env("VOBIZ_AUTH_ID", &self.account)
            .env("VOBIZ_AUTH_TOKEN", token(&self.account))
            .env("VOBIZ_PURCHASE_TIMEOUT", "2s")
            .env("VOBIZ_SETTLE_TIME", "2s")
            .env("WATCH_NAMESPACES", &self.namespace)
    }

    /// Patient enough with Vobiz that a test can do what it wants during a purchase.
    pub fn patient(&self) -> Setup {
        self.setup().env("VOBIZ_PURCHASE_TIMEOUT", "5m").env("VOBIZ_SETTLE_TIME", "5m")
    }

    /// Leaves more time between an answer and the settlement of its attempt, to look at several claims meanwhile.
    pub fn unhurried(&self) -> Setup {
        self.setup().env("VOBIZ_SETTLE_TIME", "10s")
    }

    pub fn operator(&self) -> Operator {
        self.setup().start()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.setup().log).unwrap_or_default()
    }

    /// A number of this test's that is not in stock.
    pub fn number(&self) -> String {
        let number = self.numbers.get();
        self.numbers.set(number + 1);
        format!("+9180{:04}{number:04}", self.id)
    }

    /// A number that costs 50 INR and 2 INR a month.
    pub fn stocked(&self) -> String {
        let number = self.number();
        self.stock(&number);
        number
    }

    pub fn stock(&self, number: &str) {
        let listed = InventoryNumber::new(number, "INR", 50, 2).in_region("IN", "Goa");
        self.vobiz.put_number(listed).unwrap();
    }

    /// Arms a fault for this world's account.
    pub fn arm(&self, rule: FaultRule) {
        self.vobiz.arm(rule.account(&self.account));
    }

    pub fn journal(&self) -> Journal {
        self.vobiz.journal(&JournalFilter::default())
    }

    /// Requests to Vobiz that are not reads.
    pub fn writes(&self) -> usize {
        self.journal().requests.iter().filter(|request| request.method != "GET").count()
    }

    /// Waits until the journal is as wanted.
    pub async fn asked(&self, wanted: impl Fn(&Journal) -> bool) -> Journal {
        self.vobiz.wait_for(&JournalFilter::default(), PATIENCE, wanted).await.unwrap()
    }

    /// Claims a stocked number whose purchase Vobiz takes, and neither makes nor answers before it is told to.
    pub async fn claim_held(&self, name: &str) -> String {
        let number = self.stocked();
        self.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before }).e164(&number));
        self.claim(name, &number).await;
        self.held(&number).await;
        number
    }

    /// Waits until a request to Vobiz is held.
    pub async fn held(&self, number: &str) {
        self.vobiz.wait_for_held(&JournalFilter::e164(number), PATIENCE).await.unwrap();
    }

    pub fn release(&self) {
        assert_eq!(self.vobiz.release_all(None), 1, "exactly one request is held");
    }

    /// Waits until the owned numbers have been listed or searched so often since the last purchase call (or, if there
    /// was none, at all): an attempt that is open is being verified.
    pub async fn verified(&self, times: usize) {
        self.asked(|journal| {
            let last = journal.requests.iter().rposition(|request| request.operation == Operation::Purchase);
            let after = &journal.requests[last.map_or(0, |last| last + 1)..];
            let lists = after.iter().filter(|request| request.operation == Operation::List);
            lists.filter(|request| request.finished_at.is_some()).count() >= times
        })
        .await;
    }

    /// What was spent on a number: purchase calls, and debits.
    pub fn spent(&self, number: &str) -> (u64, u64) {
        (self.vobiz.purchase_calls(number), self.vobiz.debits(number))
    }

    pub fn claim_path(&self, name: &str) -> String {
        claim_path(&self.namespace, name)
    }

    pub async fn claim(&self, name: &str, number: &str) -> Value {
        self.claim_in(&self.namespace, name, &json!({ "e164": number }), &json!({})).await
    }

    pub async fn claim_in(&self, namespace: &str, name: &str, spec: &Value, annotations: &Value) -> Value {
        let claim = objects::claim(namespace, name, spec, annotations);
        self.cluster.create(&claims_path(namespace), &claim).await
    }

    pub async fn get(&self, name: &str) -> Option<Value> {
        self.cluster.get(&self.claim_path(name)).await
    }

    /// Waits until a claim has come to a case, and checks all of its row.
    pub async fn until(&self, name: &str, row: Row) -> Value {
        self.until_in(&self.namespace, name, row).await
    }

    pub async fn until_in(&self, namespace: &str, name: &str, row: Row) -> Value {
        let path = claim_path(namespace, name);
        let what = format!("{name} is {} {}", row.reason, row.also);
        let claim = eventually(&what, async || {
            let claim = self.cluster.get(&path).await.ok_or("there is no such claim")?;
            check_always(&claim);
            if row.describes(&claim) { Ok(claim) } else { Err(claim["status"].to_string()) }
        })
        .await;
        row.check(&claim);
        statuses::keep(&claim, row);
        claim
    }

    /// Deletes a claim, and waits until it is gone.
    pub async fn delete(&self, name: &str) {
        let path = self.claim_path(name);
        let deleted = self.cluster.request(Method::DELETE, &path, "application/json", &Value::Null);
        deleted.await.expect("there is no such claim");
        eventually("the claim is gone", async || match self.get(name).await {
            None => Ok(()),
            Some(claim) => Err(claim.to_string()),
        })
        .await;
    }

    /// Asks for another attempt.
    pub async fn retry(&self, name: &str, token: &str) {
        let patch = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/retry": token } } });
        self.cluster.merge(&self.claim_path(name), &patch).await;
    }

    /// Pauses a claim, or, with nothing, has it go on.
    pub async fn pause(&self, name: &str, value: Option<&str>) {
        let patch = json!({ "metadata": { "annotations": { "telephony.vobiz.ai/paused": value } } });
        self.cluster.merge(&self.claim_path(name), &patch).await;
    }

    pub async fn record(&self, number: &str) -> Option<Value> {
        self.cluster.get(&record_path(number)).await
    }

    /// Waits until a record is as wanted.
    pub async fn until_record(&self, number: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually("the record is as wanted", async || {
            let record = self.record(number).await.ok_or("there is no record")?;
            if wanted(&record) { Ok(record) } else { Err(record.to_string()) }
        })
        .await
    }

    pub async fn until_no_record(&self, number: &str) {
        eventually("the record is gone", async || match self.record(number).await {
            None => Ok(()),
            Some(record) => Err(record.to_string()),
        })
        .await;
    }

    /// Waits for the event of that reason about a claim.
    pub async fn event(&self, claim: &Value, reason: &str) -> Value {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", self.namespace);
        eventually(&format!("there is an event {reason}"), async || {
            let events = self.cluster.get(&path).await.unwrap();
            let about = |event: &&Value| event["regarding"]["uid"] == claim["metadata"]["uid"];
            let mut events = events["items"].as_array().unwrap().iter().filter(about);
            events.find(|event| event["reason"] == reason).cloned().ok_or_else(|| "no such event".to_owned())
        })
        .await
    }

    /// Returns once the operator has served two claims, one after the other, that are younger than everything else in
    /// this namespace. It is told of changes in their order, and reads the account for all who wait at the same time:
    /// what else there was to buy was ready with the first of the two, and had a whole round more to be sent.
    pub async fn served(&self) {
        for _ in 0..2 {
            let number = self.stocked();
            let name = format!("marker-{}", &number[1..]);
            self.claim(&name, &number).await;
            self.until(&name, PURCHASED).await;
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- the operator's log\n{}", self.log());
            for request in self.journal().requests {
                println!("{request:?}");
            }
            println!("{:?}", self.journal().debits);
        }
    }
}
