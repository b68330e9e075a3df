use std::time::Duration;

use crate::{
    plan::{Gate, GateCause},
    vobiz::{PurchaseError, ReadError, RejectionKind},
};

/// Whether the account may be called, and when to ask it again.
#[derive(Debug, Default)]
pub struct GateState {
    held: Option<Held>,
    /// Holds in a row: each waits longer than the one before.
    streak: u32,
}

#[derive(Debug)]
struct Held {
    cause: GateCause,
    why: String,
    /// Monotonic.
    until: Duration,
}

/// The longest that a held account is left unasked, unless Vobiz asks for more.
const LONGEST: Duration = Duration::from_secs(15);

/// No answer of Vobiz's can silence the operator for longer.
const LONGEST_ASKED_FOR: Duration = Duration::from_hours(1);

impl GateState {
    pub fn view(&self) -> Gate {
        match &self.held {
            None => Gate::Open,
            Some(held) => Gate::Held(held.cause, held.why.clone()),
        }
    }

    /// When to ask again.
    pub fn until(&self) -> Option<Duration> {
        self.held.as_ref().map(|held| held.until)
    }

    /// A whole round of reads went well, which began when the account was held like that, or was not. It says nothing
    /// about a hold that began meanwhile.
    pub fn went_well(&mut self, held: Option<Duration>) {
        if self.until() == held {
            self.held = None;
            self.streak = 0;
        }
    }

    /// Asks again at once: the credentials have changed.
    pub fn hurry(&mut self) {
        if let Some(held) = self.held.as_mut().filter(|held| held.cause == GateCause::Credentials) {
            self.streak = 0;
            held.until = Duration::ZERO;
        }
    }

    /// A read met something that speaks of the whole account.
    pub fn read_met(&mut self, error: &ReadError, now: Duration) {
        let (cause, wait) = match error {
            ReadError::Missing => return,
            ReadError::Unauthorized | ReadError::Forbidden => (GateCause::Credentials, None),
            ReadError::RateLimited { retry_after } => (GateCause::RateLimited, *retry_after),
            ReadError::Failed(_) => (GateCause::Unavailable, None),
        };
        self.hold(cause, error.to_string(), wait, now);
    }

    /// Returns whether the purchase's fate holds the whole account.
    pub fn purchase_met(&mut self, error: &PurchaseError, now: Duration) -> bool {
        match error {
            PurchaseError::NotSent(why) => self.hold(GateCause::Unavailable, why.clone(), None, now),
            PurchaseError::Rejected(rejection) => match rejection.kind {
                RejectionKind::Unauthorized => {
                    self.hold(GateCause::Credentials, ReadError::Unauthorized.to_string(), None, now);
                }
                RejectionKind::RateLimited => {
                    let error = ReadError::RateLimited { retry_after: rejection.retry_after };
                    self.hold(GateCause::RateLimited, error.to_string(), rejection.retry_after, now);
                }
                // A 403 holds the account only if the owned list says so too; verification asks it anyway.
                RejectionKind::NotFound | RejectionKind::PaymentFailed | RejectionKind::Other => {
                    return false;
                }
            },
            PurchaseError::Unknown { .. } => return false,
        }
        true
    }

    fn hold(&mut self, cause: GateCause, why: String, wait: Option<Duration>, now: Duration) {
        // A wrong token stays wrong for a while; a hiccup is over at once.
        let first = if cause == GateCause::Credentials { 3 } else { 1 };
        let backoff = Duration::from_secs(first << self.streak.min(4)).min(LONGEST);
        let wait = wait.map_or(backoff, |asked| asked.min(LONGEST_ASKED_FOR).max(Duration::from_secs(1)));
        let until = self.held.as_ref().map_or(Duration::ZERO, |held| held.until).max(now + wait);
        self.streak = self.streak.saturating_add(1);
        self.held = Some(Held { cause, why, until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_token_is_probed_less_than_once_a_second_and_at_least_every_fifteen() {
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
    fn a_round_that_went_well_ends_the_hold_that_it_began_under_and_no_later_one() {
        let mut gate = GateState::default();
        gate.read_met(&ReadError::Failed("500".into()), Duration::ZERO);
        let held = gate.until();
        gate.read_met(
            &ReadError::RateLimited { retry_after: Some(Duration::from_mins(1)) },
            Duration::from_secs(1),
        );
        gate.went_well(held);
        assert!(matches!(gate.view(), Gate::Held(GateCause::RateLimited, _)));
        gate.went_well(gate.until());
        assert_eq!(gate.view(), Gate::Open);
    }

    #[test]
    fn a_missing_endpoint_holds_nothing() {
        let mut gate = GateState::default();
        gate.read_met(&ReadError::Missing, Duration::ZERO);
        assert_eq!(gate.view(), Gate::Open);
    }
}
