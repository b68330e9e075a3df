//! A cache that follows its watch, and tells what has changed: what is there, and, after a gap, what went in it.

use std::{collections::HashSet, sync::Arc};

use kube::ResourceExt;
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
    pub here: Vec<Arc<Seen<K>>>,
    pub gone: Vec<Arc<Seen<K>>>,
}

impl<K: Kept + 'static> Follower<K> {
    pub fn new(writer: Writer<Seen<K>>) -> Self {
        let cache = writer.as_reader();
        Self { writer, cache }
    }

    pub fn apply(&mut self, event: &Event<Seen<K>>) -> Changes<K> {
        let mut changes = Changes { listed: false, here: Vec::new(), gone: Vec::new() };
        match event {
            Event::Init | Event::InitApply(_) => self.writer.apply_watcher_event(event),
            Event::Apply(object) => {
                let before = self.cache.get(&ObjectRef::from_obj(object));
                self.writer.apply_watcher_event(event);
                changes.here.push(Arc::new(object.clone()));
                self.compare(before.as_slice(), &mut changes);
            }
            Event::Delete(object) => {
                self.writer.apply_watcher_event(event);
                changes.gone.push(Arc::new(object.clone()));
            }
            Event::InitDone => {
                let before = self.cache.state();
                self.writer.apply_watcher_event(event);
                changes.listed = true;
                changes.here = self.cache.state();
                self.compare(&before, &mut changes);
            }
        }
        changes
    }

    /// What was there before, and is not there any more, or is about another number; and what can be read no longer.
    fn compare(&self, before: &[Arc<Seen<K>>], changes: &mut Changes<K>) {
        let now = |old: &Arc<Seen<K>>| self.cache.get(&ObjectRef::from_obj(&**old));
        let went = before.iter().filter(|old| now(old).is_none_or(|now| now.e164() != old.e164()));
        changes.gone.extend(went.cloned());
        let known: HashSet<_> =
            before.iter().filter(|old| old.is_newer()).filter_map(|old| old.uid()).collect();
        for object in &changes.here {
            if let Seen::Newer(newer) = &**object
                && !newer.metadata.uid.as_ref().is_some_and(|uid| known.contains(uid))
            {
                warn_of(&**object, &newer.why);
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

    fn claim(name: &str, e164: &str) -> Seen<PhoneNumberClaim> {
        let raw = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "namespace": "a", "name": name, "uid": name }, "spec": { "e164": e164 },
        });
        serde_json::from_value(raw).unwrap()
    }

    fn names(objects: &[Arc<Seen<PhoneNumberClaim>>]) -> Vec<String> {
        let mut names: Vec<_> = objects.iter().map(|object| object.name_any()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_went_while_nobody_watched_is_told_by_the_next_list() {
        let (cache, writer) = reflector::store::<Seen<PhoneNumberClaim>>();
        let mut follower = Follower::new(writer);
        let mut list = |claims: Vec<Seen<PhoneNumberClaim>>| {
            drop(follower.apply(&Event::Init));
            for claim in claims {
                let changes = follower.apply(&Event::InitApply(claim));
                assert!(!changes.listed && changes.here.is_empty() && changes.gone.is_empty());
            }
            let changes = follower.apply(&Event::InitDone);
            assert!(changes.listed);
            (names(&changes.here), names(&changes.gone))
        };
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let first = list(vec![claim("x", "+911"), claim("y", "+912"), claim("z", "+913")]);
        assert_eq!(first, (words(&["x", "y", "z"]), vec![]));
        // One is gone, and one was created anew for another number.
        let second = list(vec![claim("x", "+911"), claim("z", "+914")]);
        assert_eq!(second, (words(&["x", "z"]), words(&["y", "z"])));
        assert_eq!(cache.len(), 2);
    }

    #[test]
    fn one_event_tells_of_its_object() {
        let (_cache, writer) = reflector::store::<Seen<PhoneNumberClaim>>();
        let mut follower = Follower::new(writer);
        let changes = follower.apply(&Event::Apply(claim("x", "+911")));
        assert_eq!((names(&changes.here).len(), changes.gone.len()), (1, 0));
        let changes = follower.apply(&Event::Delete(claim("x", "+911")));
        assert_eq!((changes.here.len(), names(&changes.gone).len()), (0, 1));
    }
}
