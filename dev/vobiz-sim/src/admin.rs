//! The simulator's controls, for tests in the same process.

use std::{sync::Arc, time::Duration};

use rust_decimal::Decimal;

use crate::{
    Account, AccountPatch, Answer, Counts, FaultRule, InventoryNumber, Journal, JournalFilter, LedgerEntry,
    LiveRule, NumberStatus, OwnedNumber, SimError, waiting::Shared,
};

/// The controls of a running simulator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SimAdmin {
    shared: Arc<Shared>,
}

#[allow(clippy::must_use_candidate, reason = "what was armed or released is news that not everybody needs")]
impl SimAdmin {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Adds an account, or replaces it.
    pub fn put_account(&self, account: Account) {
        self.shared.change(|world| world.put_account(account));
    }

    /// Changes an account, or adds it.
    ///
    /// # Errors
    ///
    /// If the account is new and the change has no token.
    pub fn patch_account(&self, patch: AccountPatch) -> Result<Account, SimError> {
        self.shared.change(|world| world.patch_account(patch))
    }

    /// Sets a balance.
    ///
    /// # Errors
    ///
    /// If there is no such account.
    pub fn set_balance(
        &self,
        account: &str,
        currency: &str,
        amount: impl Into<Decimal>,
    ) -> Result<(), SimError> {
        let amount = amount.into();
        self.with_account(account, |found| found.balances.extend([(currency.to_owned(), amount)]))
    }

    /// Changes the token that an account must present.
    ///
    /// # Errors
    ///
    /// If there is no such account.
    pub fn set_token(&self, account: &str, token: impl Into<String>) -> Result<(), SimError> {
        let token = token.into();
        self.with_account(account, |found| found.token = token)
    }

    fn with_account(&self, id: &str, change: impl FnOnce(&mut Account)) -> Result<(), SimError> {
        let unknown = || SimError::UnknownAccount(id.to_owned());
        self.shared.change(|world| world.accounts.get_mut(id).map(change).ok_or_else(unknown))
    }

