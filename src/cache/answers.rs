//! What the API server answered to writes, until a list or watch shows as much: an object that was written stands as it was
//! answered.

use std::{collections::BTreeMap, sync::Arc};

use kube::Resource;

use crate::api::{Kept, ObjectKey, Seen};

/// So many objects stand as they were answered: a watch that is refused for minutes shows nothing. Of more, those that were
/// written first stand as they were shown last, until they are shown again.
const MOST: usize = 4096;

/// The newest answer of each object.
pub(super) struct Answers<K, B> {
    by_key: BTreeMap<ObjectKey, Answer<K, B>>,
    /// How many were kept so far.
    count: u64,
    /// How many objects were shown to be gone.
    gone: u64,
    /// The newest version that was shown, of any object.
    newest: Option<u128>,
    list: List,
}

pub(super) struct Answer<K, B> {
    pub object: Arc<Seen<K>>,
    pub brief: B,
    /// Which of those that were kept it is.
    place: u64,
}

/// The last list. What is of its version, or older, it shows, or it is gone; all else is for the watch to show, which begins there.
#[derive(Default)]
struct List {
    version: Option<u128>,
    has_ended: bool,
    /// So many of those that were kept are of before the API server was restored: it does not know them, whatever their version.
    lost: u64,
}

/// What had gone by the time when a write was asked for: one that is shown to be gone later may be the one that was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Asked(u64);

impl<K, B> Default for Answers<K, B> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), count: 0, gone: 0, newest: None, list: List::default() }
    }
}

impl<K: Kept, B> Answers<K, B> {
    pub fn asked(&self) -> Asked {
        Asked(self.gone)
    }

    /// Keeps what was answered, unless an earlier answer, or what was shown of the object, may be as new. Returns whether it is
    /// kept.
    pub fn keep(
        &mut self,
        asked: Asked,
        shown: Option<&Seen<K>>,
        object: Seen<K>,
        brief: fn(&Seen<K>) -> B,
    ) -> bool {
        let key = ObjectKey::of(&object);
        let is_news = match self.of(&key).map(|answer| &*answer.object).or(shown) {
            Some(known) => is_newer(&object, known),
            None => asked == self.asked() && !(self.list.has_ended && self.list.covers(&object)),
        };
        if is_news {
            self.count += 1;
            let (brief, object) = (brief(&object), Arc::new(object));
            self.by_key.insert(key, Answer { object, brief, place: self.count });
            if self.by_key.len() > MOST {
                let first = self.by_key.iter().min_by_key(|(_, answer)| answer.place);
                first.map(|(key, _)| key.clone()).map(|first| self.by_key.remove(&first));
            }
        }
        is_news
    }

    pub fn of(&self, key: &ObjectKey) -> Option<&Answer<K, B>> {
        self.by_key.get(key)
    }

    pub fn all(&self) -> impl Iterator<Item = (&ObjectKey, &Answer<K, B>)> {
        self.by_key.iter()
    }

    /// A watch or list shows an object: an answer that is not newer than that, or than the list, is of no use any more. Returns
    /// whether the object stood otherwise until now.
    pub fn shown(&mut self, key: &ObjectKey, shown: &impl Resource) -> bool {
        self.newest = self.newest.max(number(shown));
        let stands = self.stands(key, shown);
        let answer = if stands { None } else { self.by_key.remove(key) };
        answer.is_some_and(|answer| answer.object.meta().resource_version != shown.meta().resource_version)
    }

    /// Whether an object stands as before where this is shown of it.
    pub fn stands(&self, key: &ObjectKey, shown: &impl Resource) -> bool {
        self.of(key).is_none() || self.later(key, shown).is_some()
    }

    /// The answer to a later write than the one that is shown.
    fn later(&self, key: &ObjectKey, shown: &impl Resource) -> Option<&Answer<K, B>> {
        self.of(key).filter(|answer| !self.is_covered(answer) && is_newer(&*answer.object, shown))
    }

    /// The watch shows an object that it has not shown before. Returns how it stands since a later write.
    pub fn overtook(&mut self, key: &ObjectKey, shown: &impl Resource) -> Option<Arc<Seen<K>>> {
        self.newest = self.newest.max(number(shown));
        // Of more, what is shown is to be known by the time when the answer gives way. Where it gives way all the same, since
        // the watch stands still, the object is not known until the watch goes on: its number is looked up before it is bought.
        let later = self.later(key, shown).filter(|_| self.by_key.len() <= MOST / 2);
        later.map(|answer| answer.object.clone())
    }

