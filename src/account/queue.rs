//! The claims that wait for their turn to purchase, and the workers that wait for a claim. The order is `plan`'s.

use std::{
    future::Future,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::{Mutex as Door, MutexGuard as Entered, Notify};

use crate::{
    api::ClaimRef,
    clock::Clock,
    metrics::Metrics,
    plan::{self, Enqueued, Moment, Next, TurnEnd},
};

/// One account's queue of purchases.
pub struct Queue {
    state: Mutex<plan::Queue>,
    /// There may be another next turn than there was.
    changed: Notify,
    /// One worker at a time takes a turn: what becomes of it may change the next.
    door: Door<()>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// A claim's turn. It waits as long as the turn has not begun.
pub struct Turn<'a> {
    queue: &'a Queue,
    pub claim: ClaimRef,
    _entered: Entered<'a, ()>,
}

/// The place of a turn that has begun: others wait for it until it is dropped.
pub struct Place<'a> {
    queue: &'a Queue,
    uid: String,
}

impl Queue {
    #[must_use]
    pub fn new(places: NonZeroUsize, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let state = Mutex::new(plan::Queue::new(places));
        Self { state, changed: Notify::new(), door: Door::default(), clock, metrics }
    }

    fn state(&self) -> MutexGuard<'_, plan::Queue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether no claim has its turn now.
    pub fn is_idle(&self) -> bool {
        self.state().is_idle()
    }

    /// How many workers there are work for at the same time, at most.
    pub fn most(&self) -> usize {
        self.state().most()
    }

    /// A claim that was created then wants a turn.
    pub fn enqueue(&self, claim: ClaimRef, created: Timestamp) -> Enqueued {
        let enqueued = self.state().enqueue(claim, created, self.clock.now());
        if enqueued == Enqueued::Now {
            self.metrics.queued();
            self.changed.notify_one();
        }
        enqueued
    }

    /// Waits for the next turn.
    pub async fn next(&self) -> Turn<'_> {
        let entered = self.door.lock().await;
        loop {
            let next = self.state().next(self.clock.now());
            match next {
                Next::Turn(claim) => return Turn { queue: self, claim, _entered: entered },
                Next::After(pause) => {
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.changed.notified() => {}
                    }
                }
                Next::Later => self.changed.notified().await,
            }
        }
    }

    /// Awaits the answer to what the claim's turn sends. While there is none, Vobiz may turn out to hang at it.
    pub async fn sent<T>(&self, uid: &str, call: impl Future<Output = T>) -> T {
        self.send(uid, Some(self.clock.now()));
        let answer = call.await;
        self.send(uid, None);
        answer
    }

    fn send(&self, uid: &str, sent: Option<Moment>) {
        self.state().send(uid, sent);
        self.changed.notify_one();
    }

    /// A turn of the claim, or another write of its intent, has ended. Returns how long it pauses.
    pub fn turn_ended(&self, uid: &str, end: TurnEnd) -> Option<Duration> {
        let pause = self.state().turn_ended(uid, end, self.clock.now());
        self.changed.notify_one();
        pause
    }

    /// How long the claim still pauses, because its last turn was in vain.
    pub fn paused_for(&self, uid: &str) -> Option<Duration> {
        self.state().paused_for(uid, self.clock.now())
    }

    /// Why the API server did not take the claim's last intent.
    pub fn last_refusal(&self, uid: &str) -> Option<String> {
        self.state().last_refusal(uid).map(str::to_owned)
    }

    /// The claim has nothing to purchase.
    pub fn forget(&self, uid: &str) {
        let left = self.state().forget(uid);
        self.metrics.left_queue(usize::from(left));
    }

    /// Forgets all claims: they wait for another process now.
    pub fn clear(&self) {
        let waited = self.state().clear();
        self.metrics.left_queue(waited);
    }

    /// Forgets the claims that are gone, by what was known at that moment.
    pub fn retain(&self, known_at: Moment, lives: impl Fn(&str) -> bool) {
        let left = self.state().retain(known_at, lives);
        self.metrics.left_queue(left);
    }
}

