//! Which currencies the numbers of each account are billed in, found for all accounts in one walk over the records.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    domain::{AccountId, Currency},
    reconcile::Records,
};

/// What was found serves for so long: a hundred accounts ask, each for itself.
const SERVES: Duration = Duration::from_secs(5);

type Found = HashMap<AccountId, BTreeSet<Currency>>;

#[derive(Default)]
pub struct InUse(Mutex<Option<(Instant, Found)>>);

impl InUse {
    /// What the numbers of that account are billed in.
    pub fn of(&self, account: &AccountId, records: &Records) -> BTreeSet<Currency> {
        let mut last = self.0.lock();
        let serves = last.take().filter(|(at, _)| at.elapsed() < SERVES);
        let (_, found) = last.insert(serves.unwrap_or_else(|| (Instant::now(), walk(records))));
        found.get(account).cloned().unwrap_or_default()
    }
}

fn walk(records: &Records) -> Found {
    let mut found = Found::new();
    records.briefs(|briefs| {
        for brief in briefs.filter_map(|(_, brief)| brief.as_ref()) {
            if let Some(billed) = brief.billed {
                found.entry(brief.account.clone()).or_default().insert(billed);
            }
        }
    });
    found
}
