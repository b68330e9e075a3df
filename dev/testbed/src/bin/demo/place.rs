//! Where the demo plays: on a control plane of its own, or in the user's current cluster.

use std::path::{Path, PathBuf};

use control_plane::{ControlPlane, Options};
use testbed::{
    Error,
    operator::Setup,
    terminal::{say, step, with_progress},
};

use crate::{
    current::{Borrowed, NAMESPACE, said},
    stage::CRDS,
};

pub enum Place {
    Own(Box<ControlPlane>),
    Current(Borrowed),
}

impl Place {
    /// # Errors
    /// If the control plane does not start.
    pub async fn own() -> Result<Self, Error> {
        step("A Kubernetes control plane: etcd and kube-apiserver, for this demo only");
        let plane = with_progress("starting", ControlPlane::start(Options::default())).await?;
        say(format!("{} serves; nothing of yours is touched", plane.url()));
        Ok(Self::Own(Box::new(plane)))
    }

    /// # Errors
    /// As [`Borrowed::ask`].
    pub fn current(agreed: bool) -> Result<Self, Error> {
        step("Your own cluster");
        Borrowed::ask(agreed).map(Self::Current)
    }

    pub fn kubeconfig(&self) -> PathBuf {
        match self {
            Self::Own(plane) => plane.kubeconfig().to_owned(),
            Self::Current(cluster) => cluster.kubeconfig(),
        }
    }

    /// The folder of a kubectl that the user may not have.
    pub fn kubectl_folder(&self) -> Option<PathBuf> {
        match self {
            Self::Own(plane) => Some(plane.binaries().folder()),
            Self::Current(_) => None,
        }
    }

    /// How the operator is started here.
    pub fn setup(&self, program: &Path) -> Setup {
        match self {
            Self::Own(plane) => Setup::new(program, plane.group(), plane.folder().join("operator.log")),
            Self::Current(cluster) => Setup::alone(program, cluster.folder().join("operator.log"))
                .env("PATH", std::env::var("PATH").unwrap_or_default())
                .env("HOME", std::env::var("HOME").unwrap_or_default())
                .env("WATCH_NAMESPACES", NAMESPACE),
        }
    }

    /// Has the two kinds served.
    ///
    /// # Errors
    /// If the API server does not take them.
    pub async fn apply_crds(&mut self) -> Result<(), Error> {
        match self {
            Self::Own(plane) => Ok(plane.apply_crds(Path::new(CRDS)).await?),
            Self::Current(cluster) => cluster.set_up(),
        }
    }

    /// Runs kubectl as a user would.
    ///
    /// # Errors
    /// What kubectl complains of.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String, Error> {
        match self {
            Self::Own(plane) => Ok(plane.run_kubectl(arguments).await?),
            Self::Current(cluster) => {
                let mut command = tokio::process::Command::from(cluster.command(arguments));
                said(&command.kill_on_drop(true).output().await.map_err(Error::Kubectl)?)
            }
        }
    }

    /// Removes every trace of the demo.
    ///
    /// # Errors
    /// If something stays.
    pub fn clear(self) -> Result<(), Error> {
        match self {
            Self::Own(plane) => Ok(plane.stop()?),
            Self::Current(cluster) => {
                drop(cluster);
                Ok(())
            }
        }
    }
}
