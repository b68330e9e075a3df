//! The rows of a ledger in the order of time, and which numbers its debits name: found once, because every claim asks.

use std::sync::Arc;

use super::names::Names;
use crate::domain::{E164, LedgerRow};

/// So many of the latest rows are looked for in another ledger. One that is found is enough; some may be others by now.
const LATEST: usize = 16;

/// What may concern purchases, of a ledger. Nothing here depends on the order in which the rows were read.
#[derive(Debug, Default)]
pub struct LedgerRows {
    /// Those that took money: those whose time is not known first, then the oldest.
    debits: Vec<Arc<LedgerRow>>,
    /// The refunds whose time and sum can be read, the oldest first.
    credits: Vec<Arc<LedgerRow>>,
    /// The numbers that a debit names, each with the place of that debit.
    named: Vec<(E164, usize)>,
    /// Those that rows say they are of.
    accounts: Names,
}

impl FromIterator<Arc<LedgerRow>> for LedgerRows {
    fn from_iter<I: IntoIterator<Item = Arc<LedgerRow>>>(rows: I) -> Self {
        let (mut debits, mut credits): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.takes_money());
        let mut accounts = Names::default();
        accounts
            .extend(debits.iter().chain(&credits).filter_map(|row: &Arc<LedgerRow>| row.account.as_ref()));
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
        Self { debits, credits, named, accounts }
    }
}

impl FromIterator<LedgerRow> for LedgerRows {
    fn from_iter<I: IntoIterator<Item = LedgerRow>>(rows: I) -> Self {
        rows.into_iter().map(Arc::new).collect()
    }
}

/// By time, and then in any order that is the same each time.
fn order(row: &LedgerRow) -> impl Ord + '_ {
    (row.at, &row.id, row.amount, row.currency)
}

/// Each look at a busy account does it anew. Times are read once for it: rows lie all over the memory, and to compare them there
/// took ten times as long with a hundred thousand.
fn in_order(rows: &mut [Arc<LedgerRow>]) {
    rows.sort_by_cached_key(|row| row.at);
    for same in rows.chunk_by_mut(|one, other| one.at == other.at) {
        same.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
    }
}

impl LedgerRows {
    /// The rows that took money, in the order of time.
    pub fn debits(&self) -> impl Iterator<Item = &Arc<LedgerRow>> {
        self.debits.iter()
    }

    /// The refunds that can be read, the oldest first.
    pub fn credits(&self) -> impl Iterator<Item = &LedgerRow> {
        self.credits.iter().map(AsRef::as_ref)
    }

    /// The debits that name a number, in the order of time.
    pub fn debits_naming(&self, e164: E164) -> impl Iterator<Item = &Arc<LedgerRow>> {
        let first = self.named.partition_point(|(named, _)| *named < e164);
        let ours = self.named[first..].iter().take_while(move |(named, _)| *named == e164);
        ours.map(|(_, at)| &self.debits[*at])
    }

    pub fn accounts(&self) -> &Names {
        &self.accounts
    }

    /// Whether one row stands in both. Of two that are kept up with, the latest of the one that was read first are in the
    /// other.
    pub fn has_a_row_in_common(&self, other: &Self) -> bool {
        self.latest().any(|row| other.has(row)) || other.latest().any(|row| self.has(row))
    }

    fn latest(&self) -> impl Iterator<Item = &Arc<LedgerRow>> {
        [&self.debits, &self.credits].into_iter().flat_map(|rows| rows.iter().rev().take(LATEST))
    }

    /// Whether exactly that row is among these: its transaction's id, of the same moment and sum.
    fn has(&self, row: &LedgerRow) -> bool {
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

    /// A credit or a debit of that second.
    fn row(id: &str, kind: &str, second: u32) -> LedgerRow {
        LedgerRow::for_tests(&format!(
            r#"{{"id":"{id}","type":"{kind}","amount":52,"created_at":"2026-01-02T03:{:02}:{:02}Z"}}"#,
            second / 60,
            second % 60,
        ))
    }

    #[test]
    fn a_ledger_that_was_read_earlier_or_later_is_known_again() {
        let rows = |from: u32, until: u32| -> LedgerRows {
            (from..until)
                .map(|at| row(&format!("t-{at}"), ["credit", "debit"][at as usize % 2], at))
                .collect()
        };
        for (one, other, common) in [
            ((0, 100), (0, 1000), true),
            ((900, 1000), (0, 950), true),
            ((0, 100), (100, 200), false),
            ((0, 0), (0, 100), false),
        ] {
            let (one, other) = (rows(one.0, one.1), rows(other.0, other.1));
            assert_eq!(one.has_a_row_in_common(&other), common);
            assert_eq!(other.has_a_row_in_common(&one), common);
        }
    }

    #[test]
    fn rows_are_in_order_whichever_came_first() {
        let mut shuffled: Vec<_> =
            (0..1_000).map(|at| Arc::new(row(&format!("t-{at}"), "debit", at / 10))).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut shuffled);
        let rows: LedgerRows = shuffled.into_iter().collect();
        let rows: Vec<_> = rows.debits().collect();
        assert!(rows.len() == 1_000 && rows.is_sorted_by(|one, other| order(one) < order(other)));
    }

    #[test]
    fn a_transaction_is_the_same_by_its_id_its_moment_and_its_sum() {
        let one = row("t-1", "debit", 1);
        let mut unnumbered = one.clone();
        unnumbered.id = String::new();
        let other_sum = LedgerRow { amount: "53".parse().ok(), ..one.clone() };
        for (other, same) in [
            (one.clone(), true),
            (LedgerRow { account: "SA_1".parse().ok(), ..one.clone() }, true),
            (row("t-2", "debit", 1), false),
            (row("t-1", "debit", 2), false),
            (row("t-1", "credit", 1), false),
            (other_sum, false),
        ] {
            let [one, other] = [one.clone(), other].map(|row| [row].into_iter().collect::<LedgerRows>());
            assert_eq!(one.has_a_row_in_common(&other), same, "{other:?}");
        }
        let [one, other] = [(); 2].map(|()| [unnumbered.clone()].into_iter().collect::<LedgerRows>());
        assert!(!one.has_a_row_in_common(&other), "without an id it may be any");
    }
}
