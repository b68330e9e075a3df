use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    api::{AttemptState, PhoneNumber},
    domain::{AttemptId, E164},
    plan::{Goal, Moment, Spans, is_retried_unasked},
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
    sending: HashSet<AttemptId>,
}

#[derive(Default)]
struct ClaimMemory {
    /// What is to be attempted, after which attempt, and since when that has been known.
    goal: Option<(Goal, Option<AttemptId>, Moment)>,
    queued: bool,
    hindrance: Option<Hindrance>,
}

/// Why the last intent could not be written.
struct Hindrance {
    why: String,
    times: u32,
    /// Not tried again before.
    until: Moment,
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

/// The longest pause between attempts that are made unasked.
const LONGEST_BACKOFF: Duration = Duration::from_mins(5);

/// The longest pause between intents that the API server does not take.
const LONGEST_HINDRANCE: Duration = Duration::from_secs(30);

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
                now
            }
        }
    }

    /// The claim has nothing to attempt; a later goal is a new one.
    pub fn no_goal(&self, uid: &str) {
        self.inner().claims.remove(uid);
    }

    /// Notes that a claim wants a slot.
    pub fn queue(&self, uid: &str, now: Moment) -> Turn {
        let mut inner = self.inner();
        let memory = inner.claims.entry(uid.to_owned()).or_default();
        match &memory.hindrance {
            Some(hindrance) if now.mono < hindrance.until.mono => Turn::After(now.until(hindrance.until)),
            _ if std::mem::replace(&mut memory.queued, true) => Turn::Already,
            _ => Turn::Queued,
        }
    }

    /// The claim's turn was in vain, or it was not: each failure in a row waits longer, so that an API server that takes
    /// no intent does not use up the rate limit.
    pub fn turn_ended(&self, uid: &str, hindrance: Option<String>, now: Moment) {
        let mut inner = self.inner();
        let Some(memory) = inner.claims.get_mut(uid) else { return };
        let times = memory.hindrance.as_ref().map_or(0, |hindrance| hindrance.times);
        memory.hindrance = hindrance.map(|why| {
            let until = now.plus(Duration::from_secs(1 << times.min(9)).min(LONGEST_HINDRANCE));
            Hindrance { why, times: times.saturating_add(1), until }
        });
    }

    /// Why the claim's last turn was in vain.
    pub fn hindrance(&self, uid: &str) -> Option<String> {
        self.inner().claims.get(uid)?.hindrance.as_ref().map(|hindrance| hindrance.why.clone())
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
        let backoff = Duration::from_secs(1 << failures.min(9)).min(LONGEST_BACKOFF);
        let memory = RecordMemory {
            attempt: attempt.id,
            state: attempt.state,
            first_read: now,
            absent_since: None,
            failures,
            not_before: unasked.then(|| now.plus(backoff)),
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

    /// A record is gone. If it was not a settled failure, a purchase may be under way, or the record was lost: the
    /// number is left alone for as long as a purchase can take to show.
    pub fn vanished(&self, e164: E164, now: Moment, spans: Spans) {
        let mut inner = self.inner();
        let Some(memory) = inner.records.get_mut(&e164) else { return };
        if !memory.vanish(now, spans) {
            inner.records.remove(&e164);
        }
    }

    /// Whether this process is sending that attempt.
    pub fn is_sending(&self, attempt: AttemptId) -> bool {
        self.inner().sending.contains(&attempt)
    }

    /// Marks an attempt as being sent until the guard is dropped.
    pub fn sending(&self, attempt: AttemptId) -> Sending<'_> {
        self.inner().sending.insert(attempt);
        Sending { memory: self, attempt }
    }
}

/// An attempt that is being sent.
pub struct Sending<'a> {
    memory: &'a Memory,
    attempt: AttemptId,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.memory.inner().sending.remove(&self.attempt);
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
    fn attempts_that_are_made_unasked_wait_longer_each_time_and_five_minutes_at_most() {
        let memory = Memory::default();
        let mut pauses = Vec::new();
        for id in 0..12 {
            memory.first_read(&record(id, AttemptState::Open), at(0));
            memory.first_read(&record(id, AttemptState::Failed), at(0));
            let until = memory.not_before("+12".parse().unwrap()).unwrap();
            pauses.push(until.mono.as_secs());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
        memory.first_read(&record(12, AttemptState::Bound), at(0));
        assert_eq!(memory.not_before("+12".parse().unwrap()), None);
    }

    #[test]
    fn a_record_that_vanished_while_it_was_open_keeps_its_number_back_until_it_would_have_settled() {
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
    fn a_vanished_open_record_is_remembered_for_as_long_as_it_keeps_its_number_back() {
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
            memory.turn_ended("u", Some("refused".into()), now);
            assert_eq!(memory.queue("u", now), Turn::After(Duration::from_secs(pause)));
            assert_eq!(memory.hindrance("u").as_deref(), Some("refused"));
        }
        memory.turn_ended("u", None, at(1000));
        assert_eq!((memory.queue("u", at(1000)), memory.hindrance("u")), (Turn::Queued, None));
    }

    #[test]
    fn an_attempt_is_being_sent_only_while_its_guard_lives() {
        let memory = Memory::default();
        let id = AttemptId::from_random([1; 16]);
        let guard = memory.sending(id);
        assert!(memory.is_sending(id));
        drop(guard);
        assert!(!memory.is_sending(id));
    }
}
