//! What the API server answered to writes, until the watch brings it: an object that was written stands as it was answered.

use std::{collections::VecDeque, sync::Arc};

use kube::Resource;

use crate::api::{Kept, ObjectKey, Seen};

/// So many answers are kept. What was pushed out stands as the watch showed it last.
pub(super) const MOST: usize = 32;

pub(super) struct Answers<K> {
    /// In the order in which they came.
    kept: VecDeque<Answer<K>>,
    /// How many objects the watch has shown to be gone.
    gone: u64,
}

struct Answer<K> {
    key: ObjectKey,
    object: Arc<Seen<K>>,
    /// It was there at the last sweep.
    is_old: bool,
}

/// What had gone by the time when a write was asked for: one that is shown to be gone later may be the one that was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Asked(u64);

impl<K> Default for Answers<K> {
    fn default() -> Self {
        Self { kept: VecDeque::new(), gone: 0 }
    }
}

impl<K: Kept> Answers<K> {
    pub fn asked(&self) -> Asked {
        Asked(self.gone)
    }

    /// Keeps what was answered, unless what the watch has shown of it may be as new already.
    pub fn came(&mut self, asked: Asked, shown: Option<&Seen<K>>, object: Seen<K>) -> bool {
        let is_newer = shown.map_or(asked == self.asked(), |shown| is_newer(&object, shown));
        if is_newer {
            if self.kept.len() == MOST {
                self.kept.pop_front();
            }
            let (key, object) = (ObjectKey::of(&object), Arc::new(object));
            self.kept.push_back(Answer { key, object, is_old: false });
        }
        is_newer
    }

    /// What was answered last of that object.
    pub fn last(&self, key: &ObjectKey) -> Option<&Arc<Seen<K>>> {
        self.kept.iter().rev().find(|answer| answer.key == *key).map(|answer| &answer.object)
    }

    /// What was answered as this object in this version.
    pub fn exactly(&self, key: &ObjectKey, shown: &impl Resource) -> Option<&Arc<Seen<K>>> {
        let is_it = |object: &Seen<K>| {
            let (answered, shown) = (object.meta(), shown.meta());
            answered.uid == shown.uid && answered.resource_version == shown.resource_version
        };
        let mut answers = self.kept.iter().filter(|answer| answer.key == *key).map(|answer| &answer.object);
        answers.find(|object| is_it(object))
    }

    /// A watch or list shows an object: an answer that is not newer is of no use any more.
    pub fn shown(&mut self, key: &ObjectKey, shown: &impl Resource) {
        self.kept.retain(|answer| answer.key != *key || is_newer(&*answer.object, shown));
    }

    pub fn gone(&mut self, key: &ObjectKey, last: &impl Resource) {
        self.gone = self.gone.wrapping_add(1);
        self.shown(key, last);
    }

    /// Forgets what the watch has not brought since the last sweep: it will not, and what it shows is the truth.
    pub fn sweep(&mut self) {
        self.kept.retain(|answer| !answer.is_old);
        self.kept.iter_mut().for_each(|answer| answer.is_old = true);
    }
}

/// Whether an answer is newer than what was shown: the versions of one kind grow. Where they cannot be compared, it is not.
fn is_newer(answered: &impl Resource, shown: &impl Resource) -> bool {
    number(answered) > number(shown).or(Some(u128::MAX))
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

    #[derive(Clone, Copy)]
    enum Step {
        Asks,
        /// In this version.
        Answered(&'static str),
        Shown(&'static str),
        /// The watch shows it to be gone, or a list does.
        Gone(Option<&'static str>),
        Sweep,
    }
    use Step::{Answered, Asks, Gone, Shown, Sweep};

    /// In which version the record stands after these steps.
    fn stands(steps: &[Step]) -> Option<String> {
        let records: Cache<PhoneNumber, ()> = Cache::new(|_| ());
        let (key, mut asked) = (ObjectKey::record("911234500000"), records.asked());
        let record = |version| record("911234500000", version);
        let in_list = InList::default();
        for step in steps {
            match step {
                Asks => asked = records.asked(),
                Answered(version) => drop(records.answered(asked, record(version))),
                Shown(version) => drop(records.put(key.clone(), record(version), in_list)),
                Gone(last) => drop(records.take(&key, last.map(record).as_ref())),
                Sweep => records.sweep(),
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
            (&[Asks, Shown("7"), Gone(Some("8")), Answered("7")], None),
            // What is shown was written before it.
            (&[Asks, Answered("7"), Answered("10"), Shown("7")], Some("10")),
            (&[Shown("7"), Asks, Answered("10"), Gone(Some("8"))], Some("10")),
            (&[Shown("7"), Asks, Answered("10"), Gone(Some("8")), Shown("10")], Some("10")),
            // A list that began before it may lack it, and one that began after it may pass over it.
            (&[Shown("7"), Asks, Answered("9"), Gone(None)], Some("9")),
            (&[Asks, Answered("7"), Shown("9")], Some("9")),
            (&[Asks, Answered("7"), Gone(Some("8"))], None),
            // What cannot be compared stands as it is shown.
            (&[Asks, Answered("7"), Shown("x")], Some("x")),
            (&[Shown("7"), Asks, Answered("x")], Some("7")),
            // The API server was restored: what is shown from then on has lower versions.
            (&[Asks, Answered("7"), Shown("3"), Sweep], Some("7")),
            (&[Asks, Answered("7"), Shown("3"), Sweep, Sweep], Some("3")),
            (&[Asks, Answered("7"), Sweep, Sweep], None),
        ] {
            assert_eq!(stands(steps).as_deref(), expected);
        }
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
