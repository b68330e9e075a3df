//! The chart as those meet it who install it: rendered by the real helm, taken by a real API server, and the operator
//! run as a process with the settings and exactly the rights that it renders.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "shared with the tests of the operator, which need more of it")]
#[path = "../cluster/operator.rs"]
mod operator;
#[allow(dead_code, reason = "shared with the tests of the operator, which need more of it")]
#[path = "../cluster/table.rs"]
mod table;

mod audit;
mod claims;
mod harness;
mod helm;
mod release;
mod right;
mod values;
mod variations;

mod files;
mod job;
mod lifecycle;
mod mistakes;
mod notes;
mod objects;
mod rights;
mod server;
mod templates;
