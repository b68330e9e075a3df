//! Troubles that last: said when they begin, once a minute while they go on, and when they are over.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

use crate::{api::ObjectKey, domain::Backoff};

/// A trouble that lasts is mentioned again no sooner.
const AGAIN_AFTER: Duration = Duration::from_mins(1);

const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// An object that has not failed for so long is not tried any more: it is gone, or another process has done the work.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(2);

/// One trouble. Times are monotonic.
#[derive(Debug, Default, PartialEq)]
pub struct Trouble {
    begun: Option<Duration>,
    said: Duration,
    failures: u64,
}

/// What is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    Begins,
    GoesOn { lasts: Duration, failures: u64 },
    Ends { lasts: Duration, failures: u64 },
}

impl Trouble {
    pub fn met(&mut self, now: Duration) -> Option<News> {
        self.failures += 1;
        let begun = *self.begun.get_or_insert(now);
        if self.failures == 1 {
            self.said = now;
            return Some(News::Begins);
        }
        let due = now.saturating_sub(self.said) >= AGAIN_AFTER;
        due.then(|| {
            self.said = now;
            News::GoesOn { lasts: now.saturating_sub(begun), failures: self.failures }
        })
    }

    pub fn over(&mut self, now: Duration) -> Option<News> {
        let Self { begun, failures, .. } = std::mem::take(self);
        begun.map(|begun| News::Ends { lasts: now.saturating_sub(begun), failures })
    }
}

/// Who fails at one kind of work, how often in a row, and what is said about all of them together.
pub struct Setbacks {
    /// What does not get through, for the log.
    what: &'static str,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    failing: HashMap<ObjectKey, Setback>,
    trouble: Trouble,
}

struct Setback {
    times: u32,
    first: Duration,
    last: Duration,
    /// Whether it is a trouble, and not only a lost race.
    is_trouble: bool,
}

impl Setbacks {
    pub fn new(what: &'static str) -> Self {
        Self { what, inner: Mutex::default() }
    }

    /// Notes a failure, and returns how long to wait before the next try: 1, 2, 4 … 30 s. `why` is nothing where
    /// another writer was first: that makes no trouble, and yet no sense to repeat at once.
    pub fn failed(&self, key: ObjectKey, why: Option<&str>, now: Duration) -> Duration {
        let mut inner = self.inner.lock();
        let blank = Setback { times: 0, first: now, last: now, is_trouble: false };
        let setback = inner.failing.entry(key).or_insert(blank);
        let pause = PAUSES.after(setback.times);
        setback.times = setback.times.saturating_add(1);
        setback.last = now;
        setback.is_trouble = why.is_some();
        if let Some(why) = why {
            match inner.trouble.met(now) {
                Some(News::Begins) => {
                    tracing::error!(error = why, "{}; it is tried again, with growing pauses", self.what);
                }
                Some(News::GoesOn { lasts, failures }) => {
                    inner.forget(now);
                    let (lasts_s, objects) = (lasts.as_secs(), inner.failing.len());
                    tracing::error!(error = why, lasts_s, failures, objects, "{}, still", self.what);
                }
                Some(News::Ends { .. }) | None => tracing::debug!(error = why, "{}", self.what),
            }
        }
        pause
    }

    pub fn over(&self, key: &ObjectKey, now: Duration) {
        let mut inner = self.inner.lock();
        if inner.failing.is_empty() {
            return;
        }
        inner.failing.remove(key);
        inner.forget(now);
        if !inner.failing.values().any(|setback| setback.is_trouble)
            && let Some(News::Ends { lasts, failures }) = inner.trouble.over(now)
        {
            tracing::info!(lasted_s = lasts.as_secs(), failures, "over: {}", self.what);
        }
    }

    pub fn lasts(&self, key: &ObjectKey, now: Duration) -> Duration {
        let inner = self.inner.lock();
        inner.failing.get(key).map(|setback| now.saturating_sub(setback.first)).unwrap_or_default()
    }
}

impl Inner {
    fn forget(&mut self, now: Duration) {
        self.failing.retain(|_, setback| now.saturating_sub(setback.last) < FORGOTTEN_AFTER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_trouble_is_said_at_its_begin_each_minute_and_at_its_end() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.over(seconds(0)), None);
        let mut said = Vec::new();
        for second in 0..130 {
            said.extend(trouble.met(seconds(second)));
        }
        let goes_on = |lasts| News::GoesOn { lasts: seconds(lasts), failures: lasts + 1 };
        assert_eq!(said, [News::Begins, goes_on(60), goes_on(120)]);
        assert_eq!(trouble.over(seconds(130)), Some(News::Ends { lasts: seconds(130), failures: 130 }));
        assert_eq!(trouble, Trouble::default());
    }

    #[test]
    fn each_object_waits_longer_each_time_and_thirty_seconds_at_most() {
        let (setbacks, key) = (Setbacks::new("x"), || ObjectKey::record("12"));
        let why = Some("no space");
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(setbacks.failed(key(), why, seconds(9)), seconds(pause));
        }
        assert_eq!(setbacks.failed(ObjectKey::record("13"), None, seconds(9)), seconds(1));
        assert_eq!(setbacks.lasts(&key(), seconds(12)), seconds(3));
        setbacks.over(&key(), seconds(12));
        assert_eq!(setbacks.failed(key(), why, seconds(12)), seconds(1));
    }

    #[test]
    fn a_trouble_ends_with_the_last_who_meets_it_or_does_not_try_any_more() {
        let setbacks = Setbacks::new("x");
        let key = |name: &str| ObjectKey::record(name);
        let troubled = || setbacks.inner.lock().trouble != Trouble::default();
        setbacks.failed(key("a"), Some("why"), seconds(0));
        setbacks.failed(key("b"), Some("why"), seconds(100));
        setbacks.over(&key("b"), seconds(101));
        assert!(troubled());
        setbacks.failed(key("b"), Some("why"), seconds(119));
        setbacks.over(&key("b"), seconds(120));
        assert!(!troubled());
    }
}
