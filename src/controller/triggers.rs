//! What is to be looked at: the objects that a change concerns, and no others.

use std::{collections::BTreeMap, sync::Arc};

use futures::stream::BoxStream;
use kube::Resource;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    follow::Changed,
    index::Index,
    queue::{Wakes, queue},
};
use crate::{
    account::Woken,
    api::{self, ObjectKey, PhoneNumber, PhoneNumberClaim, Seen},
    domain::E164,
    reconcile::Records,
};

/// The queues that say what is to be looked at.
pub struct Triggers {
    inner: Mutex<Inner>,
}

struct Inner {
    index: Index,
    cache: Records,
    records: Option<Wakes<ObjectKey>>,
    /// By namespace; `None` stands for all.
    claims: BTreeMap<Option<String>, Wakes<ObjectKey>>,
}

impl Triggers {
    /// Closed: what happens is noted, and nothing is queued.
    pub fn new(cache: Records) -> Self {
        let inner = Inner { index: Index::default(), cache, records: None, claims: BTreeMap::new() };
        Self { inner: Mutex::new(inner) }
    }

    /// The queue of records, and one of claims for each place (a namespace, or all). All known objects stand in them from
    /// the start.
    pub fn open(
        &self,
        places: impl IntoIterator<Item = Option<String>>,
    ) -> (BoxStream<'static, ObjectKey>, Vec<BoxStream<'static, ObjectKey>>) {
        let (records, records_queue) = queue();
        let (mut claims, mut queues) = (BTreeMap::new(), Vec::new());
        for place in places {
            let (wakes, queue) = queue();
            claims.insert(place, wakes);
            queues.push(queue);
        }
        let mut inner = self.inner.lock();
        inner.records = Some(records);
        inner.claims = claims;
        inner.wake_all_records();
        inner.index.all().for_each(|claim| inner.wake_claim(claim));
        drop(inner);
        (records_queue, queues)
    }

    /// Ends the queues, so that their reconciles end when they are done.
    pub fn close(&self) {
        let mut inner = self.inner.lock();
        inner.records = None;
        inner.claims.clear();
    }

    /// Queues what is woken, until nothing is left that could wake it.
    pub async fn route(self: Arc<Self>, mut woken: UnboundedReceiver<Woken>) {
        while let Some(key) = woken.recv().await {
            match key {
                Woken::Object(key) if key.namespace().is_some() => self.inner.lock().wake_claim(&key),
                Woken::Object(key) => self.inner.lock().wake_record(key),
                Woken::AllRecords => self.inner.lock().wake_all_records(),
            }
        }
    }

    /// Wakes what a change of a claim concerns.
    pub fn claim_changed(&self, changed: &Changed<PhoneNumberClaim>) {
        let mut inner = self.inner.lock();
        match (&changed.before, &changed.now) {
            (_, Some(claim)) => inner.claim_came(claim),
            (Some(claim), None) => inner.claim_went(claim),
            (None, None) => {}
        }
    }

    /// Wakes what a list of claims concerns, in a namespace or in all: before, the records that name these claims, and the
    /// claims that lost to them, had no claim to ask about.
    pub fn claims_listed(&self, place: Option<&str>) {
        let inner = self.inner.lock();
        for e164 in inner.index.named_in(place) {
            inner.wake_record(ObjectKey::number(e164));
            inner.wake_claims_of(e164);
        }
    }

    /// Wakes what a change of a record concerns.
    pub fn record_changed(&self, changed: &Changed<PhoneNumber>) {
        self.inner.lock().record_changed(changed);
    }
}

impl Inner {
    fn wake_claim(&self, claim: &ObjectKey) {
        let place = claim.namespace().map(str::to_owned);
        if let Some(queue) = self.claims.get(&place).or_else(|| self.claims.get(&None)) {
            queue.wake(claim.clone());
        }
    }

    fn wake_record(&self, record: ObjectKey) {
        if let Some(queue) = &self.records {
            queue.wake(record);
        }
    }

    fn wake_all_records(&self) {
        self.cache.briefs(|briefs| briefs.for_each(|(record, _)| self.wake_record(record.clone())));
    }

    fn wake_claims_of(&self, e164: E164) {
        self.index.of(e164).for_each(|claim| self.wake_claim(claim));
    }

    fn claim_came(&mut self, claim: &Seen<PhoneNumberClaim>) {
        let key = ObjectKey::of(claim);
        self.wake_claim(&key);
        self.index.insert(claim.e164(), key);
    }

