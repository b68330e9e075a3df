//! Decides what a replica does about the Lease. Pure.

use std::time::Duration;

/// How long things take. The usual values of the field: a holder gives up well before another process may take over.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// For how long other replicas respect a record that does not change.
    pub lease: Duration,
    /// How long the holder goes on without a successful renewal. The difference to `lease` is what keeps two processes
    /// from leading at once.
    pub deadline: Duration,
    /// Between looks, and between renewals.
    pub retry: Duration,
}

impl Timing {
    pub const USUAL: Self = Self {
        lease: Duration::from_secs(15),
        deadline: Duration::from_secs(10),
        retry: Duration::from_secs(2),
    };

    /// The pause before the next look, by a random number: up to a fifth longer, so that replicas that were started
    /// together do not ask together for ever.
    pub fn pause(self, random: u8) -> Duration {
        self.retry + self.retry * u32::from(random) / (5 * u32::from(u8::MAX))
    }
}

/// The lease as a process last saw it. All times are of its own monotonic clock: the times that stand in the lease come
/// from another machine, whose clock may be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<R> {
    /// The record, compared as a whole: any change in it is a sign of life.
    pub record: R,
    pub holder: Option<String>,
    /// For how long its holder asks to be respected.
    pub respected: Duration,
    pub since: Duration,
}

impl<R: PartialEq> Seen<R> {
    /// What is known after another look: the same record keeps the time at which it was first seen.
    pub fn again(before: Option<Self>, now: Self) -> Self {
        match before {
            Some(before) if before.record == now.record => before,
            _ => now,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Create,
    /// No process holds it, or its holder has shown no sign of life for as long as it asked for.
    Take,
    Renew,
    /// Another process holds it; at that time of our clock it may be taken if nothing changes.
    Wait {
        until: Duration,
    },
}

/// What a process does about the lease that it saw last, if there is one.
pub fn plan<R>(seen: Option<&Seen<R>>, identity: &str, now: Duration) -> Step {
    let Some(seen) = seen else { return Step::Create };
    let expires = seen.since.saturating_add(seen.respected);
    match seen.holder.as_deref() {
        None | Some("") => Step::Take,
        Some(holder) if holder == identity => Step::Renew,
        Some(_) if now >= expires => Step::Take,
        Some(_) => Step::Wait { until: expires },
    }
}

/// Whether a holder must stop: it has not renewed in time, counted from the *begin* of the last call that succeeded.
pub fn is_lost(renewed: Duration, now: Duration, timing: Timing) -> bool {
    now >= renewed.saturating_add(timing.deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn seen(holder: Option<&str>, record: u8, since: u64) -> Seen<u8> {
        Seen { record, holder: holder.map(str::to_owned), respected: s(15), since: s(since) }
    }

    #[test]
    fn the_table_of_steps() {
        let wait = |until| Step::Wait { until: s(until) };
        for (name, lease, now, step) in [
            ("no lease", None, 100, Step::Create),
            ("released", Some(seen(None, 1, 100)), 100, Step::Take),
            ("released by an empty name", Some(seen(Some(""), 1, 100)), 100, Step::Take),
            ("ours", Some(seen(Some("me"), 1, 100)), 101, Step::Renew),
            ("ours, though it has long expired", Some(seen(Some("me"), 1, 100)), 900, Step::Renew),
            ("another's, just seen", Some(seen(Some("you"), 1, 100)), 100, wait(115)),
            ("another's, a moment before its end", Some(seen(Some("you"), 1, 100)), 114, wait(115)),
            ("another's, at its end", Some(seen(Some("you"), 1, 100)), 115, Step::Take),
        ] {
            assert_eq!(plan(lease.as_ref(), "me", s(now)), step, "{name}");
        }
    }

    #[test]
    fn a_holder_is_respected_for_a_full_term_after_each_change_seen() {
        let first = Seen::again(None, seen(Some("you"), 1, 100));
        let same = Seen::again(Some(first), seen(Some("you"), 1, 114));
        assert_eq!(plan(Some(&same), "me", s(115)), Step::Take, "nothing has changed since 100");
        let alive = Seen::again(Some(same), seen(Some("you"), 2, 114));
        assert_eq!(plan(Some(&alive), "me", s(115)), Step::Wait { until: s(129) });
    }

    #[test]
    fn a_lease_first_seen_is_waited_for_however_old_it_claims_to_be() {
        let old = Seen::again(None, seen(Some("you"), 0, 5));
        assert_eq!(plan(Some(&old), "me", s(5)), Step::Wait { until: s(20) });
    }

    #[test]
    fn a_holder_asks_for_longer_or_shorter_and_gets_it() {
        let mut short = seen(Some("you"), 1, 100);
        short.respected = s(3);
        assert_eq!(plan(Some(&short), "me", s(103)), Step::Take);
        short.respected = Duration::MAX;
        assert_eq!(plan(Some(&short), "me", s(9_000)), Step::Wait { until: Duration::MAX });
    }

    #[test]
    fn a_holder_stops_before_anybody_may_take_over() {
        let timing = Timing::USUAL;
        assert!(!is_lost(s(100), s(109), timing));
        assert!(is_lost(s(100), s(110), timing));
        // The other replicas have seen the renewal after it was begun, and wait longer than the holder goes on.
        let other = seen(Some("me"), 1, 100);
        let Step::Wait { until } = plan(Some(&other), "other", s(110)) else { panic!("taken too early") };
        assert_eq!(until, s(115));
    }

    #[test]
    fn pauses_differ_by_a_fifth_at_most() {
        assert_eq!(Timing::USUAL.pause(0), s(2));
        assert_eq!(Timing::USUAL.pause(u8::MAX), Duration::from_millis(2400));
        assert!(Timing::USUAL.pause(100) > s(2));
    }
}
