//! What other numbers explain of a ledger: found once for all records that are verified with it, and not for each.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::Context;
use crate::{
    account::Account,
    api::ObjectKey,
    domain::{AccountId, E164, Moment},
    plan::{EXPLAINED_SOON, EvidenceRequest, Kinship, LedgerRows, Neighbours, RecordBrief},
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

impl Last {
    fn counts(&self, now: Moment) -> bool {
        now.mono < self.at + EXPLAINED_SOON
    }
}

impl Found {
    /// What `find` finds of that ledger, or found of it lately. It looks at all records and all rows meanwhile, which no other
    /// account's verification waits for.
    fn of(
        &self,
        account: AccountId,
        begun: Moment,
        rows: &Arc<LedgerRows>,
        now: Moment,
        find: impl FnOnce() -> Neighbours,
    ) -> Arc<Neighbours> {
        let is_same = |last: &&Last| Arc::ptr_eq(&last.rows, rows) && last.begun == begun && last.counts(now);
        if let Some(last) = self.0.lock().get(&account).filter(is_same) {
            return last.neighbours.clone();
        }
        let neighbours = Arc::new(find());
        let last = Last { begun, rows: rows.clone(), at: now.mono, neighbours: neighbours.clone() };
        self.0.lock().insert(account, last);
        neighbours
    }

    /// Forgets what counts no more, and with it the ledgers that no account keeps.
    pub(super) fn sweep(&self, now: Moment) {
        self.0.lock().retain(|_, last| last.counts(now));
    }
}

impl Context {
    /// What the records of the account's family explain of that ledger. Other purchases end meanwhile, and other ledgers are
    /// read, so it is found anew after a while.
    pub(super) fn neighbours(
        &self,
        account: &Account,
        begun: Moment,
        rows: &Arc<LedgerRows>,
        now: Moment,
    ) -> Arc<Neighbours> {
        let id = account.id();
        self.neighbours.of(id.clone(), begun, rows, now, || self.find_neighbours(&id, begun, rows))
    }

    fn find_neighbours(&self, id: &AccountId, begun: Moment, rows: &Arc<LedgerRows>) -> Neighbours {
        // One of a newer version explains nothing: what is not explained is asked about.
        let records = |look: &mut dyn FnMut(&RecordBrief)| {
            self.records.briefs(|briefs| briefs.filter_map(|(_, brief)| brief.as_ref()).for_each(look));
        };
        let (families, known) = (self.accounts.families(), self.accounts.known());
        let kinship = |other: &AccountId| families.kinship(id, other);
        let family = known.working.iter().filter(|(other, _)| kinship(other) == Kinship::Family);
        let family: Vec<_> = family.map(|(_, other)| other).collect();
        let lists = |e164: E164| family.iter().any(|other| other.lists(e164));
        let is_known = |e164: &E164| self.records.contains(&ObjectKey::number(*e164)) || lists(*e164);
        Neighbours::of(rows.clone(), begun.wall, self.timeouts, records, kinship, is_known)
    }

    /// Has the accounts read that may be of the family, and the record looked at when they were.
    pub(super) fn ask_others(&self, account: &Account, key: &ObjectKey, request: &EvidenceRequest) {
        let (id, families) = (account.id(), self.accounts.families());
        for (other_id, other) in &self.accounts.known().working {
            let Kinship::Unknown(read) = families.kinship(&id, other_id) else { continue };
            // What was found a moment ago may not know of this reading yet; asked for again, it would wake at once.
            if read.is_none_or(|read| read.mono < request.since.mono) {
                other.request(key.clone(), request.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_kept_only_while_what_was_found_of_it_counts() {
        let (found, now) = (Found::default(), crate::clock::Clock::start().now());
        let rows = Arc::<LedgerRows>::default();
        let last = Last { begun: now, rows: rows.clone(), at: now.mono, neighbours: Arc::default() };
        found.0.lock().insert("MA_1".parse().unwrap(), last);
        found.sweep(now);
        assert_eq!(Arc::strong_count(&rows), 2);
        found.sweep(now.plus(EXPLAINED_SOON));
        assert_eq!(Arc::strong_count(&rows), 1);
    }

    #[test]
    fn what_is_found_for_one_account_keeps_no_other_waiting() {
        let (found, now) = (Found::default(), crate::clock::Clock::start().now());
        let (rows, mut looks) = (Arc::<LedgerRows>::default(), 0);
        for _ in 0..2 {
            found.of("MA_1".parse().unwrap(), now, &rows, now, || {
                looks += 1;
                assert!(found.0.try_lock().is_some(), "another account looks meanwhile");
                Neighbours::default()
            });
        }
        assert_eq!(looks, 1, "it counts for a while");
    }
}
