//! Writes what accounts are told, and holds their deletion back while an attempt of theirs is open. The process that leads
//! does.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kube::ResourceExt;

use super::{
    figures::{Recorded, figures},
    keeper::{Keeper, Kept},
};
use crate::{
    account::Known,
    api::{ACCOUNT_FINALIZER, VobizAccount, VobizAccountStatus},
    clock::Clock,
    conditions::{AccountFacts, account_status},
    domain::{Backoff, Moment},
    reconcile::Records,
    store::{Store, StoreError},
};

/// How often it is looked at all accounts.
const EVERY: Duration = Duration::from_secs(3);

/// Between two writes of one account's figures.
const BETWEEN: Duration = Duration::from_secs(30);

const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(1) };

/// An intent that was written just before an account was deleted is seen by then.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

pub struct Reporter {
    pub keeper: Arc<Keeper>,
    pub records: Records,
    pub store: Store,
    pub clock: Clock,
}

/// What this process remembers of an object.
#[derive(Default)]
struct Memory {
    written: Option<Duration>,
    failures: u32,
    not_before: Duration,
    deleting_since: Option<Duration>,
}

impl Reporter {
    pub async fn run(self) {
        let mut memories: HashMap<String, Memory> = HashMap::new();
        let mut changes = self.keeper.accounts().changes();
        loop {
            let (known, recorded) = (self.keeper.accounts().known(), Recorded::of(&self.records));
            let mut remembered = HashMap::new();
            for kept in self.keeper.objects() {
                let Some(uid) = kept.object.uid() else { continue };
                let mut memory = memories.remove(&uid).unwrap_or_default();
                let now = self.clock.now();
                if memory.not_before <= now.mono {
                    let written = self.step(&kept, &known, &recorded, &mut memory, now).await;
                    memory.ended(&kept.object, written, now);
                }
                remembered.insert(uid, memory);
            }
            memories = remembered;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = changes.changed() => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    }

    /// One write, if one is due.
    async fn step(
        &self,
        kept: &Kept,
        known: &Known,
        recorded: &Recorded,
        memory: &mut Memory,
        now: Moment,
    ) -> Result<(), StoreError> {
        let object = &*kept.object;
        let (id, held) = (&object.spec.auth_id, is_held(object));
        let working = known.working.get(id);
        let idle = || working.is_none_or(|account| account.queue.is_idle());
        if object.metadata.deletion_timestamp.is_none() {
            memory.deleting_since = None;
            if !held {
                return self.store.hold_account(object, true).await;
            }
        } else if held {
            let since = *memory.deleting_since.get_or_insert(now.mono);
            if now.mono >= since + SEEN_WITHIN && !recorded.has_open(id) && idle() {
                return self.store.hold_account(object, false).await;
            }
        }
        let first = known.directory.first(id).unwrap_or_default();
        let health = working.filter(|_| first == object.name_any()).map(|account| account.health());
        let facts = AccountFacts {
            account: object,
            first,
            token: &kept.token,
            lacks_labels: known.directory.lacks_labels(&object.name_any()),
            met: health.as_ref().map(|health| (&health.gate, health.accepted)),
            figures: working
                .filter(|_| first == object.name_any())
                .and_then(|account| figures(account, &self.records, recorded)),
        };
        let Some(status) = account_status(&facts, now.wall) else { return Ok(()) };
        if !is_due(object.status.as_ref(), &status, memory.written, now.mono) {
            return Ok(());
        }
        self.store.patch_account_status(object, &status).await?;
        memory.written = Some(now.mono);
        Ok(())
    }
}

fn is_held(object: &VobizAccount) -> bool {
    object.finalizers().iter().any(|name| name == ACCOUNT_FINALIZER)
}

/// Whether a status is worth its write: what it says of the account's state at once, figures not too often.
fn is_due(
    old: Option<&VobizAccountStatus>,
    new: &VobizAccountStatus,
    written: Option<Duration>,
    now: Duration,
) -> bool {
    let Some(old) = old.filter(|old| *old != new) else { return old != Some(new) };
    let states = old.conditions != new.conditions || old.observed_generation != new.observed_generation;
    states || old.numbers.is_none() || written.is_none_or(|at| now >= at + BETWEEN)
}

impl Memory {
    /// A failure is tried again, each time later.
    fn ended(&mut self, object: &VobizAccount, written: Result<(), StoreError>, now: Moment) {
        match written {
            Ok(()) => self.failures = 0,
            Err(error) => {
                if !error.is_overtaken() {
                    tracing::warn!(%error, account = %object.spec.auth_id, "an account cannot be written");
                }
                self.not_before = now.mono + PAUSES.after(self.failures);
                self.failures = self.failures.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{AvailableBalance, NumberCounts};

    #[test]
    fn a_status_is_written_when_it_changes_and_its_figures_not_too_often() {
        let status = |available: &str, generation| VobizAccountStatus {
            observed_generation: Some(generation),
            balances: vec![AvailableBalance {
                currency: "INR".parse().unwrap(),
                available: available.parse().unwrap(),
            }],
            numbers: Some(NumberCounts::default()),
            ..VobizAccountStatus::default()
        };
        let at = Duration::from_secs;
        for (old, new, written, now, due) in [
            (None, status("1", 1), None, 5, true),
            (Some(status("1", 1)), status("1", 1), None, 5, false),
            (Some(status("1", 1)), status("2", 1), None, 5, true),
            (Some(status("1", 1)), status("2", 1), Some(5), 34, false),
            (Some(status("1", 1)), status("2", 1), Some(5), 35, true),
            (Some(status("1", 1)), status("1", 2), Some(5), 6, true),
            (Some(VobizAccountStatus { numbers: None, ..status("1", 1) }), status("1", 1), Some(5), 6, true),
        ] {
            assert_eq!(is_due(old.as_ref(), &new, written.map(at), at(now)), due, "{old:?} {new:?}");
        }
    }
}
