//! The money that there is, and what of it is left after what would be bought.

use std::collections::BTreeMap;

use super::price::Price;
use crate::domain::{Currency, Money};

/// The balances as they were read, and what is left of them.
#[derive(Debug, Clone, Default)]
pub struct Funds(BTreeMap<Currency, Option<(Money, Money)>>);

/// A balance that does not suffice.
#[derive(Debug, PartialEq)]
pub struct Short {
    pub needed: Money,
    pub left: Money,
    pub currency: Currency,
}

impl Funds {
    /// The balance in a currency, if Vobiz tells it.
    pub fn put(&mut self, currency: Currency, balance: Option<Money>) {
        self.0.insert(currency, balance.map(|balance| (balance, balance)));
    }

    /// Takes what is due. A sum that is not known takes nothing, and a balance that is not known suffices.
    pub fn spend(&mut self, price: &Price) -> Result<(), Short> {
        let Some((currency, needed)) = price.due() else { return Ok(()) };
        let Some(Some((_, left))) = self.0.get_mut(&currency) else { return Ok(()) };
        match (left.covers(needed), *left - needed) {
            (true, Some(rest)) => *left = rest,
            _ => return Err(Short { needed, left: *left, currency }),
        }
        Ok(())
    }

    /// By currency: before and after.
    pub fn all(&self) -> impl Iterator<Item = (Currency, Option<(Money, Money)>)> {
        self.0.iter().map(|(currency, balance)| (*currency, *balance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(setup: &str, monthly: &str, currency: &str) -> Price {
        Price {
            setup_fee: setup.parse().ok(),
            monthly_fee: monthly.parse().ok(),
            currency: currency.parse().ok(),
        }
    }

    #[test]
    fn a_balance_is_spent_in_order_until_it_is_used_up() {
        let mut funds = Funds::default();
        funds.put("INR".parse().unwrap(), "110".parse().ok());
        for (price, suffices) in [
            (price("50", "2", "INR"), true),
            (price("50", "9", "INR"), false),
            (price("1000", "1000", "USD"), true),
            (price("50", "", "INR"), true),
            (price("50", "8", "INR"), true),
            (price("0", "0.01", "INR"), false),
        ] {
            assert_eq!(funds.spend(&price).is_ok(), suffices, "{price:?}");
        }
        let all: Vec<_> = funds.all().map(|(_, balance)| balance.unwrap()).collect();
        assert_eq!(all, [("110".parse().unwrap(), "0".parse().unwrap())]);
    }
}
