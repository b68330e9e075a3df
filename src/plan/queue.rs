//! Which claim's turn it is to purchase, and whether there is a place for it. Each turn costs a slot of the rate limit, so a
//! turn in vain has its claim pause, and an API server that takes no intents has all of them pause.

use std::{collections::BTreeMap, num::NonZeroUsize, time::Duration};

use jiff::Timestamp;

use super::{Moment, places::Places, turns::Turns};
use crate::{api::ClaimRef, domain::Backoff};

/// Between intents of one claim that are not taken.
const OF_ONE: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// Between turns of all claims while the API server takes no intents.
const OF_ALL: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

/// The claims that wait for their turn, those that have theirs, and what became of their last ones.
#[derive(Debug)]
pub struct Queue {
    /// By uid. A tree, which gives back what a thousand claims took that waited at the same time.
    waiting: BTreeMap<String, Waiting>,
    /// By creation, then by uid.
    turns: Turns<(Timestamp, String)>,
    places: Places,
    /// By the uid of the claim.
    failures: BTreeMap<String, LastFailure>,
    /// Turns in a row in which the API server took no intent, and until when the next one waits.
    refused: Option<(u32, Moment)>,
}

#[derive(Debug)]
struct Waiting {
    claim: ClaimRef,
    created: Timestamp,
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
    /// It waits, or has its turn now.
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
    /// Not before something changes: no claim waits, or there is no place for one that does.
    Later,
}

/// How a turn, or another write of an intent, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEnd {
    /// All that was to be done is done.
    Done,
    /// Another writer was first.
    Overtaken,
    /// No intent was to be written: what decides could not be read, or another write failed.
    InVain,
    /// The API server did not take the intent, and why.
    Refused(String),
}

impl Queue {
    /// An empty one, with so many places.
    #[must_use]
    pub fn new(places: NonZeroUsize) -> Self {
        Self {
            waiting: BTreeMap::new(),
            turns: Turns::default(),
            places: Places::new(places),
            failures: BTreeMap::new(),
            refused: None,
        }
    }

    /// A claim that was created then wants a turn.
    pub fn enqueue(&mut self, claim: ClaimRef, created: Timestamp, now: Moment) -> Enqueued {
        if let Some(pause) = self.paused_for(&claim.uid, now) {
            return Enqueued::After(pause);
        }
        if self.waiting.contains_key(&claim.uid) || self.places.has(&claim.uid) {
            return Enqueued::Already;
        }
        self.turns.insert(&claim.namespace, (created, claim.uid.clone()));
        self.waiting.insert(claim.uid.clone(), Waiting { claim, created, since: now });
        Enqueued::Now
    }

    /// Whose turn it is now. The order is decided in [`Turns`], and nowhere else.
    #[must_use]
    pub fn next(&self, now: Moment) -> Next {
        if self.waiting.is_empty() {
            return Next::Later;
        }
        if let Some((_, until)) = self.refused.filter(|(_, until)| !now.waited(*until)) {
            return Next::After(until.mono.saturating_sub(now.mono));
        }
        let next = self.places.is_free(now).then(|| self.turns.next(|name| self.places.is_for(name, now)));
        match next.flatten().and_then(|(_, uid)| self.waiting.get(uid)) {
            Some(waiting) => Next::Turn(waiting.claim.clone()),
            None => self.places.more_after(now).map_or(Next::Later, Next::After),
        }
    }

    /// The claim's turn begins, and holds a place. Returns since when the claim waited; nothing if it is gone.
    pub fn begin(&mut self, claim: &ClaimRef) -> Option<Moment> {
        self.places.take(&claim.namespace, &claim.uid);
        self.turns.send_back(&claim.namespace);
        self.leave(&claim.uid)
    }

    /// The purchase of the claim's turn is sent at that moment; or, with nothing, it is answered.
    pub fn send(&mut self, uid: &str, sent: Option<Moment>) {
        self.places.send(uid, sent);
    }

    /// The claim's turn needs its place no more.
    pub fn give_back(&mut self, uid: &str) {
        self.places.give_back(uid);
    }

