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

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, sync::Arc};

    use tokio::sync::mpsc;

    use super::*;
    use crate::{account::tests::client, clock::Clock, domain::ListedNumber};

    #[test]
    fn a_number_of_a_sub_account_is_counted_in_one_account_alone() {
        let listed = |owner: &str, e164: &str, fee: &str| {
            Box::new(ListedNumber {
                e164: e164.parse().unwrap(),
                owner: owner.parse().ok(),
                number: crate::api::Number {
                    monthly_fee: fee.parse().ok(),
                    currency: "INR".parse().ok(),
                    ..Default::default()
                },
            })
        };
        let own = listed("MA_1", "+911234500001", "2");
        let [sub, recorded] = ["+911234500002", "+911234500003"].map(|e164| listed("SA_1", e164, "3"));
        // A master's listing shows the numbers of its sub-accounts, too.
        let all = vec![own, sub.clone(), recorded.clone()];
        let holdings = [("MA_1", all), ("SA_1", vec![sub, recorded])].map(|(id, rows)| {
            let client = client("http://127.0.0.1:1".into(), id);
            let account =
                Account::new(client, NonZeroUsize::MIN, Arc::default(), mpsc::unbounded_channel().0);
            let is_recorded = |e164: E164| e164.to_string().ends_with('3');
            assert_eq!(account.holdings(is_recorded), None, "it was not listed yet");
            let reading = Reading::Read { begun: Clock::start().now(), value: Contents::numbers(rows) };
            account.state().store(vec![(Source::Listing, reading)]);
            account.holdings(is_recorded).unwrap()
        });
        let expected = [(1, 1, "2"), (2, 1, "6")].map(|(owned, unrecorded, fees)| Holdings {
            owned,
            unrecorded,
            monthly: [("INR".parse().unwrap(), fees.parse().unwrap())].into(),
        });
        assert_eq!(holdings, expected);
    }
}
