use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::StreamExt;
use kube::{
    Api, ResourceExt,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store as Cache, store::Writer},
        watcher,
        watcher::Event,
    },
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::{index::Index, interruption::Interruptions};
use crate::{
    account::Key,
    api::{PhoneNumber, PhoneNumberClaim, RETRY_ANNOTATION},
    domain::E164,
    plan,
};

/// The queues that say what is to be looked at.
pub struct Triggers {
    inner: Mutex<Inner>,
}

struct Inner {
    index: Index,
    cache: Cache<PhoneNumber>,
    records: Option<UnboundedSender<ObjectRef<PhoneNumber>>>,
    /// By namespace; `None` stands for all.
    claims: Vec<(Option<String>, UnboundedSender<ObjectRef<PhoneNumberClaim>>)>,
}

pub type ClaimQueue = UnboundedReceiver<ObjectRef<PhoneNumberClaim>>;

impl Triggers {
    /// Closed: what happens is noted, and nobody is told.
    pub fn new(cache: Cache<PhoneNumber>) -> Self {
        let inner = Inner { index: Index::default(), cache, records: None, claims: Vec::new() };
        Self { inner: Mutex::new(inner) }
    }

    /// The queue of records, and a queue of claims for each namespace (one in all, if none is named). Everything that is
    /// known stands in them.
    pub fn open(
        &self,
        namespaces: &[String],
    ) -> (UnboundedReceiver<ObjectRef<PhoneNumber>>, Vec<ClaimQueue>) {
        let (records, records_queue) = mpsc::unbounded_channel();
        let (mut claims, mut queues) = (Vec::new(), Vec::new());
        for namespace in super::namespaces(namespaces) {
            let (sender, queue) = mpsc::unbounded_channel();
            claims.push((namespace, sender));
            queues.push(queue);
        }
        let mut inner = self.inner();
        inner.records = Some(records);
        inner.claims = claims;
        inner.all_records();
        inner.index.all().for_each(|(namespace, name)| inner.claim(namespace, name));
        drop(inner);
        (records_queue, queues)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the queues, so that their reconciles end when they are done.
    pub fn close(&self) {
        let mut inner = self.inner();
        inner.records = None;
        inner.claims.clear();
    }

    /// Passes on who is to be looked at again, until nobody says so any more.
    pub async fn route(self: Arc<Self>, mut woken: UnboundedReceiver<Key>) {
        while let Some(key) = woken.recv().await {
            match key {
                Key::Claim { namespace, name } => self.inner().claim(&namespace, &name),
                Key::Record(name) => self.inner().record(&name),
                Key::AllRecords => self.inner().all_records(),
            }
        }
    }
}

impl Inner {
    fn claim(&self, namespace: &str, name: &str) {
        let queue =
            self.claims.iter().find(|(watched, _)| watched.as_deref().is_none_or(|it| it == namespace));
        if let Some((_, queue)) = queue {
            // A closed queue: the process stops.
            let _ = queue.send(ObjectRef::new(name).within(namespace));
        }
    }

    fn record(&self, name: &str) {
        if let Some(queue) = &self.records {
            let _ = queue.send(ObjectRef::new(name));
        }
    }

    fn all_records(&self) {
        self.cache.state().iter().for_each(|record| self.record(&record.name_any()));
    }

    fn claims_of(&self, e164: E164) {
        self.index.get(e164).iter().for_each(|(namespace, name)| self.claim(namespace, name));
    }
}

fn config() -> watcher::Config {
    // Pages keep the first list of thousands from standing in memory as one piece of JSON.
    watcher::Config::default().page_size(250)
}

/// What the cache of claims does not need, it does not keep: claims are never written back whole.
fn trim_claim(claim: &mut PhoneNumberClaim) {
    claim.metadata.managed_fields = None;
    claim.metadata.labels = None;
    claim.metadata.owner_references = None;
    claim.metadata.finalizers = None;
    claim.annotations_mut().retain(|name, _| name == RETRY_ANNOTATION);
    // The cache is everybody's: of a token that is ignored, it keeps only that it is too long.
    claim.annotations_mut().values_mut().for_each(plan::cut_token);
}

/// Records are written back whole, so only what the API server keeps by itself is left out.
fn trim_record(record: &mut PhoneNumber) {
    record.metadata.managed_fields = None;
}

/// Follows the claims: fills their cache, and has them and the records of their numbers looked at.
pub async fn claims(
    api: Api<PhoneNumberClaim>,
    mut writer: Writer<PhoneNumberClaim>,
    triggers: Arc<Triggers>,
) {
    let cache = writer.as_reader();
    let mut interruptions = Interruptions::default();
    let mut events = pin!(watcher(api, config()).default_backoff());
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event.modify(trim_claim),
            Err(error) => {
                interruptions.warn("claims", &error);
                continue;
            }
        };
        writer.apply_watcher_event(&event);
        let mut inner = triggers.inner();
        match event {
            Event::Apply(claim) => appeared(&mut inner, &claim),
            Event::Delete(claim) => {
                let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
                inner.index.remove(claim.spec.e164, &namespace, &name);
                inner.record(&claim.spec.e164.digits());
                inner.claims_of(claim.spec.e164);
            }
            Event::InitDone => {
                cache.state().iter().for_each(|claim| appeared(&mut inner, claim));
                // A claim may have been deleted while nobody watched; its record does not know.
                inner.all_records();
            }
            Event::Init | Event::InitApply(_) => {}
        }
    }
}

fn appeared(inner: &mut Inner, claim: &PhoneNumberClaim) {
    let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
    inner.index.insert(claim.spec.e164, &namespace, &name);
    inner.claim(&namespace, &name);
}

/// Follows the records: fills their cache, and has them and the claims for their numbers looked at.
pub async fn records(api: Api<PhoneNumber>, mut writer: Writer<PhoneNumber>, triggers: Arc<Triggers>) {
    let cache = writer.as_reader();
    let mut interruptions = Interruptions::default();
    let mut events = pin!(watcher(api, config()).default_backoff());
    while let Some(event) = events.next().await {
        let event = match event {
            Ok(event) => event.modify(trim_record),
            Err(error) => {
                interruptions.warn("records", &error);
                continue;
            }
        };
        writer.apply_watcher_event(&event);
        let inner = triggers.inner();
        match event {
            Event::Apply(record) => {
                inner.record(&record.name_any());
                inner.claims_of(record.spec.e164);
            }
            Event::Delete(record) => inner.claims_of(record.spec.e164),
            Event::InitDone => {
                for record in cache.state() {
                    inner.record(&record.name_any());
                    inner.claims_of(record.spec.e164);
                }
            }
            Event::Init | Event::InitApply(_) => {}
        }
    }
}
