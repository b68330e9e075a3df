//! Arguments, each with an environment twin. The names are the public contract.
#![expect(clippy::doc_markdown, reason = "these comments are what users read: `--help`")]

use std::{fmt, num::NonZeroU32, num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;
use secrecy::SecretString;

use crate::vobiz::Casing;

/// Buys phone numbers from Vobiz, declaratively and exactly once.
#[derive(Debug, Parser)]
#[command(name = "vobiz-operator", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller: watches PhoneNumberClaims and buys each number once.
    ///
    /// The cluster is found as kubectl finds it: KUBECONFIG, ~/.kube/config, then the pod's service account.
    Run(Box<RunArgs>),
    /// Print the custom resource definitions, for `kubectl apply -f -`.
    Crd,
}

/// How to run. Durations are written like 90s, 2m or 1m30s.
// Each variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Auth id of the Vobiz account (MA_… or SA_…)
    #[arg(long, env, value_name = "ID", help_heading = "Vobiz")]
    pub vobiz_auth_id: Option<String>,

    /// File that holds the auth id, instead of VOBIZ_AUTH_ID
    #[arg(long, env, value_name = "FILE", help_heading = "Vobiz")]
    pub vobiz_auth_id_file: Option<String>,

    /// Auth token of the account. Prefer the variable or the file: arguments are visible in process lists
    #[arg(long, env, value_name = "TOKEN", hide_env_values = true, help_heading = "Vobiz")]
    pub vobiz_auth_token: Option<SecretString>,

    /// File that holds the auth token, instead of VOBIZ_AUTH_TOKEN; read again when it changes and after each 401
    #[arg(long, env, value_name = "FILE", help_heading = "Vobiz")]
    pub vobiz_auth_token_file: Option<String>,

    /// Base URL of the API: https, or http to a loopback host
    #[arg(
        long,
        env,
        value_name = "URL",
        hide_env_values = true,
        default_value = "https://api.vobiz.ai",
        help_heading = "Vobiz"
    )]
    pub vobiz_api_url: String,

    /// PEM file with further root certificates to trust for Vobiz
    #[arg(long, env, value_name = "FILE", help_heading = "Vobiz")]
    pub vobiz_ca_file: Option<String>,

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

    /// Calls a second to Vobiz, and optionally the burst (default: twice as many): 20 or 20/40
    #[arg(long, env, value_name = "RATE[/BURST]", default_value = "20", help_heading = "Vobiz")]
    pub vobiz_rate_limit: Rate,

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

/// What was named; an empty variable names nothing.
#[must_use]
pub fn named(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

pub fn file(name: Option<String>) -> Option<PathBuf> {
    named(name).map(PathBuf::from)
}

/// A span of time, written like 90s or 2m.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationArg(pub Duration);

impl FromStr for DurationArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span: SignedDuration =
            text.parse().map_err(|_| "write a duration like 90s, 2m or 1m30s".to_owned())?;
        let span = Duration::try_from(span).map_err(|_| "a duration cannot be negative".to_owned())?;
        if span.is_zero() || span > Duration::from_hours(24 * 365) {
            return Err("a duration must be longer than nothing and shorter than a year".into());
        }
        Ok(Self(span))
    }
}

impl fmt::Display for DurationArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_second: NonZeroU32,
    pub burst: NonZeroU32,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.trim().parse().map_err(|_| "write calls a second, like 20, or 20/40".to_owned())
        };
        let (rate, burst) = text.split_once('/').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
        let per_second: NonZeroU32 = number(rate)?;
        let burst = burst.map_or(Ok(per_second.saturating_add(per_second.get())), number)?;
        Ok(Self { per_second, burst })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_documentation_has_every_flag_with_its_variable_and_default() {
        let page = include_str!("../docs/configuration.md");
        let documented: Vec<_> = page.lines().filter(|line| line.contains("` | `--")).collect();
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        let arguments: Vec<_> = run.get_arguments().filter(|argument| argument.get_env().is_some()).collect();
        assert_eq!(documented.len(), arguments.len());
        for argument in arguments {
            let variable = argument.get_env().unwrap().display();
            let default = argument.get_default_values().first();
            let default = default.map(|default| format!("`{}` | ", default.display())).unwrap_or_default();
            let row = format!("| `{variable}` | `--{}` | {default}", argument.get_long().unwrap());
            assert!(documented.iter().any(|line| line.starts_with(&row)), "{row} is missing");
        }
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("2m", 120), ("1m30s", 90), ("1h", 3600)] {
            assert_eq!(text.parse::<DurationArg>().unwrap().0.as_secs(), seconds, "{text}");
        }
        for bad in ["", "90", "-2s", "soon", "0s"] {
            assert!(bad.parse::<DurationArg>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_brings_its_burst_or_gets_twice_itself() {
        let rate: Rate = "20".parse().unwrap();
        assert_eq!((rate.per_second.get(), rate.burst.get()), (20, 40));
        let rate: Rate = "5/7".parse().unwrap();
        assert_eq!((rate.per_second.get(), rate.burst.get()), (5, 7));
        assert!("0".parse::<Rate>().is_err());
    }
}
