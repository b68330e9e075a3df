//! The two clocks of this process, and those of others that they are held against.

use std::time::{Duration, Instant};

use http::{
    HeaderMap,
    header::{AGE, DATE},
};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};
use parking_lot::Mutex;
use strum::VariantArray;

use crate::{
    domain::{self, Clocks, Moment, Sighting},
    metrics::Peer,
};

#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// The clock of a process that began so much earlier.
    #[cfg(test)]
    pub(crate) fn later(self, by: Duration) -> Self {
        Self { started: self.started.checked_sub(by).unwrap_or(self.started) }
    }

    pub(crate) fn now(&self) -> Moment {
        Moment { wall: Timestamp::now(), mono: self.started.elapsed() }
    }
}

/// For so long it is known what a clock showed that shows itself no more.
const KNOWN_FOR: Duration = Duration::from_mins(30);

/// For so long one machine of several behind one address is believed to be wrong, though the others are right.
const DOUBTED_FOR: Duration = Duration::from_secs(30);

/// A difference that is shown changes only by more than this: a message is not to be written anew each second.
const STEADY_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// The clocks of Vobiz and of the API server, as their answers show them.
#[derive(Debug)]
pub struct Peers {
    clock: Clock,
    /// By [`Peer`].
    seen: [Mutex<Seen>; Peer::VARIANTS.len()],
}

#[derive(Debug, Default)]
struct Seen {
    last: Option<Sighting>,
    /// The last one that was worth a warning.
    off: Option<Sighting>,
    /// By how much it is said to be ahead.
    said: Option<SignedDuration>,
    warned: bool,
}

impl Default for Peers {
    fn default() -> Self {
        Self::new(Clock::start())
    }
}

impl Peers {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, seen: Default::default() }
    }

    /// The clock that they are held against.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// An answer has come to what was asked at `begun`. Without a date that can be read, or kept by a cache, it shows
    /// nothing.
    pub fn saw(&self, peer: Peer, headers: &HeaderMap, begun: Moment) {
        let Some(date) = date(headers) else { return };
        let now = self.now();
        let sighting = Sighting::new(date, begun, now);
        self.seen(peer, |seen| {
            seen.last = Some(sighting);
            if domain::is_notable(sighting.ahead(now)) {
                seen.off = Some(sighting);
            }
        });
        self.look(peer, now);
    }

    pub fn clocks(&self) -> Clocks {
        let now = self.now();
        Clocks { vobiz: self.look(Peer::Vobiz, now), kubernetes: self.look(Peer::Kubernetes, now) }
    }

    fn look(&self, peer: Peer, now: Moment) -> Option<SignedDuration> {
        self.seen(peer, |seen| {
            seen.last = seen.last.filter(|last| last.age(now) < KNOWN_FOR);
            let is_off = |off: &Sighting| off.age(now) < DOUBTED_FOR && domain::is_notable(off.ahead(now));
            seen.off = seen.off.filter(is_off);
            let ahead = seen.off.or(seen.last).map(|sighting| sighting.ahead(now));
            seen.said = steady(seen.said, ahead);
            let notable = seen.said.is_some_and(domain::is_notable);
            if notable != std::mem::replace(&mut seen.warned, notable) {
                tell(peer, notable, seen.said);
            }
            seen.said
        })
    }

    fn seen<T>(&self, peer: Peer, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen[peer as usize].lock())
    }
}

fn date(headers: &HeaderMap) -> Option<Timestamp> {
    if headers.contains_key(AGE) {
        return None;
    }
    DateTimeParser::new().parse_timestamp(headers.get(DATE)?.to_str().ok()?.trim()).ok()
}

fn steady(said: Option<SignedDuration>, ahead: Option<SignedDuration>) -> Option<SignedDuration> {
    match (said, ahead) {
        (Some(said), Some(ahead)) if (ahead - said).abs() <= STEADY_WITHIN => Some(said),
        (_, ahead) => ahead,
    }
}

/// Once an episode.
fn tell(peer: Peer, notable: bool, ahead: Option<SignedDuration>) {
    let (peer, seconds) = (peer.label().1, ahead.map(|ahead| ahead.as_secs()));
    if notable {
        tracing::warn!(
            peer,
            seconds,
            "the clock of this machine and the peer's are more than 2 minutes apart (seconds: by how much the peer's is \
             ahead); beyond 10 minutes nothing is bought. Check NTP on the node: timedatectl, chronyc tracking"
        );
    } else {
        tracing::info!(peer, seconds, "the clocks agree again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers_after(headers: &[(http::HeaderName, &str)]) -> Clocks {
        let peers = Peers::default();
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap()));
        peers.saw(Peer::Vobiz, &headers.collect(), peers.now());
        peers.clocks()
    }

    fn in_minutes(minutes: i64) -> String {
        let then = Timestamp::now() + SignedDuration::from_mins(minutes);
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then).unwrap()
    }

    #[test]
    fn a_date_shows_how_far_the_clocks_are_apart() {
        for (minutes, wrong) in [(0, false), (9, false), (15, true), (-15, true)] {
            let clocks = peers_after(&[(DATE, &in_minutes(minutes))]);
            assert_eq!((clocks.are_wrong(), clocks.kubernetes), (wrong, None), "{clocks:?}");
        }
    }

    #[test]
    fn one_machine_of_several_that_is_wrong_is_enough() {
        let peers = Peers::default();
        for minutes in [0, 15, 0] {
            let headers = [(DATE, in_minutes(minutes).parse().unwrap())].into_iter().collect();
            peers.saw(Peer::Vobiz, &headers, peers.now());
        }
        assert!(peers.clocks().are_wrong(), "{:?}", peers.clocks());
    }

    #[test]
    fn what_shows_no_date_of_now_proves_nothing() {
        let off = in_minutes(60);
        for headers in [&[][..], &[(DATE, "soon")], &[(DATE, "")], &[(DATE, &off), (AGE, "3600")]] {
            assert_eq!(peers_after(headers), Clocks::default(), "{headers:?}");
        }
    }

    #[test]
    fn a_difference_that_flickers_is_one_difference() {
        let seconds = |seconds| Some(SignedDuration::from_secs(seconds));
        for (said, ahead, expected) in [
            (None, seconds(900), seconds(900)),
            (seconds(900), seconds(901), seconds(900)),
            (seconds(900), seconds(931), seconds(931)),
            (seconds(900), seconds(0), seconds(0)),
            (seconds(900), None, None),
        ] {
            assert_eq!(steady(said, ahead), expected);
        }
    }
}
