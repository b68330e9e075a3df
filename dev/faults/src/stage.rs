//! One run's own part of the world: a namespace, a Vobiz with an account, a number, a claim, and the proxies through
//! which its operators call.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use http::Method;
use serde_json::{Value, json};
use testbed::{
    objects::{claim, claim_path, claims_path, record_path, token},
    operator::{Operator, Setup},
    table::PURCHASED,
};
use vobiz_sim::{Account, Config, InventoryNumber, LedgerSums, OwnedNumber, Sim, SimAdmin, State};

use crate::{
    behaviour::Behaviour,
    bench::Bench,
    door::{Door, Upstream},
    evidence::{Evidence, until},
    timeline::Timeline,
    trap::Rules,
};

/// The claim that a run is about.
pub const CLAIM: &str = "office";

/// An account with more numbers than stand on a page, so that single numbers are searched for.
const MANY: usize = 150;

pub struct Stage {
    pub bench: Arc<Bench>,
    evidence: Evidence,
    pub vobiz: SimAdmin,
    pub namespace: String,
    pub account: String,
    pub number: String,
    sim: Sim,
    id: u32,
    processes: AtomicUsize,
    markers: AtomicU32,
    /// Open until the end of the run.
    remains: Mutex<Vec<Remains>>,
}

/// An operator, and what its calls go through.
pub struct Process {
    pub operator: Operator,
    pub rules: Arc<Rules>,
    /// Counted from 1.
    pub id: usize,
    // Open as long as the process runs.
    doors: [Door; 2],
}

/// Proxies of a process that is gone: what it has sent may still be under way.
pub struct Remains {
    _doors: [Door; 2],
}

impl Process {
    /// `kill -9`, and it is gone afterwards.
    pub async fn kill9(self) -> Remains {
        self.operator.kill9().await;
        Remains { _doors: self.doors }
    }
}

