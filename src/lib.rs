//! Map.
pub mod account;
pub mod api;
pub mod cli;
pub mod clock;
pub mod conditions;
pub mod controller;
pub mod domain;
pub mod plan;
pub mod reconcile;
pub mod store;
pub mod telemetry;
pub mod vobiz;
