//! How long purchases take.

use clap::Args;

use super::values::DurationArg;

// No comment for `--help`: it would replace those of the commands.
// Each variable has the name of its field, in capitals.
#[derive(Debug, Args)]
pub struct TimesArgs {
    /// How long one purchase may take before its outcome counts as unknown
    #[arg(long, env, value_name = "DURATION", default_value = "30s", help_heading = "Vobiz")]
    pub vobiz_purchase_timeout: DurationArg,

    /// How long a purchase may take to show in Vobiz's lists and ledger. Absence counts only after it. Not shorter
    /// than the purchase timeout; longer is safer, and shorter only makes failures final sooner
    #[arg(long, env, value_name = "DURATION", default_value = "2m", help_heading = "Vobiz")]
    pub vobiz_settle_time: DurationArg,
}
