//! What an account owned when it was last listed, in figures for people.

use std::collections::BTreeMap;

use super::Account;
use crate::{
    api::NumberStatus,
    domain::{Currency, E164, Money},
    plan::{Contents, Reading, Source},
};

/// Numbers under the account's own id: those of its family are in its listing, too.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Holdings {
    pub owned: usize,
    /// Of those, the ones that no record knows.
    pub unrecorded: usize,
    pub monthly: BTreeMap<Currency, Money>,
}

impl Account {
    /// By the last listing, if there was one.
    #[must_use]
    pub fn holdings(&self, is_recorded: impl Fn(E164) -> bool) -> Option<Holdings> {
        let (state, id) = (self.state(), self.id());
        let Reading::Read { value: Contents::Numbers(rows), .. } = state.readings.of(Source::Listing) else {
            return None;
        };
        let own = rows.into_iter().filter(|row| {
            row.owner.as_ref() == Some(&id) && row.number.status != Some(NumberStatus::Released)
        });
        let (mut holdings, mut last) = (Holdings::default(), None);
        // Rows of one number stand beside each other.
        for row in own.filter(|row| last.replace(row.e164) != Some(row.e164)) {
            holdings.owned += 1;
            holdings.unrecorded += usize::from(!is_recorded(row.e164));
            if let (Some(fee), Some(currency)) = (row.number.monthly_fee, row.number.currency) {
                // A sum that is too large to be told is no reason to tell none.
                let add = |sum: &mut Money| *sum = (*sum + fee).unwrap_or(*sum);
                holdings.monthly.entry(currency).and_modify(add).or_insert(fee);
            }
        }
        Some(holdings)
    }
}
