//! Reads and writes the Lease, within a time limit.

use std::{future::Future, time::Duration};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{Api, Client, ResourceExt, api::PostParams, core::ObjectMeta};

use super::plan::Seen;

/// What is compared to see whether a holder lives.
pub type Record = LeaseSpec;

/// A call that takes longer is given up, in time for another one before the holder must stop.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    #[error("the lease has changed in the meantime")]
    Conflict,
    /// The API server says no, or nothing.
    #[error("{0}")]
    Failed(String),
}

impl From<kube::Error> for LeaseError {
    fn from(error: kube::Error) -> Self {
        match error {
            // 404: deleted in between. 409: changed, or created.
            kube::Error::Api(status) if matches!(status.code, 404 | 409) => Self::Conflict,
            kube::Error::Api(status) => Self::Failed(status.message),
            other => Self::Failed(other.to_string()),
        }
    }
}

pub struct Leases {
    api: Api<Lease>,
    name: String,
}

async fn bounded<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, LeaseError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(LeaseError::from),
        Err(_) => Err(LeaseError::Failed(format!("no answer within {} s", CALL_TIMEOUT.as_secs()))),
    }
}

impl Leases {
    pub fn new(client: Client, namespace: &str, name: String) -> Self {
        Self { api: Api::namespaced(client, namespace), name }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub async fn read(&self) -> Result<Option<Lease>, LeaseError> {
        bounded(self.api.get_opt(&self.name)).await
    }

    /// Takes or renews the lease as it was read: its resourceVersion makes the API server refuse, if another writer was
    /// faster. Creates it, if there was none.
    pub async fn hold(
        &self,
        lease: Option<Lease>,
        identity: &str,
        now: Timestamp,
        lasts: Duration,
    ) -> Result<Lease, LeaseError> {
        let before = lease.as_ref().and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let spec = Some(held(before, identity, now, lasts));
        if let Some(lease) = lease {
            return self.write(&Lease { spec, ..lease }).await;
        }
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        bounded(self.api.create(&PostParams::default(), &Lease { metadata, spec })).await
    }

    /// Clears the holder, if it is this one.
    pub async fn release(&self, identity: &str) -> Result<(), LeaseError> {
        let Some(mut lease) = self.read().await? else { return Ok(()) };
        match &mut lease.spec {
            Some(spec) if spec.holder_identity.as_deref() == Some(identity) => spec.holder_identity = None,
            _ => return Ok(()),
        }
        self.write(&lease).await.map(drop)
    }

    async fn write(&self, lease: &Lease) -> Result<Lease, LeaseError> {
        if lease.metadata.resource_version.is_none() {
            return Err(LeaseError::Failed("the lease was read without a resourceVersion".into()));
        }
        bounded(self.api.replace(&lease.name_any(), &PostParams::default(), lease)).await
    }
}

/// The record with this holder, which has just shown a sign of life.
fn held(before: LeaseSpec, identity: &str, now: Timestamp, lasts: Duration) -> LeaseSpec {
    let ours = before.holder_identity.as_deref() == Some(identity);
    let since = before.acquire_time.filter(|_| ours);
    let first = before.lease_transitions.is_none();
    let transitions = before.lease_transitions.unwrap_or(0);
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        acquire_time: Some(since.unwrap_or(MicroTime(now))),
        renew_time: Some(MicroTime(now)),
        lease_duration_seconds: i32::try_from(lasts.as_secs()).ok(),
        lease_transitions: Some(if ours || first { transitions } else { transitions.saturating_add(1) }),
        ..before
    }
}

/// What a lease says, seen at that time of our monotonic clock.
pub fn seen(lease: &Lease, now: Duration, usual: Duration) -> Seen<Record> {
    let record = lease.spec.clone().unwrap_or_default();
    let asked = record.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Seen {
        holder: record.holder_identity.clone(),
        respected: asked.map_or(usual, Duration::from_secs),
        since: now,
        record,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(15);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_renewal_keeps_the_begin_and_a_takeover_counts() {
        let (first, later) = (at("2026-01-02T03:04:05Z"), at("2026-01-02T03:04:07Z"));
        let taken = held(LeaseSpec::default(), "me", first, LASTS);
        assert_eq!(taken.lease_transitions, Some(0));
        let renewed = held(taken, "me", later, LASTS);
        assert_eq!(renewed.acquire_time, Some(MicroTime(first)));
        assert_eq!((&renewed.renew_time, renewed.lease_transitions), (&Some(MicroTime(later)), Some(0)));
        let lost = held(renewed, "you", later, LASTS);
        assert_eq!((lost.acquire_time, lost.lease_transitions), (Some(MicroTime(later)), Some(1)));
    }

    #[test]
    fn what_a_lease_does_not_say_is_taken_as_usual() {
        let lease = Lease { metadata: ObjectMeta::default(), spec: None };
        let nothing = seen(&lease, LASTS, LASTS);
        assert_eq!((nothing.holder, nothing.respected), (None, LASTS));
    }
}
