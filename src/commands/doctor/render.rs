//! Writes findings: a table for people, JSON for scripts.

use std::collections::BTreeSet;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::finding::{Finding, Level};
use crate::commands::{error::CommandError, table::table};

/// The output of `-o json`: fields are added, and none is changed or taken away within a version of the schema.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u8,
    findings: &'a [Finding],
}

pub fn as_json(findings: &[Finding]) -> Result<String, CommandError> {
    let document = Document { schema_version: 1, findings };
    Ok(serde_json::to_string_pretty(&document).map_err(CommandError::text)? + "\n")
}

pub fn as_table(findings: &[Finding]) -> String {
    let accounts: BTreeSet<_> = findings.iter().filter_map(|finding| finding.account.as_ref()).collect();
    let rows = findings.iter().map(|Finding { id, account, verdict }| {
        let mend = verdict.mend.as_ref().map(|mend| format!("\nMend: {mend}")).unwrap_or_default();
        let of = account.as_ref().filter(|_| accounts.len() > 1);
        let check = of.map_or_else(|| id.into_str().into(), |of| format!("{} ({of})", id.into_str()));
        [verdict.level.into_str().into(), check, format!("{}{mend}", verdict.message)]
    });
    let text = table([("LEVEL", false), ("CHECK", false), ("FOUND", false)], rows);
    text.lines().map(coloured).collect()
}

/// The line, its level in its colour. Coloured after the table is laid out, which counts every sign of a cell.
fn coloured(line: &str) -> String {
    for (level, colour) in
        [(Level::Ok, AnsiColor::Green), (Level::Warning, AnsiColor::Yellow), (Level::Error, AnsiColor::Red)]
    {
        let word = level.into_str();
        if let Some(rest) = line.strip_prefix(word).filter(|rest| rest.starts_with(' ')) {
            let style: Style = colour.on_default();
            return format!("{style}{word}{style:#}{rest}\n");
        }
    }
    format!("{line}\n")
}
