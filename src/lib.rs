//! Buys phone numbers from Vobiz, declaratively and exactly once. This page is the map.
//!
//! | module | what it is | what it uses |
//! |---|---|---|
//! | [`controller`] | Watches, queues, workers, leadership, an orderly end. | `account`, `api`, `cache`, `clock`, `cluster`, `conditions`, `domain`, `health`, `leader`, `metrics`, `plan`, `reconcile`, `store`, `telemetry`, `vobiz` |
//! | [`commands`] | What people ask for: `plan`, `owned`, `export`, `why`, `doctor`. Reads alone, and annotations of claims. | `api`, `cli`, `clock`, `cluster`, `conditions`, `domain`, `plan`, `proxy`, `vobiz` |
//! | [`health`] | Whether the operator works, and what is waiting: `/readyz`, `/metrics`. | `account`, `api`, `domain`, `metrics`, `plan`, `reconcile` |
//! | [`reconcile`] | Observe, plan, perform one step. | `account`, `api`, `cache`, `clock`, `conditions`, `domain`, `metrics`, `plan`, `store`, `telemetry`, `vobiz` |
//! | [`account`] | Reads the account once for all claims that wait, knows when to leave it alone, and has purchases queue. | `api`, `clock`, `domain`, `metrics`, `plan`, `vobiz` |
//! | [`cache`] | What is watched of both kinds, kept small. | `api`, `domain` |
//! | [`store`] | The operator's only writer of the kinds. | `api`, `domain` |
//! | [`conditions`] | What users are told. Pure. | `api`, `domain`, `plan` |
//! | [`plan`] | What to do next. Pure: observed and now in, one step out. | `api`, `domain` |
//! | [`vobiz`] | The vendor's REST API: a client whose answers say whether a purchase may have happened. | `address`, `api`, `clock`, `domain`, `metrics`, `proxy`, `telemetry` |
//! | [`api`] | The kinds: the request (`PhoneNumberClaim`), the record (`PhoneNumber`), the account (`VobizAccount`). | `domain` |
//! | [`cluster`] | The client of the API server, and which definitions it serves. | `api`, `clock`, `metrics`, `proxy`, `vobiz` |
//! | [`leader`] | Which of several replicas works. | `clock` |
//! | [`cli`] | The arguments. | `domain`, `vobiz` |
//! | [`clock`] | The clocks, ours and the others'. | `domain`, `metrics` |
//! | [`telemetry`] | Logs and traces. | `address` |
//! | [`metrics`] | What is counted and measured. | `domain` |
//! | [`domain`] | The words of the trade, each parsed once, at the edge, and what lists and ledgers say. | |
//! | [`proxy`] | Which proxy stands before which host. | |
//! | [`address`] | What of a URL may be shown. | |
//!
//! `tests/layers/` holds the arrows of this table: a new one is drawn here first.
//!
//! How a number is bought exactly once, and what is checked of it, is told in `docs/exactly-once.md`.

mod account;
mod address;
pub mod api;
mod cache;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod commands;
mod conditions;
pub mod controller;
pub mod domain;
pub mod health;
pub mod leader;
pub mod metrics;
mod plan;
mod proxy;
mod reconcile;
mod store;
pub mod telemetry;
pub mod vobiz;

#[cfg(test)]
#[path = "../tests/model/mod.rs"]
mod model;
