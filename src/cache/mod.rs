//! What the API server holds of a kind, as far as it is watched: kept small, because there may be a hundred thousand.

mod answers;
mod ids;
mod pack;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Bound,
    sync::Arc,
};

use kube::Resource;
use parking_lot::Mutex;

use crate::api::{Kept, ObjectKey, Seen};
use answers::Answers;
pub use answers::Asked;
use pack::Pack;

/// So many objects are kept unpacked as well: those that came last, and those that were looked at. Most are looked at again
/// soon, several times within a claim's turn.
const FRESH: usize = 64;

/// Objects by key, packed, each with a brief beside it: what is asked of all of them at a time.
pub struct Cache<K, B> {
    inner: Arc<Mutex<Inner<K, B>>>,
    brief: fn(&Seen<K>) -> B,
}

struct Inner<K, B> {
    objects: BTreeMap<ObjectKey, Box<Entry<K, B>>>,
    /// Those that are unpacked, in the order in which they became so, and in which version.
    fresh: VecDeque<(ObjectKey, u64)>,
    answers: Answers<K, B>,
    pack: Pack,
}

struct Entry<K, B> {
    brief: B,
    version: u64,
    shown: Shown,
    object: Object<K>,
}

/// How an object was shown last.
#[derive(Clone, Copy, Default)]
pub struct Shown {
    /// The last list that it stood in, or came after.
    pub list: u32,
    /// How long its text was at most: by newer definitions, the API server shows the same version with more fields.
    pub length: u32,
}

/// In one of its forms, or in both: what was packed once is not packed again.
struct Object<K> {
    whole: Option<Arc<Seen<K>>>,
    packed: Option<Box<[u8]>>,
}

/// One object, before and now.
pub struct Change<K> {
    pub before: Option<Arc<Seen<K>>>,
    pub now: Arc<Seen<K>>,
    /// It stood as it was answered, and that is not what is shown.
    pub stood_otherwise: bool,
}

impl<K, B> Clone for Cache<K, B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), brief: self.brief }
    }
}

impl<K: Kept, B> Cache<K, B> {
    pub fn new(brief: fn(&Seen<K>) -> B) -> Self {
        let inner = Inner {
            objects: BTreeMap::new(),
            fresh: VecDeque::new(),
            answers: Answers::default(),
            pack: Pack::default(),
        };
        Self { inner: Arc::new(Mutex::new(inner)), brief }
    }

