//! A cache that follows its watch, and tells what has changed: what is there, and, after a gap, what went in it.

use std::sync::Arc;

use kube::ResourceExt;
use serde_json::json;

use super::list_watch::Event;
use crate::{
    api::{Kept, ObjectKey, Seen, Unread},
    cache::{Cache, Change, Shown},
    domain::E164,
};

/// Fills a cache with the objects of a namespace, or with all.
pub struct Follower<K, B> {
    cache: Cache<K, B>,
    /// Takes away what the cache does not need.
    trim: fn(&mut Seen<K>),
    namespace: Option<String>,
    /// Which list is the last.
    list: u32,
}

/// One object, before and now: it came, changed, or went. One that was created anew went, and another one came.
pub struct Changed<K> {
    /// What keeps it shares the cache's text, of an object that was not known before.
    pub key: ObjectKey,
    pub before: Option<Arc<Seen<K>>>,
    pub now: Option<Arc<Seen<K>>>,
    /// This process has written it so, and been answered before it came.
    pub is_answered: bool,
}

impl<K> Changed<K> {
    fn gone(key: ObjectKey, before: Option<Arc<Seen<K>>>) -> Self {
        Self { key, before, now: None, is_answered: false }
    }
}

impl<K: Kept, B> Follower<K, B> {
    pub fn new(cache: Cache<K, B>, trim: fn(&mut Seen<K>), namespace: Option<String>) -> Self {
        Self { cache, trim, namespace, list: 0 }
    }

    /// Follows the watch, and tells what that changes; returns whether everything was listed anew. A list after a gap
    /// brings all, and most of it is known.
    pub fn apply(&mut self, event: Event<Unread<K>>, mut tell: impl FnMut(&Changed<K>)) -> bool {
        match event {
            Event::Init(version) => {
                self.list = self.list.wrapping_add(1);
                self.cache.list_begins(&version);
            }
            Event::Apply(object) => {
                let key = ObjectKey::of(&object);
                match self.cache.overtook(&key, &object) {
                    None => self.shown(key, object, tell),
                    now => tell(&Changed { key, before: None, now, is_answered: true }),
                }
            }
            Event::InitApply(object) => self.shown(ObjectKey::of(&object), object, tell),
            Event::Delete(object) => {
                let key = ObjectKey::of(&object);
                let before =
                    self.cache.take(&key, Some(&object)).or_else(|| Some(Arc::new(self.read(object))));
                tell(&Changed::gone(key, before));
            }
            Event::InitDone => {
                for key in self.cache.list_ends(self.namespace.as_deref(), self.list) {
                    let before = self.cache.take(&key, None::<&Unread<K>>);
                    tell(&Changed::gone(key, before));
                }
                return true;
            }
        }
        false
    }

    fn shown(&self, key: ObjectKey, object: Unread<K>, tell: impl FnMut(&Changed<K>)) {
        let shown = Shown { list: self.list, length: object.length() };
        if self.cache.knows(&key, &object, shown) {
            return;
        }
        let answer = self.cache.answer(&key, &object);
        let is_answered = answer.is_some();
        let object = answer.unwrap_or_else(|| self.read(object));
        let change = self.cache.put(key.clone(), object, shown);
        tell_of(key, change, is_answered, tell);
    }

    fn read(&self, object: Unread<K>) -> Seen<K> {
        let mut object = object.read();
        (self.trim)(&mut object);
        object
    }
}

fn tell_of<K: Kept>(key: ObjectKey, change: Change<K>, is_answered: bool, mut tell: impl FnMut(&Changed<K>)) {
    let Change { before, now, stood_otherwise } = change;
    if let Seen::Newer(newer) = &*now
        && !before.as_ref().is_some_and(|before| before.is_newer() && before.uid() == now.uid())
    {
        warn_of(&*now, &newer.why);
    }
    // The same text in other words is no news.
    if !stood_otherwise && before.as_ref().is_some_and(|before| says_the_same(before, &now)) {
        return;
    }
    let is_it = |old: &Arc<Seen<K>>| old.uid() == now.uid() && old.e164() == now.e164();
    let (before, gone) = if before.as_ref().is_some_and(is_it) { (before, None) } else { (None, before) };
    if gone.is_some() {
        tell(&Changed::gone(key.clone(), gone));
    }
    tell(&Changed { key, before, now: Some(now), is_answered });
}

