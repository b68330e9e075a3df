//! Leader election by a `Lease`: of several replicas, one works and the others wait. It saves work; no rule of the
//! protocol rests on it, and two leaders at once are safe.

mod lease;
mod plan;

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use lease::{LeaseError, Leases};
use plan::{Seen, Step, Timing, is_lost, plan};

/// Which lease, and the identity under which this replica asks for it.
#[derive(Debug, Clone)]
pub struct Settings {
    pub namespace: String,
    pub name: String,
    /// Different for each process, restarts included.
    pub identity: String,
}

/// A name for this process: the host's, for people, and something random, because a restarted process is another one.
#[must_use]
pub fn identity() -> String {
    let host = std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty());
    let host = host.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok()).unwrap_or_default();
    format!("{}_{}", host.trim(), uuid::Uuid::new_v4())
}

pub struct Election {
    leases: Leases,
    identity: String,
    clock: Clock,
    timing: Timing,
    seen: Option<Seen<lease::Record>>,
    /// The lease as we stored it: what is renewed without being read again.
    held: Option<Lease>,
    /// When the last successful renewal was begun. Monotonic.
    renewed: Duration,
}

impl Election {
    /// A candidate. `client` re-sends nothing.
    #[must_use]
    pub fn new(client: Client, settings: Settings, clock: Clock) -> Self {
        let leases = Leases::new(client, &settings.namespace, settings.name);
        let identity = settings.identity;
        Self {
            leases,
            identity,
            clock,
            timing: Timing::USUAL,
            seen: None,
            held: None,
            renewed: Duration::ZERO,
        }
    }

    /// Waits to be elected; `false` if `stop` comes first. No call is cut off by it: one that went through unnoticed
    /// would make the others wait.
    pub async fn win(&mut self, stop: &CancellationToken) -> bool {
        tracing::info!(identity = self.identity, lease = self.leases.name(), "standing for election");
        let mut told = None;
        while !stop.is_cancelled() {
            match self.step().await {
                Ok(true) => {
                    tracing::info!(identity = self.identity, "elected: this process leads");
                    return true;
                }
                Ok(false) => self.tell_holder(&mut told),
                Err(LeaseError::Conflict) => {}
                Err(error) => tracing::warn!(%error, "the lease cannot be read or written; trying again"),
            }
            stop.run_until_cancelled(tokio::time::sleep(self.pause())).await;
        }
        false
    }

    /// Holds on to the lease; returns when it is lost.
    pub async fn keep(&mut self) {
        loop {
            tokio::time::sleep(self.pause()).await;
            let left = (self.renewed + self.timing.deadline).saturating_sub(self.clock.now().mono);
            let why = match tokio::time::timeout(left, self.step()).await {
                Ok(Ok(false)) => return tracing::warn!("another process leads"),
                Ok(Ok(true) | Err(LeaseError::Conflict)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer from the API server".to_owned(),
            };
            if is_lost(self.renewed, self.clock.now().mono, self.timing) {
                return tracing::warn!(why, "the lease could not be renewed in time");
            }
            tracing::debug!(why, "the lease was not renewed; trying again");
        }
    }

    /// Releases the lease, so that the next replica leads at once. Only for a holder that has finished all its work.
    pub async fn release(&mut self) {
        match self.leases.release(&self.identity).await {
            Ok(()) => tracing::info!("the lease is released"),
            Err(error) => tracing::warn!(%error, "the lease is not released; it expires by itself"),
        }
    }

    /// One look, and what follows from it; returns whether the lease is ours.
    async fn step(&mut self) -> Result<bool, LeaseError> {
        let begun = self.clock.now();
        let lease = match self.held.take() {
            Some(held) => Some(held),
            None => self.leases.read().await?,
        };
        // Dated by when it was read, not by when it was asked for: it may have changed in between.
        let now = self.clock.now().mono;
        self.seen = lease.as_ref().map(|lease| {
            let seen = lease::seen(lease, now, self.timing.lease);
            Seen::again(self.seen.take(), seen)
        });
        match plan(self.seen.as_ref(), &self.identity, now) {
            Step::Wait { .. } => return Ok(false),
            Step::Create | Step::Take | Step::Renew => {}
        }
        let stored = self.leases.hold(lease, &self.identity, begun.wall, self.timing.lease).await?;
        self.held = Some(stored);
        self.renewed = begun.mono;
        Ok(true)
    }

    /// Until the next look: the usual time, or less if the lease can be taken before.
    fn pause(&self) -> Duration {
        let usual = self.timing.pause(uuid::Uuid::new_v4().as_bytes()[0]);
        let now = self.clock.now().mono;
        match plan(self.seen.as_ref(), &self.identity, now) {
            Step::Wait { until } => until.saturating_sub(now).min(usual),
            Step::Create | Step::Take | Step::Renew => usual,
        }
    }

    fn tell_holder(&self, told: &mut Option<String>) {
        let holder = self.seen.as_ref().and_then(|seen| seen.holder.clone());
        if *told != holder {
            tracing::info!(holder = holder.as_deref().unwrap_or_default(), "waiting: another process leads");
            *told = holder;
        }
    }
}
