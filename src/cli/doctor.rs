//! The arguments of `doctor`.

use clap::{Args, ValueEnum};

use super::{account::AccountArgs, place::PlaceArgs};

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// How to write the findings
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: DoctorFormat,

    #[command(flatten)]
    pub account: AccountArgs,

    #[command(flatten)]
    pub place: PlaceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    Table,
    Json,
}