    /// The watch shows an object to be gone.
    pub fn gone(&mut self, key: &ObjectKey, last: &impl Resource) {
        self.gone += 1;
        self.shown(key, last);
    }

    /// A list of this version begins. One that is older than what was shown is of an API server that was restored.
    pub fn list_begins(&mut self, version: &str) {
        let version = version.parse().ok();
        let lost = if version < self.newest { self.count } else { 0 };
        self.list = List { version, has_ended: false, lost };
        self.newest = version;
    }

    /// Returns what it has not shown and is not newer: that is gone.
    pub fn list_ends(&mut self) -> impl Iterator<Item = &ObjectKey> {
        self.list.has_ended = true;
        self.by_key.iter().filter(|(_, answer)| self.is_covered(answer)).map(|(key, _)| key)
    }

    /// The list that has ended lacks the object. Returns it as it was answered, if that is not newer.
    pub fn lacking(&mut self, key: &ObjectKey) -> Option<Arc<Seen<K>>> {
        self.gone += 1;
        let is_gone = self.of(key).is_some_and(|answer| self.is_covered(answer));
        if is_gone { self.by_key.remove(key).map(|answer| answer.object) } else { None }
    }

    /// Whether an answer is for the list to show.
    fn is_covered(&self, answer: &Answer<K, B>) -> bool {
        answer.place <= self.list.lost || self.list.covers(&*answer.object)
    }
}

impl List {
    /// Whether what was answered is not newer than the list, so that it is for the list to show. Where they cannot be compared, it
    /// is.
    fn covers(&self, answered: &impl Resource) -> bool {
        self.version.is_some_and(|version| number(answered).is_none_or(|answered| answered <= version))
    }
}

/// Whether an answer is newer than what is known: the versions of one kind grow. Where they cannot be compared, it is not.
fn is_newer(answered: &impl Resource, known: &impl Resource) -> bool {
    number(answered) > number(known).or(Some(u128::MAX))
}

