//! What is to be looked at: the objects that a change concerns, and no others.

use std::{collections::BTreeMap, sync::Arc};

use futures::stream::BoxStream;
use kube::{Resource, ResourceExt};
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
    domain::{AccountId, E164},
    plan::RecordBrief,
    reconcile::{Outcomes, Records, Told},
};

/// The queues that say what is to be looked at.
pub struct Triggers {
    inner: Mutex<Inner>,
}

struct Inner {
    index: Index,
    cache: Records,
    outcomes: Arc<Outcomes>,
    told: Arc<Told>,
    records: Option<Wakes<ObjectKey>>,
    /// By namespace; `None` stands for all.
    claims: BTreeMap<Option<String>, Wakes<ObjectKey>>,
}

impl Triggers {
    /// Closed: what happens is noted, and nothing is queued.
    pub fn new(cache: Records, outcomes: Arc<Outcomes>, told: Arc<Told>) -> Self {
        let index = Index::default();
        let inner = Inner { index, cache, outcomes, told, records: None, claims: BTreeMap::new() };
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
                Woken::RecordsOf(account) => self.inner.lock().wake_records_of(&account),
            }
        }
    }

    /// Wakes what a change of a claim concerns.
    pub fn claim_changed(&self, changed: &Changed<PhoneNumberClaim>) {
        let mut inner = self.inner.lock();
        match (&changed.before, &changed.now) {
            (before, Some(claim)) => inner.claim_came(&changed.key, before.as_deref(), claim),
            (Some(claim), None) => inner.claim_went(&changed.key, claim),
            (None, None) => {}
        }
    }

    /// Wakes what a list of claims concerns, in a namespace or in all: what was told may have been lost. And before the first
    /// list, the records that name these claims, and the claims that lost to them, had no claim to ask about. A later list tells
    /// of what has changed: were all woken that it brings, a claim that is created meanwhile would wait for a hundred thousand.
    pub fn claims_listed(&self, place: Option<&str>, is_first: bool) {
        let inner = self.inner.lock();
        inner.told.listed(place).iter().for_each(|claim| inner.wake_claim(claim));
        if !is_first {
            return;
        }
        for e164 in inner.index.named_in(place) {
            inner.wake_record(ObjectKey::number(e164));
            inner.wake_claims_of(e164, None);
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

    fn wake_records_of(&self, account: &AccountId) {
        self.cache.briefs(|briefs| {
            let is_its =
                |brief: &Option<RecordBrief>| brief.as_ref().is_some_and(|one| one.account == *account);
            let its = briefs.filter(|(_, brief)| is_its(brief));
            its.for_each(|(record, _)| self.wake_record(record.clone()));
        });
    }

    /// All that ask for a number, but for this one.
    fn wake_claims_of(&self, e164: E164, but: Option<&api::ClaimRef>) {
        let but = but.map(|claim| ObjectKey::claim(&claim.namespace, &claim.name));
        let others = self.index.of(e164).filter(|claim| Some(*claim) != but.as_ref());
        others.for_each(|claim| self.wake_claim(claim));
    }

    fn claim_came(
        &mut self,
        key: &ObjectKey,
        before: Option<&Seen<PhoneNumberClaim>>,
        claim: &Seen<PhoneNumberClaim>,
    ) {
        let before = before.and_then(Seen::read).map(|before| &**before);
        if claim.is_newer() {
            self.told.forget(&claim.uid().unwrap_or_default());
        }
        let is_told = claim.read().is_some_and(|now| {
            self.told.shown(before, now) && before.is_some_and(|before| is_same_wish(before, now))
        });
        // What this process has written itself, it need not look at.
        if !is_told {
            self.wake_claim(key);
        }
        self.index.insert(claim.e164(), key.clone());
    }

    /// The others that ask for its number go by the record: only where that names the claim has anything changed for them.
    fn claim_went(&mut self, key: &ObjectKey, claim: &Seen<PhoneNumberClaim>) {
        self.index.remove(claim.e164(), key.clone());
        self.told.forget(&claim.uid().unwrap_or_default());
        let Some(e164) = claim.e164() else { return };
        let record = ObjectKey::number(e164);
        self.wake_record(record.clone());
        let record = self.cache.get(&record);
        let named = record.as_deref().and_then(named);
        if named.is_some_and(|named| Some(&named.uid) == claim.meta().uid.as_ref()) {
            self.wake_claims_of(e164, None);
        }
    }

    /// The claim that it names is told all that is new; the others that ask for its number go by its spec.
    fn record_changed(&mut self, changed: &Changed<PhoneNumber>) {
        let Changed { before, now, is_answered, .. } = changed;
        let Some(e164) = now.as_ref().or(before.as_ref()).and_then(|record| record.e164()) else { return };
        if let Some(named) = before.as_deref().and_then(named) {
            self.index.names_no_more(e164, &named.namespace);
        }
        let (before, read) = (before.as_deref().and_then(Seen::read), now.as_deref().and_then(Seen::read));
        let named = read.and_then(|record| record.spec.claim_ref.as_ref());
        if let Some(named) = named {
            self.index.names(e164, &named.namespace);
        }
        // When it was answered, or when its purchase ends.
        let looked_at = *is_answered || read.is_some_and(|record| self.outcomes.is_nothing_but_sent(record));
        if now.is_some() && !looked_at {
            self.wake_record(ObjectKey::number(e164));
        }
        match (before, read, named) {
            (Some(before), Some(now), Some(named)) if is_same_to_others(before, now) => {
                if !looked_at {
                    self.wake_claim(&ObjectKey::claim(&named.namespace, &named.name));
                }
            }
            _ => self.wake_claims_of(e164, named.filter(|_| looked_at)),
        }
    }
}

/// The claim that a record names.
fn named(record: &Seen<PhoneNumber>) -> Option<&api::ClaimRef> {
    record.read()?.spec.claim_ref.as_ref()
}

/// Whether the claim asks for the same as before, but for what it is told.
fn is_same_wish(before: &PhoneNumberClaim, now: &PhoneNumberClaim) -> bool {
    let [before_is, now_is] = [before, now].map(|claim| {
        let metadata = &claim.metadata;
        (&claim.spec, &metadata.uid, metadata.generation, &metadata.deletion_timestamp, &metadata.annotations)
    });
    before_is == now_is
}

/// Whether only what Vobiz lists of the number has changed, and what the record tells its own claim.
fn is_same_to_others(before: &PhoneNumber, now: &PhoneNumber) -> bool {
    before.spec == now.spec && before.metadata.deletion_timestamp == now.metadata.deletion_timestamp
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::{Kept, Unread},
        cache::Cache,
        controller::{follow::Follower, list_watch::Event},
        plan::ClaimBrief,
        reconcile::Listed,
    };

    /// All that is followed in some namespaces, and what is woken.
    struct World {
        triggers: Arc<Triggers>,
        records: Follower<PhoneNumber, Option<RecordBrief>>,
        claims: BTreeMap<Option<String>, Follower<PhoneNumberClaim, ClaimBrief>>,
        queue: BoxStream<'static, ObjectKey>,
        queues: Vec<BoxStream<'static, ObjectKey>>,
        version: u64,
        listed: Listed,
        outcomes: Arc<Outcomes>,
        told: Arc<Told>,
    }

    impl World {
        fn new(namespaces: impl Iterator<Item = String>) -> Self {
            let (records, claims) = (Cache::new(RecordBrief::of), Cache::new(ClaimBrief::of));
            let (outcomes, told) = (Arc::new(Outcomes::new(Arc::default())), Arc::<Told>::default());
            let triggers = Arc::new(Triggers::new(records.clone(), outcomes.clone(), told.clone()));
            let follow =
                |name: String| (Some(name.clone()), Follower::new(claims.clone(), |_| (), Some(name)));
            let claims: BTreeMap<_, _> = namespaces.map(follow).collect();
            let listed = Listed::new(claims.keys().cloned());
            let (queue, queues) = triggers.open(claims.keys().cloned());
            let records = Follower::new(records, |_| (), None);
            Self { triggers, records, claims, queue, queues, version: 0, listed, outcomes, told }
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
                if follower.apply(unread(event), |changed| self.triggers.claim_changed(changed)) {
                    let is_first = self.listed.filled(Some(namespace));
                    self.triggers.claims_listed(Some(namespace), is_first);
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
                self.records.apply(unread(event), |changed| self.triggers.record_changed(changed));
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

    /// An event as a watch brings it.
    fn unread<K: Kept>(event: &Event<Seen<K>>) -> Event<Unread<K>> {
        let text = |object: &Seen<K>| serde_json::from_value(json!(object)).unwrap();
        match event {
            Event::Init(version) => Event::Init(version.clone()),
            Event::InitDone => Event::InitDone,
            Event::InitApply(object) => Event::InitApply(text(object)),
            Event::Apply(object) => Event::Apply(text(object)),
            Event::Delete(object) => Event::Delete(text(object)),
        }
    }

    const NUMBER: &str = "+911234500000";

    fn uid(namespace: &str, name: &str) -> String {
        format!("{namespace}/{name}")
    }

    #[tokio::test]
    async fn an_account_that_was_listed_wakes_its_own_records_alone() {
        let mut world = World::new(std::iter::empty());
        let numbers = ["+911234500001", "+911234500002", "+911234500003"];
        let records = numbers.map(|number| Event::Apply(world.record(number, "a", "x", "Bound")));
        assert_eq!(world.records(&records), 3);
        for (account, expected) in [("ma_1", 3), ("MA_2", 0)] {
            let (wake, woken) = tokio::sync::mpsc::unbounded_channel();
            wake.send(Woken::RecordsOf(account.parse().unwrap())).unwrap();
            drop(wake);
            world.triggers.clone().route(woken).await;
            assert_eq!(world.woken(), expected, "{account}");
        }
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
    fn the_first_list_of_a_namespace_wakes_all_of_it_and_no_later_one() {
        const NAMESPACES: usize = 300;
        const NUMBERS: usize = 10;
        let names = || (0..NAMESPACES).map(|index| format!("team-{index}"));
        let mut world = World::new(names());
        let (mut lists, mut records) = (Vec::new(), Vec::new());
        for (at, namespace) in names().enumerate() {
            let mut list = vec![Event::Init("100".to_owned())];
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
        // The first list brings claims and their records; one after a gap, what has changed in it.
        for expected in [2 * NUMBERS * NAMESPACES, 0] {
            let woken: usize = lists.iter().map(|(namespace, list)| world.claims(namespace, list)).sum();
            assert_eq!(woken, expected);
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
    fn a_status_that_comes_back_as_it_was_told_wakes_nothing() {
        let status = |reason: &str| {
            let condition = json!({
                "type": "Ready", "status": "False", "reason": reason, "message": "",
                "lastTransitionTime": "2026-01-02T03:04:05Z",
            });
            json!({ "observedGeneration": 1, "conditions": [condition] })
        };
        // What is told, what the next version of the claim says, and whether it is looked at.
        for (told, changed, woken) in [
            (Some("A"), json!({ "status": status("A") }), 0),
            (Some("A"), json!({ "status": status("B") }), 1),
            (None, json!({ "status": status("A") }), 1),
            (Some("A"), json!({}), 1),
            (Some("A"), json!({ "status": status("A"), "metadata": { "generation": 2 } }), 1),
            (
                Some("A"),
                json!({ "status": status("A"), "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" } }),
                1,
            ),
            (
                Some("A"),
                json!({ "status": status("A"), "metadata": { "annotations": { "telephony.vobiz.ai/retry": "2" } } }),
                1,
            ),
        ] {
            let mut world = World::new(["a".to_owned()].into_iter());
            let first = world.claim("a", "x");
            assert_eq!(world.claims("a", &[Event::Apply(first.clone())]), 1);
            let mut next = serde_json::to_value(&first).unwrap();
            next["metadata"]["resourceVersion"] = json!("7");
            next["metadata"]
                .as_object_mut()
                .unwrap()
                .extend(changed["metadata"].as_object().cloned().unwrap_or_default());
            next["status"] = changed["status"].clone();
            if let Some(told) = told {
                let told = serde_json::from_value(status(told)).unwrap();
                world.told.tell(first.read().unwrap(), &told);
            }
            let next: Seen<PhoneNumberClaim> = serde_json::from_value(next).unwrap();
            assert_eq!(world.claims("a", &[Event::Apply(next.clone())]), woken, "{told:?} {changed}");
            // It is told once: what another writes again is looked at.
            let mut again = serde_json::to_value(&next).unwrap();
            again["metadata"]["resourceVersion"] = json!("8");
            assert_eq!(world.claims("a", &[Event::Apply(serde_json::from_value(again).unwrap())]), 1);
        }
    }

    #[test]
    fn a_record_that_says_only_that_it_is_sent_wakes_none_but_others() {
        let sent: crate::domain::AttemptId = "00000000-0000-4000-8000-000000000000".parse().unwrap();
        for (sending, state, deleting, woken) in [
            (true, "Open", false, 1),
            (false, "Open", false, 3),
            (true, "Bound", false, 3),
            (true, "Failed", false, 3),
            (true, "Open", true, 3),
        ] {
            let mut world = World::new(["a".to_owned()].into_iter());
            for name in ["x", "y"] {
                let claim = world.claim("a", name);
                world.claims("a", &[Event::Apply(claim)]);
            }
            let _sending = sending.then(|| world.outcomes.sending(sent));
            let Seen::Read(record) = world.record(NUMBER, "a", "x", state) else { panic!("it was not read") };
            let mut record = (*record).clone();
            record.metadata.deletion_timestamp =
                deleting.then(|| serde_json::from_value(json!("2026-01-02T03:04:05Z")).unwrap());
            assert_eq!(world.records(&[Event::Apply(record.into())]), woken, "{sending} {state} {deleting}");
        }
    }

    #[test]
    fn a_record_that_was_answered_before_it_comes_wakes_the_others_alone() {
        for (shown, answered, state, woken) in [
            (true, true, "Bound", [3, 1]),
            (true, true, "Failed", [3, 1]),
            (true, true, "Open", [3, 0]),
            // What was written before it comes late: it is told as it stands.
            (false, true, "Bound", [1, 1]),
            (false, true, "Open", [1, 1]),
            (false, false, "Bound", [3, 3]),
        ] {
            let mut world = World::new(["a".to_owned()].into_iter());
            for name in ["x", "y"] {
                let claim = world.claim("a", name);
                world.claims("a", &[Event::Apply(claim)]);
            }
            let (older, record) =
                (world.record(NUMBER, "a", "x", "Open"), world.record(NUMBER, "a", "x", state));
            let cache = world.triggers.inner.lock().cache.clone();
            let first = shown.then(|| world.records(&[Event::Apply(older.clone())]));
            if answered {
                assert!(cache.answered(cache.asked(), record.clone()));
            }
            let first = first.unwrap_or_else(|| world.records(&[Event::Apply(older)]));
            let then = world.records(&[Event::Apply(record)]);
            assert_eq!([first, then], woken, "{shown} {answered} {state}");
        }
    }

    #[test]
    fn a_listing_for_drift_wakes_the_records_of_its_account_and_no_others() {
        let mut world = World::new(std::iter::empty());
        for (index, account) in ["MA_1", "MA_2", "MA_1"].into_iter().enumerate() {
            let record = world.record(&format!("+91123450000{index}"), "a", "x", "Bound");
            let Seen::Read(record) = record else { panic!("it was not read") };
            let mut record = (*record).clone();
            record.spec.account = account.parse().unwrap();
            world.records(&[Event::Apply(record.into())]);
        }
        for (account, woken) in [("MA_1", 2), ("MA_2", 1), ("MA_3", 0)] {
            world.triggers.inner.lock().wake_records_of(&account.parse().unwrap());
            assert_eq!(world.woken(), woken, "{account}");
        }
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
