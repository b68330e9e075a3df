//! The arguments of the commands that are about one claim.

use clap::Args;

use super::{account::AccountArgs, values, watch::WatchArgs};

// Which claim.
#[derive(Debug, Args)]
pub struct ClaimArgs {
    /// Name of the claim
    #[arg(value_name = "CLAIM", value_parser = values::claim)]
    pub name: String,

    /// Namespace of the claim [default: the namespace of the kubeconfig]
    #[arg(short, long, value_name = "NAMESPACE", value_parser = values::namespace)]
    pub namespace: Option<String>,
}

#[derive(Debug, Args)]
pub struct WhyArgs {
    #[command(flatten)]
    pub claim: ClaimArgs,

    #[command(flatten)]
    pub account: AccountArgs,

    #[command(flatten)]
    pub watch: WatchArgs,
}

#[derive(Debug, Args)]
pub struct RetryArgs {
    #[command(flatten)]
    pub claim: ClaimArgs,

    /// Do not ask. Needed where standard input is no terminal
    #[arg(short, long)]
    pub yes: bool,
}
