//! Structured logs: for people on a terminal, JSON otherwise.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

/// kube's own spans name records, and a record's name is its number: they stay out unless asked for.
const DEFAULT_FILTER: &str = "info,kube=error,kube_client=error,kube_runtime=error,hyper=warn,reqwest=warn";

/// Starts logging to standard error. `RUST_LOG` overrides what is logged.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        logs.with_target(false).init();
    } else {
        logs.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
    }
}
