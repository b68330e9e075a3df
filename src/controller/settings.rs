//! The settings of the controller, and the namespaces that follow from them.

use std::{collections::BTreeSet, num::NonZeroUsize, time::Duration};

use crate::{leader, plan::Timeouts};

/// How the controller runs.
pub struct Settings {
    /// Empty: all.
    pub namespaces: Vec<String>,
    pub timeouts: Timeouts,
    /// How often the account is listed in full.
    pub resync: Duration,
    /// Purchases under way at the same time.
    pub concurrency: NonZeroUsize,
    /// Whether purchases and adoptions are on hold at first (R11).
    pub hold: bool,
    /// Whose election decides whether this process works; without one, it does.
    pub election: Option<leader::Settings>,
}

/// The namespaces that are watched, each on its own; `None` stands for all of them.
pub fn namespaces(named: &[String]) -> BTreeSet<Option<String>> {
    if named.is_empty() { [None].into() } else { named.iter().cloned().map(Some).collect() }
}
