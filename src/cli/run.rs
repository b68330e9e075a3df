//! The arguments of `run`.
#![expect(clippy::doc_markdown, reason = "these comments are what users read: `--help`")]

use std::num::NonZeroUsize;

use clap::Args;

use super::{values::DurationArg, vobiz::VobizArgs};
use crate::vobiz::Casing;

/// How to run. Durations are written like 90s, 2m or 1m30s.
// Each variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub vobiz: VobizArgs,

    /// How long one purchase may take before its outcome counts as unknown
    #[arg(long, env, value_name = "DURATION", default_value = "30s", help_heading = "Vobiz")]
    pub vobiz_purchase_timeout: DurationArg,

    /// How long a purchase may take to show in Vobiz's lists and ledger. Absence counts only after it. Not shorter
    /// than the purchase timeout; longer is safer, and shorter only makes failures final sooner
    #[arg(long, env, value_name = "DURATION", default_value = "2m", help_heading = "Vobiz")]
    pub vobiz_settle_time: DurationArg,

    /// How often the account is listed in full, to find numbers that were blocked, released or lost
    #[arg(long, env, value_name = "DURATION", default_value = "10m", help_heading = "Vobiz")]
    pub vobiz_resync_interval: DurationArg,

    /// Casing of the purchase path: Vobiz's documentation has both, and a request cannot be tried twice
    #[arg(long, env, value_enum, default_value = "account", help_heading = "Vobiz")]
    pub vobiz_purchase_path: Casing,

    /// Purchases under way at the same time. Those that Vobiz has not answered for 2 s hold half of these places at most,
    /// and with them there are up to four times as many
    #[arg(long, env, value_name = "N", default_value = "8", help_heading = "Controller")]
    pub purchase_concurrency: NonZeroUsize,

    /// Namespaces to watch, separated by commas [default: all]
    #[arg(long, env, value_name = "NAMES", value_delimiter = ',', help_heading = "Controller")]
    pub watch_namespaces: Vec<String>,

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

    /// Work only while elected, so that of several replicas one works and the others wait. The election is held by a
    /// Lease; safety does not rest on it
    #[arg(
        long,
        env,
        num_args = 0..=1,
        default_value = "false",
        default_missing_value = "true",
        value_parser = clap::builder::FalseyValueParser::new(),
        help_heading = "Replicas"
    )]
    pub leader_elect: bool,

    /// Name of the Lease. Operators that are no replicas of each other need leases of their own
    #[arg(long, env, value_name = "NAME", default_value = "vobiz-operator", help_heading = "Replicas")]
    pub leader_election_name: String,

    /// Namespace of the Lease [default: POD_NAMESPACE, or else the namespace of the kubeconfig or service account]
    #[arg(long, env, value_name = "NAMESPACE", help_heading = "Replicas")]
    pub leader_election_namespace: Option<String>,

    /// Serve /healthz, /readyz and /metrics on this address, in the clear: like 0.0.0.0:8080, or :8080 for every address
    /// [default: not served]
    #[arg(long, env, value_name = "ADDRESS", help_heading = "Observation")]
    pub http_addr: Option<String>,

    /// Send traces to this OTLP endpoint, by HTTP: like http://collector:4318. Only in a program that was built with
    /// --features otlp
    #[arg(long, env, value_name = "URL", hide_env_values = true, help_heading = "Observation")]
    pub otlp_endpoint: Option<String>,
}