    /// The object as it was answered to a write, or shown, whichever is newer.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<Seen<K>>> {
        let mut inner = self.inner.lock();
        let answered = inner.answers.of(key).map(|answer| answer.object.clone());
        answered.or_else(|| inner.get(key))
    }

    pub fn contains(&self, key: &ObjectKey) -> bool {
        let inner = self.inner.lock();
        inner.objects.contains_key(key) || inner.answers.of(key).is_some()
    }

    /// What the brief of an object says.
    pub fn brief<T>(&self, key: &ObjectKey, look: impl FnOnce(&B) -> T) -> Option<T> {
        let inner = self.inner.lock();
        let answered = inner.answers.of(key).map(|answer| &answer.brief);
        answered.or_else(|| inner.objects.get(key).map(|entry| &entry.brief)).map(look)
    }

    /// What the briefs of all objects say. Nothing in there may ask this cache for anything else.
    pub fn briefs<T>(&self, look: impl FnOnce(&mut dyn Iterator<Item = (&ObjectKey, &B)>) -> T) -> T {
        let inner = self.inner.lock();
        let answers = &inner.answers;
        let shown = inner.objects.iter().filter(|(key, _)| answers.of(key).is_none());
        let shown = shown.map(|(key, entry)| (key, &entry.brief));
        look(&mut shown.chain(answers.all().map(|(key, answer)| (key, &answer.brief))))
    }

    /// Whether the object of that key is known in this version, with as much as is shown of it. It then counts as one of that list.
    pub fn knows(&self, key: &ObjectKey, object: &impl Resource<DynamicType = ()>, shown: Shown) -> bool {
        let mut inner = self.inner.lock();
        let is_it = |known: &&mut Box<Entry<K, B>>| {
            known.version == version(object) && known.shown.length >= shown.length
        };
        let known = inner.objects.get_mut(key).filter(is_it);
        // One that stood otherwise, as it was answered, has changed.
        known.map(|known| known.shown.list = shown.list).is_some() && inner.answers.stands(key, object)
    }

    /// Before an object is written.
    pub fn asked(&self) -> Asked {
        self.inner.lock().answers.asked()
    }

    /// An object was written: it stands as it was answered from now on, and not only once its watch has brought it. Returns
    /// whether that is news.
    pub fn answered(&self, asked: Asked, object: Seen<K>) -> bool {
        let mut inner = self.inner.lock();
        let shown = inner.last(&ObjectKey::of(&object));
        inner.answers.keep(asked, shown.as_deref(), object, self.brief)
    }

    /// What was answered as this object in this version: what is watched brings the same text, which need not be read again.
    pub fn answer(&self, key: &ObjectKey, shown: &impl Resource<DynamicType = ()>) -> Option<Seen<K>> {
        let inner = self.inner.lock();
        let answer = inner.answers.of(key).filter(|answer| version(&*answer.object) == version(shown));
        answer.map(|answer| (*answer.object).clone())
    }

    /// The watch shows an object. Returns how it stands, if it is not among what was shown and has been written again since: then
    /// what is shown is of no use. Where many answers are kept, none is returned.
    pub fn overtook(&self, key: &ObjectKey, shown: &impl Resource) -> Option<Arc<Seen<K>>> {
        let mut inner = self.inner.lock();
        if inner.objects.contains_key(key) { None } else { inner.answers.overtook(key, shown) }
    }

    /// A list of this version begins.
    pub fn list_begins(&self, version: &str) {
        self.inner.lock().answers.list_begins(version);
    }

    /// Puts an object right that was read through other definitions: an API server that is given new ones shows objects
    /// without the fields that the old ones do not know, for a second, and in that version never again. Returns whether there
    /// was a better one than what is known.
    pub fn correct(&self, live: &Seen<K>, better: impl FnOnce(&Seen<K>) -> Option<Seen<K>>) -> bool {
        let (key, mut inner) = (ObjectKey::of(live), self.inner.lock());
        let known = inner.objects.get(&key).filter(|entry| entry.version == version(live));
        let Some(shown) = known.map(|entry| entry.shown) else { return false };
        let right = inner.get(&key).and_then(|known| better(&known));
        right.map(|right| inner.put(key, right, shown, self.brief)).is_some()
    }

    /// Keeps the object of that key. Returns what that changes.
    pub fn put(&self, key: ObjectKey, object: Seen<K>, shown: Shown) -> Change<K> {
        self.inner.lock().put(key, object, shown, self.brief)
    }

    /// The object of that key is gone: the watch shows what it was last, or a list that has ended lacks it.
    pub fn take(&self, key: &ObjectKey, last: Option<&impl Resource>) -> Option<Arc<Seen<K>>> {
        let mut inner = self.inner.lock();
        let shown = inner.last(key);
        inner.objects.remove(key);
        if let Some(last) = last {
            inner.answers.gone(key, last);
            return shown;
        }
        let answered = inner.answers.lacking(key);
        shown.or(answered)
    }

    /// A list has ended, of a namespace or of all. Returns what it lacks.
    pub fn list_ends(&self, namespace: Option<&str>, list: u32) -> BTreeSet<ObjectKey> {
        let is_in = |key: &ObjectKey| namespace.is_none() || key.namespace() == namespace;
        let prefix = namespace.map(|namespace| format!("{namespace}/"));
        let inner = &mut *self.inner.lock();
        let first = prefix.as_deref().map_or(Bound::Unbounded, Bound::Included);
        let shown =
            inner.objects.range::<str, _>((first, Bound::Unbounded)).take_while(|(key, _)| is_in(key));
        let unlisted = shown.filter(|(_, entry)| entry.shown.list != list).map(|(key, _)| key);
        unlisted.chain(inner.answers.list_ends().filter(|key| is_in(key))).cloned().collect()
    }
}

