//! How long a watch that is interrupted pauses before it is tried again.

use std::time::Duration;

use backon::ExponentialBuilder;
use kube_runtime::{
    utils::{Backoff, ResetTimerBackoff},
    watcher::ExponentialBackoff,
};

const FIRST: Duration = Duration::from_millis(800);

/// A watch that stood for so long begins with short pauses again, and its list with none.
pub const STEADY: Duration = Duration::from_mins(2);

/// What each watch adds to the longest pause of all: an API server that is starting is asked so often together, however many
/// namespaces are watched.
const EACH: Duration = Duration::from_millis(30);

/// Between these: a claim that is created while the API server starts is seen within seconds after it has.
const LONGEST: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// The pauses of one of so many watches. Each is up to twice as long as it would be, at random, so that they come one after
/// the other.
pub fn pauses(watches: usize) -> impl Backoff {
    let growing = ExponentialBuilder::new().with_min_delay(FIRST).with_max_delay(longest(watches));
    let growing = growing.with_jitter().without_max_times();
    ResetTimerBackoff::new(ExponentialBackoff::from(growing), STEADY)
}

fn longest(watches: usize) -> Duration {
    let [least, most] = LONGEST;
    EACH.saturating_mul(u32::try_from(watches).unwrap_or(u32::MAX)).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_watches_pause_for_two_seconds_at_most_and_many_for_longer() {
        for (watches, millis) in
            [(1, 1000), (2, 1000), (100, 3000), (500, 15_000), (1001, 30_000), (usize::MAX, 30_000)]
        {
            let longest = Duration::from_millis(millis);
            assert_eq!(super::longest(watches), longest, "{watches}");
            let pauses: Vec<_> = pauses(watches).take(50).collect();
            assert_eq!(pauses.len(), 50, "a watch is never given up");
            assert!(pauses.iter().all(|pause| (FIRST..=2 * longest).contains(pause)), "{pauses:?}");
            assert!(pauses[10..].iter().all(|pause| *pause >= longest), "{pauses:?}");
        }
    }
}
