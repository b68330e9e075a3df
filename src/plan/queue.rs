//! Which claim's turn it is to purchase: first come, first served. Each turn costs a slot of the rate limit, so a turn in
//! vain has its claim pause, and an API server that takes no intents has all of them pause.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use super::Moment;
use crate::{api::ClaimRef, domain::Backoff};

/// Between intents of one claim that are not taken.
const OF_ONE: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// Between turns of all claims while the API server takes no intents.
const OF_ALL: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

/// The claims that wait for their turn, and what became of their last ones.
#[derive(Debug, Default)]
pub struct Queue {
    /// In the order in which they came.
    waiting: BTreeMap<u64, Waiting>,
    /// The place of each claim that waits, by its uid.
    places: HashMap<String, u64>,
    came: u64,
    /// By the uid of the claim.
    failures: HashMap<String, LastFailure>,
    /// Turns in a row in which the API server took no intent, and until when the next one waits.
    refused: Option<(u32, Moment)>,
}

#[derive(Debug)]
struct Waiting {
    claim: ClaimRef,
    since: Moment,
}

/// Why a claim's last intent could not be written.
#[derive(Debug)]
struct LastFailure {
    /// The API server's words; nothing if another writer was first.
    why: Option<String>,
    /// How many there have been in a row.
    times: u32,
    /// Not tried again before.
    until: Moment,
}

/// Whether a claim that wants a turn waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// From now on.
    Now,
    Already,
    /// Its last turn was in vain, and it may queue again after so long.
    After(Duration),
}

/// Whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Turn(ClaimRef),
    /// Not before so long.
    After(Duration),
    /// No claim waits.
    Empty,
}

/// How a turn, or another write of an intent, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEnd {
    /// All that was to be done is done.
    Done,
    /// Another writer was first.
    Overtaken,
    /// The API server did not take the intent, and why.
    Refused(String),
}

impl Queue {
    /// A claim wants a turn.
    pub fn enqueue(&mut self, claim: ClaimRef, now: Moment) -> Enqueued {
        if let Some(pause) = self.paused_for(&claim.uid, now) {
            return Enqueued::After(pause);
        }
        if self.places.contains_key(&claim.uid) {
            return Enqueued::Already;
        }
        self.came += 1;
        self.places.insert(claim.uid.clone(), self.came);
        self.waiting.insert(self.came, Waiting { claim, since: now });
        Enqueued::Now
    }

    /// Whose turn it is now. The order is decided here, and nowhere else.
    #[must_use]
    pub fn next(&self, now: Moment) -> Next {
        let Some(first) = self.waiting.values().next() else { return Next::Empty };
        match self.refused {
            Some((_, until)) if !now.waited(until) => Next::After(until.mono.saturating_sub(now.mono)),
            Some(_) | None => Next::Turn(first.claim.clone()),
        }
    }

    /// The claim does not wait any more: its turn has come, or it is gone. Returns since when it waited.
    pub fn leave(&mut self, uid: &str) -> Option<Moment> {
        let place = self.places.remove(uid)?;
        self.waiting.remove(&place).map(|waiting| waiting.since)
    }

    /// A turn of the claim has ended. Returns how long it pauses: the longer, the more of them were in vain in a row.
    pub fn turn_ended(&mut self, uid: &str, end: TurnEnd, now: Moment) -> Option<Duration> {
        let why = match end {
            TurnEnd::Done => {
                self.refused = None;
                self.failures.remove(uid);
                return None;
            }
            TurnEnd::Overtaken => None,
            TurnEnd::Refused(why) => {
                let times = self.refused.map_or(0, |(times, _)| times);
                self.refused = Some((times.saturating_add(1), now.plus(OF_ALL.after(times))));
                Some(why)
            }
        };
        let times = self.failures.get(uid).map_or(0, |failure| failure.times);
        let pause = OF_ONE.after(times);
        let failure = LastFailure { why, times: times.saturating_add(1), until: now.plus(pause) };
        self.failures.insert(uid.to_owned(), failure);
        Some(pause)
    }

    /// How long the claim still pauses, because its last turn was in vain.
    #[must_use]
    pub fn paused_for(&self, uid: &str, now: Moment) -> Option<Duration> {
        let until = self.failures.get(uid)?.until;
        (!now.waited(until)).then(|| until.mono.saturating_sub(now.mono))
    }

    /// Why the API server did not take the claim's last intent.
    #[must_use]
    pub fn last_refusal(&self, uid: &str) -> Option<&str> {
        self.failures.get(uid)?.why.as_deref()
    }

    /// The claim has nothing to purchase: it does not wait, and what failed does not count. Returns whether it waited.
    pub fn forget(&mut self, uid: &str) -> bool {
        self.failures.remove(uid);
        self.leave(uid).is_some()
    }

