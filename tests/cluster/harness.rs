//! What all tests share: one runtime and one control plane.

use std::sync::{LazyLock, mpsc};

use control_plane::Options;
use tokio::{runtime::Handle, sync::OnceCell};

pub use testbed::{Cluster, PATIENCE, crds, eventually};

use crate::world::World;

/// A thread drives everything that is shared; each test runs on its own thread, so that its failure and its output
/// are its own.
static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        sender.send(runtime.handle().clone()).unwrap();
        runtime.block_on(std::future::pending::<()>());
    });
    receiver.recv().unwrap()
});

/// Never dropped: the control plane's watchdog ends it with this process.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// Runs a test in a world of its own.
pub fn run(test: impl AsyncFnOnce(World)) {
    RUNTIME.block_on(async { test(World::new().await).await });
}

/// The cluster that all tests share.
pub async fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| Cluster::with_kinds(Options { controller_manager: true })).await
}
