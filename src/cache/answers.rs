//! What the API server answered to writes, until the watch brings it: an object that was written stands as it was answered.

use std::{collections::BTreeMap, sync::Arc};

use kube::Resource;

use crate::api::{Kept, ObjectKey, Seen};

/// So many objects stand as they were answered: a watch that is refused for minutes brings nothing. The first to be forgotten
/// stands as the watch showed it last, and that may be not at all.
const MOST: usize = 4096;

/// The newest answer of each object.
pub(super) struct Answers<K, B> {
    by_key: BTreeMap<ObjectKey, Answer<K, B>>,
    /// How many answers have come.
    came: u64,
    /// How many objects the watch has shown to be gone.
    gone: u64,
}

pub(super) struct Answer<K, B> {
    pub object: Arc<Seen<K>>,
    pub brief: B,
    came: u64,
    /// It was there when the list began that is under way.
    was_before_list: bool,
}

/// What had gone by the time when a write was asked for: one that is shown to be gone later may be the one that was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Asked(u64);

impl<K, B> Default for Answers<K, B> {
    fn default() -> Self {
        Self { by_key: BTreeMap::new(), came: 0, gone: 0 }
    }
}

impl<K: Kept, B> Answers<K, B> {
    pub fn asked(&self) -> Asked {
        Asked(self.gone)
    }

    /// Keeps what was answered, unless an earlier answer, or what the watch has shown of the object, may be as new. Returns
    /// whether it is kept.
    pub fn came(
        &mut self,
        asked: Asked,
        shown: Option<&Seen<K>>,
        object: Seen<K>,
        brief: fn(&Seen<K>) -> B,
    ) -> bool {
        let key = ObjectKey::of(&object);
        let known = self.of(&key).map(|answer| &*answer.object).or(shown);
        if !known.map_or(asked == self.asked(), |known| is_newer(&object, known)) {
            return false;
        }
        self.came += 1;
        let (brief, object) = (brief(&object), Arc::new(object));
        self.by_key.insert(key, Answer { object, brief, came: self.came, was_before_list: false });
        if self.by_key.len() > MOST {
            let first = self.by_key.iter().min_by_key(|(_, answer)| answer.came).map(|(key, _)| key.clone());
            first.map(|first| self.by_key.remove(&first));
        }
        true
    }

    pub fn of(&self, key: &ObjectKey) -> Option<&Answer<K, B>> {
        self.by_key.get(key)
    }

    pub fn all(&self) -> impl Iterator<Item = (&ObjectKey, &Answer<K, B>)> {
        self.by_key.iter()
    }

    /// A watch or list shows an object: an answer that is not newer than that, or than the list, is of no use any more.
    pub fn shown(&mut self, key: &ObjectKey, shown: &impl Resource) {
        let is_over = |answer: &Answer<K, B>| answer.was_before_list || !is_newer(&*answer.object, shown);
        if self.of(key).is_some_and(is_over) {
            self.by_key.remove(key);
        }
    }

    /// The watch shows an object to be gone.
    pub fn gone(&mut self, key: &ObjectKey, last: &impl Resource) {
        self.gone += 1;
        self.shown(key, last);
    }

    /// A list begins: from here on, it is newer than the answers that are there.
    pub fn list_begins(&mut self, is_in: impl Fn(&ObjectKey) -> bool) {
        let listed = self.by_key.iter_mut().filter(|(key, _)| is_in(key));
        listed.for_each(|(_, answer)| answer.was_before_list = true);
    }

    /// What was answered before the list that has ended, and was not shown.
    pub fn unlisted(&self) -> impl Iterator<Item = &ObjectKey> {
        self.by_key.iter().filter(|(_, answer)| answer.was_before_list).map(|(key, _)| key)
    }

    /// A list that has ended lacks the object. Returns it as it was answered, if that was before.
    pub fn lacking(&mut self, key: &ObjectKey) -> Option<Arc<Seen<K>>> {
        self.gone += 1;
        let was_before = self.of(key).is_some_and(|answer| answer.was_before_list);
        if was_before { self.by_key.remove(key).map(|answer| answer.object) } else { None }
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
        /// A list begins, shows the record in this version or lacks it, and ends.
        Begins,
        Ends(Option<&'static str>),
    }
    use Step::{Answered, Asks, Begins, Ends, Gone, Shown};

    /// In which version the record stands after these steps.
    fn stands(steps: &[Step]) -> Option<String> {
        let records: Cache<PhoneNumber, ()> = Cache::new(|_| ());
        let (key, mut asked, mut in_list) =
            (ObjectKey::record("911234500000"), records.asked(), InList::default());
        let record = |version| record("911234500000", version);
        for step in steps {
            match step {
                Asks => asked = records.asked(),
                Answered(version) => drop(records.answered(asked, record(version))),
                Shown(version) => drop(records.put(key.clone(), record(version), in_list)),
                Gone(last) => drop(records.take(&key, Some(&record(last)))),
                Begins => {
                    in_list.list += 1;
                    records.list_begins(None);
                }
                Ends(shown) => {
                    shown.map(|version| records.put(key.clone(), record(version), in_list));
                    for key in records.unlisted(None, in_list.list) {
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
            (&[Shown("7"), Asks, Answered("10"), Gone("8")], Some("10")),
            (&[Shown("7"), Asks, Answered("10"), Gone("8"), Shown("10")], Some("10")),
            (&[Asks, Answered("7"), Gone("8")], None),
            // A list that began before it may lack it, and one that began after it does so if it is gone.
            (&[Begins, Asks, Answered("9"), Ends(None)], Some("9")),
            (&[Shown("7"), Begins, Asks, Answered("9"), Ends(Some("7"))], Some("9")),
            (&[Shown("7"), Begins, Asks, Answered("9"), Ends(None)], Some("9")),
            (&[Asks, Answered("9"), Begins, Ends(None)], None),
            (&[Shown("7"), Asks, Answered("9"), Begins, Ends(None)], None),
            (&[Asks, Answered("9"), Begins, Answered("11"), Ends(None)], Some("11")),
            (&[Asks, Answered("7"), Begins, Ends(Some("9"))], Some("9")),
            (&[Begins, Asks, Ends(None), Answered("7")], Some("7")),
            // What cannot be compared stands as it is shown.
            (&[Asks, Answered("7"), Shown("x")], Some("x")),
            (&[Shown("7"), Asks, Answered("x")], Some("7")),
            // The API server was restored: its versions begin anew at a lower one, and all is listed.
            (&[Shown("7"), Asks, Answered("9"), Begins, Ends(Some("3"))], Some("3")),
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
