//! What all tests share: one control plane.

use control_plane::Options;
use tokio::sync::OnceCell;

pub use testbed::{Cluster, PATIENCE, crds, eventually};

use crate::world::World;

/// Never dropped: the control plane's watchdog ends it with this process.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// Runs a test in a world of its own.
pub fn run(test: impl AsyncFnOnce(World)) {
    testbed::run(async { test(World::new().await).await });
}

/// The cluster that all tests share.
pub async fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| Cluster::with_kinds(Options { controller_manager: true })).await
}

/// What a command complains of, line by line: not what it is reading, which it says where that takes long.
pub fn complaints(said: &str) -> Vec<&str> {
    said.lines().filter(|line| !line.starts_with("Reading ")).collect()
}
