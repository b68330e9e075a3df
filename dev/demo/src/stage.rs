//! What the demo plays on: a control plane, a simulated Vobiz, and, once it is started, the operator.

use std::path::Path;

use control_plane::{ControlPlane, Options};
use vobiz_sim::{Config, Sim, State};

use crate::{
    error::DemoError,
    expected,
    operator::Operator,
    terminal::{say, step, with_progress},
};

/// The definitions and the claims, as seen from the root of the repository.
pub const CRDS: &str = "crds/";
pub const EXAMPLES: &str = "examples/";

/// Everything that runs, in the order in which it is dropped: the control plane, whose end takes every process of its
/// group along, comes last.
pub struct Stage {
    pub operator: Option<Operator>,
    pub sim: Sim,
    pub plane: ControlPlane,
}

impl Stage {
    /// Starts all but the operator.
    pub async fn set() -> Result<Self, DemoError> {
        if let Some(missing) = [CRDS, EXAMPLES].into_iter().find(|folder| !Path::new(folder).is_dir()) {
            return Err(DemoError::Place(missing));
        }
        step("A simulated Vobiz: its API, an inventory, a ledger, and an account");
        let state = State::from_yaml(include_str!("../vobiz.yaml"))?;
        let sim = Sim::start(Config { state, ..Config::default() }).await?;
        sim.admin().arm(expected::lost_reply());
        say(format!("{} serves the account MA_DEMO, which has 1000 INR and 20 USD", sim.url()));

        step("A Kubernetes control plane: etcd and kube-apiserver, for this demo only");
        let plane = with_progress("starting", ControlPlane::start(Options::default())).await?;
        say(format!("{} serves; nothing of yours is touched", plane.url()));
        Ok(Self { operator: None, sim, plane })
    }

    /// Stops everything and removes every trace of it.
    pub async fn clear(self) -> Result<(), DemoError> {
        if let Some(operator) = self.operator {
            operator.stop().await;
        }
        self.sim.stop().await;
        Ok(self.plane.stop()?)
    }
}
