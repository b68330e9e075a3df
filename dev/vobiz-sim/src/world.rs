//! The vendor's books: accounts, numbers, the ledger, and our own journal and faults beside them. They
//! are one value behind one lock, so that a request sees and changes them all at once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::{
    Account, AccountPatch, InventoryNumber, Journal, LedgerEntry, NumberStatus, OwnedNumber, SimError, State,
    armed::Faults, kept::Number, ledger::Row,
};

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) numbers: BTreeMap<String, Number>,
    pub(crate) ledger: Vec<Row>,
    pub(crate) journal: Journal,
    pub(crate) faults: Faults,
    pub(crate) manners: Manners,
}

/// How the server itself behaves, whatever is asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manners {
    /// By how many seconds its clock is ahead, as its answers show it.
    pub(crate) ahead: i64,
    /// Whether each connection is closed after its answer, without a word: the next request on it is read, and not
    /// answered.
    pub(crate) closes: bool,
}

/// What a read shows. A lagging one shows the books as they were.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct View {
    /// Purchases after this moment are not visible yet.
    pub(crate) until: Option<Timestamp>,
}

impl View {
    pub(crate) fn hides(self, sold_at: Timestamp) -> bool {
        self.until.is_some_and(|until| sold_at > until)
    }

    /// The owner that the number has in this view.
    pub(crate) fn owner(self, number: &Number) -> Option<&str> {
        match number.sold_at {
            Some(sold_at) if self.hides(sold_at) => None,
            _ => number.owner.as_deref(),
        }
    }
}

impl World {
    pub(crate) fn new(state: State) -> Result<Self, SimError> {
        let mut world = Self::default();
        for account in state.accounts {
            world.put_account(account);
        }
        for number in state.inventory {
            world.put_number(number)?;
        }
        for number in state.owned {
            world.put_owned(number)?;
        }
        for entry in state.ledger {
            world.put_ledger(entry)?;
        }
        Ok(world)
    }

    pub(crate) fn put_account(&mut self, account: Account) {
        self.accounts.insert(account.auth_id.clone(), account);
    }

    pub(crate) fn patch_account(&mut self, patch: AccountPatch) -> Result<Account, SimError> {
        let id = patch.auth_id.clone();
        if let Some(account) = self.accounts.get_mut(&id) {
            patch.apply(account);
            return Ok(account.clone());
        }
        let token = patch.token.clone().ok_or(SimError::Missing("token"))?;
        let mut account = Account::new(id, token);
        patch.apply(&mut account);
        self.put_account(account.clone());
        Ok(account)
    }

    pub(crate) fn put_number(&mut self, listed: InventoryNumber) -> Result<(), SimError> {
        match self.numbers.get_mut(&listed.e164) {
            Some(Number { owner: Some(account), .. }) => {
                return Err(SimError::Owned { e164: listed.e164, account: account.clone() });
            }
            Some(number) => number.listed = listed,
            None => drop(self.numbers.insert(listed.e164.clone(), Number::for_sale(listed))),
        }
        Ok(())
    }

    pub(crate) fn put_owned(&mut self, change: OwnedNumber) -> Result<OwnedNumber, SimError> {
        if let Some(account) = change.account.as_ref().filter(|id| !self.accounts.contains_key(*id)) {
            return Err(SimError::UnknownAccount(account.clone()));
        }
        let known = self.numbers.contains_key(&change.e164);
        if !known && change.account.is_none() {
            return Err(SimError::Missing("account"));
        }
        let number = self.numbers.entry(change.e164.clone()).or_insert_with(|| {
            let mut listed = InventoryNumber::new(change.e164.clone(), "INR", 0, 0);
            listed.fees = change.fees;
            let mut number = Number::for_sale(listed);
            number.purchased_at = Some(number.created_at);
            number
        });
        number.apply(change);
        Ok(number.describe())
    }

    /// Removes a number altogether, or takes it from its owner and offers it again.
    pub(crate) fn remove_number(&mut self, e164: &str, restock: bool) -> Result<(), SimError> {
        let unknown = || SimError::UnknownNumber(e164.to_owned());
        if !restock {
            return self.numbers.remove(e164).map(drop).ok_or_else(unknown);
        }
        let number = self.numbers.get_mut(e164).ok_or_else(unknown)?;
        *number = Number::for_sale(InventoryNumber { status: NumberStatus::Active, ..number.listed.clone() });
        Ok(())
    }

    pub(crate) fn put_ledger(&mut self, entry: LedgerEntry) -> Result<(), SimError> {
        let account = self
            .accounts
            .get(&entry.account)
            .ok_or_else(|| SimError::UnknownAccount(entry.account.clone()))?;
        let row = Row::seeded(entry, account);
        self.ledger.push(row);
        Ok(())
    }

    /// The account that pays for another: its master account, or itself.
    pub(crate) fn billing_id<'a>(&'a self, account: &'a str) -> &'a str {
        self.accounts.get(account).and_then(|found| found.parent.as_deref()).unwrap_or(account)
    }

    /// Whether a number of `owner` is in the listing of `account`: its own, and those of its
    /// sub-accounts.
    pub(crate) fn lists(&self, account: &str, owner: &str) -> bool {
        owner == account || self.accounts.get(owner).is_some_and(|o| o.parent.as_deref() == Some(account))
    }

    /// What an account can spend.
    pub(crate) fn available(&self, account: &str, currency: &str) -> Decimal {
        self.accounts.get(account).map(|a| a.balance(currency) - a.reserved(currency)).unwrap_or_default()
    }
}
