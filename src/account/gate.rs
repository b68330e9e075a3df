//! Whether the account may be read and whether purchases may be sent, by what Vobiz has answered lately.

use std::time::Duration;

use crate::{
    domain::{Backoff, Outcome},
    plan::{Gate, GateCause},
    vobiz::{PurchaseAnswer, ReadError},
};

/// Two questions about the account: may it be read, and may purchases be sent? A hold of the reads is one of purchases as
/// well, because nothing is bought unseen; a hold of purchases leaves the reads alone, because what was sent has to be
/// verified meanwhile.
#[derive(Debug, Default)]
pub struct GateState {
    /// Ends when a round of reads goes well.
    reads: Hold,
    /// Ends by its own time: that a read goes well says nothing about purchases.
    purchases: Hold,
    /// When the last round of reads began. Monotonic.
    round_began: Duration,
}

#[derive(Debug, Default)]
struct Hold {
    cause: Option<(GateCause, String)>,
    /// Monotonic; of the last hold, if there is none now.
    until: Duration,
    /// Holds in a row: each waits longer than the one before.
    streak: u32,
}

/// The longest that a held account is left unasked, unless Vobiz asks for more.
const LONGEST: Duration = Duration::from_secs(15);

/// No answer of Vobiz's can silence the operator for longer.
const LONGEST_ASKED_FOR: Duration = Duration::from_hours(1);

/// Rounds of reads begin so far apart while purchases are held: Vobiz has asked for fewer calls.
const SLOW_PACE: Duration = LONGEST;

impl Hold {
    fn view(&self) -> Option<Gate> {
        self.cause.clone().map(|(cause, why)| Gate::Closed(cause, why))
    }

    fn until(&self) -> Option<Duration> {
        self.cause.as_ref().map(|_| self.until)
    }

    fn begin(&mut self, cause: GateCause, why: String, wait: Option<Duration>, now: Duration) {
        // A wrong token stays wrong for a while; a hiccup is over at once.
        let first = if cause == GateCause::Credentials { 3 } else { 1 };
        let backoff = Backoff { first: Duration::from_secs(first), longest: LONGEST }.after(self.streak);
        let wait = wait.map_or(backoff, |asked| asked.min(LONGEST_ASKED_FOR).max(Duration::from_secs(1)));
        self.until = self.until().unwrap_or_default().max(now + wait);
        self.streak = self.streak.saturating_add(1);
        self.cause = Some((cause, why));
    }
}

impl GateState {
    /// May a purchase be sent?
    pub fn purchasing(&self, now: Duration) -> Gate {
        let purchases = self.purchases.view().filter(|_| now < self.purchases.until);
        self.reads.view().or(purchases).unwrap_or(Gate::Open)
    }

    /// May the account be read?
    pub fn is_readable(&self) -> bool {
        self.reads.cause.is_none()
    }

    /// When to ask again, where the account may not be read.
    pub fn until(&self) -> Option<Duration> {
        self.reads.until()
    }

    /// When the next round of reads begins, if one is due then. The end of a hold of purchases is a round too, though it may
    /// have nothing to read: it wakes the claims that wait for that end.
    pub fn next_round(&self, due: Duration) -> Duration {
        if let Some(until) = self.until() {
            return until;
        }
        match self.purchases.until() {
            Some(until) => due.max(self.round_began + SLOW_PACE).min(until),
            None => due,
        }
    }

    /// A round of reads begins.
    pub fn round_begins(&mut self, now: Duration) {
        self.round_began = now;
        if now >= self.purchases.until {
            self.purchases.cause = None;
        }
    }

    /// Reopens the reads after a round that went well, unless a newer hold began while the round ran. `held` is the
    /// hold at the beginning of the round, if there was one.
    pub fn on_success(&mut self, held: Option<Duration>) {
        if self.until() == held {
            self.reads = Hold::default();
        }
    }

    /// Asks again at once: the credentials have changed.
    pub fn retry_now(&mut self) {
        if matches!(self.reads.cause, Some((GateCause::Credentials, _))) {
            self.reads.streak = 0;
            self.reads.until = Duration::ZERO;
        }
    }

    /// A read met something that speaks of the whole account.
    pub fn read_met(&mut self, error: &ReadError, now: Duration) {
        let (cause, wait) = match error {
            ReadError::NoSuchEndpoint => return,
            ReadError::Unauthorized | ReadError::Forbidden => (GateCause::Credentials, None),
            ReadError::RateLimited { retry_after } => (GateCause::RateLimited, *retry_after),
            ReadError::Failed(_) => (GateCause::Unavailable, None),
        };
        self.reads.begin(cause, error.to_string(), wait, now);
    }

