//! What the operator is told about its place: how long purchases take, where claims and the Lease are. `doctor` looks there.
#![expect(clippy::doc_markdown, reason = "these comments are what users read: `--help`")]

use clap::Args;

use super::values::{DurationArg, named};
use crate::vobiz::Casing;

// No comment for `--help`: it would replace those of the commands.
// Each variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// How long one purchase may take before its outcome counts as unknown
    #[arg(long, env, value_name = "DURATION", default_value = "30s", help_heading = "Vobiz")]
    pub vobiz_purchase_timeout: DurationArg,

    /// How long a purchase may take to show in Vobiz's lists and ledger. Absence counts only after it. Not shorter
    /// than the purchase timeout; longer is safer, and shorter only makes failures final sooner
    #[arg(long, env, value_name = "DURATION", default_value = "2m", help_heading = "Vobiz")]
    pub vobiz_settle_time: DurationArg,

    /// Casing of the purchase path: Vobiz's documentation has both, and a request cannot be tried twice
    #[arg(long, env, value_enum, default_value = "account", help_heading = "Vobiz")]
    pub vobiz_purchase_path: Casing,

    /// Namespaces to watch, separated by commas [default: all]
    #[arg(long, env, value_name = "NAMES", value_delimiter = ',', help_heading = "Controller")]
    pub watch_namespaces: Vec<String>,

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
}

impl PlaceArgs {
    /// The namespaces whose claims are served. None are named: all.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        self.watch_namespaces.iter().filter_map(|name| named(Some(name.clone()))).collect()
    }

    /// Where the Lease is: where that is said nowhere, in the namespace of the pod, or else in that one.
    #[must_use]
    pub fn lease_namespace(&self, default: &str) -> String {
        named(self.leader_election_namespace.clone())
            .or_else(|| named(std::env::var("POD_NAMESPACE").ok()))
            .unwrap_or_else(|| default.to_owned())
    }
}
