//! How often a watch that stays broken is logged, and in which words.

use std::time::{Duration, Instant};

use kube_runtime::watcher;

use crate::domain::E164;

const AGAIN_AFTER: Duration = Duration::from_mins(1);

/// What was last said about the interruptions of one watch.
#[derive(Default)]
pub struct Interruptions {
    said: Option<(String, Instant)>,
}

impl Interruptions {
    /// Warns of what stands in the way of a watch: without it, an operator that may not list (403) would sit idle in
    /// silence. Returns what it is, unless it is routine.
    pub fn warn(&mut self, what: &str, error: &watcher::Error) -> Option<String> {
        // It may quote an object, and so a number.
        let text = E164::masked(&error.to_string());
        if is_routine(error) {
            tracing::debug!(error = text, "the watch of {what} was interrupted");
            return None;
        }
        if self.is_news(&text, Instant::now()) {
            tracing::warn!(error = text, "the watch of {what} was interrupted; it is tried again");
        } else {
            tracing::debug!(error = text, "the watch of {what} was interrupted");
        }
        Some(text)
    }

    fn is_news(&mut self, text: &str, now: Instant) -> bool {
        let known = self
            .said
            .as_ref()
            .is_some_and(|(said, at)| said == text && now.duration_since(*at) < AGAIN_AFTER);
        if !known {
            self.said = Some((text.to_owned(), now));
        }
        !known
    }
}

/// Whether the API server only no longer knows the version that the watch had come to.
pub fn is_routine(error: &watcher::Error) -> bool {
    code(error) == Some(410)
}

/// Whether the operator lacks the right to list or watch.
pub fn is_forbidden(error: &watcher::Error) -> bool {
    code(error) == Some(403)
}

/// What the API server has answered.
fn code(error: &watcher::Error) -> Option<u16> {
    use watcher::Error::{InitialListFailed, WatchError, WatchStartFailed};
    match error {
        WatchError(status)
        | InitialListFailed(kube::Error::Api(status))
        | WatchStartFailed(kube::Error::Api(status)) => Some(status.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_interruption_is_said_once_a_minute_and_another_one_at_once() {
        let mut interruptions = Interruptions::default();
        let start = Instant::now();
        let mut news =
            |text: &str, seconds: u64| interruptions.is_news(text, start + Duration::from_secs(seconds));
        assert!(news("forbidden", 0));
        assert!(!news("forbidden", 59));
        assert!(news("forbidden", 60));
        assert!(news("refused", 61));
    }

    #[test]
    fn a_version_that_is_too_old_is_routine_and_a_refusal_is_not() {
        let error = |code| {
            let status = kube::core::Status { code, ..kube::core::Status::default() };
            watcher::Error::WatchError(Box::new(status))
        };
        for (code, routine, forbidden) in [(410, true, false), (403, false, true), (500, false, false)] {
            assert_eq!(
                (is_routine(&error(code)), is_forbidden(&error(code))),
                (routine, forbidden),
                "{code}"
            );
        }
    }
}