impl<'a> Turn<'a> {
    /// The claim's turn begins: it does not wait any more, and another worker may take the next turn.
    pub fn begin(self) -> (ClaimRef, Place<'a>) {
        let Self { queue, claim, .. } = self;
        // The claim may have gone while a slot was waited for.
        if let Some(since) = queue.state().begin(&claim) {
            queue.metrics.left_queue(1);
            queue.metrics.waited(queue.clock.now().mono.saturating_sub(since.mono));
        }
        let place = Place { queue, uid: claim.uid.clone() };
        (claim, place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.state().give_back(&self.uid);
        self.queue.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn claim(uid: &str) -> ClaimRef {
        ClaimRef { namespace: "n".into(), name: uid.into(), uid: uid.into() }
    }

    fn queue() -> Queue {
        Queue::new(NonZeroUsize::new(2).unwrap(), Clock::start(), Arc::default())
    }

    fn enqueue(queue: &Queue, uid: &str) -> Enqueued {
        queue.enqueue(claim(uid), Timestamp::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn a_claim_waits_until_its_turn_begins_and_one_worker_at_a_time() {
        let queue = queue();
        enqueue(&queue, "a");
        enqueue(&queue, "b");
        let turn = queue.next().await;
        assert!(queue.next().now_or_never().is_none(), "another worker has to wait");
        // The worker stops before it has a slot.
        drop(turn);
        assert_eq!(enqueue(&queue, "a"), Enqueued::Already);
        let (first, _place) = queue.next().await.begin();
        let (second, _place) = queue.next().await.begin();
        assert_eq!((first, second), (claim("a"), claim("b")));
        assert!(queue.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_worker_that_waits_is_woken_by_a_claim_that_comes() {
        let queue = queue();
        let next = async { queue.next().await.begin().0 };
        let comes = async { enqueue(&queue, "a") };
        assert_eq!(tokio::join!(next, comes), (claim("a"), Enqueued::Now));
    }

    #[tokio::test]
    async fn a_worker_that_waits_is_woken_by_a_place_that_is_given_back() {
        let queue = queue();
        for uid in ["a", "b", "c"] {
            enqueue(&queue, uid);
        }
        let (_, first) = queue.next().await.begin();
        let (_, _second) = queue.next().await.begin();
        let next = async { queue.next().await.begin().0 };
        let ends = async { drop(first) };
        assert_eq!(tokio::join!(next, ends), (claim("c"), ()));
    }

    #[tokio::test]
    async fn a_worker_that_waits_is_woken_when_vobiz_turns_out_to_hang() {
        let queue = queue();
        for uid in ["a", "b", "c"] {
            enqueue(&queue, uid);
        }
        let (_, _first) = queue.next().await.begin();
        let (_, _second) = queue.next().await.begin();
        let hangs = |uid: &'static str| queue.sent(uid, std::future::pending::<()>());
        let next = async { queue.next().await.begin().0 };
        let next = tokio::time::timeout(Duration::from_secs(30), next);
        let found = tokio::select! {
            found = next => found.unwrap(),
            _ = futures::future::join(hangs("a"), hangs("b")) => unreachable!(),
        };
        assert_eq!(found, claim("c"));
    }

    #[tokio::test]
    async fn a_pause_of_all_ends_with_the_first_intent_that_is_taken() {
        let queue = queue();
        enqueue(&queue, "a");
        for _ in 0..20 {
            queue.turn_ended("b", TurnEnd::Refused("no space".into()));
        }
        assert!(queue.next().now_or_never().is_none());
        let next = async { queue.next().await.begin().0 };
        let taken = async { queue.turn_ended("c", TurnEnd::Done) };
        let both = async { tokio::join!(next, taken) };
        let soon = tokio::time::timeout(Duration::from_secs(2), both).await;
        assert_eq!(soon.unwrap(), (claim("a"), None));
    }
}
