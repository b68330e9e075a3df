//! What may concern purchases, of a ledger that is kept up with: found once for each state of it, because every claim asks.

use std::sync::Arc;

use super::{
    names::Names,
    ordered::{Ordered, order},
};
use crate::domain::{AccountId, E164, LedgerNews, LedgerRow};

/// So many rows are put in order by each look at a busy account; only beyond that are all of them, once. A hundred thousand take
/// as long as ten purchases.
const NEW: usize = 2_000;

/// The rows that may concern purchases. Nothing here depends on the order in which they were read.
#[derive(Debug, Default)]
pub struct LedgerRows {
    /// Most of them, which looks that follow each other share.
    old: Arc<Ordered>,
    /// Those that have come since.
    new: Ordered,
    /// Those that rows say they are of.
    accounts: Names,
}

impl FromIterator<Arc<LedgerRow>> for LedgerRows {
    fn from_iter<I: IntoIterator<Item = Arc<LedgerRow>>>(rows: I) -> Self {
        let rows: Vec<_> = rows.into_iter().collect();
        let mut accounts = Names::default();
        accounts.extend(accounts_of(&rows));
        Self { old: Arc::new(rows.into_iter().collect()), new: Ordered::default(), accounts }
    }
}

impl FromIterator<LedgerRow> for LedgerRows {
    fn from_iter<I: IntoIterator<Item = LedgerRow>>(rows: I) -> Self {
        rows.into_iter().map(Arc::new).collect()
    }
}

fn accounts_of(rows: &[Arc<LedgerRow>]) -> impl Iterator<Item = &AccountId> {
    rows.iter().filter_map(|row| row.account.as_ref())
}

/// Of two lists in order, one.
fn merged<'a>(
    one: impl Iterator<Item = &'a Arc<LedgerRow>>,
    other: impl Iterator<Item = &'a Arc<LedgerRow>>,
) -> impl Iterator<Item = &'a Arc<LedgerRow>> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if order(second) < order(first) => other.next(),
        (Some(_), _) => one.next(),
        (None, _) => other.next(),
    })
}

impl LedgerRows {
    /// The rows of the same ledger after that.
    #[must_use]
    pub fn after(&self, news: LedgerNews) -> Self {
        match news {
            LedgerNews::All(rows) => rows.into_iter().collect(),
            LedgerNews::More(rows) => self.with(rows),
        }
    }

    fn with(&self, came: Vec<Arc<LedgerRow>>) -> Self {
        let mut accounts = self.accounts.clone();
        accounts.extend(accounts_of(&came));
        // Of those without an id, the same may stand among the old ones.
        let is_few = self.new.len() + came.len() <= NEW && came.iter().all(|row| !row.id.is_empty());
        let new = self.new.rows().cloned().chain(came);
        if is_few {
            return Self { old: self.old.clone(), new: new.collect(), accounts };
        }
        let all = self.old.rows().cloned().chain(new);
        Self { old: Arc::new(all.collect()), new: Ordered::default(), accounts }
    }

    /// The rows that took money, in the order of time.
    pub fn debits(&self) -> impl Iterator<Item = &Arc<LedgerRow>> {
        merged(self.old.debits.iter(), self.new.debits.iter())
    }

    /// The refunds that can be read, the oldest first.
    pub fn credits(&self) -> impl Iterator<Item = &LedgerRow> {
        merged(self.old.credits.iter(), self.new.credits.iter()).map(AsRef::as_ref)
    }

    /// The debits that name a number, in the order of time.
    pub fn debits_naming(&self, e164: E164) -> impl Iterator<Item = &Arc<LedgerRow>> {
        merged(self.old.debits_naming(e164), self.new.debits_naming(e164))
    }

    pub fn accounts(&self) -> &Names {
        &self.accounts
    }

    fn parts(&self) -> [&Ordered; 2] {
        [&self.old, &self.new]
    }

    /// Whether one row stands in both. Of two that are kept up with, the latest of the one that was read first are in the
    /// other.
    pub fn has_a_row_in_common(&self, other: &Self) -> bool {
        self.latest().any(|row| other.has(row)) || other.latest().any(|row| self.has(row))
    }

    fn latest(&self) -> impl Iterator<Item = &Arc<LedgerRow>> {
        self.parts().into_iter().flat_map(Ordered::latest)
    }

    fn has(&self, row: &LedgerRow) -> bool {
        self.parts().into_iter().any(|part| part.has(row))
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

    /// The same rows, as they came in pieces of that many.
    fn in_pieces(rows: &[Arc<LedgerRow>], piece: usize) -> LedgerRows {
        let more = |rows: &[Arc<LedgerRow>]| LedgerNews::More(rows.to_vec());
        rows.chunks(piece).fold(LedgerRows::default(), |known, came| known.after(more(came)))
    }

    #[test]
    fn rows_that_came_in_pieces_are_those_that_came_at_once() {
        let number = |at: usize| format!("+9112345{:05}", at % 700).parse::<E164>().unwrap();
        let row = |at: usize| {
            let kind = ["credit", "debit", "did_rental"][at % 3];
            let id = if at.is_multiple_of(50) { String::new() } else { format!("t-{at}") };
            let (minute, second) = (at / 600 % 60, at / 10 % 60);
            Arc::new(LedgerRow::for_tests(&format!(
                r#"{{"id":"{id}","type":"{kind}","amount":{},"description":"{}","account_id":"SA_{}",
                "created_at":"2026-01-02T03:{minute:02}:{second:02}Z"}}"#,
                at % 5,
                number(at),
                at % 7,
            )))
        };
        let mut all: Vec<_> = (0..3 * NEW).map(row).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut all);
        let once = LedgerRows::default().after(LedgerNews::All(all.clone()));
        for piece in [1_000, 7_000, 333, 2_001] {
            let known = in_pieces(&all, piece);
            assert!(known.debits().eq(once.debits()) && known.credits().eq(once.credits()), "{piece}");
            assert_eq!(known.accounts(), once.accounts());
            for e164 in (0..700).map(number) {
                assert!(known.debits_naming(e164).eq(once.debits_naming(e164)), "{piece} {e164}");
            }
            assert!(all.iter().all(|row| known.has(row) == once.has(row)), "{piece}");
        }
    }

    #[test]
    fn a_few_new_rows_leave_the_old_ones_where_they_are() {
        let debit = |at: usize| Arc::new(row(&format!("t-{at}"), "debit", u32::try_from(at).unwrap()));
        let known: LedgerRows = (0..3_000).map(debit).collect();
        let more = |from: usize, until: usize| LedgerNews::More((from..until).map(debit).collect());
        let later = known.after(more(3_000, 3_100)).after(more(3_100, 3_200));
        assert!(Arc::ptr_eq(&known.old, &later.old) && later.debits().count() == 3_200);
        let all = later.after(more(3_200, 3_200 + NEW));
        assert_eq!((all.new.len(), all.debits().count()), (0, 3_200 + NEW));
    }

    #[test]
    fn a_transaction_is_the_same_by_its_id_its_moment_and_its_sum() {
        let one = row("t-1", "debit", 1);
        let mut unnumbered = one.clone();
        unnumbered.id = "".into();
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