    /// How many claims wait for their turn, in a line that goes on: none while the API server takes no intents.
    #[must_use]
    pub fn line_length(&self) -> usize {
        if self.refused.is_some() { 0 } else { self.waiting.len() }
    }

    /// Whether the claim is in line for its turn, which has not begun.
    #[must_use]
    pub fn has_in_line(&self, uid: &str) -> bool {
        self.waiting.contains_key(uid)
    }

    /// Whether no claim has its turn now.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.places.is_idle()
    }

    /// The claim does not wait any more. Returns since when it waited.
    fn leave(&mut self, uid: &str) -> Option<Moment> {
        let Waiting { claim, created, since } = self.waiting.remove(uid)?;
        self.turns.remove(&claim.namespace, &(created, claim.uid));
        Some(since)
    }

    /// A turn of the claim has ended. Returns how long it pauses: the longer, the more of them were in vain in a row.
    pub fn turn_ended(&mut self, uid: &str, end: TurnEnd, now: Moment) -> Option<Duration> {
        let why = match end {
            TurnEnd::Done => {
                self.refused = None;
                self.failures.remove(uid);
                return None;
            }
            TurnEnd::Overtaken | TurnEnd::InVain => None,
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
        let gone =
            self.waiting.iter().filter(|(uid, waiting)| waiting.since.mono < known_at.mono && !lives(uid));
        let gone: Vec<_> = gone.map(|(uid, _)| uid.clone()).collect();
        for uid in &gone {
            self.leave(uid);
        }
        self.failures.retain(|uid, _| lives(uid));
        gone.len()
    }

    /// Forgets all that wait: they wait for another process now. Returns how many they were.
    pub fn clear(&mut self) -> usize {
        (self.turns, self.failures, self.refused) = (Turns::default(), BTreeMap::new(), None);
        std::mem::take(&mut self.waiting).len()
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

    fn queue() -> Queue {
        Queue::new(NonZeroUsize::new(8).unwrap())
    }

    fn enqueue(queue: &mut Queue, uid: &str, now: Moment) -> Enqueued {
        queue.enqueue(claim(uid), Timestamp::UNIX_EPOCH, now)
    }

    fn refused() -> TurnEnd {
        TurnEnd::Refused("no space".into())
    }

    /// Takes every turn that there is.
    fn turns(queue: &mut Queue, now: Moment) -> Vec<String> {
        std::iter::from_fn(|| match queue.next(now) {
            Next::Turn(claim) => queue.begin(&claim).map(|_| claim.uid),
            Next::After(_) | Next::Later => None,
        })
        .collect()
    }

    #[test]
    fn a_claim_has_one_turn_at_a_time() {
        let mut queue = queue();
        for (uid, enqueued) in [
            ("a", Enqueued::Now),
            ("b", Enqueued::Now),
            ("a", Enqueued::Already),
            ("c", Enqueued::Now),
            ("b", Enqueued::Already),
        ] {
            assert_eq!(enqueue(&mut queue, uid, at(0)), enqueued);
        }
        assert_eq!(queue.waiting.len(), 3);
        assert_eq!(turns(&mut queue, at(0)), ["a", "b", "c"]);
        assert_eq!((queue.next(at(0)), queue.waiting.is_empty()), (Next::Later, true));
        assert_eq!(enqueue(&mut queue, "c", at(1)), Enqueued::Already, "its turn is not over");
        queue.give_back("c");
        assert_eq!(enqueue(&mut queue, "c", at(1)), Enqueued::Now);
        assert_eq!(queue.begin(&claim("c")), Some(at(1)));
        assert_eq!(queue.begin(&claim("gone")), None);
    }

    #[test]
    fn a_claim_waits_for_a_place_until_one_is_given_back_or_vobiz_hangs() {
        let mut queue = Queue::new(NonZeroUsize::MIN);
        for uid in ["a", "b"] {
            enqueue(&mut queue, uid, at(0));
        }
        assert_eq!(turns(&mut queue, at(0)), ["a"]);
        assert_eq!(queue.next(at(0)), Next::Later);
        queue.send("a", Some(at(0)));
        assert_eq!(queue.next(at(500)), Next::After(Duration::from_millis(1500)));
        assert_eq!(queue.next(at(2000)), Next::Turn(claim("b")));
        queue.send("a", None);
        assert_eq!(queue.next(at(2000)), Next::Later);
        queue.give_back("a");
        assert_eq!(queue.next(at(2000)), Next::Turn(claim("b")));
    }

    #[test]
    fn a_claim_pauses_longer_after_each_turn_in_vain() {
        let mut queue = queue();
        for (times, pause) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
            let now = at(u64::try_from(times).unwrap() * 100_000);
            let pause = Duration::from_secs(pause);
            assert_eq!(enqueue(&mut queue, "u", now), Enqueued::Now);
            queue.begin(&claim("u"));
            queue.give_back("u");
            assert_eq!(queue.turn_ended("u", refused(), now), Some(pause));
            assert_eq!(enqueue(&mut queue, "u", now), Enqueued::After(pause));
            assert_eq!(queue.last_refusal("u"), Some("no space"));
            assert_eq!(queue.paused_for("u", now.plus(pause)), None);
        }
        assert_eq!(queue.turn_ended("u", TurnEnd::Done, at(1_000_000)), None);
        assert_eq!(enqueue(&mut queue, "u", at(1_000_000)), Enqueued::Now);
        assert_eq!(queue.last_refusal("u"), None);
    }

    #[test]
    fn a_turn_in_vain_has_its_claim_pause_alone_and_blames_nothing() {
        for end in [TurnEnd::Overtaken, TurnEnd::InVain] {
            let mut queue = queue();
            assert_eq!(queue.turn_ended("u", end, at(0)), Some(Duration::from_secs(1)));
            assert_eq!(enqueue(&mut queue, "other", at(0)), Enqueued::Now);
            assert_eq!(queue.next(at(0)), Next::Turn(claim("other")));
            assert_eq!(queue.paused_for("u", at(0)), Some(Duration::from_secs(1)));
            assert_eq!((queue.paused_for("u", at(1000)), queue.last_refusal("u")), (None, None));
        }
    }

    #[test]
    fn all_pause_while_the_api_server_takes_no_intents() {
        let mut queue = queue();
        enqueue(&mut queue, "u", at(0));
        for pause in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            queue.turn_ended("another", refused(), at(0));
            assert_eq!(queue.next(at(0)), Next::After(Duration::from_millis(pause)));
            assert_eq!(queue.next(at(pause)), Next::Turn(claim("u")));
            assert_eq!(queue.line_length(), 0, "it does not go on");
        }
        queue.turn_ended("a third", TurnEnd::Done, at(0));
        assert_eq!((queue.next(at(0)), queue.line_length()), (Next::Turn(claim("u")), 1));
    }

    #[test]
    fn nothing_is_left_of_claims_that_are_gone_or_want_nothing() {
        let mut queue = queue();
        for number in 0..1000 {
            let uid = number.to_string();
            enqueue(&mut queue, &uid, at(0));
            queue.turn_ended(&uid, refused(), at(0));
        }
        assert!(queue.forget("7") && !queue.forget("7") && queue.last_refusal("7").is_none());
        enqueue(&mut queue, "late", at(60_000));
        assert_eq!(queue.retain(at(60_000), |uid| uid == "8"), 998);
        assert_eq!((queue.waiting.len(), queue.failures.len()), (2, 1));
        assert_eq!(turns(&mut queue, at(60_000)), ["8", "late"]);
        assert_eq!(queue.retain(at(60_001), |_| false), 0);
        assert!(queue.waiting.is_empty() && queue.failures.is_empty());
        assert_eq!(
            (enqueue(&mut queue, "again", at(60_002)), queue.clear(), queue.waiting.len()),
            (Enqueued::Now, 1, 0)
        );
    }
}
