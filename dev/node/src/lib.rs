//! A real node: a kubelet and a containerd that run real containers, beside a control plane of its own.
//!
//! It needs root, and is meant for a network namespace of its own (see the program `e2e`, which enters one). Mounts,
//! processes and control groups are the node's own too, and none of them outlives this process, however it ends.

mod cgroups;
mod command;
mod dns;
mod error;
mod network;
mod node;
mod programs;
mod sandbox;
mod settings;

pub use command::run;
pub use dns::Dns;
pub use error::Error;
pub use network::{NODE, SERVICE, set_up as set_up_network};
pub use node::Node;
pub use programs::Programs;
