//! A page that is lost in the middle of a long reading: how often it is asked for again, and when.

use std::time::{Duration, Instant};

use crate::{domain::Backoff, vobiz::ReadError};

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

    /// Whether what was read stays good, of a reading that has come so many pages far. The account is held until a page that was
    /// given up can be had: begun anew, a long ledger would hold it for as long as all of it takes.
    pub fn stays_good(&self, went_on: &Result<bool, ReadError>, pages: usize) -> bool {
        matches!(went_on, Ok(_) | Err(ReadError::RateLimited { .. }))
            || (pages == self.pages && self.times > MOST_LOST)
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

    #[test]
    fn a_reading_goes_on_at_a_page_that_was_given_up_and_at_no_other_failure() {
        let (mut lost, now) = (Lost::default(), Instant::now());
        let failed = || Err(ReadError::Failed("no page".into()));
        assert!(lost.again(7, now) && !lost.stays_good(&failed(), 7));
        while lost.again(7, now) {}
        for (went_on, pages, good) in [
            (Ok(false), 3, true),
            (Err(ReadError::RateLimited { retry_after: None }), 3, true),
            (failed(), 7, true),
            // Not the page failed, but what came with it; or it was another one.
            (failed(), 8, false),
            (failed(), 0, false),
        ] {
            assert_eq!(lost.stays_good(&went_on, pages), good, "{went_on:?} {pages}");
        }
    }
}
