//! The money that there is, and what of it is left after what would be bought.

use super::price::Price;
use crate::domain::{AccountId, Currency, Money};

/// The balances as they were read, and what is left of them. Accounts of one family have one.
#[derive(Debug, Clone, Default)]
pub struct Funds(Vec<Purse>);

/// One balance.
#[derive(Debug, Clone)]
pub struct Purse {
    pub currency: Currency,
    /// Which account pays.
    pub payer: AccountId,
    /// The accounts that it pays for.
    accounts: Vec<AccountId>,
    /// Before, and after, if Vobiz tells it.
    pub balance: Option<(Money, Money)>,
}

/// A balance that does not suffice.
#[derive(Debug, PartialEq)]
pub struct Short {
    pub needed: Money,
    pub left: Money,
    pub currency: Currency,
}

impl Funds {
    /// The balance of an account in a currency, if Vobiz tells it, and which account pays.
    pub fn put(&mut self, account: AccountId, currency: Currency, payer: AccountId, balance: Option<Money>) {
        let same = self.0.iter_mut().find(|purse| purse.currency == currency && purse.payer == payer);
        match same {
            Some(purse) => purse.accounts.push(account),
            None => self.0.push(Purse {
                currency,
                payer,
                accounts: vec![account],
                balance: balance.map(|balance| (balance, balance)),
            }),
        }
    }

    /// Takes what is due. A sum that is not known takes nothing, and a balance that is not known suffices.
    pub fn spend(&mut self, account: &AccountId, price: &Price) -> Result<(), Short> {
        let Some((currency, needed)) = price.due() else { return Ok(()) };
        let pays = |purse: &&mut Purse| purse.currency == currency && purse.accounts.contains(account);
        let balance = self.0.iter_mut().find(pays).and_then(|purse| purse.balance.as_mut());
        let Some((_, left)) = balance else { return Ok(()) };
        match (left.covers(needed), *left - needed) {
            (true, Some(rest)) => *left = rest,
            _ => return Err(Short { needed, left: *left, currency }),
        }
        Ok(())
    }

    /// By currency, and by account.
    pub fn all(&self) -> Vec<&Purse> {
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|purse| (purse.currency, purse.payer.to_string()));
        all
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

    fn id(text: &str) -> AccountId {
        text.parse().unwrap()
    }

    #[test]
    fn a_balance_is_spent_in_order_until_it_is_used_up() {
        let mut funds = Funds::default();
        funds.put(id("MA_1"), "INR".parse().unwrap(), id("MA_1"), "110".parse().ok());
        for (price, suffices) in [
            (price("50", "2", "INR"), true),
            (price("50", "9", "INR"), false),
            (price("1000", "1000", "USD"), true),
            (price("50", "", "INR"), true),
            (price("50", "8", "INR"), true),
            (price("0", "0.01", "INR"), false),
        ] {
            assert_eq!(funds.spend(&id("MA_1"), &price).is_ok(), suffices, "{price:?}");
        }
        let all: Vec<_> = funds.all().iter().map(|purse| purse.balance.unwrap()).collect();
        assert_eq!(all, [("110".parse().unwrap(), "0".parse().unwrap())]);
    }

    #[test]
    fn each_account_spends_its_own_and_a_family_what_its_payer_has() {
        let mut funds = Funds::default();
        for (account, payer, balance) in [("MA_2", "MA_2", "9"), ("SA_1", "MA_1", "5"), ("MA_1", "MA_1", "5")]
        {
            funds.put(id(account), "INR".parse().unwrap(), id(payer), balance.parse().ok());
        }
        for (account, suffices) in
            [("SA_1", true), ("MA_1", false), ("MA_2", true), ("MA_2", true), ("MA_2", false)]
        {
            assert_eq!(funds.spend(&id(account), &price("3", "1", "INR")).is_ok(), suffices, "{account}");
        }
        let left = |purse: &&Purse| format!("{} {}", purse.payer, purse.balance.unwrap().1);
        assert_eq!(funds.all().iter().map(left).collect::<Vec<_>>(), ["MA_1 1", "MA_2 1"]);
    }
}
