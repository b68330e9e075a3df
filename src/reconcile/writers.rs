//! How many turns write their intents at the same time, those of all accounts together.

use std::{num::NonZeroUsize, sync::Arc};

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// Each has a connection to the API server, and all share what that serves: with eight of each of a hundred accounts, every write
/// was late, and their connections were most of the memory.
const AT_ONCE: usize = 16;

/// The turns that may write. Accounts take turns, as those wait longest that came first.
pub struct Writers(Arc<Semaphore>);

/// One of them, until it is dropped. It waits for the API server alone: at no Vobiz that hangs does another account wait.
pub struct Writer {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Writers {
    /// An account that is alone never waits for others, however many purchases it may have under way.
    #[must_use]
    pub fn new(concurrency: NonZeroUsize) -> Self {
        Self(Arc::new(Semaphore::new(concurrency.get().max(AT_ONCE))))
    }

    /// Waits until another turn of the account may write. Of each account one waits here: the others wait for that one.
    pub async fn next(&self, account: &Mutex<()>) -> Writer {
        let _first = account.lock().await;
        // It is never closed.
        Writer { _permit: self.0.clone().acquire_owned().await.ok() }
    }
}

#[cfg(test)]
mod tests {
    use futures::{
        FutureExt, StreamExt,
        stream::{FuturesOrdered, FuturesUnordered},
    };

    use super::*;

    #[test]
    fn accounts_take_turns_however_many_of_one_wait() {
        let (writers, accounts) = (Writers::new(NonZeroUsize::MIN), [const { Mutex::const_new(()) }; 3]);
        let held: FuturesOrdered<_> = (0..AT_ONCE).map(|_| writers.next(&accounts[0])).collect();
        let mut held: Vec<_> = held.collect().now_or_never().unwrap();
        // Many of the first wait before one of each other comes.
        let order = [0, 0, 0, 0, 1, 1, 2];
        let waiting = order.map(|account| writers.next(&accounts[account]).map(move |one| (account, one)));
        let mut waiting: FuturesUnordered<_> = waiting.into_iter().collect();
        assert!(waiting.next().now_or_never().is_none());
        let mut begun = Vec::new();
        while !waiting.is_empty() {
            drop(held.remove(0));
            let (account, writer) = waiting.next().now_or_never().unwrap().unwrap();
            assert!(waiting.next().now_or_never().flatten().is_none(), "one goes, one comes");
            begun.push(account);
            held.push(writer);
        }
        assert_eq!(begun, [0, 1, 2, 0, 1, 0, 0]);
    }

    #[test]
    fn an_account_that_is_alone_does_not_wait() {
        for (concurrency, at_once) in [(1, 16), (8, 16), (16, 16), (100, 100)] {
            let (writers, account) =
                (Writers::new(NonZeroUsize::new(concurrency).unwrap()), Mutex::default());
            let writing: Vec<_> =
                (0..=at_once).map_while(|_| writers.next(&account).now_or_never()).collect();
            assert_eq!(writing.len(), at_once, "{concurrency}");
        }
    }

    #[test]
    fn what_waits_no_longer_keeps_none_waiting() {
        let (writers, accounts) = (Writers::new(NonZeroUsize::MIN), [const { Mutex::const_new(()) }; 2]);
        let all: Vec<_> = (0..AT_ONCE).map(|_| writers.next(&accounts[0]).now_or_never().unwrap()).collect();
        let (ended, lives) = (writers.next(&accounts[0]), writers.next(&accounts[1]));
        let (mut ended, mut lives) = (Box::pin(ended), Box::pin(lives));
        assert!((&mut ended).now_or_never().is_none() && (&mut lives).now_or_never().is_none());
        drop(ended);
        drop(all);
        assert!(lives.now_or_never().is_some());
        assert!(writers.next(&accounts[0]).now_or_never().is_some());
    }
}
