//! All accounts: which of them serves a claim, and of which one a record is. Nothing else knows how many there are.

use std::{collections::HashMap, sync::Arc};

use jiff::SignedDuration;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::{Account, Woken};
use crate::{
    api::{ObjectKey, PhoneNumber, PhoneNumberClaim},
    domain::AccountId,
    plan::{Clocks, Directory, Relatives, Service},
};

/// What is known of all accounts, in one moment.
#[derive(Default)]
pub struct Known {
    pub directory: Directory,
    /// Those that are worked with: each has credentials.
    pub working: HashMap<AccountId, Arc<Account>>,
}

impl Known {
    /// Whether the same accounts serve the same claims.
    pub fn is_like(&self, other: &Self) -> bool {
        let there = |id| other.working.contains_key(id);
        self.directory == other.directory
            && self.working.len() == other.working.len()
            && self.working.keys().all(there)
    }

    /// Which account serves a claim whose number has this record, and what is known of it.
    pub fn serve(
        &self,
        claim: &PhoneNumberClaim,
        record: Option<&PhoneNumber>,
    ) -> (Service, Option<&Arc<Account>>) {
        let served = self.directory.serve(claim, record);
        let account = served.account.as_ref().and_then(|account| self.working.get(account));
        (served, account)
    }
}

/// Every account that this process buys in. They come and go.
pub struct Accounts {
    known: watch::Sender<Arc<Known>>,
    pub(super) relatives: Mutex<Relatives>,
    wake: mpsc::UnboundedSender<Woken>,
}

impl Accounts {
    /// None yet; `wake` receives the objects to requeue.
    #[must_use]
    pub fn new(wake: mpsc::UnboundedSender<Woken>) -> Self {
        Self { known: watch::Sender::default(), relatives: Mutex::default(), wake }
    }

    /// From now on, this is known of them.
    pub fn update(&self, known: Known) {
        self.known.send_replace(Arc::new(known));
    }

    pub fn known(&self) -> Arc<Known> {
        self.known.borrow().clone()
    }

    /// Tells whenever something else is known.
    pub fn changes(&self) -> watch::Receiver<Arc<Known>> {
        self.known.subscribe()
    }

    /// Those that are worked with.
    pub fn all(&self) -> Vec<Arc<Account>> {
        self.known.borrow().working.values().cloned().collect()
    }

    /// The account of that id, if it is worked with.
    pub fn of(&self, account: &AccountId) -> Option<Arc<Account>> {
        self.known.borrow().working.get(account).cloned()
    }

    /// Requeues a claim or record.
    pub fn wake(&self, key: ObjectKey) {
        // The receiver is gone only while the process stops.
        let _ = self.wake.send(Woken::Object(key));
    }

    /// Where what an account wakes is sent to.
    pub fn waker(&self) -> mpsc::UnboundedSender<Woken> {
        self.wake.clone()
    }

    /// How far our clock is from those of Vobiz, by the answers to each account, and of the API server: the furthest.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        let all = self.known();
        let furthest = |clock: fn(Clocks) -> Option<SignedDuration>| {
            all.working.values().filter_map(|account| clock(account.clocks())).max_by_key(|ahead| ahead.abs())
        };
        Clocks { vobiz: furthest(|clocks| clocks.vobiz), kubernetes: furthest(|clocks| clocks.kubernetes) }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, num::NonZeroUsize, time::Duration};

    use jiff::Timestamp;

    use super::*;
    use crate::{
        account::tests::client,
        api::{ClaimRef, VobizAccount},
        clock::Clock,
        domain::E164,
        plan::{Contents, Declared, Enqueued, Evidence, Fresh, Gate, Labels, Moment, Reading, Source, Token},
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
            "metadata": { "namespace": namespace, "name": "x", "uid": namespace },
            "spec": { "e164": NUMBER, "accountRef": { "name": namespace } },
        });
        serde_json::from_value(raw).unwrap()
    }

    fn declared(account: &str) -> Declared {
        let raw = serde_json::json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "VobizAccount",
            "metadata": { "name": "x", "finalizers": ["telephony.vobiz.ai/account"] },
            "spec": {
                "authId": account, "tokenSecretRef": { "namespace": "n", "name": "s" },
                "allowedNamespaces": { "from": "All" },
            },
        });
        Declared::of(&serde_json::from_value::<VobizAccount>(raw).unwrap(), Token::Known)
    }

    fn is_listed(evidence: &Evidence) -> bool {
        matches!(
            evidence.listing.since(Moment { mono: Duration::ZERO, ..Clock::start().now() }),
            Fresh::Value(..)
        )
    }

    #[test]
    fn a_claim_finds_what_is_known_of_its_own_account() {
        let (ours, theirs) = (account("MA_1"), account("MA_2"));
        let names = [("ours", declared("MA_1")), ("theirs", declared("MA_2")), ("silent", declared("MA_3"))];
        let names: BTreeMap<_, _> = names.map(|(name, one)| (name.to_owned(), one)).into();
        let known = Known {
            directory: Directory::new(names, BTreeMap::new(), None, Labels::Unread),
            working: [ours, theirs.clone()].map(|account| (account.id(), account)).into(),
        };
        let begun = Clock::start().now();
        theirs
            .state()
            .store(vec![(Source::Listing, Reading::Read { begun, value: Contents::numbers(Vec::new()) })]);
        theirs.state().gate.read_met(&ReadError::Unauthorized, Duration::MAX / 2);
        let waits = ClaimRef { namespace: "theirs".into(), name: "x".into(), uid: "theirs".into() };
        assert_eq!(theirs.queue.enqueue(waits.clone(), Timestamp::UNIX_EPOCH), Enqueued::Now);

        let number: E164 = NUMBER.parse().unwrap();
        for (namespace, id, is_known) in [("ours", "MA_1", false), ("theirs", "MA_2", true)] {
            let (served, account) = known.serve(&claim(namespace), None);
            let declared = Some(namespace.to_owned());
            assert_eq!(served, Service { declared, ..Service::by(id.parse().unwrap()) });
            let account = account.unwrap();
            assert_eq!(account.id(), id.parse().unwrap());
            assert_eq!(is_listed(&account.evidence(number)), is_known, "{id}");
            assert_eq!(account.gate() == Gate::Open, !is_known, "{id}");
            let again = if is_known { Enqueued::Already } else { Enqueued::Now };
            assert_eq!(account.queue.enqueue(waits.clone(), Timestamp::UNIX_EPOCH), again, "{id}");
        }
        let (served, account) = known.serve(&claim("silent"), None);
        assert!(
            served.account.is_some() && account.is_none(),
            "nothing is worked with before it has a token"
        );
    }
}
