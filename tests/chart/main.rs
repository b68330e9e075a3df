//! The chart as those meet it who install it: rendered by the real helm, taken by a real API server, and the operator
//! run as a process with the settings and exactly the rights that it renders.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use testbed::{operator, table};

mod audit;
mod claims;
mod harness;
mod helm;
mod release;
mod right;
mod values;
mod variations;
mod versions;

mod files;
mod job;
mod lifecycle;
mod mistakes;
mod names;
mod notes;
mod objects;
mod pages;
mod rights;
mod server;
mod templates;
mod tenants;
