//! What a program is measured on: a control plane and a simulated Vobiz of its own, and claims.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use control_plane::Options;
use futures::{StreamExt, stream};
use serde_json::Value;
use testbed::{
    Cluster, Error,
    objects::{claim, claims_path},
    operator::{Operator, Setup},
};
use tokio::time::timeout;
use vobiz_sim::{Config, InventoryNumber, JournalFilter, OwnedNumber, RequestEntry, Sim, State};

use crate::{Args, accounts::Accounts};

/// What is measured, and its definitions.
pub struct Program {
    pub path: PathBuf,
    pub crds: PathBuf,
    pub accounts: Accounts,
}

/// The user as which the program calls the API server: its calls are told from ours by that.
pub const USER: &str = "measured";
/// Where the claims of the load are, and those whose latency is looked at: each a tenant.
pub const LOAD: &str = "load";
pub const PROBES: &str = "probes";
/// Where the claims are whose account has no good token.
const REFUSED: &str = "refused";

/// Numbers for sale beyond those of the load.
const SPARE: u64 = 5_000;
/// How long the program may take to end.
const LONGEST_END: Duration = Duration::from_secs(30);
/// Creates under way at a time.
const IN_FLIGHT: usize = 64;

/// Dropped in this order.
pub struct Bench {
    pub operator: Operator,
    setup: Setup,
    sim: Sim,
    pub cluster: Cluster,
    accounts: Accounts,
    /// The next number to be claimed.
    next: AtomicU64,
}

/// A claim that was created.
pub struct Created {
    pub name: String,
    pub at: Instant,
}

impl Bench {
    pub async fn start(program: &Program, args: &Args, claims: u64) -> Result<Self, Error> {
        let cluster = Cluster::start(Options::default()).await;
        cluster.plane.apply_crds(&program.crds).await?;
        for namespace in [LOAD, PROBES, REFUSED] {
            cluster.create_namespace(namespace, &Value::Null).await;
        }
        let accounts = program.accounts;
        accounts.declare(&cluster).await;
        let state = stock(accounts, claims, args.owned);
        let sim = Sim::start(Config { state, ..Config::default() }).await?;
        let plane = &cluster.plane;
        let kubeconfig = plane.kubeconfig_for(USER, Some("system:masters"))?;
        let setup = Setup::new(&program.path, plane.group(), plane.folder().join("operator.log"))
            .env("KUBECONFIG", kubeconfig.display().to_string())
            .env("VOBIZ_API_URL", sim.url())
            .env("VOBIZ_RATE_LIMIT", &args.rate)
            .env("HTTP_ADDR", "127.0.0.1:0")
            // Where it serves its metrics, and its warnings.
            .env("RUST_LOG", "warn,vobiz_operator::health=info");
        let setup = accounts.flags().into_iter().fold(setup, |setup, (name, value)| setup.env(name, value));
        let operator = setup.spawn().map_err(Error::Start)?;
        Ok(Self { operator, setup, sim, cluster, accounts, next: AtomicU64::new(0) })
    }

    /// Stops the program as Kubernetes does, and starts it again, to resync that often.
    pub async fn restart(&mut self, resync: Option<Duration>) -> Result<(), Error> {
        self.operator.terminate().await;
        self.operator.wait().await?;
        if let Some(resync) = resync {
            self.setup = self.setup.clone().env("VOBIZ_RESYNC_INTERVAL", format!("{}s", resync.as_secs()));
        }
        self.operator = self.setup.spawn().map_err(Error::Start)?;
        Ok(())
    }

    /// Stops all, the program as Kubernetes does: one that counts which way its code goes writes that at its end.
    pub async fn stop(mut self) -> Result<(), Error> {
        if self.operator.is_running() {
            self.operator.terminate().await;
            // One that does not end is killed.
            let _ = timeout(LONGEST_END, self.operator.wait()).await;
        }
        self.operator.discard().await;
        self.sim.stop().await;
        Ok(self.cluster.plane.stop()?)
    }

    /// Creates claims for numbers that are not claimed yet, many at a time.
    pub async fn create(&self, namespace: &str, count: u64) -> Vec<Created> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        let created = stream::iter(first..first + count).map(|index| self.create_one(namespace, index));
        created.buffer_unordered(IN_FLIGHT).collect().await
    }

    async fn create_one(&self, namespace: &str, index: u64) -> Created {
        self.create_as(namespace, index, &self.accounts.spec_of(&number(index), index)).await
    }

    async fn create_as(&self, namespace: &str, index: u64, spec: &Value) -> Created {
        let name = format!("claim-{index}");
        let object = claim(namespace, &name, spec, &Value::Null);
        let at = Instant::now();
        self.cluster.create(&claims_path(namespace), &object).await;
        Created { name, at }
    }

    /// Has each account whose token is refused have its share of the claims, which wait.
    pub async fn have_refused(&self, claims: u64) {
        for index in 0..claims / self.accounts.declared.max(1) * self.accounts.refused {
            let spec = self.accounts.refused_spec(&format!("+9182{:08}", 10_000_000 + index), index);
            self.create_as(REFUSED, index, &spec).await;
        }
    }

    /// How many claims there are.
    pub fn claims(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// How many calls Vobiz has received so far.
    pub fn calls(&self) -> usize {
        self.sim.admin().journal(&JournalFilter::default()).requests.len()
    }

    /// What Vobiz was called for since then.
    pub fn calls_since(&self, then: usize) -> Vec<RequestEntry> {
        self.sim.admin().journal(&JournalFilter::default()).requests.split_off(then)
    }
}

/// A number for sale; those that are owned already are others.
fn number(index: u64) -> String {
    format!("+9180{:08}", 10_000_000 + index)
}

fn stock(accounts: Accounts, claims: u64, owned: u64) -> State {
    let sale = (0..claims + SPARE).map(|index| InventoryNumber::new(number(index), "INR", 50, 2));
    let owned = (0..owned)
        .map(|index| OwnedNumber::new(format!("+9181{:08}", 10_000_000 + index), accounts.owner(index)));
    State {
        accounts: accounts.at_vobiz(),
        inventory: sale.collect(),
        owned: owned.collect(),
        ..State::default()
    }
}
