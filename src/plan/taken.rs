//! Debits, and what refunds and answers leave of them.

use std::{collections::HashMap, sync::Arc};

use super::{bounds::answers, rows::LedgerRows};
use crate::domain::{Currency, LedgerRow, Money};

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
    let rows = rows.debits().filter(|row| of_interest(row) || answered.iter().any(|id| is_it(row, id)));
    // Rows without an id may be alike: as many of them are answered for as there were answers.
    let mut left: Vec<&String> = answered.iter().collect();
    let taken = rows.map(|row| {
        let answer = left.iter().position(|id| is_it(row, id));
        if let Some(at) = answer.filter(|_| row.id.is_empty()) {
            left.swap_remove(at);
        }
        Taken { answered: answer.is_some(), ..Taken::of(row) }
    });
    taken.collect()
}

/// Gives each refund that refers to a debit by its id to that debit; returns those that refer to none, the oldest first.
pub fn meet_by_id<'a>(rows: &'a LedgerRows, taken: &mut [Taken<'a>]) -> Vec<&'a LedgerRow> {
    let places: HashMap<&str, usize> =
        taken.iter().enumerate().map(|(at, taken)| (taken.row.id.as_str(), at)).collect();
    let mut credits: Vec<_> = rows.credits().collect();
    credits.retain(|credit| {
        let Some(at) = credit.words().find_map(|word| places.get(word)) else { return true };
        let debit = &mut taken[*at];
        debit.refunded |= is_sum_of(credit, debit.row) && debit.row.amount.is_some();
        debit.met = true;
        false
    });
    credits
}

/// Whether the row is the one that an administrator has answered for.
pub fn is_it(row: &LedgerRow, answer: &str) -> bool {
    if row.id.is_empty() { answers(answer, &row.debit().identity()) } else { answers(answer, &row.id) }
}

/// Whether the sum of a credit may be what the debit took.
pub fn is_sum_of(credit: &LedgerRow, debit: &LedgerRow) -> bool {
    let same = |amount: Money| credit.amount.is_some_and(|credited| credited.is_same_sum(amount));
    debit.amount.is_none_or(same) && may_be_same(credit.currency, debit.currency)
}

pub fn may_be_same(one: Option<Currency>, other: Option<Currency>) -> bool {
    one.is_none() || other.is_none() || one == other
}
