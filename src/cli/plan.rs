//! The arguments of `plan`.

use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::{account::AccountArgs, times::TimesArgs, values};
use crate::domain::{Currency, Money};

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What would be applied: a file, a folder with its subfolders, or - for standard input
    #[arg(short, long, value_name = "PATH")]
    pub filename: String,

    /// Namespace of manifests that name none [default: that of the kubeconfig; offline, "default"]
    #[arg(short, long, value_name = "NAMESPACE", value_parser = values::namespace)]
    pub namespace: Option<String>,

    /// Read no cluster: plan as if it were empty
    #[arg(long)]
    pub offline: bool,

    /// How to write it
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub output: PlanFormat,

    /// End with 2 if something would be bought
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// End with 3 if that is so, separated by commas: buy, blocked, monthly>INR:1000
    #[arg(long, value_name = "CONDITIONS", value_delimiter = ',')]
    pub fail_on: Vec<FailOn>,

    #[command(flatten)]
    pub account: AccountArgs,

    #[command(flatten)]
    pub times: TimesArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    Table,
    Json,
    Markdown,
}

/// What a plan must not have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FailOn {
    Buy,
    Blocked,
    /// Higher monthly fees than that, of what is bought or adopted.
    Monthly(Currency, Money),
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let monthly = |limit: &str| {
            let (currency, amount) = limit.split_once(':')?;
            let amount = amount.parse().ok().filter(|amount: &Money| *amount == amount.abs())?;
            Some(Self::Monthly(currency.parse().ok()?, amount))
        };
        let condition = match text.trim() {
            "buy" => Some(Self::Buy),
            "blocked" => Some(Self::Blocked),
            text => text.strip_prefix("monthly>").and_then(monthly),
        };
        condition.ok_or_else(|| "write buy, blocked, or a sum like monthly>INR:1000".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_one_of_three() {
        let monthly =
            |currency: &str, sum: &str| FailOn::Monthly(currency.parse().unwrap(), sum.parse().unwrap());
        for (text, expected) in [
            ("buy", Some(FailOn::Buy)),
            (" blocked", Some(FailOn::Blocked)),
            ("monthly>INR:1000", Some(monthly("INR", "1000"))),
            ("monthly>USD:0.5", Some(monthly("USD", "0.5"))),
            ("monthly>1000", None),
            ("monthly>INR:much", None),
            ("monthly>INR:-3", None),
            ("setup>INR:1", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
