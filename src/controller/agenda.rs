//! What is looked at later, if nothing wakes it before: each object once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::api::ObjectKey;

/// An object that asks for no time at all is not looked at without a pause.
const SOONEST: Duration = Duration::from_millis(1);

/// Trees, which give back what a thousand objects took that waited at the same time.
#[derive(Default)]
pub struct Agenda {
    times: BTreeMap<ObjectKey, Instant>,
    order: BTreeSet<(Instant, ObjectKey)>,
}

impl Agenda {
    pub fn put(&mut self, key: ObjectKey, after: Duration, now: Instant) {
        self.remove(&key);
        // Times that far away never come.
        let Some(at) = now.checked_add(after.max(SOONEST)) else { return };
        self.times.insert(key.clone(), at);
        self.order.insert((at, key));
    }

    pub fn remove(&mut self, key: &ObjectKey) {
        if let Some((key, at)) = self.times.remove_entry(key) {
            self.order.remove(&(at, key));
        }
    }

    /// When the next is due.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// One that is due.
    pub fn take(&mut self, now: Instant) -> Option<ObjectKey> {
        let (_, key) = self.order.first().filter(|(at, _)| *at <= now)?.clone();
        self.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_due_once_at_its_latest_time() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        let [key, other] = ["a", "b"].map(ObjectKey::record);
        let seconds = Duration::from_secs;
        for (key, after) in [(&key, 5), (&other, 2), (&key, 3)] {
            agenda.put(key.clone(), seconds(after), now);
        }
        assert_eq!(agenda.next(), Some(now + seconds(2)));
        assert_eq!(agenda.take(now + seconds(1)), None);
        let taken: Vec<_> = std::iter::from_fn(|| agenda.take(now + seconds(9))).collect();
        assert_eq!(taken, [other.clone(), key.clone()]);
        agenda.put(key.clone(), Duration::ZERO, now);
        assert_eq!(agenda.take(now), None, "not without a pause");
        agenda.remove(&key);
        agenda.put(other, Duration::MAX, now);
        assert_eq!(agenda.next(), None);
    }
}
