//! What this process remembers of claims and records between two looks at them. None of it is needed for safety.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::{
    api::{PhoneNumber, PhoneNumberClaim, Reason},
    domain::E164,
    plan::{ClaimMemory, LookAsked, Moment, RecordMemory, Timeouts, Wanted},
};

#[derive(Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

/// Trees, which give back what was remembered of a thousand claims at the same time.
#[derive(Default)]
struct Inner {
    /// By claim uid.
    claims: BTreeMap<String, ClaimMemory>,
    /// In boxes: a tree whose places are as large as these takes twice as much, because half of them are empty.
    records: BTreeMap<E164, Box<RecordMemory>>,
    /// By claim uid.
    looks: BTreeMap<String, LookAsked>,
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

impl Memory {
    /// The attempt that the claim wanted when it was last decided about.
    pub fn wanted(&self, uid: &str) -> Option<Wanted> {
        self.inner.lock().claims.get(uid).map(|memory| memory.wanted.clone())
    }

    /// Remembers the attempt that the claim wants; of one that wants none, nothing is remembered.
    pub fn remember(&self, uid: &str, wanted: Option<&Wanted>) {
        let mut inner = self.inner.lock();
        let known = inner.claims.remove(uid);
        inner.claims.extend(wanted.map(|wanted| (uid.to_owned(), ClaimMemory::see(known, wanted))));
    }

    /// Whether the claim has not been told of this before, while it wanted the same attempt.
    pub fn is_news(&self, uid: &str, reason: Reason) -> bool {
        self.inner.lock().claims.get_mut(uid).is_none_or(|memory| memory.is_news(reason))
    }

    /// The look at the account that the claim's user asks for, if any.
    pub fn look_asked(&self, uid: &str, claim: &PhoneNumberClaim, now: Moment) -> Option<LookAsked> {
        let mut inner = self.inner.lock();
        let known = inner.looks.remove(uid);
        let asked = LookAsked::see(known, claim, now)?;
        inner.looks.insert(uid.to_owned(), asked.clone());
        Some(asked)
    }

    /// What is remembered of a record once it has been read, or written.
    pub fn see(&self, record: &PhoneNumber, now: Moment) -> RecordMemory {
        let mut inner = self.inner.lock();
        let known = inner.records.get(&record.spec.e164).map(|known| (**known).clone());
        let seen = RecordMemory::see(known, &record.spec.attempt, now);
        inner.records.insert(record.spec.e164, Box::new(seen.clone()));
        seen
    }

    /// Since when a bound number has been absent from every listing; `absent` is when the latest one was begun, if it is.
    pub fn absent_since(&self, e164: E164, absent: Option<Moment>) -> Option<Moment> {
        self.inner.lock().records.get_mut(&e164)?.absent_since(absent)
    }

    /// No attempt for the number before that moment.
    pub fn not_before(&self, e164: E164) -> Option<Moment> {
        self.inner.lock().records.get(&e164)?.not_before()
    }

    /// Forgets claims that are gone, and numbers of which neither a record nor a claim is left.
    pub fn sweep(&self, now: Moment, timeouts: Timeouts, remaining: &Remaining<'_>) {
        let mut inner = self.inner.lock();
        inner.claims.retain(|uid, _| (remaining.lives)(uid));
        inner.looks.retain(|uid, _| (remaining.lives)(uid));
        inner.records.retain(|e164, memory| {
            if (remaining.recorded)(*e164) {
                return true;
            }
            let vanished = (**memory).clone().vanish(now, timeouts);
            let lasting = vanished.filter(|memory| memory.outlasts((remaining.wished)(*e164), now));
            lasting.map(|lasting| **memory = lasting).is_some()
        });
    }

    /// What was counted is over: see [`RecordMemory::start_over`].
    pub fn start_over(&self, e164: E164) {
        if let Some(memory) = self.inner.lock().records.get_mut(&e164) {
            memory.start_over();
        }
    }

    pub fn vanished(&self, e164: E164, now: Moment, timeouts: Timeouts) {
        let mut inner = self.inner.lock();
        let vanished = inner.records.remove(&e164).and_then(|memory| memory.vanish(now, timeouts));
        inner.records.extend(vanished.map(|memory| (e164, Box::new(memory))));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        api::{AttemptState, PhoneNumberSpec},
        domain::AttemptId,
        plan::{AttemptCause, NewAttempt},
    };

    const TIMEOUTS: Timeouts =
        Timeouts { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };

    fn at(seconds: u64) -> Moment {
        let start = Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::ZERO };
        start.plus(Duration::from_secs(seconds))
    }

    fn record(id: u8, state: AttemptState) -> PhoneNumber {
        let intent = NewAttempt::for_tests();
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

    fn wanted(cause: AttemptCause) -> Wanted {
        Wanted { cause, after: None, since: at(0) }
    }

    const NOTHING: Remaining<'static> =
        Remaining { recorded: &|_| false, wished: &|_| false, lives: &|_| false };

    fn sizes(memory: &Memory) -> (usize, usize) {
        let inner = memory.inner.lock();
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
            memory.see(&record, at(0));
            memory.remember(&number.to_string(), Some(&wanted(AttemptCause::First)));
        }
        memory.sweep(at(1), TIMEOUTS, &Remaining { recorded: &|_| true, lives: &|_| true, ..NOTHING });
        assert_eq!(sizes(&memory), (1000, 1000));
        memory.sweep(at(2), TIMEOUTS, &NOTHING);
        assert_eq!(sizes(&memory), (750, 0));
        memory.sweep(at(2 + 160), TIMEOUTS, &NOTHING);
        assert_eq!(sizes(&memory), (0, 0));
    }

    #[test]
    fn a_vanished_open_record_is_remembered_while_it_keeps_its_number() {
        let memory = Memory::default();
        let number = "+12".parse().unwrap();
        memory.see(&record(1, AttemptState::Open), at(0));
        memory.sweep(at(5), TIMEOUTS, &NOTHING);
        memory.sweep(at(50), TIMEOUTS, &NOTHING);
        assert_eq!(memory.not_before(number), Some(at(5 + 160)));
        // A claim that waits for it may not take for young what was read before.
        memory.sweep(at(170), TIMEOUTS, &Remaining { wished: &|_| true, ..NOTHING });
        assert_eq!(memory.not_before(number), Some(at(5 + 160)));
        memory.sweep(at(171), TIMEOUTS, &NOTHING);
        assert_eq!(memory.not_before(number), None);
    }

    #[test]
    fn what_holds_the_account_is_told_once_for_each_wanted_attempt() {
        let memory = Memory::default();
        let told = |reason| memory.is_news("u", reason);
        assert!(
            told(Reason::RateLimited) && told(Reason::RateLimited),
            "nothing is remembered of a claim that wants nothing"
        );
        memory.remember("u", Some(&wanted(AttemptCause::First)));
        assert!(told(Reason::RateLimited) && told(Reason::VobizUnavailable));
        memory.remember("u", Some(&wanted(AttemptCause::First)));
        assert!(!told(Reason::RateLimited) && !told(Reason::VobizUnavailable));
        let asked = wanted(AttemptCause::Token("t".into()));
        memory.remember("u", Some(&asked));
        assert!(told(Reason::RateLimited));
        assert_eq!(memory.wanted("u"), Some(asked));
        memory.remember("u", None);
        assert_eq!(memory.wanted("u"), None);
    }
}