    /// The others that ask for its number go by the record: only where that names the claim has anything changed for them.
    fn claim_went(&mut self, claim: &Seen<PhoneNumberClaim>) {
        self.index.remove(claim.e164(), ObjectKey::of(claim));
        let Some(e164) = claim.e164() else { return };
        let record = ObjectKey::number(e164);
        self.wake_record(record.clone());
        let record = self.cache.get(&record);
        let named = record.as_deref().and_then(named);
        if named.is_some_and(|named| Some(&named.uid) == claim.meta().uid.as_ref()) {
            self.wake_claims_of(e164);
        }
    }

    /// The claim that it names is told all that is new; the others that ask for its number go by its spec.
    fn record_changed(&mut self, Changed { before, now }: &Changed<PhoneNumber>) {
        let Some(e164) = now.as_ref().or(before.as_ref()).and_then(|record| record.e164()) else { return };
        if let Some(named) = before.as_deref().and_then(named) {
            self.index.names_no_more(e164, &named.namespace);
        }
        let named = now.as_deref().and_then(named);
        if let Some(named) = named {
            self.index.names(e164, &named.namespace);
        }
        if now.is_some() {
            self.wake_record(ObjectKey::number(e164));
        }
        match (before.as_deref().and_then(Seen::read), now.as_deref().and_then(Seen::read), named) {
            (Some(before), Some(now), Some(named)) if is_same_to_others(before, now) => {
                self.wake_claim(&ObjectKey::claim(&named.namespace, &named.name));
            }
            _ => self.wake_claims_of(e164),
        }
    }
}

/// The claim that a record names.
fn named(record: &Seen<PhoneNumber>) -> Option<&api::ClaimRef> {
    record.read()?.spec.claim_ref.as_ref()
}