fn number(object: &impl Resource) -> Option<u128> {
    object.meta().resource_version.as_deref()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;
    use crate::{
        api::PhoneNumber,
        cache::{Cache, Shown as InList},
    };

    fn record(name: &str, version: &str) -> Seen<PhoneNumber> {
        let attempt = json!({
            "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z", "state": "Bound",
            "origin": "Purchase",
        });
        let raw = json!({
            "metadata": { "name": name, "uid": name, "resourceVersion": version },
            "spec": { "e164": format!("+{name}"), "account": "MA_1", "attempt": attempt },
        });
        serde_json::from_value(raw).unwrap()
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Asks,
        /// In this version.
        Answered(&'static str),
        Shown(&'static str),
        Gone(&'static str),
        /// A list of this version begins; it shows the record in this version or lacks it, and ends.
        Begins(&'static str),
        Ends(Option<&'static str>),
    }
    use Step::{Answered, Asks, Begins, Ends, Gone, Shown};

    /// In which version the record stands after these steps.
    fn stands(steps: &[Step]) -> Option<String> {
        let records: Cache<PhoneNumber, ()> = Cache::new(|_| ());
        let (key, mut asked, mut in_list) =
            (ObjectKey::record("911234500000"), records.asked(), InList::default());
        let record = |version| record("911234500000", version);
        let show = |version, in_list| {
            if !records.knows(&key, &record(version), in_list) {
                records.put(key.clone(), record(version), in_list);
            }
        };
        let watch = |version, in_list| {
            if records.overtook(&key, &record(version)).is_none() {
                show(version, in_list);
            }
        };
        for step in steps {
            match step {
                Asks => asked = records.asked(),
                Answered(version) => drop(records.answered(asked, record(version))),
                Shown(version) => watch(version, in_list),
                Gone(last) => drop(records.take(&key, Some(&record(last)))),
                Begins(version) => {
                    in_list.list += 1;
                    records.list_begins(version);
                }
                Ends(shown) => {
                    if let Some(version) = shown {
                        show(version, in_list);
                    }
                    for key in records.list_ends(None, in_list.list) {
                        records.take(&key, None::<&Seen<PhoneNumber>>);
                    }
                }
            }
        }
        records.get(&key).and_then(|record| record.resource_version())
    }

    #[test]
    fn a_record_stands_as_it_was_answered_or_shown_whichever_is_newer() {
        for (steps, expected) in [
            (&[Asks, Answered("7")][..], Some("7")),
            (&[Asks, Answered("7"), Answered("9")], Some("9")),
            (&[Shown("7"), Asks, Answered("9")], Some("9")),
            // It came before its answer, and so did what followed it.
            (&[Asks, Shown("7"), Answered("7")], Some("7")),
            (&[Asks, Shown("7"), Shown("10"), Answered("9")], Some("10")),
            (&[Asks, Shown("7"), Gone("8"), Answered("7")], None),
            (&[Asks, Answered("9"), Answered("7")], Some("9")),
            // What is shown was written before it.
            (&[Asks, Answered("7"), Answered("10"), Shown("7")], Some("10")),
            (&[Asks, Answered("7"), Answered("10"), Shown("7"), Begins("8"), Ends(Some("7"))], Some("10")),
            (&[Asks, Answered("7"), Answered("10"), Shown("7"), Begins("11"), Ends(None)], None),
            (&[Shown("7"), Asks, Answered("10"), Gone("8")], Some("10")),
            (&[Shown("7"), Asks, Answered("10"), Gone("8"), Shown("10")], Some("10")),
            (&[Asks, Answered("7"), Gone("8")], None),
            // What is newer than a list is not for that to show, and what is not is gone if it lacks it.
            (&[Asks, Begins("8"), Answered("9"), Ends(None)], Some("9")),
            (&[Asks, Begins("8"), Ends(None), Answered("9")], Some("9")),
            (&[Asks, Answered("9"), Begins("8"), Ends(None)], Some("9")),
            (&[Shown("7"), Asks, Answered("9"), Begins("8"), Ends(Some("7"))], Some("9")),
            (&[Shown("7"), Asks, Answered("9"), Begins("8"), Ends(None)], Some("9")),
            (&[Asks, Answered("9"), Begins("10"), Ends(None)], None),
            (&[Asks, Begins("10"), Answered("9"), Ends(None)], None),
            (&[Asks, Begins("10"), Ends(None), Answered("9")], None),
            (&[Shown("7"), Asks, Answered("9"), Begins("10"), Ends(None)], None),
            (&[Shown("7"), Asks, Begins("10"), Answered("9"), Ends(None)], None),
            (&[Shown("7"), Asks, Begins("10"), Ends(None), Answered("9")], None),
            (&[Asks, Answered("9"), Begins("10"), Answered("11"), Ends(None)], Some("11")),
            (&[Asks, Answered("7"), Begins("10"), Ends(Some("9"))], Some("9")),
            // What cannot be compared stands as it is shown.
            (&[Asks, Answered("7"), Shown("x")], Some("x")),
            (&[Shown("7"), Asks, Answered("x")], Some("7")),
            (&[Asks, Answered("x"), Begins("10"), Ends(None)], None),
            // The API server was restored, and its versions begin anew at a lower one.
            (&[Shown("7"), Asks, Answered("9"), Begins("5"), Ends(Some("3"))], Some("3")),
            (&[Shown("7"), Asks, Answered("9"), Begins("5"), Ends(None)], None),
            (&[Shown("7"), Begins("5"), Ends(Some("3")), Asks, Answered("6")], Some("6")),
        ] {
            assert_eq!(stands(steps).as_deref(), expected, "{steps:?}");
        }
    }

    #[test]
    fn an_object_counts_once_and_as_it_stands() {
        let records = Cache::new(|record: &Seen<PhoneNumber>| record.resource_version().unwrap_or_default());
        for (name, version) in [("911", "5"), ("912", "5")] {
            records.put(ObjectKey::record(name), record(name, version), InList::default());
        }
        for (name, version) in [("912", "7"), ("913", "8")] {
            assert!(records.answered(records.asked(), record(name, version)));
        }
        let mut all: Vec<_> = records
            .briefs(|briefs| briefs.map(|(key, version)| format!("{}={version}", key.as_str())).collect());
        all.sort();
        assert_eq!(all, ["911=5", "912=7", "913=8"]);
        let brief = |name| records.brief(&ObjectKey::record(name), String::clone);
        assert_eq!([brief("911"), brief("912"), brief("914")], [Some("5".into()), Some("7".into()), None]);
    }

    #[test]
    fn answers_that_nothing_shows_do_not_pile_up() {
        let records: Cache<PhoneNumber, ()> = Cache::new(|_| ());
        let name = |index: usize| format!("9112345{index:05}");
        for index in 0..=MOST {
            assert!(records.answered(records.asked(), record(&name(index), "7")));
        }
        assert!(records.get(&ObjectKey::record(&name(0))).is_none());
        assert!((1..=MOST).all(|index| records.contains(&ObjectKey::record(&name(index)))));
    }
}
