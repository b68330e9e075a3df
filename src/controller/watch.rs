//! Follows claims and records: fills their caches, and enqueues each object that a change concerns.

use std::{collections::HashMap, pin::pin, sync::Arc, time::Instant};

use futures::StreamExt;
use kube::{Api, ResourceExt};
use kube_runtime::{
    WatchStreamExt,
    reflector::{ObjectRef, Store as Cache, store::Writer},
    watcher,
};
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{follow::Follower, interruption::Interruptions};
use crate::{
    account::Woken,
    api::{ObjectKey, PhoneNumber, PhoneNumberClaim, RETRY_ANNOTATION, Seen},
    domain::E164,
    plan,
    reconcile::Listed,
};

/// The queues that say what is to be looked at.
pub struct Triggers {
    inner: Mutex<Inner>,
}

struct Inner {
    index: Index,
    cache: Cache<Seen<PhoneNumber>>,
    records: Option<UnboundedSender<ObjectRef<Seen<PhoneNumber>>>>,
    /// By namespace; `None` stands for all.
    claims: Vec<(Option<String>, UnboundedSender<ClaimRef>)>,
}

type ClaimRef = ObjectRef<Seen<PhoneNumberClaim>>;
pub type ClaimQueue = UnboundedReceiver<ClaimRef>;
pub type RecordQueue = UnboundedReceiver<ObjectRef<Seen<PhoneNumber>>>;

impl Triggers {
    /// Closed: what happens is noted, and nothing is queued.
    pub fn new(cache: Cache<Seen<PhoneNumber>>) -> Self {
        let inner = Inner { index: Index::default(), cache, records: None, claims: Vec::new() };
        Self { inner: Mutex::new(inner) }
    }

    /// The queue of records, and a queue of claims for each namespace (one in all, if none is named). All known objects
    /// stand in them from the start.
    pub fn open(&self, namespaces: &[String]) -> (RecordQueue, Vec<ClaimQueue>) {
        let (records, records_queue) = mpsc::unbounded_channel();
        let (mut claims, mut queues) = (Vec::new(), Vec::new());
        for namespace in self::namespaces(namespaces) {
            let (sender, queue) = mpsc::unbounded_channel();
            claims.push((namespace, sender));
            queues.push(queue);
        }
        let mut inner = self.inner.lock();
        inner.records = Some(records);
        inner.claims = claims;
        inner.enqueue_all_records();
        inner.index.all().for_each(|(namespace, name)| inner.enqueue_claim(namespace, name));
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
                Woken::Object(ObjectKey::Claim { namespace, name }) => {
                    self.inner.lock().enqueue_claim(&namespace, &name);
                }
                Woken::Object(ObjectKey::Record(name)) => self.inner.lock().enqueue_record(&name),
                Woken::AllRecords => self.inner.lock().enqueue_all_records(),
            }
        }
    }
}

impl Inner {
    fn enqueue_claim(&self, namespace: &str, name: &str) {
        let queue =
            self.claims.iter().find(|(watched, _)| watched.as_deref().is_none_or(|it| it == namespace));
        if let Some((_, queue)) = queue {
            // A closed queue: the process stops.
            let _ = queue.send(ObjectRef::new(name).within(namespace));
        }
    }

    fn enqueue_record(&self, name: &str) {
        if let Some(queue) = &self.records {
            let _ = queue.send(ObjectRef::new(name));
        }
    }

    fn enqueue_all_records(&self) {
        self.cache.state().iter().for_each(|record| self.enqueue_record(&record.name_any()));
    }

    /// The claims for numbers whose records name a claim of that namespace.
    fn enqueue_claims_against(&self, namespace: Option<&str>) {
        for record in self.cache.state() {
            let Some(record) = record.read() else { continue };
            let named = record.spec.claim_ref.as_ref();
            if named.is_some_and(|named| namespace.is_none_or(|name| named.namespace == name)) {
                self.enqueue_claims_of(record.spec.e164);
            }
        }
    }

    fn enqueue_claims_of(&self, e164: E164) {
        self.index.get(e164).iter().for_each(|(namespace, name)| self.enqueue_claim(namespace, name));
    }
}

/// Which claims wish for a number: almost always one.
#[derive(Default)]
struct Index {
    /// `None`: for numbers that this version cannot read.
    claims: HashMap<Option<E164>, Vec<(String, String)>>,
}

impl Index {
    fn insert(&mut self, e164: Option<E164>, namespace: &str, name: &str) {
        let claims = self.claims.entry(e164).or_default();
        if !claims.iter().any(|known| known.0 == namespace && known.1 == name) {
            claims.push((namespace.to_owned(), name.to_owned()));
        }
    }

    fn remove(&mut self, e164: Option<E164>, namespace: &str, name: &str) {
        if let Some(claims) = self.claims.get_mut(&e164) {
            claims.retain(|known| known.0 != namespace || known.1 != name);
            if claims.is_empty() {
                self.claims.remove(&e164);
            }
        }
    }

    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.claims.values().flatten().map(|(namespace, name)| (namespace.as_str(), name.as_str()))
    }

    fn get(&self, e164: E164) -> Vec<(String, String)> {
        self.claims.get(&Some(e164)).cloned().unwrap_or_default()
    }
}

