//! A cache that follows its watch, and tells what has changed: what is there, and, after a gap, what went in it.

use std::{collections::HashMap, sync::Arc};

use kube::{Resource, ResourceExt};
use kube_runtime::{
    reflector::{ObjectRef, Store as Cache, store::Writer},
    watcher::Event,
};

use crate::{
    api::{Kept, Seen},
    domain::E164,
};

pub struct Follower<K: Kept + 'static> {
    writer: Writer<Seen<K>>,
    cache: Cache<Seen<K>>,
}

pub struct Changes<K> {
    /// Whether everything was listed anew.
    pub listed: bool,
    pub objects: Vec<Changed<K>>,
}

/// One object, before and now: it came, changed, or went. One that was created anew went, and another one came.
pub struct Changed<K> {
    pub before: Option<Arc<Seen<K>>>,
    pub now: Option<Arc<Seen<K>>>,
}

impl<K: Kept + 'static> Follower<K> {
    pub fn new(writer: Writer<Seen<K>>) -> Self {
        let cache = writer.as_reader();
        Self { writer, cache }
    }

    pub fn apply(&mut self, event: &Event<Seen<K>>) -> Changes<K> {
        let mut changes = Changes { listed: false, objects: Vec::new() };
        match event {
            Event::Init | Event::InitApply(_) => self.writer.apply_watcher_event(event),
            Event::Apply(object) => {
                let before = self.get(object);
                self.writer.apply_watcher_event(event);
                self.compare(before.as_slice(), self.get(object).as_slice(), &mut changes);
            }
            Event::Delete(object) => {
                let before = self.get(object).or_else(|| Some(Arc::new(object.clone())));
                self.writer.apply_watcher_event(event);
                changes.objects.push(Changed { before, now: None });
            }
            Event::InitDone => {
                let before = self.cache.state();
                self.writer.apply_watcher_event(event);
                changes.listed = true;
                self.compare(&before, &self.cache.state(), &mut changes);
            }
        }
        changes
    }

    fn get(&self, object: &Seen<K>) -> Option<Arc<Seen<K>>> {
        self.cache.get(&ObjectRef::from_obj(object))
    }

    /// What is not there any more, or is about another number; and what is new, or another version: a list after a gap
    /// brings all, and most of it is known.
    fn compare(&self, before: &[Arc<Seen<K>>], now: &[Arc<Seen<K>>], changes: &mut Changes<K>) {
        let is_it = |old: &Seen<K>, new: &Seen<K>| old.uid() == new.uid() && old.e164() == new.e164();
        let went = before.iter().filter(|old| !self.get(old).is_some_and(|new| is_it(old, &new)));
        changes.objects.extend(went.map(|old| Changed { before: Some(old.clone()), now: None }));
        let known: HashMap<_, _> =
            before.iter().filter_map(|old| Some((old.meta().uid.as_deref()?, old))).collect();
        for object in now {
            let old = object.meta().uid.as_deref().and_then(|uid| known.get(uid)).copied();
            if let Seen::Newer(newer) = &**object
                && !old.is_some_and(|old| old.is_newer())
            {
                warn_of(&**object, &newer.why);
            }
            let version = |object: &Arc<Seen<K>>| object.resource_version();
            if old.is_none_or(|old| version(old) != version(object)) {
                let before = old.filter(|old| is_it(old, object)).cloned();
                changes.objects.push(Changed { before, now: Some(object.clone()) });
            }
        }
    }
}

/// Once for each: it stays as it is until another version goes on with it.
fn warn_of<K: Kept>(object: &Seen<K>, why: &str) {
    let name = E164::masked(&object.name_any());
    tracing::warn!(
        kind = %K::kind(&()),
        namespace = object.namespace(),
        name,
        uid = object.uid(),
        why = E164::masked(why),
        "an object was written by a newer version of the operator, or cannot be read for another reason: this version \
         leaves it alone. Upgrade the operator again"
    );
}

#[cfg(test)]
mod tests {
    use kube_runtime::reflector;
    use serde_json::json;

    use super::*;
    use crate::api::PhoneNumberClaim;

    /// A claim in its first version.
    fn claim(name: &str, e164: &str) -> Seen<PhoneNumberClaim> {
        version(name, e164, "1")
    }

    fn version(name: &str, e164: &str, version: &str) -> Seen<PhoneNumberClaim> {
        let raw = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "namespace": "a", "name": name, "uid": format!("{name}{e164}"), "resourceVersion": version },
            "spec": { "e164": e164 },
        });
        serde_json::from_value(raw).unwrap()
    }

    /// The names of what came, of what changed, and of what went.
    fn names(changes: &Changes<PhoneNumberClaim>) -> [Vec<String>; 3] {
        let mut names = [const { Vec::new() }; 3];
        for changed in &changes.objects {
            let (at, object) = match (&changed.before, &changed.now) {
                (None, Some(object)) => (0, object),
                (Some(_), Some(object)) => (1, object),
                (Some(object), None) => (2, object),
                (None, None) => panic!("nothing changed"),
            };
            names[at].push(object.name_any());
        }
        names.each_mut().map(|names| {
            names.sort();
            std::mem::take(names)
        })
    }

    #[test]
    fn what_changed_while_nobody_watched_is_told_by_the_next_list() {
        let (cache, writer) = reflector::store::<Seen<PhoneNumberClaim>>();
        let mut follower = Follower::new(writer);
        let mut list = |claims: Vec<Seen<PhoneNumberClaim>>| {
            drop(follower.apply(&Event::Init));
            for claim in claims {
                let changes = follower.apply(&Event::InitApply(claim));
                assert!(!changes.listed && changes.objects.is_empty());
            }
            let changes = follower.apply(&Event::InitDone);
            assert!(changes.listed);
            names(&changes)
        };
        let words = |words: [&[&str]; 3]| {
            words.map(|words| words.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let first =
            list(vec![claim("x", "+911"), claim("y", "+912"), claim("z", "+913"), claim("w", "+914")]);
        assert_eq!(first, words([&["w", "x", "y", "z"], &[], &[]]));
        // One is gone, one was created anew for another number, one changed, and one is as it was.
        let second = list(vec![claim("x", "+911"), claim("z", "+914"), version("w", "+914", "2")]);
        assert_eq!(second, words([&["z"], &["w"], &["y", "z"]]));
        assert_eq!(cache.len(), 3);
    }

    #[test]
    fn one_event_tells_of_its_object() {
        let (_cache, writer) = reflector::store::<Seen<PhoneNumberClaim>>();
        let mut follower = Follower::new(writer);
        let mut told = |event| names(&follower.apply(&event)).map(|names| names.len());
        assert_eq!(told(Event::Apply(claim("x", "+911"))), [1, 0, 0]);
        assert_eq!(told(Event::Apply(version("x", "+911", "2"))), [0, 1, 0]);
        assert_eq!(told(Event::Delete(version("x", "+911", "2"))), [0, 0, 1]);
        assert_eq!(told(Event::Delete(claim("y", "+912"))), [0, 0, 1]);
    }
}