/// Whether an object is in the same version as before, and reads as it did.
fn says_the_same<K: Kept>(before: &Seen<K>, now: &Seen<K>) -> bool {
    let of = |object: &Seen<K>| (object.uid(), object.resource_version());
    of(before) == of(now) && json!(before) == json!(now)
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
    use super::*;
    use crate::{api::PhoneNumberClaim, plan::ClaimBrief};

    fn follower() -> (Cache<PhoneNumberClaim, ClaimBrief>, Follower<PhoneNumberClaim, ClaimBrief>) {
        let cache = Cache::new(ClaimBrief::of);
        (cache.clone(), Follower::new(cache, |_| (), None))
    }

    fn begins() -> Event<Unread<PhoneNumberClaim>> {
        Event::Init("100".to_owned())
    }

    /// A claim in its first version.
    fn claim(name: &str, e164: &str) -> Unread<PhoneNumberClaim> {
        version(name, e164, "1")
    }

    fn version(name: &str, e164: &str, version: &str) -> Unread<PhoneNumberClaim> {
        let raw = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "namespace": "a", "name": name, "uid": format!("{name}{e164}"), "resourceVersion": version },
            "spec": { "e164": e164 },
        });
        serde_json::from_value(raw).unwrap()
    }

    /// The names of what comes, of what changes, and of what goes with these events.
    fn names(
        follower: &mut Follower<PhoneNumberClaim, ClaimBrief>,
        events: Vec<Event<Unread<PhoneNumberClaim>>>,
    ) -> [Vec<String>; 3] {
        let mut names = [const { Vec::new() }; 3];
        for event in events {
            let is_last = matches!(event, Event::InitDone);
            let listed = follower.apply(event, |changed| {
                let (at, object) = match (&changed.before, &changed.now) {
                    (None, Some(object)) => (0, object),
                    (Some(_), Some(object)) => (1, object),
                    (Some(object), None) => (2, object),
                    (None, None) => panic!("nothing changed"),
                };
                names[at].push(object.name_any());
            });
            assert_eq!(listed, is_last);
        }
        names.each_mut().map(|names| {
            names.sort();
            std::mem::take(names)
        })
    }

    #[test]
    fn what_changed_while_nobody_watched_is_told_by_the_next_list() {
        let (cache, mut follower) = follower();
        let mut list = |claims: Vec<Unread<PhoneNumberClaim>>| {
            let claims = claims.into_iter().map(Event::InitApply);
            names(&mut follower, [begins()].into_iter().chain(claims).chain([Event::InitDone]).collect())
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
        assert_eq!(cache.briefs(|briefs| briefs.count()), 3);
    }

    #[test]
    fn what_comes_during_a_list_stays_and_what_goes_is_gone() {
        let (cache, mut follower) = follower();
        let mut told = |events| names(&mut follower, events).map(|names| names.join(" "));
        told(vec![begins(), Event::InitApply(claim("x", "+911")), Event::InitDone]);
        let during = told(vec![
            begins(),
            Event::Apply(claim("new", "+912")),
            Event::Delete(claim("x", "+911")),
            Event::InitApply(claim("y", "+913")),
            Event::InitDone,
        ]);
        assert_eq!(during, ["new y", "", "x"]);
        assert_eq!(cache.briefs(|briefs| briefs.count()), 2);
    }

    #[test]
    fn one_event_tells_of_its_object() {
        let (_, mut follower) = follower();
        let mut told = |event| names(&mut follower, vec![event]).map(|names| names.len());
        assert_eq!(told(Event::Apply(claim("x", "+911"))), [1, 0, 0]);
        assert_eq!(told(Event::Apply(version("x", "+911", "2"))), [0, 1, 0]);
        assert_eq!(told(Event::Delete(version("x", "+911", "2"))), [0, 0, 1]);
        assert_eq!(told(Event::Delete(claim("y", "+912"))), [0, 0, 1]);
    }

    #[test]
    fn what_stood_as_it_was_answered_changes_where_a_list_shows_it_as_before() {
        // A list that is older than what was shown is of an API server that was restored.
        for (answered, list, told) in [(false, "100", 0), (true, "100", 1), (false, "0", 0), (true, "0", 1)] {
            let (cache, mut follower) = follower();
            let mut tell = |event| names(&mut follower, vec![event])[1].len();
            tell(Event::Apply(version("x", "+911", "1")));
            if answered {
                assert!(cache.answered(cache.asked(), version("x", "+911", "3").read()));
            }
            tell(Event::Init(list.to_owned()));
            assert_eq!(tell(Event::InitApply(version("x", "+911", "1"))), told, "{answered} {list}");
        }
    }

    #[test]
    fn what_the_api_server_answered_is_not_read_again() {
        let (cache, mut follower) = follower();
        let answer = claim("x", "+911").read();
        let kept = |cache: &Cache<PhoneNumberClaim, ClaimBrief>| cache.get(&ObjectKey::of(&answer)).unwrap();
        assert!(cache.answered(cache.asked(), answer.clone()));
        let mut told = Vec::new();
        let mut apply = |event| {
            follower.apply(Event::Apply(event), |changed| told.push(changed.is_answered));
        };
        apply(claim("x", "+911"));
        assert!(Arc::ptr_eq(kept(&cache).read().unwrap(), answer.read().unwrap()));

        apply(version("x", "+911", "2"));
        assert!(
            !cache.answered(cache.asked(), version("x", "+911", "2").read()),
            "it came before its answer"
        );
        assert_eq!(told, [true, false]);
    }

    #[test]
    fn a_new_object_that_was_written_again_is_told_as_it_stands() {
        for (listed, answered, expected) in
            [(false, 1, ["2", "2"]), (true, 1, ["1", "2"]), (false, 3000, ["1", "2"])]
        {
            let (cache, mut follower) = follower();
            for other in 1..answered {
                cache.answered(cache.asked(), version(&other.to_string(), "+912", "1").read());
            }
            for number in ["1", "2"] {
                assert!(cache.answered(cache.asked(), version("x", "+911", number).read()));
            }
            follower.apply(Event::Init("0".to_owned()), |_| ());
            let first = version("x", "+911", "1");
            let first = if listed { Event::InitApply(first) } else { Event::Apply(first) };
            let mut told = Vec::new();
            for event in [first, Event::Apply(version("x", "+911", "2"))] {
                follower.apply(event, |changed| {
                    told.extend(changed.now.as_ref().and_then(|now| now.resource_version()));
                });
            }
            assert_eq!(told, expected, "{listed} {answered}");
            let known = cache.get(&ObjectKey::of(&version("x", "+911", "2"))).unwrap();
            assert_eq!(known.resource_version().as_deref(), Some("2"));
        }
    }
}
