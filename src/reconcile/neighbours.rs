//! What other numbers explain of a ledger: found once for all records that are verified with it, and not for each.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::Context;
use crate::{
    account::Account,
    api::ObjectKey,
    domain::{AccountId, E164, Moment},
    plan::{EXPLAINED_SOON, LedgerRows, Neighbours, RecordBrief},
};

/// By account.
#[derive(Default)]
pub struct Found(Mutex<HashMap<AccountId, Last>>);

/// What was found last, of which ledger, and when.
struct Last {
    begun: Moment,
    rows: Arc<LedgerRows>,
    at: Duration,
    neighbours: Arc<Neighbours>,
}

impl Context {
    /// What the account's records explain of that ledger. Other purchases end meanwhile, so it is found anew after a while.
    pub(super) fn neighbours(
        &self,
        account: &Account,
        begun: Moment,
        rows: &Arc<LedgerRows>,
        now: Moment,
    ) -> Arc<Neighbours> {
        let mut found = self.neighbours.0.lock();
        if let Some(last) = found.get(&account.id())
            && Arc::ptr_eq(&last.rows, rows)
            && last.begun == begun
            && now.mono < last.at + EXPLAINED_SOON
        {
            return last.neighbours.clone();
        }
        // One of a newer version explains nothing: what is not explained is asked about.
        let records = |look: &mut dyn FnMut(&RecordBrief)| {
            self.records.briefs(|briefs| briefs.filter_map(|(_, brief)| brief.as_ref()).for_each(look));
        };
        let is_known = |e164: &E164| self.records.contains(&ObjectKey::number(*e164)) || account.lists(*e164);
        let neighbours =
            Neighbours::of(rows.clone(), begun.wall, &account.id(), self.timeouts, records, is_known);
        let neighbours = Arc::new(neighbours);
        let last = Last { begun, rows: rows.clone(), at: now.mono, neighbours: neighbours.clone() };
        found.insert(account.id(), last);
        neighbours
    }
}
