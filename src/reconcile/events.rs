//! Events are written one after the other: of claims that come together, those that have no number yet come before them.

use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard},
    time::timeout,
};

/// An event waits so long for those before it. Where more come than can be written one by one, they are written side by side.
const LONGEST: Duration = Duration::from_millis(100);

#[derive(Default)]
pub struct Events(Mutex<()>);

impl Events {
    /// Waits until those before are written, but not for long; the next one waits until what this returns is dropped.
    pub async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        timeout(LONGEST, self.0.lock()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn an_event_waits_for_the_one_before_it_but_not_for_long() {
        let events = Events::default();
        let first = events.turn().await;
        assert!(first.is_some() && events.turn().now_or_never().is_none());
        drop(first);
        let second = events.turn().now_or_never().flatten();
        assert!(second.is_some());
        assert!(events.turn().await.is_none(), "the second one is still being written");
    }
}
