//! Rows of a ledger in the order of time, and which numbers their debits name.

use std::sync::Arc;

use crate::domain::{E164, LedgerRow};

/// So many of the latest rows are looked for in another ledger. One that is found is enough; some may be others by now.
const LATEST: usize = 16;

/// Rows that were put in order together. Nothing here depends on the order in which they came.
#[derive(Debug, Default)]
pub struct Ordered {
    /// Those that took money: those whose time is not known first, then the oldest.
    pub debits: Vec<Arc<LedgerRow>>,
    /// The refunds whose time and sum can be read, the oldest first.
    pub credits: Vec<Arc<LedgerRow>>,
    /// The numbers that a debit names, each with the place of that debit.
    named: Vec<(E164, usize)>,
}

impl FromIterator<Arc<LedgerRow>> for Ordered {
    fn from_iter<I: IntoIterator<Item = Arc<LedgerRow>>>(rows: I) -> Self {
        let (mut debits, mut credits): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.takes_money());
        in_order(&mut debits);
        credits.retain(|row| row.at.is_some() && row.amount.is_some());
        in_order(&mut credits);
        // Of those without an id that are alike, one: rows that move while pages are read come twice.
        credits.dedup_by(|one, other| one.id.is_empty() && order(one) == order(other));
        let named = debits.iter().enumerate();
        let mut named: Vec<_> =
            named.flat_map(|(at, row)| row.mentions().iter().map(move |e164| (*e164, at))).collect();
        named.sort_unstable();
        named.dedup();
        // They may be kept for hours.
        debits.shrink_to_fit();
        credits.shrink_to_fit();
        named.shrink_to_fit();
        Self { debits, credits, named }
    }
}

/// By time, and then in any order that is the same each time.
pub fn order(row: &LedgerRow) -> impl Ord + '_ {
    (row.at, &row.id, row.amount, row.currency)
}

/// Times are read once for it: rows lie all over the memory, and to compare them there took ten times as long with a hundred
/// thousand.
fn in_order(rows: &mut [Arc<LedgerRow>]) {
    rows.sort_by_cached_key(|row| row.at);
    for same in rows.chunk_by_mut(|one, other| one.at == other.at) {
        same.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
    }
}

impl Ordered {
    pub fn len(&self) -> usize {
        self.debits.len() + self.credits.len()
    }

    /// All of them, the debits first.
    pub fn rows(&self) -> impl Iterator<Item = &Arc<LedgerRow>> {
        self.debits.iter().chain(&self.credits)
    }

    /// The debits that name a number, in the order of time.
    pub fn debits_naming(&self, e164: E164) -> impl Iterator<Item = &Arc<LedgerRow>> {
        let first = self.named.partition_point(|(named, _)| *named < e164);
        let ours = self.named[first..].iter().take_while(move |(named, _)| *named == e164);
        ours.map(|(_, at)| &self.debits[*at])
    }

    pub fn latest(&self) -> impl Iterator<Item = &Arc<LedgerRow>> {
        [&self.debits, &self.credits].into_iter().flat_map(|rows| rows.iter().rev().take(LATEST))
    }

    /// Whether exactly that row is among these: its transaction's id, of the same moment and sum.
    pub fn has(&self, row: &LedgerRow) -> bool {
        let rows = if row.takes_money() { &self.debits } else { &self.credits };
        let same = rows[rows.partition_point(|other| other.at < row.at)..].iter();
        let mut same = same.take_while(|other| other.at == row.at);
        !row.id.is_empty()
            && row.at.is_some()
            && same.any(|other| other.id == row.id && other.amount == row.amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_order_whichever_came_first() {
        let row = |at: u32| {
            let time = format!("2026-01-02T03:{:02}:{:02}Z", at / 600, at / 10 % 60);
            LedgerRow::for_tests(&format!(
                r#"{{"id":"t-{at}","type":"debit","amount":52,"created_at":"{time}"}}"#
            ))
        };
        let mut shuffled: Vec<_> = (0..1_000).map(|at| Arc::new(row(at))).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut shuffled);
        let rows: Ordered = shuffled.into_iter().collect();
        let is_sorted = rows.debits.is_sorted_by(|one, other| order(one) < order(other));
        assert!(rows.debits.len() == 1_000 && is_sorted);
    }
}