    /// An account as it stands, with its balances.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<Account> {
        self.shared.read(|world| world.accounts.get(id).cloned())
    }

    /// Offers a number for sale, or changes its listing.
    ///
    /// # Errors
    ///
    /// If the number is owned.
    pub fn put_number(&self, number: InventoryNumber) -> Result<(), SimError> {
        self.shared.change(|world| world.put_number(number))
    }

    /// The numbers without an owner.
    #[must_use]
    pub fn inventory(&self) -> Vec<InventoryNumber> {
        self.shared.read(|world| {
            let numbers = world.numbers.values().filter(|number| number.owner.is_none());
            numbers.map(|number| number.listed.clone()).collect()
        })
    }

    /// Gives a number to an account, or changes an owned number.
    ///
    /// # Errors
    ///
    /// If there is no such account, or the number is new and no account is named.
    pub fn put_owned(&self, number: OwnedNumber) -> Result<OwnedNumber, SimError> {
        self.shared.change(|world| world.put_owned(number))
    }

    /// Changes the status of a number.
    ///
    /// # Errors
    ///
    /// If there is no such number.
    pub fn set_status(&self, e164: &str, status: NumberStatus) -> Result<(), SimError> {
        let unknown = || SimError::UnknownNumber(e164.to_owned());
        self.shared.change(|world| {
            let number = world.numbers.get_mut(e164).ok_or_else(unknown)?;
            number.listed.status = status;
            Ok(())
        })
    }

    /// Removes a number from the world, or, with `restock`, only from its owner.
    ///
    /// # Errors
    ///
    /// If there is no such number.
    pub fn remove_number(&self, e164: &str, restock: bool) -> Result<(), SimError> {
        self.shared.change(|world| world.remove_number(e164, restock))
    }

    /// The owned numbers, of one account or of all.
    #[must_use]
    pub fn owned(&self, account: Option<&str>) -> Vec<OwnedNumber> {
        self.shared.read(|world| {
            let numbers = world.numbers.values().filter(|number| number.owner.is_some());
            let numbers = numbers.filter(|number| account.is_none_or(|a| number.owner.as_deref() == Some(a)));
            numbers.map(crate::kept::Number::describe).collect()
        })
    }

    /// Who owns a number.
    #[must_use]
    pub fn owner(&self, e164: &str) -> Option<String> {
        self.shared.read(|world| world.numbers.get(e164).and_then(|number| number.owner.clone()))
    }

    /// Adds a row to a ledger, without moving money.
    ///
    /// # Errors
    ///
    /// If there is no such account.
    pub fn put_ledger(&self, entry: LedgerEntry) -> Result<(), SimError> {
        self.shared.change(|world| world.put_ledger(entry))
    }

    /// Arms a fault, and says by which identity it can be disarmed.
    pub fn arm(&self, rule: FaultRule) -> u64 {
        self.shared.change(|world| world.faults.arm(rule))
    }

    /// Disarms the faults of one account, or all, and says how many there were.
    pub fn disarm(&self, account: Option<&str>) -> usize {
        self.shared.change(|world| world.faults.disarm(account, None))
    }

    /// Disarms one fault, and says whether it was still armed.
    pub fn disarm_one(&self, id: u64) -> bool {
        self.shared.change(|world| world.faults.disarm(None, Some(id))) > 0
    }

    /// Sets the clock that answers show, so many seconds ahead.
    pub fn set_clock_ahead(&self, seconds: i64) {
        self.shared.change(|world| world.manners.ahead = seconds);
    }

    /// Has each connection closed after its answer, without saying so, or not any more.
    pub fn close_after_each_answer(&self, closes: bool) {
        self.shared.change(|world| world.manners.closes = closes);
    }

    /// Whether connections are closed like that.
    #[must_use]
    pub fn closes_after_each_answer(&self) -> bool {
        self.shared.read(|world| world.manners.closes)
    }

    /// The faults that are armed.
    #[must_use]
    pub fn faults(&self) -> Vec<LiveRule> {
        self.shared.read(|world| world.faults.live().to_vec())
    }

    /// What was asked and charged.
    #[must_use]
    pub fn journal(&self, filter: &JournalFilter) -> Journal {
        self.shared.read(|world| world.journal.filtered(filter))
    }

    /// How often each number was asked for and paid for.
    #[must_use]
    pub fn counts(&self, filter: &JournalFilter) -> Counts {
        self.journal(filter).counts()
    }

    /// How many purchase requests there were for a number.
    #[must_use]
    pub fn purchase_calls(&self, e164: &str) -> u64 {
        self.counts(&JournalFilter::e164(e164)).purchase_calls.get(e164).copied().unwrap_or(0)
    }

    /// How many debits there were for a number.
    #[must_use]
    pub fn debits(&self, e164: &str) -> u64 {
        self.counts(&JournalFilter::e164(e164)).debits.get(e164).copied().unwrap_or(0)
    }

    /// Releases one held request, and says whether it was held.
    pub fn release(&self, seq: u64) -> bool {
        self.shared.release(|held| held == seq) > 0
    }

    /// Releases the held requests of one account, or all, and says how many there were.
    pub fn release_all(&self, account: Option<&str>) -> usize {
        let mine: Vec<u64> = self.shared.read(|world| {
            let requests = world.journal.requests.iter();
            let requests = requests.filter(|r| account.is_none_or(|a| r.account.as_deref() == Some(a)));
            requests.map(|request| request.seq).collect()
        });
        self.shared.release(|seq| mine.contains(&seq))
    }

    /// Waits until the filtered journal is as the predicate wants it, and returns it.
    ///
    /// # Errors
    ///
    /// If that takes longer than `within`.
    pub async fn wait_for(
        &self,
        filter: &JournalFilter,
        within: Duration,
        wanted: impl Fn(&Journal) -> bool,
    ) -> Result<Journal, SimError> {
        let mut changes = self.shared.changes();
        let found = async {
            loop {
                let journal = self.journal(filter);
                // The sender lives in `shared`, so that waiting for it does not fail.
                if wanted(&journal) || changes.changed().await.is_err() {
                    return journal;
                }
            }
        };
        let late = |_| SimError::Timeout { what: format!("what was wanted of {filter:?}"), after: within };
        tokio::time::timeout(within, found).await.map_err(late)
    }

    /// Waits until a request is held, and returns its sequence number.
    ///
    /// # Errors
    ///
    /// If that takes longer than `within`.
    pub async fn wait_for_held(&self, filter: &JournalFilter, within: Duration) -> Result<u64, SimError> {
        let held = |journal: &Journal| {
            journal.requests.iter().find(|request| request.answer == Answer::Held).map(|request| request.seq)
        };
        let journal = self.wait_for(filter, within, |journal| held(journal).is_some()).await?;
        held(&journal)
            .ok_or_else(|| SimError::Timeout { what: "a request being held".to_owned(), after: within })
    }
}
