//! Waits where Vobiz limits the rate of calls, as long as it says, and not for ever.

use std::time::Duration;

use super::console::note;
use crate::{domain::Backoff, vobiz::ReadError};

/// A command waits no longer in all.
const LONGEST: Duration = Duration::from_mins(2);

/// Where Vobiz does not say how long.
const UNTOLD: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(15) };

/// How long, and how often in a row, a command has waited.
#[derive(Debug, Default)]
pub struct Patience {
    waited: Duration,
    waits: u32,
}

impl Patience {
    /// Whether the read is to be made again: it has waited then.
    pub async fn waits_after(&mut self, error: &ReadError) -> bool {
        let Some(wait) = self.next(error) else { return false };
        note(format_args!("Reading again in {} s: {error}.", wait.as_secs()));
        tokio::time::sleep(wait).await;
        true
    }

    fn next(&mut self, error: &ReadError) -> Option<Duration> {
        let ReadError::RateLimited { retry_after } = error else { return None };
        let wait = retry_after.unwrap_or_else(|| UNTOLD.after(self.waits)).max(UNTOLD.first);
        let waited = self.waited.saturating_add(wait);
        (waited <= LONGEST).then(|| {
            *self = Self { waited, waits: self.waits.saturating_add(1) };
            wait
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_waited_for_as_it_says_and_two_minutes_in_all() {
        let limited =
            |seconds: Option<u64>| ReadError::RateLimited { retry_after: seconds.map(Duration::from_secs) };
        for (error, expected) in [
            (limited(Some(7)), &[7; 17][..]),
            (limited(Some(0)), &[1; 120]),
            (limited(Some(120)), &[120]),
            (limited(Some(121)), &[]),
            (limited(None), &[1, 2, 4, 8, 15, 15, 15, 15, 15, 15, 15]),
            (ReadError::Unauthorized, &[]),
            (ReadError::Failed("429".into()), &[]),
        ] {
            let mut patience = Patience::default();
            let waits: Vec<_> =
                std::iter::from_fn(|| patience.next(&error)).map(|wait| wait.as_secs()).collect();
            assert_eq!(waits, expected, "{error:?}");
        }
    }
}