/// Whether only what Vobiz lists of the number has changed, and what the record tells its own claim.
fn is_same_to_others(before: &PhoneNumber, now: &PhoneNumber) -> bool {
    before.spec == now.spec && before.metadata.deletion_timestamp == now.metadata.deletion_timestamp
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};
    use kube_runtime::watcher::Event;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::Kept,
        cache::Cache,
        controller::follow::Follower,
        plan::{ClaimBrief, RecordBrief},
    };

    /// All that is followed in some namespaces, and what is woken.
    struct World {
        triggers: Triggers,
        records: Follower<PhoneNumber, Option<RecordBrief>>,
        claims: BTreeMap<Option<String>, Follower<PhoneNumberClaim, ClaimBrief>>,
        queue: BoxStream<'static, ObjectKey>,
        queues: Vec<BoxStream<'static, ObjectKey>>,
        version: u64,
    }

    impl World {
        fn new(namespaces: impl Iterator<Item = String>) -> Self {
            let (records, claims) = (Cache::new(RecordBrief::of), Cache::new(ClaimBrief::of));
            let triggers = Triggers::new(records.clone());
            let follow = |name: String| (Some(name.clone()), Follower::new(claims.clone(), Some(name)));
            let claims: BTreeMap<_, _> = namespaces.map(follow).collect();
            let (queue, queues) = triggers.open(claims.keys().cloned());
            Self { triggers, records: Follower::new(records, None), claims, queue, queues, version: 0 }
        }

        fn object<K: Kept>(&mut self, namespace: Option<&str>, name: &str, spec: &Value) -> Seen<K> {
            self.version += 1;
            let metadata = json!({
                "namespace": namespace, "name": name, "uid": uid(namespace.unwrap_or_default(), name),
                "resourceVersion": self.version.to_string(),
            });
            serde_json::from_value(json!({ "metadata": metadata, "spec": spec })).unwrap()
        }

        fn claim(&mut self, namespace: &str, name: &str) -> Seen<PhoneNumberClaim> {
            self.object(Some(namespace), name, &json!({ "e164": NUMBER }))
        }

        fn claims(&mut self, namespace: &str, events: &[Event<Seen<PhoneNumberClaim>>]) -> usize {
            let follower = self.claims.get_mut(&Some(namespace.to_owned())).unwrap();
            for event in events {
                if follower.apply(event.clone(), |changed| self.triggers.claim_changed(changed)) {
                    self.triggers.claims_listed(Some(namespace));
                }
            }
            self.woken()
        }

        /// The record of a number, which names a claim.
        fn record(&mut self, number: &str, namespace: &str, name: &str, state: &str) -> Seen<PhoneNumber> {
            let spec = json!({
                "e164": number, "account": "MA_1",
                "claimRef": { "namespace": namespace, "name": name, "uid": uid(namespace, name) },
                "attempt": {
                    "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z",
                    "state": state, "origin": "Purchase",
                },
            });
            self.object(None, &number[1..], &spec)
        }

        fn records(&mut self, events: &[Event<Seen<PhoneNumber>>]) -> usize {
            for event in events {
                self.records.apply(event.clone(), |changed| self.triggers.record_changed(changed));
            }
            self.woken()
        }

        /// How many objects are to be looked at, after they were.
        fn woken(&mut self) -> usize {
            let mut woken = 0;
            while self.queue.next().now_or_never().flatten().is_some() {
                woken += 1;
            }
            for queue in &mut self.queues {
                while queue.next().now_or_never().flatten().is_some() {
                    woken += 1;
                }
            }
            woken
        }
    }

    const NUMBER: &str = "+911234500000";

    fn uid(namespace: &str, name: &str) -> String {
        format!("{namespace}/{name}")
    }

    #[test]
    fn many_claims_for_one_number_wake_each_other_once_when_all_go() {
        const CLAIMS: usize = 10_000;
        let mut world = World::new(["a".to_owned()].into_iter());
        let mut woken = 0;
        for name in 0..CLAIMS {
            let claim = world.claim("a", &name.to_string());
            woken += world.claims("a", &[Event::Apply(claim)]);
        }
        let record = world.record(NUMBER, "a", "5000", "Bound");
        woken += world.records(&[Event::Apply(record)]);
        assert!(woken <= 2 * CLAIMS + 1, "{woken}");
        let mut woken = 0;
        for name in 0..CLAIMS {
            let claim = world.claim("a", &name.to_string());
            woken += world.claims("a", &[Event::Delete(claim)]);
        }
        // Each wakes the record, and the one that it names the claims that are left.
        assert_eq!(woken, CLAIMS + CLAIMS / 2 - 1);
    }

    #[test]
    fn a_namespace_that_is_listed_anew_wakes_what_concerns_it() {
        const NAMESPACES: usize = 300;
        const NUMBERS: usize = 10;
        let names = || (0..NAMESPACES).map(|index| format!("team-{index}"));
        let mut world = World::new(names());
        let (mut lists, mut records) = (Vec::new(), Vec::new());
        for (at, namespace) in names().enumerate() {
            let mut list = vec![Event::Init];
            for index in 0..NUMBERS {
                let number = format!("+91{at:06}{index:04}");
                let claim = world.object(Some(&namespace), &index.to_string(), &json!({ "e164": number }));
                list.push(Event::InitApply(claim));
                let record = world.record(&number, &namespace, &index.to_string(), "Bound");
                records.push(Event::Apply(record));
            }
            list.push(Event::InitDone);
            lists.push((namespace, list));
        }
        world.records(&records);
        // The first list brings claims and their records; one after a gap, with nothing new in it, the same at most.
        for _ in 0..2 {
            let mut woken = 0;
            for (namespace, list) in &lists {
                woken += world.claims(namespace, list);
            }
            assert_eq!(woken, 2 * NUMBERS * NAMESPACES);
        }
    }

    #[test]
    fn what_a_record_tells_its_own_claim_wakes_no_other() {
        let mut world = World::new(["a".to_owned(), "b".to_owned()].into_iter());
        for (namespace, name) in [("a", "x"), ("a", "y"), ("b", "z")] {
            let claim = world.claim(namespace, name);
            assert_eq!(world.claims(namespace, &[Event::Apply(claim)]), 1);
        }
        // The record, and who is woken beside it.
        for (name, state, claims) in
            [("x", "Open", 3), ("x", "Bound", 3), ("x", "Bound", 1), ("y", "Bound", 3), ("y", "Bound", 1)]
        {
            let record = world.record(NUMBER, "a", name, state);
            assert_eq!(world.records(&[Event::Apply(record)]), 1 + claims, "{name} {state}");
        }
        let record = world.record(NUMBER, "a", "y", "Bound");
        assert_eq!(world.records(&[Event::Delete(record)]), 3);
    }

    #[test]
    fn a_claim_that_goes_wakes_the_others_if_the_record_names_it() {
        let mut world = World::new(["a".to_owned()].into_iter());
        for name in ["x", "y", "z"] {
            let claim = world.claim("a", name);
            world.claims("a", &[Event::Apply(claim)]);
        }
        let record = world.record(NUMBER, "a", "y", "Failed");
        world.records(&[Event::Apply(record)]);
        for (name, woken) in [("x", 1), ("y", 2), ("z", 1)] {
            let claim = world.claim("a", name);
            assert_eq!(world.claims("a", &[Event::Delete(claim)]), woken, "{name}");
        }
    }
}
