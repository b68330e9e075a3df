//! The arguments of the commands that read accounts: where one is found without the cluster, and which one is asked alone.

use clap::Args;

use super::vobiz::VobizArgs;

// No comment for `--help`: it would replace those of the commands.
#[derive(Debug, Args)]
pub struct AccountArgs {
    /// Ask this account alone: the name of a VobizAccount, or an auth id
    #[arg(long, value_name = "NAME", help_heading = "Vobiz")]
    pub account: Option<String>,

    #[command(flatten)]
    pub vobiz: VobizArgs,
}
