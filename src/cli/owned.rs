//! The arguments of `owned`.

use clap::{Args, ValueEnum};

use super::account::AccountArgs;

#[derive(Debug, Args)]
pub struct OwnedArgs {
    /// Only numbers that no claim stands behind, recorded or not
    #[arg(long)]
    pub unclaimed: bool,

    /// Only numbers that no record knows: they were not bought by this operator, and no claim has adopted them
    #[arg(long, conflicts_with = "unclaimed")]
    pub unrecorded: bool,

    /// How to write them
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: OwnedFormat,

    #[command(flatten)]
    pub account: AccountArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OwnedFormat {
    Table,
    Json,
    Csv,
}
