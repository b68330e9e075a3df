//! How far our clock is from those that it is held against, and what follows: evidence is dated, so that what it does not
//! show proves something only between clocks that agree.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Moment;

/// Further apart, it is said.
const NOTABLE: SignedDuration = SignedDuration::from_mins(2);

/// Further apart, nothing is bought: the ledger is read from so long before an attempt.
const WRONG: SignedDuration = SignedDuration::from_mins(10);

/// What another clock showed, in the `Date` of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// When the answer had arrived, that clock had come at least to here,
    earliest: Timestamp,
    /// and at most to here.
    latest: Timestamp,
    /// When that was. Monotonic.
    at: Duration,
}

impl Sighting {
    /// `date` was written between those two moments, without the fraction of its second.
    pub fn new(date: Timestamp, begun: Moment, ended: Moment) -> Self {
        let took = ended.mono.saturating_sub(begun.mono) + Duration::from_secs(1);
        let latest = date.saturating_add(took).unwrap_or(Timestamp::MAX);
        Self { earliest: date, latest, at: ended.mono }
    }

    pub fn age(self, now: Moment) -> Duration {
        now.mono.saturating_sub(self.at)
    }

    /// By how much that clock is ahead of ours, at least; less than nothing if it is behind. That clock is taken to have
    /// gone on since as ours that cannot be set: so a clock of ours that is set is noticed at once.
    pub fn ahead(self, now: Moment) -> SignedDuration {
        let since = self.age(now);
        let ahead =
            |then: Timestamp| then.saturating_add(since).unwrap_or(Timestamp::MAX).duration_since(now.wall);
        let (least, most) = (ahead(self.earliest), ahead(self.latest));
        if least.is_positive() {
            least
        } else if most.is_negative() {
            most
        } else {
            SignedDuration::ZERO
        }
    }
}

/// By how much the clocks of others are ahead of ours, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clocks {
    pub vobiz: Option<SignedDuration>,
    pub kubernetes: Option<SignedDuration>,
}

impl Clocks {
    /// As far as it is known to a process that works, or waits for its election: one that waits asks Vobiz nothing, and what
    /// that clock showed to its first call may be days old.
    pub fn known(self, leading: bool) -> Self {
        Self { vobiz: self.vobiz.filter(|_| leading), ..self }
    }

    /// Whether one of them is so far from ours that evidence cannot be trusted: nothing is bought, and nothing is
    /// settled as not bought. A difference that is not known holds nothing back.
    pub fn are_wrong(self) -> bool {
        self.beyond(WRONG)
    }

    /// Whether one of them is further from ours than clocks that are kept right.
    pub fn are_notable(self) -> bool {
        self.beyond(NOTABLE)
    }

    /// By how much the clocks are apart that are known, for people.
    pub fn apart(self) -> String {
        let one = |(name, ahead): (&str, Option<SignedDuration>)| {
            let ahead = ahead?;
            let minutes = (ahead.as_secs().unsigned_abs() + 30) / 60;
            Some(match (minutes, ahead.is_negative()) {
                (0, _) => format!("{name} agrees"),
                (minutes, true) => format!("{name} is {minutes} min behind"),
                (minutes, false) => format!("{name} is {minutes} min ahead"),
            })
        };
        let peers = [("Vobiz's", self.vobiz), ("the API server's", self.kubernetes)];
        let each: Vec<_> = peers.into_iter().filter_map(one).collect();
        format!("by the clock of the operator's node, {}", each.join(" and "))
    }

    fn beyond(self, limit: SignedDuration) -> bool {
        [self.vobiz, self.kubernetes].into_iter().flatten().any(|ahead| ahead.abs() > limit)
    }
}

/// Whether a clock that is so far from ours is worth a warning.
pub fn is_notable(ahead: SignedDuration) -> bool {
    ahead.abs() > NOTABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: &str, mono: u64) -> Moment {
        Moment { wall: wall.parse().unwrap(), mono: Duration::from_secs(mono) }
    }

    /// Seconds by which a date is ahead, in an answer that was asked for and had arrived at those moments.
    fn ahead(date: &str, begun: Moment, ended: Moment, now: Moment) -> i64 {
        Sighting::new(date.parse().unwrap(), begun, ended).ahead(now).as_secs()
    }

    #[test]
    fn the_time_of_the_call_and_the_missing_fraction_are_no_difference() {
        let (begun, ended) = (at("2026-01-02T03:04:05.9Z", 100), at("2026-01-02T03:04:35.9Z", 130));
        for (date, expected) in [
            ("2026-01-02T03:04:05Z", 0),
            ("2026-01-02T03:04:20Z", 0),
            ("2026-01-02T03:04:35Z", 0),
            ("2026-01-02T03:04:04Z", 0),
            ("2026-01-02T03:04:46Z", 10),
            ("2026-01-02T03:03:55Z", -9),
            ("2026-01-02T04:04:35Z", 3599),
        ] {
            assert_eq!(ahead(date, begun, ended, ended), expected, "{date}");
        }
    }

    #[test]
    fn our_own_clock_is_seen_to_be_set_without_another_answer() {
        let then = at("2026-01-02T03:04:05Z", 100);
        for (now, expected) in [
            (at("2026-01-02T03:14:05Z", 700), 0),
            // An hour back, an hour on, and right again.
            (at("2026-01-02T02:14:05Z", 700), 3600),
            (at("2026-01-02T04:14:05Z", 700), -3599),
            (at("2026-01-02T03:24:05Z", 1300), 0),
        ] {
            assert_eq!(ahead("2026-01-02T03:04:05Z", then, then, now), expected, "{now:?}");
        }
    }

    #[test]
    fn clocks_are_notable_from_two_minutes_and_wrong_from_ten() {
        let seconds = |seconds: Option<i64>| seconds.map(SignedDuration::from_secs);
        for (vobiz, kubernetes, notable, wrong) in [
            (None, None, false, false),
            (Some(120), Some(-120), false, false),
            (Some(121), None, true, false),
            (Some(0), Some(-121), true, false),
            (Some(600), Some(-600), true, false),
            (Some(601), Some(0), true, true),
            (Some(0), Some(-601), true, true),
            (None, Some(i64::MIN / 2), true, true),
        ] {
            let clocks = Clocks { vobiz: seconds(vobiz), kubernetes: seconds(kubernetes) };
            assert_eq!((clocks.are_notable(), clocks.are_wrong()), (notable, wrong), "{clocks:?}");
        }
    }
}
