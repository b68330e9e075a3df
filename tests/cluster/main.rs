//! The operator as its users meet it: the real binary as a process of its own, against a real kube-apiserver and
//! etcd, with a simulated Vobiz whose journal says what was asked and what was paid.
//!
//! One control plane serves all tests. Each has a namespace, a Vobiz, an account and numbers of its own, so they run
//! side by side, and most of them spend their time waiting for an attempt to settle.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use testbed::{operator, table};

mod harness;
mod statuses;
mod world;

mod account;
mod accounts;
mod api;
mod attempts;
mod caught;
mod clocks;
mod commands;
mod conditions;
mod conflicts;
mod crashes;
mod credentials;
mod decisions;
mod doctor;
mod drift;
mod durations;
mod exactly_once;
mod export;
mod gitops;
mod health;
mod held;
mod hostile;
mod leader;
mod network;
mod newer;
mod older;
mod otlp;
mod outage;
mod plan;
mod prices;
mod prometheus;
mod recovery;
mod restore;
mod secure;
mod sizes;
mod startup;
mod tenants;
mod unwell;
