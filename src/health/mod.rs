//! What an operator's operator sees: whether it lives, whether it is ready, and its metrics.

mod gauges;
mod readiness;
mod server;

pub use readiness::Stage;
pub use server::{BindError, bind, serve};

use std::{
    collections::HashSet,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::Mutex;
use prometheus_client::{encoding::text, registry::Registry};

use crate::{
    account::{AccountHealth, Accounts},
    api::ObjectKey,
    domain::Clocks,
    metrics::{Kind, Metrics},
    plan::Gate,
    reconcile::{Claims, Records},
};
use gauges::{Gauges, Met};
use readiness::{Facts, Readiness};

/// How far this process has come, noted by the tasks that bring it on.
#[derive(Debug, Default)]
pub struct Lifecycle(Mutex<Stage>);

impl Lifecycle {
    pub fn note(&self, change: impl FnOnce(&mut Stage)) {
        change(&mut self.0.lock());
    }

    /// Whether this process works, and does not wait for its election.
    pub fn is_leading(&self) -> bool {
        self.0.lock().leading
    }
}

pub struct HealthSources {
    pub lifecycle: Arc<Lifecycle>,
    pub claims: Claims,
    pub records: Records,
    pub accounts: Arc<Accounts>,
    pub metrics: Arc<Metrics>,
    pub walked: Walked,
}

/// What the last walk over all claims and records found.
#[derive(Default)]
pub struct Walked(Mutex<Option<(Arc<Gauges>, Instant)>>);

/// For how long that is shown, after a walk that took so long: the thread that walks is the one that renews the lease, and a
/// client that asks for metrics in a loop must not own it.
fn shown_for(took: Duration) -> Duration {
    Duration::from_secs(1).max(took * 20)
}

impl Walked {
    /// What was found, if it may still be shown; otherwise what another walk finds.
    fn or(&self, now: Instant, walk: impl FnOnce() -> Gauges) -> Arc<Gauges> {
        let mut last = self.0.lock();
        if let Some((found, until)) = last.as_ref()
            && now < *until
        {
            return found.clone();
        }
        let begun = Instant::now();
        let found = Arc::new(walk());
        *last = Some((found.clone(), now + shown_for(begun.elapsed())));
        found
    }
}

impl HealthSources {
    fn readiness(&self) -> Readiness {
        let stage = self.lifecycle.0.lock().clone();
        let clocks = self.accounts.clocks().known(stage.leading);
        Readiness::of(&Facts {
            stage,
            missing: self.claims.listed.missing(Instant::now()),
            clocks: Some(clocks).filter(|clocks| clocks.are_notable()).map(Clocks::apart),
            accounts: self.met(),
        })
    }

    fn health(&self) -> Vec<AccountHealth> {
        let mut all: Vec<_> = self.accounts.all().iter().map(|account| account.health()).collect();
        all.sort_by(|one, other| one.account.as_str().cmp(other.account.as_str()));
        all
    }

    /// Each account, and why it has not been accepted yet, if it has not.
    fn met(&self) -> Vec<(String, Option<String>)> {
        let known = self.accounts.known();
        let lacking = known.directory.lacking().map(|(name, why)| (name.to_owned(), Some(why.to_owned())));
        let met = self.health().into_iter().map(|AccountHealth { account, was_accepted, gate, .. }| {
            let refused = match gate {
                _ if was_accepted => None,
                Gate::Open => Some("Vobiz has not been asked yet".to_owned()),
                Gate::Closed(_, why) => Some(why),
            };
            (account.to_string(), refused)
        });
        met.chain(lacking).collect()
    }

    fn metrics(&self) -> Result<String, fmt::Error> {
        let gauges = self.walked.or(Instant::now(), || {
            let mut gauges = Gauges::default();
            self.claims.cache.briefs(|claims| claims.for_each(|(_, claim)| gauges.count_claim(claim)));
            let all = self.accounts.all();
            for account in &all {
                let holdings = account.holdings(|e164| self.records.contains(&ObjectKey::number(e164)));
                // Its own rows alone: those of its sub-accounts stand in the listings of those as well.
                gauges.unrecorded(holdings.map(|holdings| holdings.unrecorded));
            }
            let ours: HashSet<_> = all.iter().map(|account| account.id()).collect();
            self.records.briefs(|records| {
                records.for_each(|(_, record)| match record {
                    // Records of an account that is not worked with are not ours to count.
                    Some(record) => {
                        let account = ours.get(&record.account).into_iter();
                        account.for_each(|account| gauges.count_record(record, account));
                    }
                    None => gauges.newer(Kind::Record),
                });
            });
            gauges.unlisted(self.claims.listed.missing(Instant::now()).len());
            gauges
        });
        // A process that does not lead knows nothing of the account, or what is out of date.
        let met = self.lifecycle.is_leading().then(|| Met {
            accounts: self.health(),
            without_token: self
                .accounts
                .known()
                .directory
                .without_token()
                .map(|(id, why)| (id.clone(), why))
                .collect(),
        });
        encode(&gauges, &self.metrics, met.as_ref(), Timestamp::now())
    }
}

fn encode(
    gauges: &Gauges,
    metrics: &Metrics,
    met: Option<&Met>,
    now: Timestamp,
) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("vobiz_operator");
    gauges.register(&mut registry, met, now);
    metrics.register(&mut registry);
    let mut served = String::new();
    text::encode(&mut served, &registry)?;
    Ok(served)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn claims_and_records_are_walked_once_however_often_metrics_are_read() {
        let (walked, walks, now) = (Walked::default(), Cell::new(0), Instant::now());
        let ask = |after| {
            walked.or(now + after, || {
                walks.set(walks.get() + 1);
                Gauges::default()
            })
        };
        for millis in 0..1000 {
            ask(Duration::from_millis(millis));
        }
        assert_eq!(walks.get(), 1);
        ask(Duration::from_mins(1));
        assert_eq!(walks.get(), 2);
        // A walk that took long is shown for longer.
        assert_eq!(shown_for(Duration::from_millis(1)), Duration::from_secs(1));
        assert_eq!(shown_for(Duration::from_millis(500)), Duration::from_secs(10));
    }
}
