//! All accounts: in which one a claim buys, and of which one a record is. Nothing else knows how many there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::SignedDuration;
use kube::ResourceExt;

use super::Account;
use crate::{
    api::{PhoneNumber, PhoneNumberClaim},
    plan::{Clocks, Directory, Service},
};

/// Every account that this process buys in.
pub struct Accounts {
    default: Arc<Account>,
    /// Each with the namespaces whose claims buy in it.
    others: Vec<(BTreeSet<String>, Arc<Account>)>,
    directory: Directory,
}

impl Accounts {
    /// One for all claims.
    #[must_use]
    pub fn one(account: Arc<Account>) -> Self {
        let directory = Directory::new(BTreeMap::new(), BTreeMap::new(), Some(account.id()), None);
        Self { default: account, others: Vec::new(), directory }
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Account>> {
        std::iter::once(&self.default).chain(self.others.iter().map(|(_, account)| account))
    }

    /// Which account serves a claim whose number has this record.
    #[must_use]
    pub fn serve(&self, claim: &PhoneNumberClaim, record: Option<&PhoneNumber>) -> Service {
        self.directory.serve(claim, record)
    }

    /// The account in which a claim buys.
    #[must_use]
    pub fn of_claim(&self, claim: &PhoneNumberClaim) -> &Arc<Account> {
        let namespace = claim.namespace().unwrap_or_default();
        let own = self.others.iter().find(|(namespaces, _)| namespaces.contains(&namespace));
        own.map_or(&self.default, |(_, account)| account)
    }

    /// The account of a record; none if it is foreign.
    #[must_use]
    pub fn of_record(&self, record: &PhoneNumber) -> Option<&Arc<Account>> {
        self.all().find(|account| account.id() == record.spec.account)
    }

    /// How far our clock is from those of Vobiz, by the answers to each account, and of the API server: the furthest.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        let furthest = |clock: fn(Clocks) -> Option<SignedDuration>| {
            self.all().filter_map(|account| clock(account.clocks())).max_by_key(|ahead| ahead.abs())
        };
        Clocks { vobiz: furthest(|clocks| clocks.vobiz), kubernetes: furthest(|clocks| clocks.kubernetes) }
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroUsize, time::Duration};

    use jiff::Timestamp;

    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        account::tests::client,
        api::ClaimRef,
        clock::Clock,
        domain::E164,
        plan::{Contents, Enqueued, Evidence, Fresh, Gate, Moment, Reading, Source},
        vobiz::ReadError,
    };

    const NUMBER: &str = "+911234500000";

    /// An account before which there is no server: what is known of it is put there by a test.
    fn account(id: &str) -> Arc<Account> {
        let client = client("http://127.0.0.1:1".into(), id);
        Arc::new(Account::new(client, NonZeroUsize::MIN, Arc::default(), mpsc::unbounded_channel().0))
    }

    fn claim(namespace: &str) -> PhoneNumberClaim {
        let raw = serde_json::json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "namespace": namespace, "name": "x", "uid": namespace }, "spec": { "e164": NUMBER },
        });
        serde_json::from_value(raw).unwrap()
    }

    fn record(account: &str) -> PhoneNumber {
        let raw = serde_json::json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumber", "metadata": { "name": "911234500000" },
            "spec": { "e164": NUMBER, "account": account, "attempt": {
                "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z",
                "state": "Open", "origin": "Purchase",
            } },
        });
        serde_json::from_value(raw).unwrap()
    }

    fn is_listed(evidence: &Evidence) -> bool {
        matches!(
            evidence.listing.since(Moment { mono: Duration::ZERO, ..Clock::start().now() }),
            Fresh::Value(..)
        )
    }

    #[test]
    fn a_claim_and_a_record_find_what_is_known_of_their_own_account() {
        let (ours, theirs) = (account("MA_1"), account("MA_2"));
        let others = vec![(BTreeSet::from(["theirs".to_owned()]), theirs.clone())];
        let accounts = Accounts { default: ours, others, directory: Directory::default() };
        let begun = Clock::start().now();
        theirs
            .state()
            .store(vec![(Source::Listing, Reading::Read { begun, value: Contents::numbers(Vec::new()) })]);
        theirs.state().gate.read_met(&ReadError::Unauthorized, Duration::MAX / 2);
        let waits = ClaimRef { namespace: "theirs".into(), name: "x".into(), uid: "theirs".into() };
        assert_eq!(
            accounts.of_claim(&claim("theirs")).queue.enqueue(waits.clone(), Timestamp::UNIX_EPOCH),
            Enqueued::Now
        );

        let number: E164 = NUMBER.parse().unwrap();
        for (claim, record, id, known) in
            [(claim("ours"), record("MA_1"), "MA_1", false), (claim("theirs"), record("MA_2"), "MA_2", true)]
        {
            let (of_claim, of_record) = (accounts.of_claim(&claim), accounts.of_record(&record).unwrap());
            assert!(Arc::ptr_eq(of_claim, of_record));
            assert_eq!(of_claim.id(), id.parse().unwrap());
            assert_eq!(is_listed(&of_claim.evidence(number)), known, "{id}");
            assert_eq!(of_claim.gate() == Gate::Open, !known, "{id}");
            let again = if known { Enqueued::Already } else { Enqueued::Now };
            assert_eq!(of_claim.queue.enqueue(waits.clone(), Timestamp::UNIX_EPOCH), again, "{id}");
        }
        assert!(accounts.of_record(&record("MA_3")).is_none(), "it is foreign");
        assert_eq!(accounts.all().count(), 2);
    }
}
