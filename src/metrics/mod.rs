//! What is counted while it happens. What merely *is* at the time of a scrape is read then, see [`crate::health`].
//!
//! No number, claim or namespace is a label: the sets of labels are closed, and as small as the tables in
//! `docs/metrics.md`.

mod labels;

pub use labels::{CallOutcome, Kind, Operation, Peer, ReconcileResult};

use std::{sync::atomic::AtomicU64, time::Duration};

use jiff::SignedDuration;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use strum::VariantArray;

use crate::domain::Outcome;

/// One label, by name and value.
pub type Label = (&'static str, &'static str);

type Counters<const N: usize> = Family<[Label; N], Counter>;
type Histograms<const N: usize> = Family<[Label; N], Histogram>;

#[derive(Debug)]
pub struct Metrics {
    reconciles: Counters<2>,
    reconcile_duration: Histograms<1>,
    requests: Counters<2>,
    request_duration: Histograms<1>,
    purchases: Counters<1>,
    queue: Gauge<u64, AtomicU64>,
    queue_latency: Histogram,
    clock_skew: Family<[Label; 1], Gauge<f64, AtomicU64>>,
    unstored: Gauge<u64, AtomicU64>,
    fee_differs: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            reconciles: Family::default(),
            reconcile_duration: Family::new_with_constructor(|| {
                Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0])
            }),
            requests: Family::default(),
            request_duration: Family::new_with_constructor(|| {
                Histogram::new([0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
            }),
            purchases: Family::default(),
            queue: Gauge::default(),
            queue_latency: Histogram::new([0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0]),
            clock_skew: Family::default(),
            unstored: Gauge::default(),
            fee_differs: Counter::default(),
        };
        metrics.begin_at_zero();
        metrics
    }
}

impl Metrics {
    /// A counter that appears with its first event hides that event from `rate` and `increase`.
    fn begin_at_zero(&self) {
        for kind in Kind::VARIANTS {
            drop(self.reconcile_duration.get_or_create(&[kind.label()]));
            for result in ReconcileResult::VARIANTS {
                drop(self.reconciles.get_or_create(&[kind.label(), result.label()]));
            }
        }
        for operation in Operation::VARIANTS {
            drop(self.request_duration.get_or_create(&[operation.label()]));
            for outcome in CallOutcome::VARIANTS {
                drop(self.requests.get_or_create(&[operation.label(), outcome.label()]));
            }
        }
        for outcome in Outcome::VARIANTS {
            drop(self.purchases.get_or_create(&[("outcome", outcome.into_str())]));
        }
    }

    pub fn reconciled(&self, kind: Kind, result: ReconcileResult, took: Duration) {
        self.reconciles.get_or_create(&[kind.label(), result.label()]).inc();
        self.reconcile_duration.get_or_create(&[kind.label()]).observe(took.as_secs_f64());
    }

    pub fn called(&self, operation: Operation, outcome: CallOutcome, took: Duration) {
        self.requests.get_or_create(&[operation.label(), outcome.label()]).inc();
        self.request_duration.get_or_create(&[operation.label()]).observe(took.as_secs_f64());
    }

    /// What is known about a purchase that was to be sent.
    pub fn purchased(&self, outcome: Outcome) {
        self.purchases.get_or_create(&[("outcome", outcome.into_str())]).inc();
    }

    /// A claim waits for its turn to purchase.
    pub fn queued(&self) {
        self.queue.inc();
    }

    /// So many claims wait no longer.
    pub fn left_queue(&self, count: usize) {
        self.queue.dec_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A claim's turn has come, after so long.
    pub fn waited(&self, waited: Duration) {
        self.queue_latency.observe(waited.as_secs_f64());
    }

    /// By how much a peer's clock is ahead of ours; `None` if that is not known.
    pub fn clock_skew(&self, peer: Peer, ahead: Option<SignedDuration>) {
        match ahead {
            Some(ahead) => drop(self.clock_skew.get_or_create(&[peer.label()]).set(ahead.as_secs_f64())),
            None => drop(self.clock_skew.remove(&[peer.label()])),
        }
    }

    /// So many purchases have an outcome that the API server does not take.
    pub fn unstored_outcomes(&self, count: usize) {
        self.unstored.set(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// A number costs more than Vobiz asked for before it was bought.
    pub fn fee_differs(&self) {
        self.fee_differs.inc();
    }

    /// Adds everything to what is served.
    pub fn register(&self, to: &mut Registry) {
        to.register("reconciles", "Reconciles, by kind and result", self.reconciles.clone());
        to.register_with_unit(
            "reconcile_duration",
            "Time that a reconcile took, in seconds",
            Unit::Seconds,
            self.reconcile_duration.clone(),
        );
        to.register("vobiz_requests", "Calls to Vobiz, by operation and outcome", self.requests.clone());
        to.register_with_unit(
            "vobiz_request_duration",
            "Time that a call to Vobiz took, in seconds, without the wait for the rate limit",
            Unit::Seconds,
            self.request_duration.clone(),
        );
        to.register(
            "purchases",
            "Purchase calls, by what is known about each when it ends; verification may find more",
            self.purchases.clone(),
        );
        to.register(
            "purchase_queue_depth",
            "Claims that wait for their turn to purchase",
            self.queue.clone(),
        );
        to.register_with_unit(
            "purchase_queue_latency",
            "Time that a claim waited for its turn to purchase, in seconds; rate limit included, except with a ceiling",
            Unit::Seconds,
            self.queue_latency.clone(),
        );
        to.register_with_unit(
            "clock_skew",
            "By how much a peer's clock is ahead of this machine's, in seconds; less than 0 if it is behind",
            Unit::Seconds,
            self.clock_skew.clone(),
        );
        to.register(
            "unstored_outcomes",
            "Purchases whose outcome this process knows, and the API server does not take",
            self.unstored.clone(),
        );
        to.register(
            "fee_differs",
            "Numbers that were found to cost more than Vobiz asked for before they were bought",
            self.fee_differs.clone(),
        );
    }
}