    /// Forgets the claims that are gone, by what was known at that moment: a claim that has come since stays. Returns how
    /// many of them waited.
    pub fn retain(&mut self, known_at: Moment, lives: impl Fn(&str) -> bool) -> usize {
        let before = self.len();
        self.waiting.retain(|_, waiting| waiting.since.mono >= known_at.mono || lives(&waiting.claim.uid));
        let waiting = &self.waiting;
        self.places.retain(|_, place| waiting.contains_key(place));
        self.failures.retain(|uid, _| lives(uid));
        before - self.len()
    }

    /// How many claims wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether no claim waits.
    #[must_use]
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        let start = Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::ZERO };
        start.plus(Duration::from_millis(millis))
    }

    fn claim(uid: &str) -> ClaimRef {
        ClaimRef { namespace: "n".into(), name: uid.into(), uid: uid.into() }
    }

    fn refused() -> TurnEnd {
        TurnEnd::Refused("no space".into())
    }

    /// Takes every turn that there is.
    fn turns(queue: &mut Queue, now: Moment) -> Vec<String> {
        std::iter::from_fn(|| match queue.next(now) {
            Next::Turn(claim) => queue.leave(&claim.uid).map(|_| claim.uid),
            Next::After(_) | Next::Empty => None,
        })
        .collect()
    }

    #[test]
    fn first_come_is_first_served_and_each_claim_once() {
        let mut queue = Queue::default();
        for (uid, enqueued) in [
            ("c", Enqueued::Now),
            ("a", Enqueued::Now),
            ("c", Enqueued::Already),
            ("b", Enqueued::Now),
            ("a", Enqueued::Already),
        ] {
            assert_eq!(queue.enqueue(claim(uid), at(0)), enqueued);
        }
        assert_eq!(queue.len(), 3);
        assert_eq!(turns(&mut queue, at(0)), ["c", "a", "b"]);
        assert_eq!((queue.next(at(0)), queue.is_empty()), (Next::Empty, true));
        assert_eq!(queue.enqueue(claim("c"), at(1)), Enqueued::Now);
        assert_eq!(queue.leave("c"), Some(at(1)));
        assert_eq!(queue.leave("c"), None);
    }

    #[test]
    fn a_claim_pauses_longer_after_each_turn_in_vain() {
        let mut queue = Queue::default();
        for (times, pause) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
            let now = at(u64::try_from(times).unwrap() * 100_000);
            let pause = Duration::from_secs(pause);
            assert_eq!(queue.enqueue(claim("u"), now), Enqueued::Now);
            queue.leave("u");
            assert_eq!(queue.turn_ended("u", refused(), now), Some(pause));
            assert_eq!(queue.enqueue(claim("u"), now), Enqueued::After(pause));
            assert_eq!(queue.last_refusal("u"), Some("no space"));
            assert_eq!(queue.paused_for("u", now.plus(pause)), None);
        }
        assert_eq!(queue.turn_ended("u", TurnEnd::Done, at(1_000_000)), None);
        assert_eq!(queue.enqueue(claim("u"), at(1_000_000)), Enqueued::Now);
        assert_eq!(queue.last_refusal("u"), None);
    }

    #[test]
    fn a_claim_that_was_overtaken_pauses_alone_and_blames_nothing() {
        let mut queue = Queue::default();
        assert_eq!(queue.turn_ended("u", TurnEnd::Overtaken, at(0)), Some(Duration::from_secs(1)));
        assert_eq!(queue.enqueue(claim("other"), at(0)), Enqueued::Now);
        assert_eq!(queue.next(at(0)), Next::Turn(claim("other")));
        assert_eq!(queue.paused_for("u", at(0)), Some(Duration::from_secs(1)));
        assert_eq!((queue.paused_for("u", at(1000)), queue.last_refusal("u")), (None, None));
    }

    #[test]
    fn all_pause_while_the_api_server_takes_no_intents() {
        let mut queue = Queue::default();
        queue.enqueue(claim("u"), at(0));
        for pause in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            queue.turn_ended("another", refused(), at(0));
            assert_eq!(queue.next(at(0)), Next::After(Duration::from_millis(pause)));
            assert_eq!(queue.next(at(pause)), Next::Turn(claim("u")));
        }
        queue.turn_ended("a third", TurnEnd::Done, at(0));
        assert_eq!(queue.next(at(0)), Next::Turn(claim("u")));
    }

    #[test]
    fn nothing_is_left_of_claims_that_are_gone_or_want_nothing() {
        let mut queue = Queue::default();
        for number in 0..1000 {
            let uid = number.to_string();
            queue.enqueue(claim(&uid), at(0));
            queue.turn_ended(&uid, refused(), at(0));
        }
        assert!(queue.forget("7") && !queue.forget("7") && queue.last_refusal("7").is_none());
        queue.enqueue(claim("late"), at(60_000));
        assert_eq!(queue.retain(at(60_000), |uid| uid == "8"), 998);
        assert_eq!((queue.places.len(), queue.failures.len()), (2, 1));
        assert_eq!(turns(&mut queue, at(60_000)), ["8", "late"]);
        assert_eq!(queue.retain(at(60_001), |_| false), 0);
        assert!(queue.is_empty() && queue.places.is_empty() && queue.failures.is_empty());
    }
}
