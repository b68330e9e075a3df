//! What a finding is: which check it comes from, how bad it is, what it means, and what mends it.

use serde::Serialize;
use strum::{IntoStaticStr, VariantArray};

/// The checks, in the order in which they are told. Scripts know them by these words: none is changed or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Id {
    DefinitionsServed,
    DefinitionsVersion,
    Rights,
    Lease,
    Objects,
    Accounts,
    Credentials,
    Connection,
    Listing,
    Inventory,
    Balance,
    Ledger,
    NewestDebit,
    SettleTime,
    PurchasePath,
    Deprecation,
    Clocks,
    OpenAttempts,
    Decisions,
    Finalizers,
    Proxies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", const_into_str)]
pub enum Level {
    Ok,
    Warning,
    Error,
}

/// What a check comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub level: Level,
    /// What was found, and what it means.
    pub message: String,
    /// What to do, where something is to be done.
    pub mend: Option<String>,
}

impl Verdict {
    pub fn ok(message: impl Into<String>) -> Self {
        Self { level: Level::Ok, message: message.into(), mend: None }
    }

    pub fn warning(message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Warning, message: message.into(), mend: Some(mend.into()) }
    }

    pub fn error(message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { level: Level::Error, ..Self::warning(message, mend) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub id: Id,
    /// The account that it is about, as `--account` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// So many are named.
const NAMED: usize = 5;

/// The names, if there are any: how many, and the first of them.
pub fn some(names: impl IntoIterator<Item = String>) -> Option<String> {
    let names: Vec<_> = names.into_iter().collect();
    let more = names.len().saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match (names.len(), more) {
        (0, _) => None,
        (_, 0) => Some(shown),
        _ => Some(format!("{shown}, and {more} more")),
    }
}
