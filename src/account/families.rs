//! What was read of each account that tells which of them share a ledger.

use std::sync::Arc;

use super::{Account, registry::Accounts, state::State};
use crate::{
    domain::AccountId,
    plan::{Contents, Families, Reading, Served, Source},
};

impl State {
    /// Remembers the accounts that a ledger or a balance names.
    pub(super) fn note_names(&mut self, reading: &Reading<Contents>) {
        match reading {
            Reading::Read { value: Contents::Ledger(read), .. } => {
                self.names.extend(read.rows.accounts().iter());
            }
            Reading::Read { value: Contents::Balance(read), .. } => {
                self.names.extend(&read.account);
            }
            _ => {}
        }
    }
}

impl Account {
    /// The master account that its rows and balances name: it pays.
    #[must_use]
    pub fn billing(&self) -> Option<AccountId> {
        self.state().names.master().cloned()
    }

    fn served(&self) -> Served {
        let state = self.state();
        let read = Source::LEDGERS.map(|ledger| state.readings.of(ledger));
        let latest = read.into_iter().max_by_key(|read| read.begun().map(|begun| begun.mono));
        let ledger = latest.and_then(|latest| match latest {
            Reading::Read { begun, value: Contents::Ledger(read) } => Some((*begun, read.rows.clone())),
            other => Some((other.begun()?, Arc::default())),
        });
        Served { account: self.id(), names: state.names.clone(), ledger }
    }
}

impl Accounts {
    /// By what each of them has read so far.
    #[must_use]
    pub fn families(&self) -> Arc<Families> {
        let served = self.known().working.values().map(|account| account.served()).collect();
        self.relatives.lock().families(served)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        account::tests::client,
        clock::Clock,
        domain::LedgerRow,
        plan::{BalanceRead, LedgerRead, Moment},
    };

    fn account(id: &str) -> Account {
        let client = client("http://127.0.0.1:1".into(), id);
        Account::new(client, NonZeroUsize::MIN, Arc::default(), mpsc::unbounded_channel().0)
    }

    fn read(account: &Account, source: Source, begun: Moment, value: Contents) {
        account.state().store(vec![(source, Reading::Read { begun, value })]);
    }

    fn ledger(of: &str) -> Contents {
        let row = format!(r#"{{"id":"{of}","type":"debit","account_id":"{of}"}}"#);
        let rows = Arc::new([LedgerRow::for_tests(&row)].into_iter().collect());
        Contents::Ledger(LedgerRead { from: jiff::Timestamp::MIN, rows })
    }

    #[test]
    fn what_names_an_account_is_remembered_and_the_latest_ledger_counts() {
        let (account, now) = (account("SA_1"), Clock::start().now());
        let named =
            |account: &Account| account.served().names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let begun = |account: &Account| account.served().ledger.map(|(begun, _)| begun);
        assert_eq!((named(&account).len(), begun(&account)), (0, None));
        let [so_far, anew, _] = Source::LEDGERS;
        let later = now.plus(std::time::Duration::from_secs(7));
        read(&account, anew, later, ledger("SA_2"));
        read(&account, so_far, now, ledger("SA_3"));
        let balance = BalanceRead { available: None, account: "MA_1".parse().ok() };
        read(&account, Source::Balance("INR".parse().unwrap()), now, Contents::Balance(balance));
        assert_eq!(named(&account), ["MA_1", "SA_2", "SA_3"]);
        assert_eq!(begun(&account), Some(later));
        // Where there is none, there is nothing to wait for.
        account.state().store(vec![(so_far, Reading::NoSuchEndpoint { begun: later.plus(later.mono) })]);
        assert_eq!(begun(&account), Some(later.plus(later.mono)));
    }
}
