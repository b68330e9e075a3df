//! `doctor`: what is wrong with the cluster, the account and the way to them, and what to type.
//!
//! [`gather`] reads, [`checks`] decide, each about one [`finding::Id`], and [`render`] writes. A new check is a variant of
//! `Id`, a function, a line in `checks/mod.rs` and a row in `docs/cli.md`.

mod checks;
mod facts;
mod finding;
mod gather;
mod render;
mod rights;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use super::{console::print, error::CommandError};
use crate::cli::{DoctorArgs, DoctorFormat};
use finding::{Finding, Level};

/// What the program ends with where errors were found: 1 says that it could not look.
const ERRORS: u8 = 3;

pub async fn run(args: &DoctorArgs) -> Result<ExitCode, CommandError> {
    let findings = checks::findings(&gather::facts(args).await?);
    print(&match args.output {
        DoctorFormat::Table => render::as_table(&findings),
        DoctorFormat::Json => render::as_json(&findings)?,
    })?;
    let has_errors = findings.iter().any(|finding: &Finding| finding.verdict.level == Level::Error);
    Ok(if has_errors { ExitCode::from(ERRORS) } else { ExitCode::SUCCESS })
}
