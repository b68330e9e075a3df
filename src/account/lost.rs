//! A page that is lost in the middle of a long reading: how often it is asked for again, and when.

use std::time::{Duration, Instant};

use crate::domain::Backoff;

/// A page that cannot be had, of a reading that has begun, is asked for so often again, after these pauses.
const MOST_LOST: u32 = 4;
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(8) };

/// A page that could not be had: how many pages came before it, how often it was asked for, and when it is again.
#[derive(Debug, Default)]
pub struct Lost {
    pages: usize,
    times: u32,
    pub until: Option<Instant>,
}

impl Lost {
    /// The page after so many could not be had. Returns whether it is asked for again.
    pub fn again(&mut self, pages: usize, now: Instant) -> bool {
        if pages != self.pages {
            (self.pages, self.times) = (pages, 0);
        }
        self.until = Some(now + PAUSES.after(self.times));
        self.times += 1;
        self.times <= MOST_LOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_page_is_asked_for_a_few_times_and_the_next_one_as_often() {
        let (mut lost, mut now) = (Lost::default(), Instant::now());
        for page in [7, 8] {
            for pause in [1, 2, 4, 8] {
                assert!(lost.again(page, now));
                assert_eq!(lost.until, Some(now + Duration::from_secs(pause)));
                now += Duration::from_secs(pause);
            }
        }
        assert!(!lost.again(8, now), "it is given up");
    }
}
