//! What all runs share.

use std::{path::PathBuf, sync::atomic::AtomicU32};

use control_plane::Options;
use testbed::Cluster;

/// One control plane, and the program.
pub struct Bench {
    pub cluster: Cluster,
    pub(crate) client: kube::Client,
    pub(crate) program: PathBuf,
    pub(crate) stages: AtomicU32,
}

impl Bench {
    /// Starts a control plane.
    pub async fn start(program: PathBuf) -> Self {
        let cluster = Cluster::with_kinds(Options::default()).await;
        let client = cluster.plain_client().await;
        Self { cluster, client, program, stages: AtomicU32::new(1) }
    }
}
