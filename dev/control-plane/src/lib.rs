//! A real Kubernetes control plane on this machine: etcd, kube-apiserver and, where wanted,
//! kube-controller-manager, taken from where they are, fetched, or built from their published Go
//! modules, and run without a container.
//!
//! Every control plane is its own: fresh certificates, a port of its own, its data in a folder
//! of its own. Nothing outlives the process that started it, not even if that process is killed.
//!
//! ```no_run
//! # async fn example() -> Result<(), control_plane::Error> {
//! use control_plane::{ControlPlane, Options};
//!
//! let plane = ControlPlane::start(Options::default()).await?;
//! plane.run_kubectl(["create", "namespace", "shop"]).await?;
//! plane.stop()
//! # }
//! ```

mod apiserver;
mod audit;
mod binaries;
mod certificates;
mod component;
mod controller_manager;
mod crds;
mod envtest;
mod error;
mod etcd;
mod go_build;
mod kubeconfig;
mod kubectl;
mod module;
mod plane;
mod port;
mod process;
mod progress;
mod reach;
mod watchdog;

pub use binaries::{Binaries, BinariesError, flux_module, program};
pub use component::Component;
pub use error::Error;
pub use plane::{ControlPlane, Group, Options};
pub use progress::{Building, Progress, in_lines};
pub use reach::Reach;
