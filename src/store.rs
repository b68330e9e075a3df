//! The only writer of both kinds, and the only one who reads them live. Every call is bounded in time and made
//! once: the client that it is given re-sends nothing.

use std::{future::Future, sync::Arc, time::Duration};

use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
    core::Status,
    runtime::events::{Event, Recorder, Reporter},
};
use serde_json::{Value, json};

use crate::{
    api::{Kept, Newer, PhoneNumber, PhoneNumberClaim, PhoneNumberClaimStatus, RECORD_FINALIZER, Seen},
    conditions::Reason,
    domain::E164,
};

/// A call to the API server that takes longer is given up; whether a write happened is then unknown.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// Who writes: the field manager, and the reporting controller of events.
const NAME: &str = "vobiz-operator";

/// The longest note that an event may carry, bytes.
const LONGEST_NOTE: usize = 1024;

/// Why a call to the API server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has written in between: read again, decide again.
    #[error("the object has changed in the meantime")]
    Conflict,
    /// There is no such object.
    #[error("the object does not exist")]
    NotFound,
    /// An object of that name exists.
    #[error("the object exists already")]
    Exists,
    /// It was written, into what this version cannot read.
    #[error("a newer version of the operator has written the object as well")]
    Newer,
    /// The API server says no, so nothing was written.
    #[error("the API server refused: {0}")]
    Refused(String),
    /// No answer: whether it was written is unknown.
    #[error("no answer from the API server: {0}")]
    Lost(String),
}

impl From<kube::Error> for StoreError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_status(&status),
            other => Self::Lost(other.to_string()),
        }
    }
}

impl StoreError {
    fn from_status(status: &Status) -> Self {
        match (status.code, status.reason.as_str()) {
            (_, "AlreadyExists") => Self::Exists,
            (409, _) => Self::Conflict,
            (404, _) => Self::NotFound,
            // 500, 503 and 504 can follow a write that took place.
            (500.., _) => Self::Lost(E164::masked(&status.message)),
            // It names the record, and so the number: what is logged must not.
            _ => Self::Refused(E164::masked(&status.message)),
        }
    }
}

/// Names null what was and is no longer: a merge patch leaves alone whatever it does not name.
fn name_removed(old: &Value, patch: &mut Value) {
    let (Value::Object(old), Value::Object(patch)) = (old, patch) else { return };
    for (field, was) in old {
        match patch.get_mut(field) {
            Some(is) => name_removed(was, is),
            None => drop(patch.insert(field.clone(), Value::Null)),
        }
    }
}

/// Reads and writes of both kinds.
#[derive(Clone)]
pub struct Store {
    client: Client,
    records: Api<Seen<PhoneNumber>>,
}

/// What was written, as the API server answered it.
fn readable<K: Kept>(seen: Seen<K>) -> Result<K, StoreError> {
    match seen {
        Seen::Read(object) => Ok(Arc::unwrap_or_clone(object)),
        Seen::Newer(_) => Err(StoreError::Newer),
    }
}

async fn bounded<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(StoreError::from),
        Err(_) => Err(StoreError::Lost(format!("none within {} s", CALL_TIMEOUT.as_secs()))),
    }
}

