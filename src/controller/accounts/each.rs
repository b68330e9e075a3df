//! Work for each account, from when it comes until it goes.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::account::{Account, Accounts};

/// So many accounts are spread over an interval.
const SPREAD: u32 = 128;

/// Starts the work of each account that is there or comes, until `end`. It is told when it is listed first, if nothing waits
/// for it, and has a token that ends with it.
pub async fn each(
    accounts: &Accounts,
    interval: Duration,
    end: &CancellationToken,
    mut start: impl FnMut(Arc<Account>, Duration, CancellationToken),
) {
    let (mut changes, mut turns) = (accounts.changes(), Turns::default());
    let mut there: Vec<(Arc<Account>, CancellationToken)> = Vec::new();
    loop {
        let now = accounts.all();
        there.retain(|(account, stop)| {
            let stays = now.iter().any(|one| Arc::ptr_eq(one, account));
            if !stays {
                stop.cancel();
            }
            stays
        });
        for account in now {
            if !there.iter().any(|(one, _)| Arc::ptr_eq(one, &account)) {
                let stop = end.child_token();
                start(account.clone(), turns.next(Instant::now(), interval), stop.clone());
                there.push((account, stop));
            }
        }
        tokio::select! {
            lives = changes.changed() => if lives.is_err() { return },
            () = end.cancelled() => return,
        }
    }
}

/// When the accounts are listed first: one that comes alone at once, many that come together one after the other, so that a
/// hundred are not listed at the same time, then and at each interval's end.
#[derive(Default)]
struct Turns(Option<Instant>);

impl Turns {
    fn next(&mut self, now: Instant, interval: Duration) -> Duration {
        let turn = self.0.map_or(now, |next| next.max(now));
        self.0 = Some(turn + interval / SPREAD);
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use tokio::sync::mpsc;

    use super::*;
    use crate::{account::Known, domain::AccountId};

    #[test]
    fn accounts_that_come_together_are_listed_one_after_the_other() {
        let (interval, begun, mut turns) = (Duration::from_mins(10), Instant::now(), Turns::default());
        let times: Vec<_> = (0..100).map(|_| turns.next(begun, interval)).collect();
        assert_eq!(times[0], Duration::ZERO);
        assert!(times.windows(2).all(|two| two[0] + Duration::from_secs(4) < two[1]), "{times:?}");
        assert!(times.iter().all(|time| *time < interval));
        let later = begun + interval;
        assert_eq!(turns.next(later, interval), Duration::ZERO, "however many came before it");
        assert_eq!(turns.next(later, interval), interval / SPREAD);
    }

    #[tokio::test]
    async fn the_work_of_an_account_ends_with_it_and_with_the_term() {
        let (wake, _woken) = mpsc::unbounded_channel();
        let accounts = Accounts::new(wake.clone());
        let account = |id: &str| {
            let client = crate::account::client("http://127.0.0.1:1".into(), id);
            Arc::new(Account::new(client, NonZeroUsize::MIN, Arc::default(), wake.clone()))
        };
        let (one, two) = (account("MA_1"), account("MA_2"));
        let known = |all: &[&Arc<Account>]| Known {
            working: all.iter().map(|one| (one.id(), Arc::clone(one))).collect(),
            ..Known::default()
        };
        let (end, mut begun) = (CancellationToken::new(), Vec::<(AccountId, CancellationToken)>::new());
        let (told, mut tells) = mpsc::unbounded_channel();
        let following = each(&accounts, Duration::ZERO, &end, |account, _, stop| {
            told.send((account.id(), stop)).unwrap();
        });
        let changing = async {
            for all in [vec![&one], vec![&one, &two]] {
                accounts.update(known(&all));
                begun.push(tells.recv().await.unwrap());
            }
            accounts.update(known(&[&two]));
            begun[0].1.cancelled().await;
            assert!(!begun[1].1.is_cancelled());
            end.cancel();
        };
        tokio::join!(following, changing);
        assert_eq!(begun.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["MA_1", "MA_2"]);
        assert!(begun[1].1.is_cancelled() && tells.try_recv().is_err());
    }
}
