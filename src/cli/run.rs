//! The arguments of `run`.
#![expect(clippy::doc_markdown, reason = "these comments are what users read: `--help`")]

use std::num::NonZeroUsize;

use clap::Args;

use super::{place::PlaceArgs, values::DurationArg, vobiz::VobizArgs};

/// How to run. Durations are written like 90s, 2m or 1m30s.
// Each variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub vobiz: VobizArgs,

    #[command(flatten)]
    pub place: PlaceArgs,

    /// How often the account is listed in full, to find numbers that were blocked, released or lost
    #[arg(long, env, value_name = "DURATION", default_value = "10m", help_heading = "Vobiz")]
    pub vobiz_resync_interval: DurationArg,

    /// Purchases under way at the same time. Those that Vobiz has not answered for 2 s hold half of these places at most,
    /// and with them there are up to four times as many
    #[arg(long, env, value_name = "N", default_value = "8", help_heading = "Controller")]
    pub purchase_concurrency: NonZeroUsize,

    /// Hold purchases and adoptions back until what was sent before must have shown. Use it for the first start after
    /// a restore of the cluster from a backup
    #[arg(
        long,
        env,
        num_args = 0..=1,
        default_value = "false",
        default_missing_value = "true",
        value_parser = clap::builder::FalseyValueParser::new(),
        help_heading = "Controller"
    )]
    pub hold_purchases: bool,

    /// Serve /healthz, /readyz and /metrics on this address, in the clear: like 0.0.0.0:8080, or :8080 for every address
    /// [default: not served]
    #[arg(long, env, value_name = "ADDRESS", help_heading = "Observation")]
    pub http_addr: Option<String>,

    /// Send traces to this OTLP endpoint, by HTTP: like http://collector:4318. Only in a program that was built with
    /// --features otlp
    #[arg(long, env, value_name = "URL", hide_env_values = true, help_heading = "Observation")]
    pub otlp_endpoint: Option<String>,
}
