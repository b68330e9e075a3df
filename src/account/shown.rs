//! Whether Vobiz has accepted the credentials in use, and when they are shown to it though nothing is to be read.

use std::time::Duration;

/// Moments are monotonic.
#[derive(Debug, Clone, Copy, Default)]
pub struct Shown {
    accepted: bool,
    was_accepted: bool,
    /// When those in use came into use.
    since: Duration,
    at: Option<Duration>,
}

/// How long it takes until they are shown again, where the answer said nothing of them.
const AGAIN: Duration = Duration::from_secs(15);

impl Shown {
    /// Vobiz has accepted those in use.
    pub fn accepted(&self) -> bool {
        self.accepted
    }

    /// It has accepted these or earlier ones.
    pub fn was_accepted(&self) -> bool {
        self.was_accepted
    }

    /// Others are in use from now on: what Vobiz has said to earlier ones does not count for them.
    pub fn change(&mut self, now: Duration) {
        (self.accepted, self.since, self.at) = (false, now, Some(now));
    }

    /// Has them shown, if they were not accepted yet. Returns whether that is news.
    pub fn ask(&mut self, now: Duration) -> bool {
        let is_news = !self.accepted && self.at.is_none();
        if is_news {
            self.at = Some(now);
        }
        is_news
    }

    pub fn due(&self) -> Option<Duration> {
        self.at
    }

    /// A round of reads begins. Returns whether it has to show them.
    pub fn begins(&mut self, now: Duration) -> bool {
        let is_due = self.at.is_some_and(|at| now >= at);
        if is_due {
            self.at = Some(now + AGAIN);
        }
        is_due
    }

    /// Vobiz has accepted those that were in use at that moment.
    pub fn accept(&mut self, at: Duration) {
        self.was_accepted = true;
        if at >= self.since {
            (self.accepted, self.at) = (true, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_the_credentials_that_were_shown() {
        let at = Duration::from_secs;
        let mut shown = Shown::default();
        assert!(shown.ask(at(1)) && !shown.ask(at(2)) && shown.due() == Some(at(1)));
        assert!(!shown.begins(at(0)) && shown.begins(at(2)));
        assert_eq!(shown.due(), Some(at(17)), "as long as Vobiz says nothing of them");
        shown.accept(at(2));
        assert!(shown.accepted() && shown.due().is_none() && !shown.ask(at(3)));
        shown.change(at(5));
        assert_eq!((shown.accepted(), shown.was_accepted(), shown.due()), (false, true, Some(at(5))));
        shown.accept(at(4));
        assert!(!shown.accepted(), "the earlier ones were accepted");
        shown.accept(at(5));
        assert!(shown.accepted());
    }
}