impl<K: Kept, B> Inner<K, B> {
    fn put(&mut self, key: ObjectKey, object: Seen<K>, shown: Shown, brief: fn(&Seen<K>) -> B) -> Change<K> {
        let stood_otherwise = self.answers.shown(&key, &object);
        let (version, now) = (version(&object), Arc::new(object));
        let change = Change { before: self.last(&key), now: now.clone(), stood_otherwise };
        let object = Object { whole: Some(now), packed: None };
        let entry = Entry { brief: brief(&change.now), version, shown, object };
        self.objects.insert(key.clone(), Box::new(entry));
        self.freshen(key, version);
        change
    }

    fn get(&mut self, key: &ObjectKey) -> Option<Arc<Seen<K>>> {
        let entry = self.objects.get_mut(key)?;
        if let Some(whole) = &entry.object.whole {
            return Some(whole.clone());
        }
        let whole = Arc::new(self.pack.unpack(entry.object.packed.as_deref()?)?);
        entry.object.whole = Some(whole.clone());
        let version = entry.version;
        self.freshen(key.clone(), version);
        Some(whole)
    }

    /// One that will stand there no more: it takes no fresh one's place.
    fn last(&self, key: &ObjectKey) -> Option<Arc<Seen<K>>> {
        let Object { whole, packed } = &self.objects.get(key)?.object;
        whole.clone().or_else(|| self.pack.unpack(packed.as_deref()?).map(Arc::new))
    }

    /// Keeps it unpacked as well, and the oldest of those no longer.
    fn freshen(&mut self, key: ObjectKey, version: u64) {
        self.fresh.push_back((key, version));
        while self.fresh.len() > FRESH
            && let Some((key, version)) = self.fresh.pop_front()
        {
            let entry = self.objects.get_mut(&key).filter(|entry| entry.version == version);
            if let Some(Entry { object: Object { whole, packed }, .. }) = entry.map(|entry| &mut **entry) {
                if packed.is_none() {
                    *packed = whole.as_ref().and_then(|object| self.pack.pack(object));
                }
                // One that cannot be packed stays.
                whole.take_if(|_| packed.is_some());
            }
        }
    }
}

