//! Faults on the real thing: the operator's binary, a real API server, a simulated Vobiz. A process is killed at every
//! call that can be seen from outside, before a Vobiz that misbehaves in every way that it knows; then everything has
//! to settle, with one debit at most and nothing forgotten that was paid for.
//!
//! Every choice follows from a seed. Like the tests, this panics where it cannot go on; a run that panics has failed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a run that cannot go on has failed")]
#![allow(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "everything here panics, and only tests call it"
)]

pub mod behaviour;
mod bench;
pub mod call;
pub mod campaign;
pub mod choice;
pub mod door;
pub mod evidence;
mod oracle;
pub mod report;
pub mod run;
pub mod scenarios;
mod stage;
pub mod timeline;
pub mod trap;
mod wish;

pub use bench::Bench;
