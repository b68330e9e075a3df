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
    api::{AccountReason, ConditionType, VobizAccount, VobizAccountStatus},
    clock::Clock,
    conditions::{AccountFacts, Unsettled, account_status},
    domain::{Backoff, Moment},
    reconcile::Records,
    store::{Store, StoreError},
};

/// How often it is looked at all accounts.
const EVERY: Duration = Duration::from_secs(3);

/// Between two writes of one account's figures.
const BETWEEN: Duration = Duration::from_secs(30);

const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(1) };

/// How Vobiz meets an account: while it flaps, each look finds another of these.
const FLAPPING: [AccountReason; 3] =
    [AccountReason::Accepted, AccountReason::RateLimited, AccountReason::VobizUnavailable];

/// So long after such a change, the next one is told at once again: longer than the longest pause.
const CALM: Duration = Duration::from_mins(2);

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
    written: Option<Written>,
    /// Writes in a row that another writer has written over.
    contested: u32,
    /// When Vobiz was last told to meet it otherwise, and how many such changes in a row came before.
    flipped: Option<(Duration, u32)>,
    failures: u32,
    not_before: Duration,
    deleting_since: Option<Duration>,
}

struct Written {
    at: Duration,
    status: VobizAccountStatus,
    /// The version of the object that was read before.
    over: Option<String>,
}