/// The namespaces that are watched, each on its own; `None` stands for all of them.
pub fn namespaces(named: &[String]) -> Vec<Option<String>> {
    if named.is_empty() { vec![None] } else { named.iter().cloned().map(Some).collect() }
}

fn config() -> watcher::Config {
    // Pages keep the first list of thousands from standing in memory as one piece of JSON.
    watcher::Config::default().page_size(250)
}

/// What the cache of claims does not need, it does not keep: claims are never written back whole.
fn trim_claim(claim: &mut Seen<PhoneNumberClaim>) {
    match claim {
        Seen::Newer(newer) => Arc::make_mut(newer).trim(),
        Seen::Read(claim) => {
            let claim = Arc::make_mut(claim);
            claim.metadata.managed_fields = None;
            claim.metadata.labels = None;
            claim.metadata.owner_references = None;
            claim.metadata.finalizers = None;
            claim.annotations_mut().retain(|name, _| name == RETRY_ANNOTATION);
            // All reconciles share the cache: of a token that is ignored, it keeps only that it is too long.
            claim.annotations_mut().values_mut().for_each(plan::cut_token);
        }
    }
}

/// Records are written back whole, so only what the API server keeps by itself is left out.
fn trim_record(record: &mut Seen<PhoneNumber>) {
    match record {
        Seen::Newer(newer) => Arc::make_mut(newer).trim(),
        Seen::Read(record) => Arc::make_mut(record).metadata.managed_fields = None,
    }
}

/// Follows the claims of a namespace, or of all: fills their cache, and has them and the records of their numbers looked
/// at.
pub async fn claims(
    namespace: Option<String>,
    api: Api<Seen<PhoneNumberClaim>>,
    writer: Writer<Seen<PhoneNumberClaim>>,
    listed: Arc<Listed>,
    triggers: Arc<Triggers>,
) {
    let place = namespace.as_deref();
    let what = place.map_or_else(|| "claims".to_owned(), |name| format!("claims in namespace {name}"));
    let mut follower = Follower::new(writer);
    let mut interruptions = Interruptions::default();
    let mut events = pin!(watcher(api, config()).default_backoff());
    while let Some(event) = events.next().await {
        let changes = match event {
            Ok(event) => follower.apply(&event.modify(trim_claim)),
            Err(error) => {
                if let Some(why) = interruptions.warn(&what, &error) {
                    listed.refused(place, why, Instant::now());
                }
                continue;
            }
        };
        if changes.listed {
            listed.filled(place);
        } else {
            listed.goes_on(place);
        }
        let mut inner = triggers.inner.lock();
        changes.gone.iter().for_each(|claim| disappeared(&mut inner, claim));
        changes.here.iter().for_each(|claim| appeared(&mut inner, claim));
        if changes.listed {
            // Before, the records of these claims, and the claims that lost to them, had no claim to ask about.
            inner.enqueue_all_records();
            inner.enqueue_claims_against(place);
        }
    }
}

fn appeared(inner: &mut Inner, claim: &Seen<PhoneNumberClaim>) {
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    inner.index.insert(claim.e164(), &namespace, &name);
    inner.enqueue_claim(&namespace, &name);
}

fn disappeared(inner: &mut Inner, claim: &Seen<PhoneNumberClaim>) {
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    inner.index.remove(claim.e164(), &namespace, &name);
    let Some(e164) = claim.e164() else { return };
    inner.enqueue_record(&e164.digits());
    inner.enqueue_claims_of(e164);
}

/// Follows the records: fills their cache, and has them and the claims for their numbers looked at.
pub async fn records(
    api: Api<Seen<PhoneNumber>>,
    writer: Writer<Seen<PhoneNumber>>,
    triggers: Arc<Triggers>,
) {
    let mut follower = Follower::new(writer);
    let mut interruptions = Interruptions::default();
    let mut events = pin!(watcher(api, config()).default_backoff());
    while let Some(event) = events.next().await {
        let changes = match event {
            Ok(event) => follower.apply(&event.modify(trim_record)),
            Err(error) => {
                interruptions.warn("records", &error);
                continue;
            }
        };
        let inner = triggers.inner.lock();
        for record in &changes.here {
            inner.enqueue_record(&record.name_any());
        }
        for record in changes.here.iter().chain(&changes.gone) {
            record.e164().into_iter().for_each(|e164| inner.enqueue_claims_of(e164));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_claims_that_are_gone() {
        let mut index = Index::default();
        let number = |id: u32| (!id.is_multiple_of(7)).then(|| format!("+9112345{id:05}").parse().unwrap());
        (0..1000).for_each(|id| index.insert(number(id), "a", &id.to_string()));
        assert_eq!(index.all().count(), 1000);
        (0..1000).for_each(|id| index.remove(number(id), "a", &id.to_string()));
        assert!(index.claims.is_empty());
    }
}