impl Store {
    /// A store on a client that re-sends nothing.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let records = Api::all(client.clone());
        Self { client, records }
    }

    fn claims(&self, namespace: &str) -> Api<Seen<PhoneNumberClaim>> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Reads a claim live.
    ///
    /// # Errors
    /// If the API server gives no answer: then nothing is known about the claim.
    pub async fn claim(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Seen<PhoneNumberClaim>>, StoreError> {
        bounded(self.claims(namespace).get_opt(name)).await
    }

    /// Reads a record live.
    ///
    /// # Errors
    /// If the API server gives no answer.
    pub async fn record(&self, name: &str) -> Result<Option<Seen<PhoneNumber>>, StoreError> {
        bounded(self.records.get_opt(name)).await
    }

    /// Creates a record. A lost reply is cleared up by reading: the record counts as created if it is stored with
    /// this very attempt.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if somebody else was first; [`StoreError::Lost`] if not even the reading answers.
    pub async fn create(&self, record: &PhoneNumber) -> Result<PhoneNumber, StoreError> {
        let wanted = Seen::from(record.clone());
        match bounded(self.records.create(&PostParams::default(), &wanted)).await {
            Err(StoreError::Lost(_)) => self.stored(record).await,
            answer => readable(answer?),
        }
    }

    /// Replaces a record, if nobody has written in between (its `resourceVersion` is the guard). A lost reply is
    /// cleared up as with [`Store::create`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if somebody has; [`StoreError::NotFound`] if the record is gone.
    pub async fn replace(&self, record: &PhoneNumber) -> Result<PhoneNumber, StoreError> {
        let wanted = Seen::from(record.clone());
        match bounded(self.records.replace(&record.name_any(), &PostParams::default(), &wanted)).await {
            Err(StoreError::Lost(_)) => self.stored(record).await,
            answer => readable(answer?),
        }
    }

    async fn stored(&self, written: &PhoneNumber) -> Result<PhoneNumber, StoreError> {
        match self.record(&written.name_any()).await? {
            Some(Seen::Read(found)) if found.spec == written.spec && found.status == written.status => {
                Ok(Arc::unwrap_or_clone(found))
            }
            Some(_) => Err(StoreError::Conflict),
            None => Err(StoreError::NotFound),
        }
    }

    /// Deletes a record as it was read; nobody else's version of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it has changed.
    pub async fn delete(&self, record: &PhoneNumber) -> Result<(), StoreError> {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: record.uid(),
                resource_version: record.resource_version(),
            }),
            ..DeleteParams::default()
        };
        bounded(self.records.delete(&record.name_any(), &params)).await.map(drop)
    }

    /// Lets a deletion of the record go through.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the record has changed.
    pub async fn drop_finalizer(&self, record: &PhoneNumber) -> Result<PhoneNumber, StoreError> {
        let mut released = record.clone();
        released.finalizers_mut().retain(|finalizer| finalizer != RECORD_FINALIZER);
        self.replace(&released).await
    }

    /// Writes what a claim is told. Bound to the claim's uid, so that a claim re-created under the same name never
    /// gets its predecessor's status.
    ///
    /// # Errors
    /// If it was not written, or nobody knows.
    pub async fn project(
        &self,
        claim: &PhoneNumberClaim,
        status: &PhoneNumberClaimStatus,
    ) -> Result<(), StoreError> {
        let mut patch = json!({ "metadata": { "uid": claim.uid() }, "status": status });
        name_removed(&json!(claim.status), &mut patch["status"]);
        let claims = self.claims(&claim.namespace().unwrap_or_default());
        let params = PatchParams { field_manager: Some(NAME.into()), ..PatchParams::default() };
        bounded(claims.patch_status(&claim.name_any(), &params, &Patch::Merge(patch))).await.map(drop)
    }

    /// Writes what a claim is told that this version cannot read; everything else in it stays.
    ///
    /// # Errors
    /// As [`Store::project`].
    pub async fn tell_newer(&self, claim: &Newer, conditions: &[Value]) -> Result<(), StoreError> {
        let metadata = &claim.metadata;
        let status = json!({ "observedGeneration": metadata.generation, "conditions": conditions });
        // The version that was read: a newer operator may have gone on meanwhile.
        let read = json!({ "uid": metadata.uid, "resourceVersion": metadata.resource_version });
        let patch = Patch::Merge(json!({ "metadata": read, "status": status }));
        let claims = self.claims(metadata.namespace.as_deref().unwrap_or_default());
        let params = PatchParams { field_manager: Some(NAME.into()), ..PatchParams::default() };
        let name = metadata.name.as_deref().unwrap_or_default();
        bounded(claims.patch_status(name, &params, &patch)).await.map(drop)
    }

    /// Publishes an event about a claim. Best effort: the conditions say the same, and stay.
    ///
    /// # Errors
    /// If it was not published.
    pub async fn event(
        &self,
        claim: &impl Resource<DynamicType = ()>,
        reason: Reason,
        message: &str,
    ) -> Result<(), StoreError> {
        let Some(type_) = reason.event() else { return Ok(()) };
        let mut note = message.to_owned();
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        let event = Event {
            type_,
            reason: reason.as_str().into(),
            note: Some(note),
            action: "Purchase".into(),
            secondary: None,
        };
        // A recorder of its own for each event: a shared one remembers every event for six minutes, at 2 kB each,
        // to count repetitions that do not occur here (an event is published when the reason changes).
        let recorder = Recorder::new(self.client.clone(), Reporter::from(NAME));
        bounded(recorder.publish(&event, &claim.object_ref(&()))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_takes_away_at_every_depth_what_a_status_no_longer_says() {
        let old = json!({ "phoneNumberRef": { "name": "1" }, "number": { "id": "x", "region": "y" } });
        for (new, patch) in [
            (json!({}), json!({ "phoneNumberRef": null, "number": null })),
            (
                json!({ "phoneNumberRef": { "name": "1" }, "number": { "id": "z" } }),
                json!({ "phoneNumberRef": { "name": "1" }, "number": { "id": "z", "region": null } }),
            ),
            (old.clone(), old.clone()),
        ] {
            let mut said = new;
            name_removed(&old, &mut said);
            assert_eq!(said, patch);
        }
    }
}
