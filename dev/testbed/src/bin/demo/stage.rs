//! What the demo plays on: a control plane, a simulated Vobiz, and, once it is started, the operator.

use std::path::Path;

use testbed::{
    Error, in_the_root,
    operator::{Operator, Setup},
    stage::Stage,
    terminal::{say, step},
};
use vobiz_sim::{Config, Sim, State};

use crate::{Cluster, expected, keep, place::Place};

/// The definitions and the claims, as seen from the root of the repository.
pub const CRDS: &str = "crds/";
pub const EXAMPLES: &str = "examples/";

/// Everything that runs, in the order in which it is dropped: the place, whose end takes every process of its group along,
/// and is tidied up after the operator, comes last.
pub struct Demo {
    pub operator: Option<Operator>,
    pub sim: Sim,
    pub place: Place,
}

impl Demo {
    /// Starts all but the operator.
    pub async fn set(cluster: Option<(Cluster, bool)>) -> Result<Self, Error> {
        in_the_root(&[CRDS, EXAMPLES])?;
        step("A simulated Vobiz: its API, an inventory, a ledger, and an account");
        let state = State::from_yaml(include_str!("vobiz.yaml"))?;
        let sim = Sim::start(Config { state, ..Config::default() }).await?;
        sim.admin().arm(expected::lost_reply());
        say(format!("{} serves the account MA_DEMO, which has 1000 INR and 20 USD", sim.url()));

        let place = match cluster {
            None => Place::own().await?,
            Some((Cluster::Current, agreed)) => Place::current(agreed)?,
        };
        Ok(Self { operator: None, sim, place })
    }

    /// How to start the operator here, untouched by the environment of the person who runs the demo.
    pub fn setup(&self, program: &Path) -> Setup {
        let setup = self
            .place
            .setup(program)
            .env("KUBECONFIG", self.place.kubeconfig().display().to_string())
            .env("VOBIZ_API_URL", self.sim.url())
            .env("VOBIZ_AUTH_ID", "MA_DEMO")
            .env("VOBIZ_AUTH_TOKEN", "demo-token");
        match std::env::var("RUST_LOG") {
            Ok(filter) => setup.env("RUST_LOG", filter),
            Err(_) => setup,
        }
    }
}

impl Stage for Demo {
    type Error = Error;

    fn explain(&self) {
        keep::explain(self);
    }

    async fn clear(self) -> Result<(), Error> {
        if let Some(operator) = self.operator {
            operator.discard().await;
        }
        self.sim.stop().await;
        self.place.clear()
    }
}
