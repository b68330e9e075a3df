//! What people ask for at their keyboards and in their pipelines: `vobiz-operator owned`, `kubectl vobiz why`.
//!
//! A command gathers with reads alone, decides with what the operator decides with, and renders. It has the reader of
//! Vobiz, which cannot spend, and writes nothing but a claim's annotations. A new command is a variant of
//! [`crate::cli::Tool`], a file here, and a line in [`run`].

mod accounts;
mod annotate;
mod console;
mod doctor;
mod error;
mod evidence;
mod export;
mod gather;
mod owned;
mod patience;
mod plan;
mod standing;
mod table;
mod why;
mod world;

use std::process::ExitCode;

pub use error::CommandError;

use crate::cli::Tool;

/// Performs a command; returns what the program ends with.
///
/// # Errors
/// If it could not be performed: in one sentence, with what to do.
pub async fn run(tool: Tool, no_color: bool) -> Result<ExitCode, CommandError> {
    if no_color {
        anstream::ColorChoice::Never.write_global();
    }
    match tool {
        Tool::Owned(args) => owned::run(&args).await?,
        Tool::Export(args) => export::run(&args).await?,
        Tool::Plan(args) => return plan::run(&args).await,
        Tool::Why(args) => why::run(&args).await?,
        Tool::Doctor(args) => return doctor::run(&args).await,
        Tool::Retry(args) => annotate::retry(&args).await?,
        Tool::Pause(args) => annotate::pause(&args).await?,
        Tool::Resume(args) => annotate::resume(&args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