impl Stage {
    /// Sets a stage: a Vobiz that behaves like that; an account with many other numbers, if that is wanted.
    pub async fn set(bench: &Arc<Bench>, evidence: Evidence, behaviour: Behaviour, many: bool) -> Self {
        let id = bench.stages.fetch_add(1, Ordering::Relaxed);
        let (namespace, account) = (format!("run-{id}"), format!("MA_R{id}"));
        let number = format!("+9190{id:04}0000");
        let mut money = Account::new(&account, token(&account)).with_balance("USD", 1_000_000);
        money.options.ledger_names_number = behaviour.naming();
        if behaviour.adds_fractions() {
            money.options.ledger_sums = LedgerSums::Binary;
        }
        match behaviour.short_balance() {
            None => money = money.with_balance("INR", 1_000_000),
            Some(short) => {
                money = money.with_balance("INR", 10);
                money.options.short_balance = short;
            }
        }
        let others = (0..if many { MANY } else { 0 })
            .map(|other| OwnedNumber::new(format!("+9170{id:04}{other:04}"), &account));
        let state = State { accounts: vec![money], owned: others.collect(), ..State::default() };
        let sim = Sim::start(Config { state, ..Config::default() }).await.unwrap();
        let vobiz = sim.admin();
        if behaviour.has_stock() {
            let mut listed = InventoryNumber::new(&number, "INR", 50, 2).in_region("IN", "Goa");
            listed.shape = behaviour.shape();
            if behaviour.adds_fractions() {
                [listed.setup_fee, listed.monthly_fee] = ["1.1", "2.2"].map(|fee| fee.parse().unwrap());
            }
            vobiz.put_number(listed).unwrap();
        }
        for rule in behaviour.rules(&account, &number) {
            vobiz.arm(rule);
        }
        vobiz.close_after_each_answer(behaviour.closes());
        bench.cluster.create_namespace(&namespace, &json!({})).await;
        Self {
            bench: bench.clone(),
            evidence,
            vobiz,
            namespace,
            account,
            number,
            sim,
            id,
            processes: AtomicUsize::new(0),
            markers: AtomicU32::new(1),
            remains: Mutex::default(),
        }
    }

    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.evidence.timeline
    }

    /// Keeps the proxies of a process that is gone.
    pub fn keep(&self, remains: Remains) {
        self.remains.lock().unwrap().push(remains);
    }

    /// How an operator is started, but for the way to the API server and to Vobiz.
    pub fn setup(&self) -> Setup {
        let log = self.evidence.folder.path().join("operator.log");
        Setup::new(&self.bench.program, self.bench.cluster.plane.group(), log)
            .env("KUBECONFIG", self.bench.cluster.plane.kubeconfig().display().to_string())
            .env("VOBIZ_API_URL", self.sim.url())
            .env("VOBIZ_AUTH_ID", &self.account)
            .env("VOBIZ_AUTH_TOKEN", token(&self.account))
            .env("VOBIZ_PURCHASE_TIMEOUT", "2s")
            .env("VOBIZ_SETTLE_TIME", "2s")
            // Many run at once, and none is to be slowed by a limit that is for Vobiz's sake.
            .env("VOBIZ_RATE_LIMIT", "200")
            .env("WATCH_NAMESPACES", &self.namespace)
    }

    /// Starts an operator whose calls go through proxies of its own.
    pub async fn start(&self, setup: &Setup) -> Process {
        self.start_watched(setup, Arc::default()).await
    }

    /// The same, with rules that may be set already.
    pub async fn start_watched(&self, setup: &Setup, rules: Arc<Rules>) -> Process {
        rules.close_after_answers(self.vobiz.closes_after_each_answer());
        let id = self.processes.fetch_add(1, Ordering::Relaxed) + 1;
        let open = |upstream| Door::open(upstream, id, self.timeline().clone(), rules.clone());
        let kube = open(Upstream::Kube(self.bench.client.clone())).await.unwrap();
        let vobiz = open(Upstream::Vobiz(self.sim.address())).await.unwrap();
        let kubeconfig = self.evidence.folder.path().join(format!("kubeconfig-{id}"));
        std::fs::write(&kubeconfig, kube.kubeconfig()).unwrap();
        let setup = setup
            .clone()
            .env("KUBECONFIG", kubeconfig.display().to_string())
            .env("VOBIZ_API_URL", vobiz.url());
        self.timeline().deed(format!("operator #{id} starts"));
        Process { operator: setup.start(), rules, id, doors: [kube, vobiz] }
    }

    pub async fn create_claim(&self, name: &str, number: &str) -> Value {
        self.timeline().deed(format!("claim {name} is created"));
        let claim = claim(&self.namespace, name, &json!({ "e164": number }), &json!({}));
        self.bench.cluster.create(&claims_path(&self.namespace), &claim).await
    }

    pub async fn claim(&self) -> Option<Value> {
        self.bench.cluster.get(&self.claim_path()).await
    }

    pub fn claim_path(&self) -> String {
        claim_path(&self.namespace, CLAIM)
    }

    pub async fn record(&self) -> Option<Value> {
        self.bench.cluster.get(&record_path(&self.number)).await
    }

    pub fn digits(&self) -> &str {
        &self.number[1..]
    }

    /// Deletes the claim without regard to anybody.
    pub async fn delete_claim(&self) {
        self.timeline().deed("the claim is deleted");
        self.bench.cluster.request(Method::DELETE, &self.claim_path(), JSON, &Value::Null).await;
    }

    /// Removes what a backup does not keep.
    pub async fn strip_statuses(&self) {
        self.timeline().deed("the statuses are removed");
        let (merge, none) = ("application/merge-patch+json", json!({ "status": null }));
        let claim = format!("{}/status", self.claim_path());
        self.bench.cluster.request(Method::PATCH, &claim, merge, &none).await;
        self.bench.cluster.request(Method::PATCH, &record_path(&self.number), merge, &none).await;
    }

    /// Deletes the record, as far as its finalizer lets it go.
    pub async fn delete_record(&self) {
        self.timeline().deed("the record is deleted");
        let path = record_path(&self.number);
        self.bench.cluster.request(Method::DELETE, &path, JSON, &Value::Null).await;
    }

    /// Takes the record away, finalizer and all.
    pub async fn force_record_away(&self) {
        self.timeline().deed("the record is forced away");
        let (path, merge) = (record_path(&self.number), "application/merge-patch+json");
        let none = json!({ "metadata": { "finalizers": null } });
        self.bench.cluster.request(Method::PATCH, &path, merge, &none).await;
        self.bench.cluster.request(Method::DELETE, &path, JSON, &Value::Null).await;
    }

    /// Returns once two claims, one after the other, that are younger than everything else have been served: whatever
    /// else there was to send would have been sent.
    ///
    /// # Errors
    /// If one of them is not served.
    pub async fn served(&self) -> Result<(), String> {
        for _ in 0..2 {
            let marker = self.markers.fetch_add(1, Ordering::Relaxed);
            let (name, number) = (format!("marker-{marker}"), format!("{}{marker:04}", self.prefix()));
            self.vobiz.put_number(InventoryNumber::new(&number, "USD", 1, 1)).unwrap();
            self.create_claim(&name, &number).await;
            let path = claim_path(&self.namespace, &name);
            until("the operator serves another claim", async || {
                let claim = self.bench.cluster.get(&path).await.ok_or("it is gone")?;
                if PURCHASED.describes(&claim) { Ok(()) } else { Err(claim["status"].to_string()) }
            })
            .await?;
        }
        Ok(())
    }

    /// What the numbers of this stage begin with; four digits more make one.
    pub fn prefix(&self) -> String {
        format!("+9190{:04}", self.id)
    }

    /// One of the other numbers of an account that has many.
    pub fn owned(&self) -> String {
        format!("+9170{:04}0000", self.id)
    }

    /// Stops everything, and removes what later runs would have to read. Only after a run that went well.
    pub async fn end(&self, processes: impl IntoIterator<Item = Process>) {
        for process in processes {
            self.keep(process.kill9().await);
        }
        self.clear().await;
    }

    /// What is left over costs time, and nothing else.
    async fn clear(&self) {
        let (cluster, merge) = (&self.bench.cluster, "application/merge-patch+json");
        let claims = claims_path(&self.namespace);
        let _ = cluster.try_request(Method::DELETE, &claims, JSON, &Value::Null).await;
        let none = json!({ "metadata": { "finalizers": null } });
        for marker in 0..self.markers.load(Ordering::Relaxed) {
            let path = record_path(&format!("{}{marker:04}", self.prefix()));
            if matches!(cluster.try_request(Method::PATCH, &path, merge, &none).await, Ok(Some(_))) {
                let _ = cluster.try_request(Method::DELETE, &path, JSON, &Value::Null).await;
            }
        }
    }
}

pub const JSON: &str = "application/json";
