//! What a process remembers of claims and records beside what is stored, and what follows from it. A restart forgets it,
//! which costs time, never safety.

use std::time::Duration;

use super::{Moment, Timeouts, cause::Wanted, retry::is_retried_unasked, rules};
use crate::{
    api::{Attempt, AttemptState, Reason},
    domain::{AttemptId, Backoff, SmallMoment},
};

/// Between attempts that are made unasked.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(5) };

/// A claim that wants an attempt, as this process has last decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMemory {
    pub wanted: Wanted,
    /// What an event has told of already.
    told: Vec<Reason>,
}

impl ClaimMemory {
    /// What is remembered once the claim has been decided about. Of another attempt than before, all is news.
    pub fn see(known: Option<Self>, wanted: &Wanted) -> Self {
        let same = known.filter(|known| known.wanted == *wanted);
        same.unwrap_or_else(|| Self { wanted: wanted.clone(), told: Vec::new() })
    }

    /// Whether the claim is told of this for the first time since it has wanted the attempt.
    pub fn is_news(&mut self, reason: Reason) -> bool {
        let is_news = !self.told.contains(&reason);
        if is_news {
            self.told.push(reason);
        }
        is_news
    }
}

/// A record's attempt in its present state, as this process has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMemory {
    pub attempt: AttemptId,
    pub state: AttemptState,
    /// When this process first read, or wrote, the attempt in that state.
    first_read: SmallMoment,
    /// Apart from what all have: a hundred thousand records are remembered, and few have any of it.
    trouble: Option<Box<Trouble>>,
}

/// What is remembered of a record that something went wrong with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Trouble {
    /// The record vanished before the attempt had failed: a purchase may be under way, or the record was lost. The number is
    /// left alone until then, for as long as a purchase can take to show.
    kept_back: Option<Moment>,
    /// The next attempt that is made unasked waits until then.
    backed_off: Option<Moment>,
    /// Attempts in a row that failed for no fault of the claim's.
    failures: u32,
    /// When the first of the latest listings without the bound number was begun.
    absent_since: Option<Moment>,
}

impl RecordMemory {
    /// Of an attempt that this process reads for the first time in that state, after so many failures.
    pub fn new(attempt: AttemptId, state: AttemptState, first_read: Moment, failures: u32) -> Self {
        let mut new = Self { attempt, state, first_read: first_read.into(), trouble: None };
        new.meets(|trouble| trouble.failures = failures);
        new
    }

    pub fn first_read(&self) -> Moment {
        self.first_read.into()
    }

    fn trouble(&self) -> Trouble {
        self.trouble.as_deref().copied().unwrap_or_default()
    }

    fn meets(&mut self, change: impl FnOnce(&mut Trouble)) {
        let mut trouble = self.trouble();
        change(&mut trouble);
        self.trouble = (trouble != Trouble::default()).then(|| Box::new(trouble));
    }

    /// What is remembered once the attempt has been read, or written.
    pub fn see(known: Option<Self>, attempt: &Attempt, now: Moment) -> Self {
        let known = match known {
            Some(known) if known.attempt == attempt.id && known.state == attempt.state => return known,
            other => other,
        };
        let failures = known.map_or(0, |known| known.trouble().failures);
        let unasked = attempt.state == AttemptState::Failed && is_retried_unasked(attempt);
        let failures = match attempt.state {
            AttemptState::Bound => 0,
            AttemptState::Failed if unasked => failures.saturating_add(1),
            AttemptState::Open | AttemptState::Failed | AttemptState::NeedsDecision => failures,
        };
        let mut seen = Self::new(attempt.id, attempt.state, now, failures);
        if unasked {
            seen.meets(|trouble| trouble.backed_off = Some(now.plus(BACKOFF.after(failures))));
        }
        seen
    }

    /// What is remembered once the record is gone.
    pub fn vanish(mut self, now: Moment, timeouts: Timeouts) -> Option<Self> {
        if self.state == AttemptState::Failed {
            return None;
        }
        if rules::vanished_number_waits() {
            let until = self.kept_back().unwrap_or_else(|| now.plus(timeouts.until_settled()));
            self.keep_back(Some(until));
        }
        Some(self)
    }

    /// Until when the number of a record that vanished is left alone.
    pub fn kept_back(&self) -> Option<Moment> {
        self.trouble().kept_back
    }

    pub fn keep_back(&mut self, until: Option<Moment>) {
        self.meets(|trouble| trouble.kept_back = until);
    }

    /// Whether anything depends on it once the record is gone: a claim wishes for the number, and waits, or one that
    /// comes would have to. After that, a claim that comes looks for itself.
    pub fn outlasts(&self, wished: bool, now: Moment) -> bool {
        wished || self.kept_back().is_some_and(|until| !now.reached(until))
    }

    /// No attempt for the number before that moment.
    pub fn not_before(&self) -> Option<Moment> {
        let Trouble { kept_back, backed_off, .. } = self.trouble();
        kept_back.or(backed_off)
    }