impl Reporter {
    pub async fn run(self) {
        let mut memories: HashMap<String, Memory> = HashMap::new();
        let mut changes = self.keeper.accounts().changes();
        loop {
            // What is known is of these objects, or of later ones: an account is not told what was true of an earlier spec.
            let (objects, mut remembered) = (self.keeper.objects(), HashMap::new());
            let (known, recorded) = (self.keeper.accounts().known(), Recorded::of(&self.records));
            for kept in objects {
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
        let finalizer = self.hold(&kept.object, known, recorded, memory, now).await;
        let refused = match &finalizer {
            Ok(false) => None,
            // The account says so, as nothing else tells why no claim can buy in it.
            Err(StoreError::Forbidden(why)) => Some(why.as_str()),
            Ok(true) | Err(_) => return finalizer.map(drop),
        };
        self.tell(&kept.object, known, recorded, memory, refused, now).await?;
        finalizer.map(drop)
    }

    /// Holds a deletion back, or lets it go through, if that is due. Returns whether it was.
    async fn hold(
        &self,
        object: &VobizAccount,
        known: &Known,
        recorded: &Recorded,
        memory: &mut Memory,
        now: Moment,
    ) -> Result<bool, StoreError> {
        let (id, held) = (&object.spec.auth_id, object.is_held());
        let deleting = object.metadata.deletion_timestamp.is_some();
        let due = if deleting {
            let waited = now.mono.saturating_sub(*memory.deleting_since.get_or_insert(now.mono));
            let serves = known.directory.first(id) == Some(object.name_any().as_str());
            let idle = known.working.get(id).is_none_or(|account| account.queue.is_idle());
            held && may_go(serves, waited, recorded.open(id), idle)
        } else {
            memory.deleting_since = None;
            !held
        };
        if due {
            self.store.hold_account(object, !deleting).await?;
        }
        Ok(due)
    }

    /// Writes its status, if that is due.
    async fn tell(
        &self,
        object: &VobizAccount,
        known: &Known,
        recorded: &Recorded,
        memory: &mut Memory,
        refused: Option<&str>,
        now: Moment,
    ) -> Result<(), StoreError> {
        let id = &object.spec.auth_id;
        let first = known.directory.first(id).unwrap_or_default();
        let working = known.working.get(id);
        let working = working.filter(|_| first == object.name_any());
        let health = working.map(|account| account.health());
        let facts = AccountFacts {
            account: object,
            first,
            token: known.directory.token(&object.name_any()),
            lacks_labels: known.directory.lacks_labels(&object.name_any()),
            met: health.as_ref().map(|health| (&health.gate, health.accepted)),
            unsettled: recorded.open(id),
            refused,
            figures: working.and_then(|account| figures(account, &self.records, recorded)),
        };
        if let Some(account) = working.filter(|_| facts.awaits_vobiz()) {
            account.show_credentials();
        }
        let Some(status) = account_status(&facts, now.wall) else { return Ok(()) };
        if !memory.is_due(object, &status, now.mono) {
            return Ok(());
        }
        self.store.patch_account_status(object, &status).await?;
        memory.wrote(object, status, now.mono);
        Ok(())
    }
}

/// Whether all that has changed is how Vobiz meets the account.
fn is_flip(old: &VobizAccountStatus, new: &VobizAccountStatus) -> bool {
    let flaps = |status: &VobizAccountStatus| {
        let ready = ConditionType::Ready.of(&status.conditions);
        ready.is_some_and(|ready| FLAPPING.iter().any(|reason| ready.reason == reason.into_str()))
    };
    let same_spec = old.observed_generation == new.observed_generation;
    same_spec && old.conditions != new.conditions && flaps(old) && flaps(new)
}

/// Whether nothing keeps a deleted object any more. Of two with one auth id, what was sent is the business of the one that
/// serves.
fn may_go(serves: bool, waited: Duration, unsettled: Option<Unsettled<'_>>, idle: bool) -> bool {
    !serves || waited >= SEEN_WITHIN && unsettled.is_none() && idle
}

impl Memory {
    /// Whether a status is worth its write: what it says of the account's state at once, figures not too often, and ever more
    /// rarely what flaps, or what another writer says otherwise.
    fn is_due(&self, object: &VobizAccount, new: &VobizAccountStatus, now: Duration) -> bool {
        let since = |pause| self.written.as_ref().is_none_or(|written| now >= written.at + pause);
        if self.is_overwritten(object) && !since(PAUSES.after(self.contested)) {
            return false;
        }
        let old = object.status.as_ref();
        let Some(old) = old.filter(|old| *old != new) else { return old != Some(new) };
        if is_flip(old, new) && self.flipped.is_some_and(|(at, before)| now < at + PAUSES.after(before)) {
            return false;
        }
        let states = old.conditions != new.conditions || old.observed_generation != new.observed_generation;
        states || old.numbers.is_none() || since(BETWEEN)
    }

    /// Whether another writer has changed what was written here: a second operator, which never agrees.
    fn is_overwritten(&self, object: &VobizAccount) -> bool {
        self.written.as_ref().is_some_and(|written| {
            object.status.as_ref() != Some(&written.status)
                && object.metadata.resource_version != written.over
        })
    }

    fn wrote(&mut self, object: &VobizAccount, status: VobizAccountStatus, now: Duration) {
        self.contested = if self.is_overwritten(object) { self.contested.saturating_add(1) } else { 0 };
        if object.status.as_ref().is_some_and(|old| is_flip(old, &status)) {
            let in_a_row = self.flipped.filter(|(at, _)| now < *at + CALM);
            self.flipped = Some((now, in_a_row.map_or(0, |(_, before)| before.saturating_add(1))));
        }
        self.written = Some(Written { at: now, status, over: object.metadata.resource_version.clone() });
    }

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

    fn status(available: &str, generation: i64) -> VobizAccountStatus {
        VobizAccountStatus {
            observed_generation: Some(generation),
            balances: vec![AvailableBalance {
                currency: "INR".parse().unwrap(),
                available: available.parse().unwrap(),
            }],
            numbers: Some(NumberCounts::default()),
            ..VobizAccountStatus::default()
        }
    }

    fn object(version: &str, status: Option<VobizAccountStatus>) -> VobizAccount {
        let object = serde_json::json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "VobizAccount",
            "metadata": { "name": "a", "resourceVersion": version },
            "spec": { "authId": "MA_1", "tokenSecretRef": { "namespace": "n", "name": "s" } },
        });
        VobizAccount { status, ..serde_json::from_value(object).unwrap() }
    }

