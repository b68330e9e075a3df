//! What this process remembers of claims and records between two looks at them. None of it is needed for safety.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    api::{AttemptState, PhoneNumber},
    conditions::Reason,
    domain::{AttemptId, Backoff, E164},
    plan::{Goal, Moment, Spans, is_retried_unasked},
    store::StoreError,
};

/// What this process remembers beside what is stored. Losing it (a restart) costs time, never safety.
#[derive(Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By claim uid.
    claims: HashMap<String, ClaimMemory>,
    /// By number.
    records: HashMap<E164, RecordMemory>,
    /// Turns in a row in which the API server took no intent, and until when the next one waits.
    refused: Option<(u32, Moment)>,
}

#[derive(Default)]
struct ClaimMemory {
    /// What is to be attempted, after which attempt, and since when that has been known.
    goal: Option<(Goal, Option<AttemptId>, Moment)>,
    queued: bool,
    hindrance: Option<Hindrance>,
    /// Of what an event has told already.
    told: Vec<Reason>,
}

/// Why the last intent could not be written.
struct Hindrance {
    /// The API server's words; nothing if somebody else was first.
    why: Option<String>,
    times: u32,
    /// Not tried again before.
    until: Moment,
}

/// How a turn, or another write of an intent, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEnd {
    /// Whatever was to be done is done.
    Done,
    /// Somebody else was first.
    Overtaken,
    /// The API server did not take the intent, and why.
    Refused(String),
}

impl TurnEnd {
    /// What became of a write, or of the turn that it ended.
    #[must_use]
    pub fn of(result: Result<(), &StoreError>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) if error.is_overtaken() => Self::Overtaken,
            Err(error) => Self::Refused(error.to_string()),
        }
    }
}

impl Hindrance {
    fn left(&self, now: Moment) -> Duration {
        self.until.mono.saturating_sub(now.mono)
    }
}

/// Whether a claim that wants a slot stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// From now on.
    Queued,
    Already,
    /// Its last turn was in vain, and the next one comes after so long.
    After(Duration),
}

/// What there still is of what was remembered.
pub struct Remaining<'a> {
    /// Whether the number has a record, readable or not.
    pub recorded: &'a dyn Fn(E164) -> bool,
    /// Whether a claim wishes for the number.
    pub wished: &'a dyn Fn(E164) -> bool,
    /// Whether there is a claim with that uid.
    pub lives: &'a dyn Fn(&str) -> bool,
}

struct RecordMemory {
    attempt: AttemptId,
    state: AttemptState,
    first_read: Moment,
    absent_since: Option<Moment>,
    /// Attempts in a row that failed for no fault of the claim's.
    failures: u32,
    not_before: Option<Moment>,
    vanished: bool,
}

impl RecordMemory {
    /// The record is gone. Whether it is to be remembered all the same.
    fn vanish(&mut self, now: Moment, spans: Spans) -> bool {
        if self.state == AttemptState::Failed {
            return false;
        }
        if !std::mem::replace(&mut self.vanished, true) {
            self.not_before = Some(now.plus(spans.until_settled()));
        }
        true
    }
}

/// Between attempts that are made unasked.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(5) };