/// Which object it is, in which version.
fn version(object: &impl Resource<DynamicType = ()>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&object.meta().uid, &object.meta().resource_version).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::api::{PhoneNumber, PhoneNumberClaim};

    const IN_FIRST: Shown = Shown { list: 1, length: 100 };

    const TIMES: [&str; 3] =
        ["2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z", "2026-01-02T03:04:05.123456789Z"];

    /// What differs from one number to the next, and is hard to guess.
    fn id(salt: u64, index: usize) -> String {
        let mix = |salt: u64| {
            let mut x = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ salt.wrapping_mul(0xD1B5_4A32_D192_ED03);
            x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            x ^ (x >> 27)
        };
        let (high, low) = (mix(salt), mix(salt + 100));
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            high >> 32,
            high >> 16 & 0xFFFF,
            high & 0xFFF,
            low >> 52,
            low & 0xFFFF_FFFF_FFFF
        )
    }

    fn number(index: usize) -> Value {
        json!({
            "id": id(1, index), "status": "active", "country": "IN", "region": "Goa",
            "capabilities": { "voice": true, "sms": false, "mms": false, "fax": false },
            "setupFee": "50", "monthlyFee": "2", "currency": "INR", "purchasedAt": TIMES[index % 3],
        })
    }

    fn ready(kind: &str, index: usize, more: &Value) -> Value {
        let mut condition = json!({
            "type": kind, "status": "True", "reason": "Purchased", "lastTransitionTime": TIMES[index % 2],
            "message": "The number is bought. Setup fee 50 INR, monthly fee 2 INR.",
        });
        condition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        condition
    }

    fn claim(index: usize) -> Seen<PhoneNumberClaim> {
        let observed = json!({ "observedGeneration": 1 });
        serde_json::from_value(json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": {
                "namespace": format!("team-{}", index % 20), "name": format!("number-{index}"), "uid": id(2, index),
                "resourceVersion": (index * 7 + 1000).to_string(), "generation": 1, "creationTimestamp": TIMES[0],
            },
            "spec": { "e164": format!("+91{:010}", index * 7919), "deletionPolicy": "Retain" },
            "status": {
                "observedGeneration": 1, "phoneNumberRef": { "name": format!("91{:010}", index * 7919) },
                "number": number(index),
                "conditions": [ready("Purchased", index, &observed), ready("Ready", index, &observed)],
            },
        }))
        .unwrap()
    }

    fn record(index: usize) -> Seen<PhoneNumber> {
        let digits = format!("91{:010}", index * 7919);
        let (namespace, name) = (format!("team-{}", index % 20), format!("number-{index}"));
        let message = format!("Claimed by {namespace}/{name}.");
        serde_json::from_value(json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumber",
            "metadata": {
                "name": digits, "uid": id(3, index), "resourceVersion": (index * 7 + 1003).to_string(), "generation": 2,
                "creationTimestamp": TIMES[0], "finalizers": ["telephony.vobiz.ai/record"],
            },
            "spec": {
                "e164": format!("+{digits}"), "account": "MA_1234567890",
                "claimRef": { "namespace": namespace, "name": name, "uid": id(2, index) },
                "attempt": {
                    "id": id(4, index), "openedAt": TIMES[2], "state": "Bound", "origin": "Purchase",
                    "answer": { "outcome": "Purchased", "httpStatus": 200, "at": TIMES[2] },
                    "settledAt": TIMES[2], "debitsFrom": TIMES[0],
                },
            },
            "status": {
                "number": number(index),
                "conditions": [
                    ready("Ready", index, &json!({})),
                    ready("Claimed", index, &json!({ "reason": "Claimed", "message": message })),
                ],
            },
        }))
        .unwrap()
    }

    fn put<K: Kept>(cache: &Cache<K, ()>, object: Seen<K>) -> Change<K> {
        cache.put(ObjectKey::of(&object), object, IN_FIRST)
    }

    fn packed<K: Kept>(cache: &Cache<K, ()>) -> (usize, usize) {
        let inner = cache.inner.lock();
        let packed = inner.objects.values().filter_map(|entry| entry.object.packed.as_ref());
        let sizes = packed.map(|packed| packed.len());
        sizes.fold((0, 0), |(count, sum), size| (count + 1, sum + size))
    }

    #[test]
    fn a_claim_and_its_record_take_three_hundred_bytes() {
        const PAIRS: usize = 2_000;
        let (claims, records) = (Cache::new(|_| ()), Cache::new(|_| ()));
        for index in 0..PAIRS {
            put(&claims, claim(index));
            put(&records, record(index));
        }
        let (claims, records) = (packed(&claims), packed(&records));
        assert_eq!((claims.0, records.0), (PAIRS - FRESH, PAIRS - FRESH));
        let (claim, record) = (claims.1 / claims.0, records.1 / records.0);
        assert!(claim + record < 300, "{claim} + {record} bytes");
    }

    #[test]
    fn what_was_packed_is_read_as_it_came() {
        let (claims, records) = (Cache::new(|_| ()), Cache::new(|_| ()));
        for index in 0..300 {
            put(&claims, claim(index));
            put(&records, record(index));
        }
        for index in 0..300 {
            let (claim, record) = (claim(index), record(index));
            let kept = claims.get(&ObjectKey::of(&claim)).unwrap();
            assert_eq!(json!(*kept), json!(claim));
            let kept = records.get(&ObjectKey::of(&record)).unwrap();
            assert_eq!(json!(*kept), json!(record));
        }
        assert!(packed(&claims).0 > 0 && packed(&records).0 > 0);
    }

    #[test]
    fn what_is_looked_at_is_unpacked_once_while_it_is_fresh() {
        let claims = Cache::new(|_| ());
        (0..=FRESH).for_each(|index| drop(put(&claims, claim(index))));
        let look = |index| claims.get(&ObjectKey::of(&claim(index))).unwrap();
        let first = look(0);
        assert!(Arc::ptr_eq(&first, &look(0)));
        let whole =
            || claims.inner.lock().objects.values().filter(|entry| entry.object.whole.is_some()).count();
        (0..=FRESH).for_each(|index| drop(look(index)));
        assert_eq!(whole(), FRESH);
        (1..=FRESH).for_each(|index| drop(look(index)));
        assert!(!Arc::ptr_eq(&first, &look(0)), "others came after it");
    }

    #[test]
    fn what_is_listed_again_as_it_was_is_not_packed_again() {
        let claims = Cache::new(|_| ());
        (0..300).for_each(|index| drop(put(&claims, claim(index))));
        let of_first = || {
            let inner = claims.inner.lock();
            let packed = inner.objects[&ObjectKey::of(&claim(0))].object.packed.as_ref();
            packed.map(|packed| packed.as_ptr())
        };
        let before = of_first();
        let knows = |index, shown| claims.knows(&ObjectKey::of(&claim(index)), &claim(index), shown);
        let again = Shown { list: 2, ..IN_FIRST };
        assert!((0..299).all(|index| knows(index, again)));
        assert!(before.is_some() && of_first() == before);
        assert_eq!(claims.list_ends(None, 2), [ObjectKey::of(&claim(299))].into());
        assert!(!knows(0, Shown { length: 101, ..again }), "by other definitions, it has more fields");
        assert!(knows(0, Shown { length: 99, ..again }) && !knows(0, Shown { length: 101, ..again }));
    }

    #[test]
    fn an_object_is_put_right_only_in_the_version_that_was_shown() {
        let claims = Cache::new(|_| ());
        put(&claims, claim(1));
        assert!(!claims.correct(&claim(2), |_| Some(claim(2))), "it is not known");
        let unlike = |shown: &Seen<PhoneNumberClaim>| (json!(shown) != json!(claim(1))).then(|| claim(1));
        assert!(!claims.correct(&claim(1), unlike), "it is as it was shown");
        let mut raw = json!(claim(1));
        raw["spec"]["deletionPolicy"] = json!("Hibernate");
        let right: Seen<PhoneNumberClaim> = serde_json::from_value(raw.clone()).unwrap();
        assert!(
            claims.correct(&right, |_| Some(right.clone()))
                && claims.get(&ObjectKey::of(&claim(1))).unwrap().is_newer()
        );
        raw["metadata"]["resourceVersion"] = json!("9999");
        let next: Seen<PhoneNumberClaim> = serde_json::from_value(raw).unwrap();
        assert!(!claims.correct(&next, |_| Some(next.clone())), "its watch brings that");
        assert_eq!(claims.list_ends(None, 1), BTreeSet::new(), "it stands in its list as before");
    }

    #[test]
    fn what_a_later_version_added_is_packed_with_the_rest() {
        let records: Cache<PhoneNumber, ()> = Cache::new(|_| ());
        let later = |index| {
            let mut raw = serde_json::to_value(record(index)).unwrap();
            raw["spec"]["attempt"]["laterField"] = json!({ "deep": [index] });
            raw
        };
        for index in 0..300 {
            put(&records, serde_json::from_value(later(index)).unwrap());
        }
        assert!(packed(&records).0 > 0);
        for index in 0..300 {
            let kept = records.get(&ObjectKey::of(&record(index))).unwrap();
            assert_eq!(serde_json::to_value(&*kept).unwrap(), later(index));
        }
    }

    #[test]
    fn one_that_cannot_be_read_stays_as_it_came() {
        let records: Cache<PhoneNumber, ()> = Cache::new(|_| ());
        for index in 0..300 {
            let mut raw = serde_json::to_value(record(index)).unwrap();
            raw["spec"]["attempt"]["state"] = json!("Postponed");
            put(&records, serde_json::from_value::<Seen<PhoneNumber>>(raw).unwrap());
        }
        assert_eq!(packed(&records).0, 0);
        assert!(records.get(&ObjectKey::of(&record(0))).unwrap().is_newer());
    }

    #[test]
    fn objects_that_are_like_nothing_else_fill_no_examples() {
        let claims: Cache<PhoneNumberClaim, ()> = Cache::new(|_| ());
        for index in 0..2_000 {
            let mut raw = serde_json::to_value(claim(index)).unwrap();
            let junk: String = (0..100).map(|salt| id(salt, index)).collect();
            raw["metadata"]["annotations"] = json!({ "telephony.vobiz.ai/retry": junk });
            put(&claims, serde_json::from_value::<Seen<PhoneNumberClaim>>(raw).unwrap());
        }
        let (count, before) = packed(&claims);
        assert!(claims.inner.lock().pack.examples() <= 16 * 1024, "{before} bytes of {count}");
    }
}
