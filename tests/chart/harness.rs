//! What all tests share: a control plane with the definitions, and the folder of the repository.

use std::path::{Path, PathBuf};

use control_plane::Options;
use tokio::sync::OnceCell;

pub use testbed::{Cluster, eventually, run};

/// The operator under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_vobiz-operator");

/// Never dropped: the control plane's watchdog ends it with this process.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// The cluster that all tests share, with the definitions. A release of its own CRDs is for another.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let cluster = Cluster::with_kinds(Options { controller_manager: true }).await;
            cluster.plane.apply_crds(&root().join("tests/chart/monitoring.yaml")).await.unwrap();
            cluster
        })
        .await
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
