//! Pauses between tries that fail: each twice as long as the one before, up to the longest.

use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub first: Duration,
    pub longest: Duration,
}

impl Backoff {
    /// The pause after a try that failed, when so many in a row had failed before it.
    pub fn after(self, failures: u32) -> Duration {
        self.first.saturating_mul(1 << failures.min(16)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_they_are_the_longest() {
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };
        let pauses = [0, 1, 2, 3, 4, 5, 6, 7, u32::MAX].map(|failures| backoff.after(failures).as_millis());
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
        let endless = Backoff { first: Duration::MAX, ..backoff };
        assert_eq!(endless.after(1), backoff.longest);
    }
}
