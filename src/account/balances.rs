//! The balances that are read for metrics: which one next.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::state::State;
use crate::{
    domain::{Currency, Money},
    plan::{Contents, Reading, Source},
};

/// Balances that are read after each listing, at most: a number costs what it costs in one of a few currencies, and each
/// is a call that purchases wait for.
const CURRENCIES: usize = 8;

/// A currency in which Vobiz serves no balance is not asked for again before.
const NOT_SERVED_FOR: Duration = Duration::from_hours(6);

impl State {
    /// The balances that could be read.
    pub fn balances(&self) -> BTreeMap<Currency, Money> {
        let readings = self.readings.iter().filter_map(|(source, reading)| match (source, reading) {
            (Source::Balance(currency), Reading::Read { value: Contents::Balance(read), .. }) => {
                Some((currency, read.available?))
            }
            _ => None,
        });
        readings.collect()
    }

    /// The balance to be read next: of each currency that is in use, once after each listing for drift. Before the first
    /// listing the credentials may be wrong, and each call would say so again.
    pub fn next_balance(&mut self, in_use: &BTreeSet<Currency>, now: Duration) -> Option<Currency> {
        let asked: BTreeSet<_> = in_use.iter().copied().take(CURRENCIES).collect();
        // The sum of a currency that is used no longer would stand there for ever, older every day.
        self.readings.retain(|source, reading| match (source, reading) {
            (Source::Balance(currency), Reading::Read { .. }) => asked.contains(&currency),
            _ => true,
        });
        let resynced_at = self.resynced_at.filter(|_| self.gate.is_readable())?;
        asked.into_iter().find(|currency| match self.readings.of(Source::Balance(*currency)) {
            Reading::Never => true,
            Reading::Read { begun, .. } => begun.mono < resynced_at,
            Reading::NoSuchEndpoint { begun } => {
                begun.mono < resynced_at && now >= begun.mono + NOT_SERVED_FOR
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{domain::Moment, plan::BalanceRead, vobiz::ReadError};

    fn at(seconds: u64) -> Moment {
        let mono = seconds_of(seconds);
        Moment { wall: Timestamp::UNIX_EPOCH + mono, mono }
    }

    fn seconds_of(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_balance_is_read_once_after_each_listing_and_forgotten_when_unused() {
        let currencies = |names: &[&str]| -> BTreeSet<Currency> {
            names.iter().map(|name| name.parse().unwrap()).collect()
        };
        let (inr, usd): (Currency, Currency) = ("INR".parse().unwrap(), "USD".parse().unwrap());
        let sum = |currency, begun, sum: Option<&str>| {
            let available = sum.map(|sum| sum.parse().unwrap());
            let value = Contents::Balance(BalanceRead { available, account: None });
            vec![(Source::Balance(currency), Reading::Read { begun: at(begun), value })]
        };
        let both = currencies(&["INR", "USD"]);
        let mut state = State::default();
        assert_eq!(state.next_balance(&both, seconds_of(5)), None, "nothing was listed yet");
        state.resynced_at = Some(seconds_of(10));
        assert_eq!(state.next_balance(&both, seconds_of(10)), Some(inr));
        state.store(sum(inr, 11, Some("5")));
        assert_eq!(state.next_balance(&both, seconds_of(11)), Some(usd));
        state.store(sum(usd, 12, None));
        assert_eq!(state.next_balance(&both, seconds_of(12)), None);
        assert_eq!(state.balances().len(), 1, "one could not be read");
        state.resynced_at = Some(seconds_of(20));
        assert_eq!(state.next_balance(&both, seconds_of(20)), Some(inr));
        assert_eq!(state.next_balance(&currencies(&["USD"]), seconds_of(20)), Some(usd));
        assert!(state.balances().is_empty(), "no number is billed in it any more");
        state.gate.read_met(&ReadError::Forbidden, seconds_of(21));
        assert_eq!(state.next_balance(&both, seconds_of(21)), None, "the account is held");
    }

    #[test]
    fn a_currency_that_is_not_served_is_left_alone_for_hours() {
        let in_use: BTreeSet<Currency> = ["AAA".parse().unwrap()].into();
        let aaa: Currency = "AAA".parse().unwrap();
        let mut state = State::default();
        state.store(vec![(Source::Balance(aaa), Reading::NoSuchEndpoint { begun: at(1) })]);
        // Not even where it was out of use meanwhile.
        assert_eq!(state.next_balance(&BTreeSet::new(), seconds_of(2)), None);
        state.resynced_at = Some(seconds_of(100));
        let again = seconds_of(1) + NOT_SERVED_FOR;
        assert_eq!(state.next_balance(&in_use, NOT_SERVED_FOR), None);
        assert_eq!(state.next_balance(&in_use, again), Some(aaa));
    }

    #[test]
    fn a_few_balances_are_read_however_many_currencies_are_in_use() {
        let in_use: BTreeSet<Currency> =
            (b'A'..=b'Z').map(|last| format!("II{}", last as char).parse().unwrap()).collect();
        let mut state = State::default();
        state.resynced_at = Some(seconds_of(1));
        let mut read = 0;
        while let Some(balance) = state.next_balance(&in_use, seconds_of(2)) {
            state.store(vec![(Source::Balance(balance), Reading::NoSuchEndpoint { begun: at(2) })]);
            read += 1;
        }
        assert_eq!(read, CURRENCIES);
    }
}
