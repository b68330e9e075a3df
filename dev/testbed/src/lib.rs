//! What all share that run the operator beside a real control plane: the operator as a process, the table of conditions,
//! patience, what people see, and, in the feature `cluster`, a client. What tests alone call panics where it cannot go on.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "most of this panics, and only tests and demonstrations call it"
)]

#[cfg(feature = "cluster")]
mod cluster;
mod error;
pub mod objects;
pub mod operator;
mod patience;
mod runtime;
pub mod stage;
pub mod table;
pub mod terminal;

#[cfg(feature = "cluster")]
pub use cluster::Cluster;
pub use error::{Error, built, in_the_root};
pub use patience::{PATIENCE, eventually};
pub use runtime::run;

use std::path::{Path, PathBuf};

/// The folder of the definitions.
pub fn crds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds")
}
