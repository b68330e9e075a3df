//! How many distinct rows of a ledger were met, though the ids of some alone are remembered.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

/// Which rows were met, as far as their number goes.
#[derive(Debug)]
pub struct Seen {
    pub count: usize,
    /// How many are remembered of either end.
    pub remembers: usize,
    /// When those that are remembered were made, as it was shown last.
    times: HashMap<u64, Micros>,
    /// Those that were met since it was last decided which are remembered.
    pub fresh: BTreeSet<(Micros, u64)>,
    newest: BTreeSet<(Micros, u64)>,
    oldest: BTreeSet<(Micros, u64)>,
    /// The first and the last moment of the rows that are not remembered, which lie between the others.
    forgotten: Option<(Micros, Micros)>,
}

/// A moment, in microseconds since 1970: half of what a time stamp takes, and tens of thousands of them are remembered. Rows
/// within one are of the same moment, for either end of what was forgotten.
type Micros = i64;

#[derive(Debug, PartialEq, Eq)]
pub enum Met {
    New,
    Again,
    /// It may be one that was forgotten.
    Either,
}

impl Seen {
    pub fn remembering(remembers: usize) -> Self {
        let [fresh, newest, oldest] = [const { BTreeSet::new() }; 3];
        Self { count: 0, remembers, times: HashMap::new(), fresh, newest, oldest, forgotten: None }
    }

    pub fn meet(&mut self, at: Timestamp, id: u64) -> Met {
        let (at, before) = (at.as_microsecond(), self.times.get(&id).copied());
        if before == Some(at) {
            return Met::Again;
        }
        if let Some(before) = before {
            for rows in [&mut self.fresh, &mut self.newest, &mut self.oldest] {
                rows.remove(&(before, id));
            }
        } else if self.forgotten.is_some_and(|(first, last)| first <= at && at <= last) {
            return Met::Either;
        }
        self.times.insert(id, at);
        self.fresh.insert((at, id));
        if before.is_some() {
            return Met::Again;
        }
        self.count += 1;
        Met::New
    }

    /// Whether a row may have been met.
    pub fn may_know(&self, at: Timestamp, id: u64) -> bool {
        self.times.contains_key(&id) || self.forgotten.is_some_and(|(_, last)| at.as_microsecond() <= last)
    }

    /// Forgets all but the newest and the oldest.
    pub fn remember(&mut self) {
        for row in std::mem::take(&mut self.fresh) {
            self.newest.insert(row);
            if self.newest.len() > self.remembers {
                self.oldest.extend(self.newest.pop_first());
            }
            if self.oldest.len() > self.remembers
                && let Some((at, id)) = self.oldest.pop_last()
            {
                self.times.remove(&id);
                let (first, last) = self.forgotten.unwrap_or((at, at));
                self.forgotten = Some((first.min(at), last.max(at)));
            }
        }
    }
}
