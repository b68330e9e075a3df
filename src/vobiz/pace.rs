//! How fast Vobiz is called: within the rate limit, of which purchases keep the most.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use parking_lot::RwLock;

use crate::domain::Rate;

/// While a purchase waits for its slot, reads get one in so many: what was read serves many purchases, and reading more
/// would only make them wait. So do the prices of claims, however many those are, while anything else waits.
const SHARE: u32 = 4;

/// Rounds of reads begin so often a second at most, and at least: each costs a page of the ledger, which all that has come
/// to wait meanwhile can share. Those of a burst begin at once.
const ROUNDS: (u32, u32) = (2, 10);

/// The rate limit of one account.
pub struct Pace {
    limits: RwLock<Arc<Limits>>,
    /// Purchases that wait for their slots, and reads.
    purchases_waiting: AtomicUsize,
    reads_waiting: AtomicUsize,
}

struct Limits {
    rate: Rate,
    calls: DefaultDirectRateLimiter,
    reads: DefaultDirectRateLimiter,
    prices: DefaultDirectRateLimiter,
    rounds: DefaultDirectRateLimiter,
}

impl Limits {
    fn new(of: Rate) -> Self {
        let Rate { per_second: rate, burst } = of;
        let limiter = |part: fn(u32) -> u32| {
            let part = |of: NonZeroU32| NonZeroU32::new(part(of.get())).unwrap_or(NonZeroU32::MIN);
            RateLimiter::direct(Quota::per_second(part(rate)).allow_burst(part(burst)))
        };
        Self {
            rate: of,
            calls: limiter(|of| of),
            reads: limiter(|of| of / SHARE),
            prices: limiter(|of| of / SHARE),
            rounds: limiter(|of| (of / SHARE / 2).clamp(ROUNDS.0, ROUNDS.1)),
        }
    }
}

impl Pace {
    pub fn new(rate: Rate) -> Self {
        Self {
            limits: RwLock::new(Arc::new(Limits::new(rate))),
            purchases_waiting: AtomicUsize::default(),
            reads_waiting: AtomicUsize::default(),
        }
    }

    /// From now on, at that rate. What waits for a slot already waits for it at the one before.
    pub fn change(&self, rate: Rate) {
        if self.limits().rate != rate {
            *self.limits.write() = Arc::new(Limits::new(rate));
        }
    }

    fn limits(&self) -> Arc<Limits> {
        self.limits.read().clone()
    }

    /// Waits for the slot of a purchase.
    pub async fn purchase_slot(&self) {
        let _waits = Waits::new(&self.purchases_waiting);
        self.limits().calls.until_ready().await;
    }

    /// Waits for the slot of a read.
    pub async fn read_slot(&self) {
        let (limits, _waits) = (self.limits(), Waits::new(&self.reads_waiting));
        if self.purchases_waiting.load(Ordering::Relaxed) > 0 {
            limits.reads.until_ready().await;
        }
        limits.calls.until_ready().await;
    }

    /// Waits until another price may be read, while no price waits for its slot.
    pub async fn price(&self) {
        let others = [&self.purchases_waiting, &self.reads_waiting];
        if others.iter().any(|waiting| waiting.load(Ordering::Relaxed) > 0) {
            self.limits().prices.until_ready().await;
        }
    }

    /// Waits until another round of reads may begin.
    pub async fn round(&self) {
        self.limits().rounds.until_ready().await;
    }
}

/// A call that waits, until this is dropped: it may be given up.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::{FutureExt, StreamExt, stream};
    use tokio::time::timeout;

    use super::*;

    fn pace(rate: u32, burst: u32) -> Pace {
        Pace::new(format!("{rate}/{burst}").parse().unwrap())
    }

    #[tokio::test]
    async fn purchases_that_wait_keep_most_of_the_rate_limit() {
        let pace = pace(200, 8);
        let (purchases, reads) = (AtomicUsize::default(), AtomicUsize::default());
        let purchasing = async {
            loop {
                pace.purchase_slot().await;
                purchases.fetch_add(1, Ordering::Relaxed);
            }
        };
        let reading = stream::repeat(()).for_each_concurrent(8, |()| async {
            pace.read_slot().await;
            reads.fetch_add(1, Ordering::Relaxed);
        });
        let both = async { tokio::join!(purchasing, reading) };
        assert!(timeout(Duration::from_secs(1), both).await.is_err());
        let (purchases, reads) = (purchases.into_inner(), reads.into_inner());
        assert!(purchases > 2 * reads && reads > 10, "{purchases} purchases, {reads} reads");
    }

    #[tokio::test]
    async fn a_rate_that_is_changed_counts_at_once() {
        let pace = pace(1, 2);
        assert_eq!((0..9).filter(|_| pace.read_slot().now_or_never().is_some()).count(), 2);
        pace.change("1/5".parse().unwrap());
        assert_eq!((0..9).filter(|_| pace.read_slot().now_or_never().is_some()).count(), 5);
        pace.change("1/5".parse().unwrap());
        assert!(pace.read_slot().now_or_never().is_none(), "it is the same");
    }

    #[tokio::test]
    async fn prices_leave_most_of_the_rate_limit_to_all_else_that_waits() {
        for (purchases, reads, most) in [(0, 0, 50), (1, 0, 10), (0, 1, 10), (1, 1, 10)] {
            let pace = pace(1, 40);
            let _purchases: Vec<_> = (0..purchases).map(|_| Waits::new(&pace.purchases_waiting)).collect();
            let _reads: Vec<_> = (0..reads).map(|_| Waits::new(&pace.reads_waiting)).collect();
            let prices = (0..50).filter(|_| pace.price().now_or_never().is_some()).count();
            assert_eq!(prices, most, "{purchases} {reads}");
        }
    }

    #[tokio::test]
    async fn reads_have_the_whole_rate_limit_where_no_purchase_waits() {
        let pace = pace(1, 40);
        let at_once = |reads: usize| (0..reads).filter(|_| pace.read_slot().now_or_never().is_some()).count();
        assert_eq!(at_once(50), 40);
    }
}
