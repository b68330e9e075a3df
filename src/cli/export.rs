//! The arguments of `export`.

use clap::Args;

use super::{account::AccountArgs, values};

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only numbers that no record knows
    #[arg(long)]
    pub unrecorded: bool,

    /// Namespace that is written into the claims [default: none, so that kubectl apply says it]
    #[arg(short, long, value_name = "NAMESPACE", value_parser = values::namespace)]
    pub namespace: Option<String>,

    #[command(flatten)]
    pub account: AccountArgs,
}
