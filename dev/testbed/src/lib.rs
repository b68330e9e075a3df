//! What the tests of the whole share: a real control plane with a client, the operator as a process, the table of
//! conditions, and patience. Like the tests, it panics where it cannot go on.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "everything here panics, and only tests call it"
)]

mod cluster;
pub mod objects;
pub mod operator;
mod runtime;
pub mod table;

pub use cluster::{Cluster, PATIENCE, crds, eventually};
pub use runtime::run;
