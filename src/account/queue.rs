//! The claims that wait for their turn to purchase, and the wait for the next turn. The order is `plan`'s.

use std::{
    future::Future,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::{
    api::{ClaimRef, PhoneNumberClaim},
    clock::Clock,
    metrics::Metrics,
    plan::{self, Enqueued, Moment, Next, TurnEnd},
};

/// One account's queue of purchases. One task alone waits for its turns: what becomes of one may change the next.
pub struct Queue {
    state: Mutex<plan::Queue>,
    /// There may be another next turn than there was.
    changed: Notify,
    clock: Clock,
    metrics: Arc<Metrics>,
}

/// The place of a turn that has begun: others wait for it until it is dropped.
pub struct Place {
    queue: Arc<Queue>,
    uid: String,
}

impl Queue {
    #[must_use]
    pub fn new(places: NonZeroUsize, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let state = Mutex::new(plan::Queue::new(places));
        Self { state, changed: Notify::new(), clock, metrics }
    }

    fn state(&self) -> MutexGuard<'_, plan::Queue> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many claims are in line for their turn.
    pub fn line_length(&self) -> usize {
        self.state().line_length()
    }

    /// Whether the claim is in line for its turn, which has not begun.
    pub fn has_in_line(&self, claim: &PhoneNumberClaim) -> bool {
        self.state().has_in_line(claim.metadata.uid.as_deref().unwrap_or_default())
    }

    /// Whether no claim has its turn now.
    pub fn is_idle(&self) -> bool {
        self.state().is_idle()
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

    /// Waits for the claim whose turn is next. It waits on as long as its turn has not begun.
    pub async fn next(&self) -> ClaimRef {
        loop {
            let next = self.state().next(self.clock.now());
            match next {
                Next::Turn(claim) => return claim,
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

    /// The claim's turn begins: it does not wait any more, and the next turn may be taken.
    pub fn begin(self: &Arc<Self>, claim: &ClaimRef) -> Place {
        let since = self.state().begin(claim);
        // The claim may have gone while a slot was waited for.
        if let Some(since) = since {
            self.metrics.left_queue(1);
            self.metrics.waited(self.clock.now().mono.saturating_sub(since.mono));
        }
        Place { queue: self.clone(), uid: claim.uid.clone() }
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

/// A reconcile that still had the account may have a claim queue after the account's work has ended.
impl Drop for Queue {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.state().give_back(&self.uid);
        self.queue.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use prometheus_client::registry::Registry;

    use super::*;

    fn claim(uid: &str) -> ClaimRef {
        ClaimRef { namespace: "n".into(), name: uid.into(), uid: uid.into() }
    }

    fn queue() -> Arc<Queue> {
        Arc::new(Queue::new(NonZeroUsize::new(2).unwrap(), Clock::start(), Arc::default()))
    }

    fn enqueue(queue: &Queue, uid: &str) -> Enqueued {
        queue.enqueue(claim(uid), Timestamp::UNIX_EPOCH)
    }

    async fn begin(queue: &Arc<Queue>) -> (ClaimRef, Place) {
        let claim = queue.next().await;
        let place = queue.begin(&claim);
        (claim, place)
    }

    #[tokio::test]
    async fn a_claim_waits_until_its_turn_begins_and_no_more_begin_than_places() {
        let queue = queue();
        for uid in ["a", "b", "c"] {
            enqueue(&queue, uid);
        }
        // What took the turn stops before it has a slot.
        assert_eq!(queue.next().await, claim("a"));
        assert_eq!(enqueue(&queue, "a"), Enqueued::Already);
        let (first, _place) = begin(&queue).await;
        let (second, _place) = begin(&queue).await;
        assert_eq!((first, second), (claim("a"), claim("b")));
        assert!(queue.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn the_next_turn_comes_with_a_claim_that_comes() {
        let queue = queue();
        let comes = async { enqueue(&queue, "a") };
        assert_eq!(tokio::join!(queue.next(), comes), (claim("a"), Enqueued::Now));
    }

    #[tokio::test]
    async fn the_next_turn_comes_with_a_place_that_is_given_back() {
        let queue = queue();
        for uid in ["a", "b", "c"] {
            enqueue(&queue, uid);
        }
        let (_, first) = begin(&queue).await;
        let (_, _second) = begin(&queue).await;
        let ends = async { drop(first) };
        assert_eq!(tokio::join!(queue.next(), ends), (claim("c"), ()));
    }

    #[tokio::test]
    async fn the_next_turn_comes_when_vobiz_turns_out_to_hang() {
        let queue = queue();
        for uid in ["a", "b", "c"] {
            enqueue(&queue, uid);
        }
        let (_, _first) = begin(&queue).await;
        let (_, _second) = begin(&queue).await;
        let hangs = |uid: &'static str| queue.sent(uid, std::future::pending::<()>());
        let next = tokio::time::timeout(Duration::from_secs(30), queue.next());
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
        let taken = async { queue.turn_ended("c", TurnEnd::Done) };
        let both = async { tokio::join!(queue.next(), taken) };
        let soon = tokio::time::timeout(Duration::from_secs(2), both).await;
        assert_eq!(soon.unwrap(), (claim("a"), None));
    }

    #[test]
    fn a_claim_that_queues_in_an_account_that_has_gone_is_not_counted_on() {
        let metrics = Arc::<Metrics>::default();
        let waiting = || {
            let (mut registry, mut text) = (Registry::default(), String::new());
            metrics.register(&mut registry);
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            text.lines().find_map(|line| line.strip_prefix("purchase_queue_depth ")).unwrap().to_owned()
        };
        let queue = Queue::new(NonZeroUsize::MIN, Clock::start(), metrics.clone());
        queue.clear();
        enqueue(&queue, "a");
        assert_eq!(waiting(), "1");
        drop(queue);
        assert_eq!(waiting(), "0");
    }
}
