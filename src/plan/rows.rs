//! The rows of a ledger in the order of time, and which numbers its debits name: found once, because every claim asks.

use std::sync::Arc;

use crate::domain::{E164, LedgerRow};

/// What may concern purchases, of a ledger. Nothing here depends on the order in which the rows were read.
#[derive(Debug, Default)]
pub struct LedgerRows {
    /// Those that took money: those whose time is not known first, then the oldest.
    debits: Vec<Arc<LedgerRow>>,
    /// The refunds whose time and sum can be read, the oldest first.
    credits: Vec<Arc<LedgerRow>>,
    /// The numbers that a debit names, each with the place of that debit.
    named: Vec<(E164, usize)>,
}

impl FromIterator<Arc<LedgerRow>> for LedgerRows {
    fn from_iter<I: IntoIterator<Item = Arc<LedgerRow>>>(rows: I) -> Self {
        let (mut debits, mut credits): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.takes_money());
        debits.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
        credits.retain(|row| row.at.is_some() && row.amount.is_some());
        credits.sort_unstable_by(|one, other| order(one).cmp(&order(other)));
        // Of those without an id that are alike, one: rows that move while pages are read come twice.
        credits.dedup_by(|one, other| one.id.is_empty() && order(one) == order(other));
        let named = debits.iter().enumerate();
        let mut named: Vec<_> =
            named.flat_map(|(at, row)| row.mentions().iter().map(move |e164| (*e164, at))).collect();
        named.sort_unstable();
        named.dedup();
        Self { debits, credits, named }
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
}
