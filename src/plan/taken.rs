//! Debits, and what refunds and answers leave of them.

use std::{collections::HashMap, sync::Arc};

use super::{answers::Answers, rows::LedgerRows};
use crate::domain::{Currency, Id, LedgerRow, Money};

/// A row that took money.
pub struct Taken<'a> {
    pub row: &'a Arc<LedgerRow>,
    pub answered: bool,
    /// A refund is used up for it.
    pub met: bool,
    /// And gave it back for certain.
    pub refunded: bool,
}

impl<'a> Taken<'a> {
    pub fn of(row: &'a Arc<LedgerRow>) -> Self {
        Self { row, answered: false, met: false, refunded: false }
    }
}

/// The debits that are of interest, or were answered for.
pub fn taken<'a>(
    rows: &'a LedgerRows,
    answered: &[String],
    of_interest: impl Fn(&LedgerRow) -> bool,
) -> Vec<Taken<'a>> {
    let mut answers = Answers::of(answered);
    let taken = rows.debits().filter_map(|row| {
        let answer = answers.take(row);
        (answer.is_some() || of_interest(row))
            .then(|| Taken { answered: answer.unwrap_or_default(), ..Taken::of(row) })
    });
    taken.collect()
}

/// Gives each refund that refers to a debit by its id to that debit; returns those that refer to none, the oldest first.
pub fn meet_by_id<'a>(rows: &'a LedgerRows, taken: &mut [Taken<'a>]) -> Vec<&'a LedgerRow> {
    let places: HashMap<&Id, usize> =
        taken.iter().enumerate().map(|(at, taken)| (&taken.row.id, at)).collect();
    let mut credits: Vec<_> = rows.credits().collect();
    credits.retain(|credit| {
        let Some(at) = credit.words().iter().find_map(|word| places.get(word)) else { return true };
        let debit = &mut taken[*at];
        debit.refunded |= is_sum_of(credit, debit.row) && debit.row.amount.is_some();
        debit.met = true;
        false
    });
    credits
}

/// Whether the sum of a credit may be what the debit took.
pub fn is_sum_of(credit: &LedgerRow, debit: &LedgerRow) -> bool {
    let same = |amount: Money| credit.amount.is_some_and(|credited| credited.is_same_sum(amount));
    debit.amount.is_none_or(same) && may_be_same(credit.currency, debit.currency)
}

pub fn may_be_same(one: Option<Currency>, other: Option<Currency>) -> bool {
    one.is_none() || other.is_none() || one == other
}