    /// Returns whether the purchase's fate holds more than that purchase.
    pub fn purchase_met(&mut self, met: &PurchaseAnswer, now: Duration) -> bool {
        match met.answer.outcome {
            Outcome::NotSent => {
                let why = met.answer.message.clone().unwrap_or_default();
                self.reads.begin(GateCause::Unavailable, why, None, now);
            }
            Outcome::Unauthorized => {
                self.reads.begin(GateCause::Credentials, ReadError::Unauthorized.to_string(), None, now);
            }
            Outcome::RateLimited => self.limit_purchases(met.retry_after, now),
            // A 403 holds the account only if the owned list says so too; verification asks it anyway.
            Outcome::Purchased
            | Outcome::NotFound
            | Outcome::PaymentFailed
            | Outcome::Rejected
            | Outcome::Unknown => {}
        }
        met.answer.outcome.holds_account()
    }

    fn limit_purchases(&mut self, retry_after: Option<Duration>, now: Duration) {
        // Nothing says when a limit is over but that it is not met again.
        if now >= self.purchases.until + LONGEST {
            self.purchases.streak = 0;
        }
        let why = ReadError::RateLimited { retry_after }.to_string();
        self.purchases.begin(GateCause::PurchasesLimited, why, retry_after, now);
    }

    /// For how long no purchase is sent, though the account may be read.
    pub fn purchases_held_for(&self, now: Duration) -> Duration {
        self.purchases.until().unwrap_or_default().saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn met(outcome: Outcome, retry_after: Option<Duration>) -> PurchaseAnswer {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        PurchaseAnswer { retry_after, ..PurchaseAnswer::without_words_of_vobiz(outcome, "refused", at) }
    }

    fn cause(gate: &Gate) -> Option<GateCause> {
        match gate {
            Gate::Open => None,
            Gate::Closed(cause, _) => Some(*cause),
        }
    }

    #[test]
    fn a_429_to_a_purchase_holds_purchases_as_long_as_it_says_and_no_reads() {
        for (asked, held) in
            [(None, 1), (Some(7), 7), (Some(0), 1), (Some(3600), 3600), (Some(u64::MAX / 4), 3600)]
        {
            let mut gate = GateState::default();
            let now = Duration::from_secs(100);
            assert!(gate.purchase_met(&met(Outcome::RateLimited, asked.map(Duration::from_secs)), now));
            let end = now + Duration::from_secs(held);
            assert!(gate.is_readable(), "{asked:?}");
            // That reads go well does not end it, its time does.
            gate.on_success(gate.until());
            assert_eq!(
                cause(&gate.purchasing(end.saturating_sub(SECOND / 2))),
                Some(GateCause::PurchasesLimited),
                "{asked:?}"
            );
            assert_eq!(gate.purchasing(end), Gate::Open, "{asked:?}");
        }
    }

    #[test]
    fn limits_that_say_nothing_hold_longer_in_a_row_and_begin_anew_later() {
        let mut gate = GateState::default();
        let mut now = Duration::ZERO;
        for pause in [1, 2, 4, 8, 15, 15] {
            gate.purchase_met(&met(Outcome::RateLimited, None), now);
            assert_eq!(gate.purchases_held_for(now), Duration::from_secs(pause));
            now += Duration::from_secs(pause);
            gate.round_begins(now);
        }
        gate.purchase_met(&met(Outcome::RateLimited, None), now + LONGEST);
        assert_eq!(gate.purchases_held_for(now + LONGEST), SECOND);
    }

    #[test]
    fn what_holds_reads_holds_purchases_and_speaks_first() {
        let hour = Some(Duration::from_hours(1));
        for (error, expected) in [
            (ReadError::Unauthorized, Some(GateCause::Credentials)),
            (ReadError::Forbidden, Some(GateCause::Credentials)),
            (ReadError::RateLimited { retry_after: hour }, Some(GateCause::RateLimited)),
            (ReadError::Failed("500".into()), Some(GateCause::Unavailable)),
            (ReadError::NoSuchEndpoint, None),
        ] {
            for limited in [false, true] {
                let mut gate = GateState::default();
                if limited {
                    gate.purchase_met(&met(Outcome::RateLimited, hour), Duration::ZERO);
                }
                gate.read_met(&error, Duration::ZERO);
                let otherwise = limited.then_some(GateCause::PurchasesLimited);
                assert_eq!(gate.is_readable(), expected.is_none(), "{error:?}");
                assert_eq!(cause(&gate.purchasing(SECOND)), expected.or(otherwise), "{error:?}");
                gate.on_success(gate.until());
                assert_eq!(cause(&gate.purchasing(SECOND)), otherwise, "{error:?}");
            }
        }
    }

    #[test]
    fn a_purchase_that_meets_no_limit_holds_what_it_speaks_of() {
        for (outcome, expected) in [
            (Outcome::NotSent, Some(GateCause::Unavailable)),
            (Outcome::Unauthorized, Some(GateCause::Credentials)),
            (Outcome::NotFound, None),
            (Outcome::PaymentFailed, None),
            (Outcome::Rejected, None),
            (Outcome::Unknown, None),
            (Outcome::Purchased, None),
        ] {
            let mut gate = GateState::default();
            assert_eq!(
                gate.purchase_met(&met(outcome, None), Duration::ZERO),
                expected.is_some(),
                "{outcome:?}"
            );
            assert_eq!(cause(&gate.purchasing(Duration::ZERO)), expected, "{outcome:?}");
            assert_eq!(gate.is_readable(), expected.is_none(), "{outcome:?}");
        }
    }

    #[test]
    fn rounds_are_slow_while_purchases_are_held_and_the_end_of_that_is_one() {
        let at = Duration::from_secs;
        // When a round is due, when the last one began, until when purchases are held; when the next one begins.
        for (due, last, held, next) in [
            (0, 100, None, 0),
            (500, 100, None, 500),
            (0, 100, Some(3600), 115),
            (0, 0, Some(3600), 15),
            (500, 100, Some(3600), 500),
            (5000, 100, Some(3600), 3600),
            (0, 100, Some(103), 103),
        ] {
            let mut gate = GateState::default();
            gate.round_begins(at(last));
            if let Some(held) = held {
                let wait = Some(at(held - last));
                gate.purchase_met(&met(Outcome::RateLimited, wait), at(last));
            }
            assert_eq!(gate.next_round(at(due)), at(next), "{due} {last} {held:?}");
            // What Vobiz says to a read goes first.
            gate.read_met(&ReadError::RateLimited { retry_after: Some(at(7200)) }, at(last));
            assert_eq!(gate.next_round(at(due)), at(last) + Duration::from_hours(1));
        }
    }

    #[test]
    fn a_wrong_token_is_probed_after_one_to_fifteen_seconds() {
        let mut gate = GateState::default();
        let mut now = Duration::ZERO;
        for _ in 0..10 {
            gate.read_met(&ReadError::Unauthorized, now);
            let next = gate.until().unwrap();
            let pause = next.saturating_sub(now);
            assert!((3..=15).contains(&pause.as_secs()), "{pause:?}");
            now = next;
        }
    }

    #[test]
    fn retry_after_is_honoured_but_cannot_silence_the_operator_for_ever() {
        for (asked, waits) in [(7, 7), (0, 1), (u64::MAX / 4, 3600)] {
            let mut gate = GateState::default();
            gate.read_met(
                &ReadError::RateLimited { retry_after: Some(Duration::from_secs(asked)) },
                Duration::ZERO,
            );
            assert_eq!(gate.until(), Some(Duration::from_secs(waits)));
        }
    }

    #[test]
    fn a_good_round_ends_the_hold_it_began_under_and_no_later_one() {
        let mut gate = GateState::default();
        gate.read_met(&ReadError::Failed("500".into()), Duration::ZERO);
        let held = gate.until();
        gate.read_met(
            &ReadError::RateLimited { retry_after: Some(Duration::from_mins(1)) },
            Duration::from_secs(1),
        );
        gate.on_success(held);
        assert_eq!(cause(&gate.purchasing(SECOND)), Some(GateCause::RateLimited));
        gate.on_success(gate.until());
        assert_eq!(gate.purchasing(Duration::ZERO), Gate::Open);
    }

    #[test]
    fn a_missing_endpoint_holds_nothing() {
        let mut gate = GateState::default();
        gate.read_met(&ReadError::NoSuchEndpoint, Duration::ZERO);
        assert_eq!(gate.purchasing(Duration::ZERO), Gate::Open);
    }
}