    /// Keeps the begin of the first of several listings without the bound number; forgets it when the number is back.
    pub fn absent_since(&mut self, absent: Option<Moment>) -> Option<Moment> {
        let since = absent.map(|begun| self.trouble().absent_since.unwrap_or(begun));
        self.meets(|trouble| trouble.absent_since = since);
        since
    }

    /// The failures that were counted were another wish's, or something holds the claim back, and its end is waited for
    /// instead.
    pub fn start_over(&mut self) {
        self.meets(|trouble| (trouble.failures, trouble.backed_off) = (0, None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{AttemptCause, NewAttempt};

    const TIMEOUTS: Timeouts =
        Timeouts { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };

    fn at(seconds: u64) -> Moment {
        let start = Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::ZERO };
        start.plus(Duration::from_secs(seconds))
    }

    fn see(known: Option<RecordMemory>, id: u8, state: AttemptState, now: Moment) -> RecordMemory {
        let opened = NewAttempt::for_tests().open(AttemptId::from_random([id; 16]), at(0).wall);
        RecordMemory::see(known, &Attempt { state, ..opened }, now)
    }

    #[test]
    fn what_was_told_is_news_again_for_another_attempt() {
        let wanted = |cause| Wanted { cause, after: None, since: at(0) };
        let mut memory = ClaimMemory::see(None, &wanted(AttemptCause::First));
        assert!(memory.is_news(Reason::RateLimited) && memory.is_news(Reason::VobizUnavailable));
        let mut memory = ClaimMemory::see(Some(memory), &wanted(AttemptCause::First));
        assert!(!memory.is_news(Reason::RateLimited) && !memory.is_news(Reason::VobizUnavailable));
        let mut memory = ClaimMemory::see(Some(memory), &wanted(AttemptCause::Token("t".into())));
        assert!(memory.is_news(Reason::RateLimited));
    }

    #[test]
    fn the_first_reading_of_an_attempt_stays_until_its_state_changes() {
        let mut memory = None;
        for (id, state, now, first_read) in [
            (1, AttemptState::Open, 1, 1),
            (1, AttemptState::Open, 2, 1),
            (1, AttemptState::Bound, 3, 3),
            (2, AttemptState::Open, 4, 4),
        ] {
            let seen = see(memory, id, state, at(now));
            assert_eq!(seen.first_read(), at(first_read));
            memory = Some(seen);
        }
    }

    #[test]
    fn what_is_remembered_of_every_record_takes_48_bytes() {
        assert_eq!(size_of::<RecordMemory>(), 48);
    }

    #[test]
    fn attempts_that_are_made_unasked_wait_longer_each_time() {
        let mut memory = None;
        let fails = |memory: &mut Option<RecordMemory>, id| {
            let open = see(memory.take(), id, AttemptState::Open, at(0));
            let failed = see(Some(open), id, AttemptState::Failed, at(0));
            memory.insert(failed).not_before().unwrap().mono.as_secs()
        };
        let pauses: Vec<_> = (0..12).map(|id| fails(&mut memory, id)).collect();
        assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
        memory.as_mut().unwrap().start_over();
        assert_eq!(memory.as_ref().unwrap().not_before(), None);
        assert_eq!(fails(&mut memory, 12), 2);
        assert_eq!(see(memory, 13, AttemptState::Bound, at(0)).not_before(), None);
    }

    #[test]
    fn a_record_that_vanished_while_it_was_open_keeps_its_number_back() {
        let open = see(None, 1, AttemptState::Open, at(0));
        let vanished = open.vanish(at(5), TIMEOUTS).unwrap().vanish(at(50), TIMEOUTS).unwrap();
        let until = 5 + 10 + 30 + 120;
        assert_eq!(vanished.not_before(), Some(at(until)));
        for (wished, now, outlasts) in
            [(false, until - 1, true), (true, until, true), (false, until, false), (true, until + 1, true)]
        {
            assert_eq!(vanished.outlasts(wished, at(now)), outlasts, "{wished} {now}");
        }
        let failed = see(Some(vanished), 2, AttemptState::Failed, at(60));
        assert_eq!(failed.vanish(at(61), TIMEOUTS), None);
    }

    #[test]
    fn a_record_without_trouble_takes_little_memory() {
        let fine = see(None, 1, AttemptState::Bound, at(0));
        assert!(fine.trouble.is_none());
        let mut over = see(None, 2, AttemptState::Failed, at(0));
        over.absent_since(Some(at(1)));
        over.start_over();
        over.absent_since(None);
        assert!(over.trouble.is_none());
    }

    #[test]
    fn absence_counts_from_the_first_of_the_latest_listings() {
        let mut memory = see(None, 1, AttemptState::Bound, at(0));
        assert_eq!(memory.absent_since(Some(at(1))), Some(at(1)));
        assert_eq!(memory.absent_since(Some(at(2))), Some(at(1)));
        assert_eq!(memory.absent_since(None), None);
        assert_eq!(memory.absent_since(Some(at(3))), Some(at(3)));
    }
}
