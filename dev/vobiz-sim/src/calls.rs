//! Calls: rows of a ledger that concern no number, a million a day, and made up when they are asked for.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    Account, LedgerEntry, RowStatus,
    ledger::{Row, RowType},
};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// The calls that were made in some time, at equal intervals since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calls {
    /// In microseconds.
    interval: i64,
    /// The first and the last of them; none if the last one comes first.
    first: i64,
    last: i64,
}

impl Calls {
    pub(crate) fn between(a_day: u32, from: Option<Timestamp>, before: Option<Timestamp>) -> Self {
        let interval = if a_day == 0 { i64::MAX } else { DAY / i64::from(a_day) };
        let from = from.map_or(1, Timestamp::as_microsecond);
        let end = before.map_or(i64::MAX, Timestamp::as_microsecond);
        let until = Timestamp::now().as_microsecond().min(end - 1);
        Self { interval, first: (from - 1).div_euclid(interval) + 1, last: until.div_euclid(interval) }
    }

    pub(crate) fn count(self) -> usize {
        usize::try_from(self.last - self.first + 1).unwrap_or_default()
    }

    /// How many are newer.
    pub(crate) fn after(self, at: Timestamp) -> usize {
        let next = at.as_microsecond().div_euclid(self.interval) + 1;
        usize::try_from(self.last - next.max(self.first) + 1).unwrap_or_default()
    }

    /// The newest but so many.
    pub(crate) fn newest_but(self, newer: usize) -> Option<(String, Timestamp)> {
        let index = self.last - i64::try_from(newer).ok()?;
        let at = Timestamp::from_microsecond(index.checked_mul(self.interval)?).ok()?;
        Some((format!("call-{index}"), at))
    }
}

/// What a call is in the ledger.
pub(crate) fn call(account: &str, at: Timestamp) -> LedgerEntry {
    LedgerEntry {
        account: account.to_owned(),
        kind: RowType::Debit,
        amount: Decimal::new(65, 2),
        currency: "INR".to_owned(),
        description: "Outbound call, 47 s".to_owned(),
        reference: Some("4f1c2a9e-7b1d-4c55-9a38-1d2f0e6b8a47".to_owned()),
        reference_type: Some("cdr".to_owned()),
        status: RowStatus::Completed,
        at: Some(at),
    }
}

/// So many rows after those that are skipped, of the calls and of what else there is.
pub(crate) fn among_calls(
    rows: &[&Row],
    calls: Calls,
    skipped: usize,
    count: usize,
    payer: &Account,
) -> Vec<Row> {
    let place = |at: usize| rows.get(at).map(|row| at + calls.after(row.at));
    let mut next = (0..rows.len()).collect::<Vec<_>>().partition_point(|at| place(*at) < Some(skipped));
    let end = (rows.len() + calls.count()).min(skipped.saturating_add(count));
    let mut shown = Vec::new();
    for at in skipped..end {
        if place(next) == Some(at) {
            shown.push(rows[next].clone());
            next += 1;
        } else {
            shown.extend(calls.newest_but(at - next).map(|(id, at)| Row::call(id, at, payer)));
        }
    }
    shown
}