/// Between intents of one claim that the API server does not take.
const HINDRANCE: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// Between those of all claims.
const BREATH: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when a claim's goal has been known: what is looked at for it must be younger.
    pub fn goal_since(&self, uid: &str, goal: &Goal, after: Option<AttemptId>, now: Moment) -> Moment {
        let mut inner = self.inner();
        let memory = inner.claims.entry(uid.to_owned()).or_default();
        match &memory.goal {
            Some((known, attempt, since)) if known == goal && *attempt == after => *since,
            _ => {
                memory.goal = Some((goal.clone(), after, now));
                memory.told.clear();
                now
            }
        }
    }

    /// The claim has nothing to attempt; a later goal is a new one.
    pub fn no_goal(&self, uid: &str) {
        self.inner().claims.remove(uid);
    }

    /// Whether the claim has not been told of this before, while it had the same thing to attempt.
    pub fn is_first(&self, uid: &str, reason: Reason) -> bool {
        let mut inner = self.inner();
        let Some(memory) = inner.claims.get_mut(uid) else { return true };
        let first = !memory.told.contains(&reason);
        if first {
            memory.told.push(reason);
        }
        first
    }

    /// Notes that a claim wants a slot.
    pub fn queue(&self, uid: &str, now: Moment) -> Turn {
        let mut inner = self.inner();
        let memory = inner.claims.entry(uid.to_owned()).or_default();
        match &memory.hindrance {
            Some(hindrance) if now.mono < hindrance.until.mono => Turn::After(hindrance.left(now)),
            _ if std::mem::replace(&mut memory.queued, true) => Turn::Already,
            _ => Turn::Queued,
        }
    }

    /// How long an intent of this claim still has to wait, because the last one was in vain.
    pub fn hindered_for(&self, uid: &str, now: Moment) -> Option<Duration> {
        let left = self.inner().claims.get(uid)?.hindrance.as_ref()?.left(now);
        Some(left).filter(|left| !left.is_zero())
    }

    /// The claim's turn was in vain, or it was not: each failure in a row waits longer, so that an API server that takes
    /// no intent does not use up the rate limit. Returns how long it waits now.
    pub fn turn_ended(&self, uid: &str, end: TurnEnd, now: Moment) -> Option<Duration> {
        let mut inner = self.inner();
        let why = match end {
            TurnEnd::Done => {
                inner.refused = None;
                if let Some(memory) = inner.claims.get_mut(uid) {
                    memory.hindrance = None;
                }
                return None;
            }
            TurnEnd::Overtaken => None,
            TurnEnd::Refused(why) => {
                let times = inner.refused.map_or(0, |(times, _)| times);
                inner.refused = Some((times.saturating_add(1), now.plus(BREATH.after(times))));
                Some(why)
            }
        };
        let memory = inner.claims.get_mut(uid)?;
        let times = memory.hindrance.as_ref().map_or(0, |hindrance| hindrance.times);
        let pause = HINDRANCE.after(times);
        memory.hindrance = Some(Hindrance { why, times: times.saturating_add(1), until: now.plus(pause) });
        Some(pause)
    }

    /// How long the next turn of any claim has to wait, because the API server took no intent in the last ones: each
    /// turn costs a slot of the rate limit, which others need.
    pub fn breath(&self, now: Moment) -> Duration {
        let until = self.inner().refused.map(|(_, until)| until);
        until.map(|until| until.mono.saturating_sub(now.mono)).unwrap_or_default()
    }

    /// Why the API server did not take the claim's last intent.
    pub fn hindrance(&self, uid: &str) -> Option<String> {
        self.inner().claims.get(uid)?.hindrance.as_ref()?.why.clone()
    }

    /// The claim's turn has come.
    pub fn dequeue(&self, uid: &str) {
        if let Some(memory) = self.inner().claims.get_mut(uid) {
            memory.queued = false;
        }
    }

    /// When this process first read, or wrote, a record's attempt in its present state.
    pub fn first_read(&self, record: &PhoneNumber, now: Moment) -> Moment {
        let attempt = &record.spec.attempt;
        let mut inner = self.inner();
        let known = inner.records.get(&record.spec.e164);
        if let Some(known) = known.filter(|known| known.attempt == attempt.id && known.state == attempt.state)
        {
            return known.first_read;
        }
        let failures = known.map_or(0, |known| known.failures);
        let unasked = attempt.state == AttemptState::Failed && is_retried_unasked(attempt);
        let failures = match attempt.state {
            AttemptState::Bound => 0,
            _ if unasked => failures.saturating_add(1),
            _ => failures,
        };
        let memory = RecordMemory {
            attempt: attempt.id,
            state: attempt.state,
            first_read: now,
            absent_since: None,
            failures,
            not_before: unasked.then(|| now.plus(BACKOFF.after(failures))),
            vanished: false,
        };
        inner.records.insert(record.spec.e164, memory);
        now
    }

    /// Keeps the begin of the first of several listings without a bound number; forgets it when the number is back.
    pub fn absent_since(&self, e164: E164, absent: Option<Moment>) -> Option<Moment> {
        let mut inner = self.inner();
        let memory = inner.records.get_mut(&e164)?;
        memory.absent_since = absent.map(|begun| memory.absent_since.unwrap_or(begun));
        memory.absent_since
    }

    /// No attempt for the number before that moment.
    pub fn not_before(&self, e164: E164) -> Option<Moment> {
        self.inner().records.get(&e164).and_then(|memory| memory.not_before)
    }

    /// Forgets claims that are gone, and numbers of which neither a record nor a claim is left. One whose record vanished
    /// while it was open is kept back first, for as long as ever; after that, a claim that comes looks for itself.
    pub fn sweep(&self, now: Moment, spans: Spans, remaining: &Remaining<'_>) {
        let mut inner = self.inner();
        inner.claims.retain(|uid, _| (remaining.lives)(uid));
        inner.records.retain(|e164, memory| {
            if (remaining.recorded)(*e164) {
                return true;
            }
            let waits = memory.vanish(now, spans);
            waits && ((remaining.wished)(*e164) || memory.not_before.is_some_and(|until| !now.reached(until)))
        });
    }

    /// The failures that were counted were another wish's.
    pub fn start_over(&self, e164: E164) {
        if let Some(memory) = self.inner().records.get_mut(&e164) {
            memory.failures = 0;
        }
    }

    /// A record is gone. If it was not a settled failure, a purchase may be under way, or the record was lost: the
    /// number is left alone for as long as a purchase can take to show.
    pub fn vanished(&self, e164: E164, now: Moment, spans: Spans) {
        let mut inner = self.inner();
        let Some(memory) = inner.records.get_mut(&e164) else { return };
        if !memory.vanish(now, spans) {
            inner.records.remove(&e164);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{api::PhoneNumberSpec, plan::Intent};

    const SPANS: Spans = Spans { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };

    fn at(seconds: u64) -> Moment {
        let start = Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::ZERO };
        start.plus(Duration::from_secs(seconds))
    }

    fn record(id: u8, state: AttemptState) -> PhoneNumber {
        let intent = Intent::for_tests();
        let mut attempt = intent.open(AttemptId::from_random([id; 16]), at(0).wall);
        attempt.state = state;
        let (e164, account) = ("+12".parse().unwrap(), "MA_1".parse().unwrap());
        PhoneNumber {
            metadata: kube::core::ObjectMeta::default(),
            spec: PhoneNumberSpec {
                e164,
                account,
                claim_ref: None,
                attempt,
                later: crate::api::Later::default(),
            },
            status: None,
        }
    }

    #[test]
    fn the_first_reading_of_an_attempt_stays_until_its_state_changes() {
        let memory = Memory::default();
        let open = record(1, AttemptState::Open);
        assert_eq!(memory.first_read(&open, at(1)), at(1));
        assert_eq!(memory.first_read(&open, at(2)), at(1));
        assert_eq!(memory.first_read(&record(1, AttemptState::Bound), at(3)), at(3));
        assert_eq!(memory.first_read(&record(2, AttemptState::Open), at(4)), at(4));
    }

    #[test]
    fn unasked_attempts_wait_longer_each_time_up_to_five_minutes() {
        let memory = Memory::default();
        let mut pauses = Vec::new();
        for id in 0..12 {
            memory.first_read(&record(id, AttemptState::Open), at(0));
            memory.first_read(&record(id, AttemptState::Failed), at(0));
            let until = memory.not_before("+12".parse().unwrap()).unwrap();
            pauses.push(until.mono.as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
        memory.start_over("+12".parse().unwrap());
        memory.first_read(&record(12, AttemptState::Open), at(0));
        memory.first_read(&record(12, AttemptState::Failed), at(0));
        assert_eq!(memory.not_before("+12".parse().unwrap()), Some(at(2)));
        memory.first_read(&record(13, AttemptState::Bound), at(0));
        assert_eq!(memory.not_before("+12".parse().unwrap()), None);
    }

    #[test]
    fn a_vanished_open_record_holds_its_number_until_it_would_have_settled() {
        let memory = Memory::default();
        let number = "+12".parse().unwrap();
        memory.first_read(&record(1, AttemptState::Open), at(0));
        memory.vanished(number, at(5), SPANS);
        memory.vanished(number, at(50), SPANS);
        assert_eq!(memory.not_before(number), Some(at(5 + 10 + 30 + 120)));
        memory.first_read(&record(2, AttemptState::Failed), at(60));
        memory.vanished(number, at(61), SPANS);
        assert_eq!(memory.not_before(number), None);
    }

    const NOTHING: Remaining<'static> =
        Remaining { recorded: &|_| false, wished: &|_| false, lives: &|_| false };

    fn sizes(memory: &Memory) -> (usize, usize) {
        let inner = memory.inner();
        (inner.records.len(), inner.claims.len())
    }

    #[test]
    fn nothing_is_remembered_of_numbers_and_claims_that_are_long_gone() {
        let memory = Memory::default();
        let states =
            [AttemptState::Open, AttemptState::Bound, AttemptState::Failed, AttemptState::NeedsDecision];
        for number in 0..1000_usize {
            let mut record = record(1, states[number % 4]);
            record.spec.e164 = format!("+91{number:010}").parse().unwrap();
            memory.first_read(&record, at(0));
            memory.goal_since(&number.to_string(), &Goal::First, None, at(0));
            memory.queue(&number.to_string(), at(0));
        }
        memory.sweep(at(1), SPANS, &Remaining { recorded: &|_| true, lives: &|_| true, ..NOTHING });
        assert_eq!(sizes(&memory), (1000, 1000));
        memory.sweep(at(2), SPANS, &NOTHING);
        assert_eq!(sizes(&memory), (750, 0));
        memory.sweep(at(2 + 160), SPANS, &NOTHING);
        assert_eq!(sizes(&memory), (0, 0));
    }

    #[test]
    fn a_vanished_open_record_is_remembered_while_it_keeps_its_number() {
        let memory = Memory::default();
        let number = "+12".parse().unwrap();
        memory.first_read(&record(1, AttemptState::Open), at(0));
        memory.sweep(at(5), SPANS, &NOTHING);
        memory.sweep(at(50), SPANS, &NOTHING);
        assert_eq!(memory.not_before(number), Some(at(5 + 160)));
        // A claim that waits for it may not take for young what was read before.
        memory.sweep(at(170), SPANS, &Remaining { wished: &|_| true, ..NOTHING });
        assert_eq!(memory.not_before(number), Some(at(5 + 160)));
        memory.sweep(at(171), SPANS, &NOTHING);
        assert_eq!(memory.not_before(number), None);
    }

    #[test]
    fn a_goal_is_new_when_it_or_the_attempt_before_it_changes() {
        let memory = Memory::default();
        let attempt = Some(AttemptId::from_random([1; 16]));
        let token = Goal::Token("t".into());
        assert_eq!(memory.goal_since("u", &Goal::First, None, at(1)), at(1));
        assert_eq!(memory.goal_since("u", &Goal::First, None, at(2)), at(1));
        assert_eq!(memory.goal_since("u", &token, attempt, at(3)), at(3));
        memory.no_goal("u");
        assert_eq!(memory.goal_since("u", &token, attempt, at(4)), at(4));
    }

    #[test]
    fn what_holds_the_account_is_told_once_for_each_goal() {
        let memory = Memory::default();
        let told = |reason| memory.is_first("u", reason);
        assert!(
            told(Reason::RateLimited) && told(Reason::RateLimited),
            "nothing is remembered without a goal"
        );
        memory.goal_since("u", &Goal::First, None, at(1));
        assert!(told(Reason::RateLimited) && told(Reason::VobizUnavailable));
        memory.goal_since("u", &Goal::First, None, at(2));
        assert!(!told(Reason::RateLimited) && !told(Reason::VobizUnavailable));
        memory.goal_since("u", &Goal::Token("t".into()), None, at(3));
        assert!(told(Reason::RateLimited));
    }

    #[test]
    fn a_claim_is_queued_once_until_its_turn_comes() {
        let memory = Memory::default();
        assert_eq!(memory.queue("u", at(0)), Turn::Queued);
        assert_eq!(memory.queue("u", at(0)), Turn::Already);
        memory.dequeue("u");
        assert_eq!(memory.queue("u", at(0)), Turn::Queued);
    }

    #[test]
    fn turns_in_vain_wait_longer_each_time_and_thirty_seconds_at_most() {
        let memory = Memory::default();
        for (times, pause) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
            let now = at(u64::try_from(times).unwrap() * 100);
            assert_eq!(memory.queue("u", now), Turn::Queued);
            memory.dequeue("u");
            memory.turn_ended("u", TurnEnd::Refused("refused".into()), now);
            assert_eq!(memory.queue("u", now), Turn::After(Duration::from_secs(pause)));
            assert_eq!(memory.hindrance("u").as_deref(), Some("refused"));
        }
        memory.turn_ended("u", TurnEnd::Done, at(1000));
        assert_eq!((memory.queue("u", at(1000)), memory.hindrance("u")), (Turn::Queued, None));
    }

    #[test]
    fn who_was_overtaken_waits_as_well_and_blames_nobody() {
        let memory = Memory::default();
        assert_eq!(memory.queue("u", at(0)), Turn::Queued);
        memory.dequeue("u");
        let end = TurnEnd::of(Err(&StoreError::Conflict));
        assert_eq!(memory.turn_ended("u", end, at(0)), Some(Duration::from_secs(1)));
        assert_eq!(memory.hindered_for("u", at(0)), Some(Duration::from_secs(1)));
        assert_eq!((memory.hindered_for("u", at(1)), memory.hindrance("u")), (None, None));
        assert_eq!(memory.breath(at(0)), Duration::ZERO);
    }

    #[test]
    fn an_api_server_that_takes_no_intent_makes_all_turns_rarer() {
        let memory = Memory::default();
        let refused = || TurnEnd::of(Err(&StoreError::NotStored("no space".into())));
        for pause in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            memory.turn_ended("whoever", refused(), at(0));
            assert_eq!(memory.breath(at(0)), Duration::from_millis(pause));
        }
        memory.turn_ended("another", TurnEnd::Done, at(0));
        assert_eq!(memory.breath(at(0)), Duration::ZERO);
    }
}