    #[test]
    fn a_status_is_written_when_it_changes_and_its_figures_not_too_often() {
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
            let mut memory = Memory::default();
            if let (Some(written), Some(old)) = (written, &old) {
                memory.wrote(&object("1", None), old.clone(), at(written));
            }
            assert_eq!(memory.is_due(&object("2", old.clone()), &new, at(now)), due, "{old:?} {new:?}");
        }
    }

    #[test]
    fn two_that_write_one_status_do_so_ever_more_rarely() {
        let (ours, theirs) = (status("1", 1), status("1", 2));
        let (mut memory, mut now, mut writes) = (Memory::default(), Duration::ZERO, Vec::new());
        // The other one has the last word at once, each time.
        for version in 0..3600 {
            let object = object(&version.to_string(), Some(theirs.clone()));
            if memory.is_due(&object, &ours, now) {
                memory.wrote(&object, ours.clone(), now);
                writes.push(now.as_secs());
            }
            now += Duration::from_secs(1);
        }
        assert!(writes.starts_with(&[0, 1, 3, 7, 15, 31, 63, 123, 183]), "{writes:?}");
        // Its own write is not seen yet.
        let mut memory = Memory::default();
        memory.wrote(&object("1", Some(theirs.clone())), ours.clone(), now);
        assert!(memory.is_due(&object("1", Some(theirs)), &status("2", 3), now));
        // What was written is there: another change is news.
        assert!(memory.is_due(&object("2", Some(ours)), &status("2", 3), now));
    }

    #[test]
    fn an_object_goes_once_nothing_is_open_and_a_duplicate_at_once() {
        let (open, newer) = (Some(Unsettled::Open("911")), Some(Unsettled::Newer("911")));
        for (serves, waited, unsettled, idle, goes) in [
            (true, 10, None, true, true),
            (true, 9, None, true, false),
            (true, 10, None, false, false),
            (true, 10, open, true, false),
            (true, 10, newer, true, false),
            (false, 0, open, false, true),
        ] {
            let found = may_go(serves, Duration::from_secs(waited), unsettled, idle);
            assert_eq!(found, goes, "{serves} {waited} {idle}");
        }
    }

    fn says(reason: &str) -> VobizAccountStatus {
        let ready = serde_json::json!({ "type": "Ready", "status": "False", "reason": reason, "message": "",
            "lastTransitionTime": "2026-01-02T03:04:05Z" });
        VobizAccountStatus { conditions: vec![serde_json::from_value(ready).unwrap()], ..status("1", 1) }
    }

    #[test]
    fn what_flaps_is_written_ever_more_rarely_and_all_else_at_once() {
        let (mut memory, mut shown, mut writes, mut now) =
            (Memory::default(), None, Vec::new(), Duration::ZERO);
        for look in 0..100 {
            let new = says(["Accepted", "VobizUnavailable"][look % 2]);
            let object = object(&look.to_string(), shown.clone());
            if memory.is_due(&object, &new, now) {
                memory.wrote(&object, new.clone(), now);
                writes.push(now.as_secs());
                shown = Some(new);
            }
            now += EVERY;
        }
        assert!(writes.starts_with(&[0, 3, 6, 9, 18, 27, 48, 81, 144, 207]), "{writes:?}");
        let shown = object("shown", shown);
        let another_spec = VobizAccountStatus { observed_generation: Some(2), ..says("RateLimited") };
        for (new, after, due) in [
            (says("RateLimited"), Duration::ZERO, false),
            (says("RateLimited"), CALM, true),
            (says("InvalidCredentials"), Duration::ZERO, true),
            (says("Suspended"), Duration::ZERO, true),
            (another_spec, Duration::ZERO, true),
        ] {
            let at = memory.flipped.unwrap().0 + after;
            assert_eq!(memory.is_due(&shown, &new, at), due, "{new:?}");
        }
        memory.wrote(&shown, says("RateLimited"), now + CALM);
        assert_eq!(memory.flipped, Some((now + CALM, 0)), "calm in between");
    }
}
