//! Buys phone numbers from Vobiz, declaratively and exactly once. This page is the map.
//!
//! ```text
//! main → controller → { leader, health } → reconcile → { plan, conditions, store, account → vobiz } → { api, domain, metrics }
//! ```
//!
//! * [`domain`]: the words of the trade (E.164, currency, money, ids, times), each parsed once, at the edge.
//! * [`api`]: the two kinds: the wish (`PhoneNumberClaim`) and the record (`PhoneNumber`).
//! * [`plan`]: what to do next. Pure: observed and now in, one step out.
//! * [`conditions`]: what users are told. Pure.
//! * [`vobiz`]: the vendor's REST API: a client whose errors say whether a purchase may have happened.
//! * [`account`]: reads the account once for everybody who waits, and knows when to leave it alone.
//! * [`store`]: the only writer of both kinds.
//! * [`reconcile`]: observe, plan, perform one step.
//! * [`health`], [`metrics`]: what those who run it see.
//! * [`leader`]: which of several replicas works.
//! * [`controller`]: watches, queues, workers, leadership, an orderly end.
//! * [`cluster`]: the client of the API server. [`proxy`]: which proxy stands before which host;
//!   [`address`]: what of a URL may be shown.
//! * [`cli`], [`telemetry`], [`clock`]: arguments, logs and traces, and the clocks, ours and the others'.
//!
//! How a number is bought exactly once, and what is checked of it, is told in `docs/exactly-once.md`.

pub mod account;
pub mod address;
pub mod api;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod conditions;
pub mod controller;
pub mod domain;
pub mod health;
pub mod leader;
pub mod metrics;
pub mod plan;
pub mod proxy;
pub mod reconcile;
pub mod store;
pub mod telemetry;
pub mod vobiz;

#[cfg(test)]
#[path = "../tests/model/mod.rs"]
mod model;
