//! Events are written one after the other: of claims that come together, those that have no number yet come before them.

use std::time::Duration;

use tokio::{
    sync::{Mutex, MutexGuard, Semaphore},
    time::timeout,
};

/// An event waits so long for those before it. Where more come than can be written one by one, they are written side by side.
const LONGEST: Duration = Duration::from_millis(100);

/// So many wait. Each holds one of the places in which claims are looked at, of which the others must have enough.
const WAITING: usize = 12;

/// Whose turn it is to write an event.
pub struct EventTurns {
    turn: Mutex<()>,
    waiting: Semaphore,
}

impl Default for EventTurns {
    fn default() -> Self {
        Self { turn: Mutex::default(), waiting: Semaphore::new(WAITING) }
    }
}

impl EventTurns {
    /// Waits until those before are written, but not for long, nor among many; the next one waits until what this returns is
    /// dropped.
    pub async fn next(&self) -> Option<MutexGuard<'_, ()>> {
        let _place = self.waiting.try_acquire().ok()?;
        timeout(LONGEST, self.turn.lock()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt, stream::FuturesUnordered};

    use super::*;

    #[tokio::test]
    async fn an_event_waits_for_the_one_before_it_but_not_for_long() {
        let turns = EventTurns::default();
        let first = turns.next().await;
        assert!(first.is_some() && turns.next().now_or_never().is_none());
        drop(first);
        let second = turns.next().now_or_never().flatten();
        assert!(second.is_some());
        assert!(turns.next().await.is_none(), "the second one is still being written");
    }

    #[tokio::test]
    async fn where_many_wait_the_next_one_does_not() {
        let turns = EventTurns::default();
        let _first = turns.next().await;
        let mut waiting: FuturesUnordered<_> = (0..WAITING).map(|_| turns.next()).collect();
        assert!(waiting.next().now_or_never().is_none());
        assert!(turns.next().now_or_never().is_some_and(|turn| turn.is_none()));
    }
}
