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

/// The longest pause between attempts that are made unasked.
const LONGEST_BACKOFF: Duration = Duration::from_mins(5);

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

    /// Notes that a claim wants a slot; `false` if it has been noted already.
    pub fn queue(&self, uid: &str) -> bool {
        let mut inner = self.inner();
        !std::mem::replace(&mut inner.claims.entry(uid.to_owned()).or_default().queued, true)
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

    /// A record is gone. If it was not a settled failure, a purchase may be under way, or the record was lost: the
    /// number is left alone for as long as a purchase can take to show.
    pub fn vanished(&self, e164: E164, now: Moment, spans: Spans) {
        let mut inner = self.inner();
        let Some(memory) = inner.records.get_mut(&e164) else { return };
        if memory.state == AttemptState::Failed {
            inner.records.remove(&e164);
        } else if !memory.vanished {
            memory.vanished = true;
            memory.not_before = Some(now.plus(spans.until_settled()));
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
