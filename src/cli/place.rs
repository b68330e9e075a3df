//! What the operator is told about its place: how long purchases take, where claims and the Lease are. `doctor` looks there.
#![expect(clippy::doc_markdown, reason = "these comments are what users read: `--help`")]

use clap::Args;

use super::{times::TimesArgs, values::named, watch::WatchArgs};
use crate::vobiz::Casing;

// No comment for `--help`: it would replace those of the commands.
// Each variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    #[command(flatten)]
    pub times: TimesArgs,

    /// Casing of the purchase path: Vobiz's documentation has both, and a request cannot be tried twice
    #[arg(long, env, value_enum, default_value = "account", help_heading = "Vobiz")]
    pub vobiz_purchase_path: Casing,

    #[command(flatten)]
    pub watch: WatchArgs,

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
    /// Where the Lease is: where that is said nowhere, in the namespace of the pod, or else in that one.
    #[must_use]
    pub fn lease_namespace(&self, default: &str) -> String {
        named(self.leader_election_namespace.clone())
            .or_else(|| named(std::env::var("POD_NAMESPACE").ok()))
            .unwrap_or_else(|| default.to_owned())
    }
}
