//! The operator's only writer of the kinds, and the only one that reads them live. Every call is bounded in time and made
//! once: the client that it is given re-sends nothing.

mod account;
mod event;

use std::{future::Future, sync::Arc, time::Duration};

use kube::{
    Client, Resource, ResourceExt,
    api::{DeleteParams, GetParams, Patch, PatchParams, PostParams, Preconditions},
    core::{ObjectMeta, Request, request::Error as RequestError},
};
use serde_json::{Value, json};

use crate::{
    api::{self, Kept, Newer, PhoneNumber, PhoneNumberClaim, PhoneNumberClaimStatus, RECORD_FINALIZER, Seen},
    domain::{E164, presentable},
};

/// A call to the API server that takes longer is given up; whether a write happened is then unknown.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The name of this writer: the field manager, and the reporting controller of events.
const NAME: &str = "vobiz-operator";

/// Why a call to the API server did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer has changed the object in between: read again, decide again.
    #[error("the object has changed in the meantime")]
    Conflict,
    #[error("the object does not exist")]
    NotFound,
    #[error("the object exists already")]
    Exists,
    /// It was written, into what this version cannot read.
    #[error("a newer version of the operator has written the object as well")]
    Newer,
    /// The operator has no right to it (403): asked again, the API server says the same until it is given one.
    #[error("the API server refused: {0}")]
    Forbidden(String),
    /// The API server says no, so nothing was written.
    #[error("the API server refused: {0}")]
    Refused(String),
    /// The API server failed, and a later read shows that no write was stored since: neither that of this call nor
    /// another.
    #[error("the API server did not store it: {0}")]
    NotStored(String),
    /// No answer: whether it was written is unknown.
    #[error("no answer from the API server: {0}")]
    Lost(String),
}

impl From<kube::Error> for StoreError {
    fn from(error: kube::Error) -> Self {
        let kube::Error::Api(status) = &error else { return Self::Lost(said(&error.to_string())) };
        match (status.code, status.reason.as_str()) {
            (_, "AlreadyExists") => Self::Exists,
            (409, _) => Self::Conflict,
            (404, _) => Self::NotFound,
            (403, _) => Self::Forbidden(said(&status.message)),
            // 500, 503 and 504 can follow a write that took place. And what says another code than an API server, or none, is
            // something on the way there, which does not know what was stored.
            (..400 | 500.., _) if status.message.is_empty() => Self::Lost("an answer without words".into()),
            (..400 | 500.., _) => Self::Lost(said(&status.message)),
            _ => Self::Refused(said(&status.message)),
        }
    }
}

/// Error texts name the record, and so the number: what is logged must not.
fn said(words: &str) -> String {
    E164::masked(&presentable(words))
}

impl StoreError {
    /// Whether another writer was first: the next decision is made on what is stored now. All other errors are the API
    /// server's doing.
    pub fn is_overtaken(&self) -> bool {
        match self {
            Self::Conflict | Self::Exists | Self::NotFound | Self::Newer => true,
            Self::Forbidden(_) | Self::Refused(_) | Self::NotStored(_) | Self::Lost(_) => false,
        }
    }
}

/// A merge patch keeps fields that it does not mention (RFC 7386): set to null every field that `old` has and `patch`
/// lacks.
fn name_removed(old: &Value, patch: &mut Value) {
    let (Value::Object(old), Value::Object(patch)) = (old, patch) else { return };
    for (field, was) in old {
        match patch.get_mut(field) {
            Some(is) => name_removed(was, is),
            None => drop(patch.insert(field.clone(), Value::Null)),
        }
    }
}

/// What became of a write without a usable answer, by a later read. "Another writer was first" is concluded only from
/// another writer's version: a resource version that has not changed since shows that no write was stored.
fn told_by_reading(
    written: &PhoneNumber,
    found: Option<Seen<PhoneNumber>>,
    why: String,
) -> Result<Arc<PhoneNumber>, StoreError> {
    let version = written.metadata.resource_version.as_ref();
    match (found, version) {
        (Some(Seen::Read(found)), _) if is_stored(written, &found) => Ok(found),
        (Some(found), Some(version)) if found.resource_version().as_ref() == Some(version) => {
            Err(StoreError::NotStored(why))
        }
        (Some(_), Some(_)) => Err(StoreError::Conflict),
        (Some(_), None) => Err(StoreError::Exists),
        (None, Some(_)) => Err(StoreError::NotFound),
        (None, None) => Err(StoreError::NotStored(why)),
    }
}

fn is_stored(written: &PhoneNumber, found: &PhoneNumber) -> bool {
    found.spec == written.spec && found.status == written.status && found.finalizers() == written.finalizers()
}

#[derive(Clone)]
pub struct Store {
    client: Client,
}

/// A request of the API server that was put together.
type Asked = Result<http::Request<Vec<u8>>, RequestError>;

fn requests<K: Resource<DynamicType = ()>>(namespace: Option<&str>) -> Request {
    Request::new(K::url_path(&(), namespace))
}

/// In one pass: kube's own way first looks for its end.
fn seen<K: Kept>(text: &str) -> Result<Seen<K>, kube::Error> {
    Seen::of_text(text).map_err(kube::Error::SerdeError)
}

async fn bounded<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, StoreError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(answer) => answer.map_err(StoreError::from),
        Err(_) => Err(StoreError::Lost(format!("none within {} s", CALL_TIMEOUT.as_secs()))),
    }
}

impl Store {
    /// A store on a client that re-sends nothing.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    pub async fn get_claim(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Seen<PhoneNumberClaim>>, StoreError> {
        self.get(Some(namespace), name).await
    }

    pub async fn get_record(&self, name: &str) -> Result<Option<Seen<PhoneNumber>>, StoreError> {
        self.get(None, name).await
    }

    async fn get<K: Kept>(&self, namespace: Option<&str>, name: &str) -> Result<Option<Seen<K>>, StoreError> {
        let request = requests::<K>(namespace).get(name, &GetParams::default());
        let read = async {
            match self.text(request).await {
                // Not any 404: a path that the API server does not serve yet has one too, which says nothing of the object.
                Err(kube::Error::Api(status)) if (status.code, &*status.reason) == (404, "NotFound") => {
                    Ok(None)
                }
                text => seen(&text?).map(Some),
            }
        };
        bounded(read).await
    }

    /// Creates a record. A lost reply is cleared up by reading: the record counts as created if it is stored with
    /// this very attempt. [`StoreError::Exists`] if another writer was first; [`StoreError::NotStored`] if none was;
    /// [`StoreError::Lost`] if not even the reading answers.
    pub async fn create(&self, record: &PhoneNumber) -> Result<Arc<PhoneNumber>, StoreError> {
        let create = |text| requests::<PhoneNumber>(None).create(&PostParams::default(), text);
        match self.write(record, create).await {
            Err(StoreError::Lost(why)) => self.stored(record, why).await,
            // There is nothing yet that could be gone, but the kind.
            Err(StoreError::NotFound) => {
                Err(StoreError::Refused("it does not know the kind PhoneNumber".into()))
            }
            answer => answer,
        }
    }

    /// Replaces a record by compare-and-swap on its `resourceVersion`: only if no other writer has changed it in
    /// between. A lost reply is cleared up as with [`Store::create`].
    pub async fn replace(&self, record: &PhoneNumber) -> Result<Arc<PhoneNumber>, StoreError> {
        let name = record.name_any();
        let replace = |text| requests::<PhoneNumber>(None).replace(&name, &PostParams::default(), text);
        match self.write(record, replace).await {
            Err(StoreError::Lost(why)) => self.stored(record, why).await,
            // Anything on the way may say 409 (a webhook, for example): only another writer's version counts.
            Err(StoreError::Conflict) => self.stored(record, "it answers 409".into()).await,
            answer => answer,
        }
    }

    /// Writes a record whole; returns it as the API server answered it.
    async fn write(
        &self,
        record: &PhoneNumber,
        request: impl FnOnce(Vec<u8>) -> Asked,
    ) -> Result<Arc<PhoneNumber>, StoreError> {
        let text = api::written(record).map_err(kube::Error::SerdeError)?;
        match bounded(async { seen(&self.text(request(text)).await?) }).await? {
            Seen::Read(object) => Ok(object),
            Seen::Newer(_) => Err(StoreError::Newer),
        }
    }

    /// The text of an answer.
    async fn text(&self, request: Asked) -> Result<String, kube::Error> {
        self.client.request_text(request.map_err(kube::Error::BuildRequest)?).await
    }

    async fn stored(&self, written: &PhoneNumber, why: String) -> Result<Arc<PhoneNumber>, StoreError> {
        match self.get_record(&written.name_any()).await {
            Ok(found) => told_by_reading(written, found, why),
            // What the write met says more than that the reading has met it too.
            Err(_) => Err(StoreError::Lost(why)),
        }
    }

    /// Deletes a record in the version that was read, and in no other.
    pub async fn delete(&self, record: &PhoneNumber) -> Result<(), StoreError> {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: record.uid(),
                resource_version: record.resource_version(),
            }),
            ..DeleteParams::default()
        };
        self.perform(requests::<PhoneNumber>(None).delete(&record.name_any(), &params)).await
    }

    /// Nothing in the answer is needed, so nothing in it may stand in the way, or cost the time to read it.
    async fn perform(&self, request: Asked) -> Result<(), StoreError> {
        bounded(self.text(request)).await.map(drop)
    }

    /// Lets a deletion of the record go through.
    pub async fn drop_finalizer(&self, record: &PhoneNumber) -> Result<Arc<PhoneNumber>, StoreError> {
        let mut released = record.clone();
        released.finalizers_mut().retain(|finalizer| finalizer != RECORD_FINALIZER);
        self.replace(&released).await
    }

    /// Writes what a claim is told.
    pub async fn patch_status(
        &self,
        claim: &PhoneNumberClaim,
        status: &PhoneNumberClaimStatus,
    ) -> Result<(), StoreError> {
        self.tell::<PhoneNumberClaim>(&claim.metadata, &json!(claim.status), json!(status)).await
    }

    /// Writes what a claim is told that this version cannot read; everything else in it stays.
    pub async fn tell_newer(&self, claim: &Newer, conditions: &[Value]) -> Result<(), StoreError> {
        let metadata = &claim.metadata;
        let status = json!({ "observedGeneration": metadata.generation, "conditions": conditions });
        // The version that was read: a newer operator may have gone on meanwhile.
        let read = json!({ "uid": metadata.uid, "resourceVersion": metadata.resource_version });
        self.patch::<PhoneNumberClaim>(metadata, json!({ "metadata": read, "status": status })).await
    }

    /// Writes a status in the place of the one that was read. Bound to the object's uid, so that one re-created under the
    /// same name never gets its predecessor's.
    async fn tell<K: Resource<DynamicType = ()>>(
        &self,
        of: &ObjectMeta,
        read: &Value,
        status: Value,
    ) -> Result<(), StoreError> {
        let mut patch = json!({ "metadata": { "uid": of.uid }, "status": status });
        name_removed(read, &mut patch["status"]);
        self.patch::<K>(of, patch).await
    }

    async fn patch<K: Resource<DynamicType = ()>>(
        &self,
        of: &ObjectMeta,
        patch: Value,
    ) -> Result<(), StoreError> {
        let params = PatchParams { field_manager: Some(NAME.into()), ..PatchParams::default() };
        let name = of.name.as_deref().unwrap_or_default();
        let requests = requests::<K>(of.namespace.as_deref());
        self.perform(requests.patch_subresource("status", name, &params, &Patch::Merge(patch))).await
    }
}

#[cfg(test)]
mod tests {
    use kube::{client::Body, core::Status};

    use super::*;
    use crate::{
        api::AttemptState,
        domain::{AttemptId, LONGEST_WORDS},
        plan::NewAttempt,
    };

    fn record(version: Option<&str>, state: AttemptState) -> PhoneNumber {
        let mut attempt = NewAttempt::for_tests()
            .open(AttemptId::from_random([1; 16]), "2026-01-02T03:04:05Z".parse().unwrap());
        attempt.state = state;
        let (e164, account) = ("+12".parse().unwrap(), "MA_1".parse().unwrap());
        let mut record = PhoneNumber::new(
            "12",
            api::PhoneNumberSpec { e164, account, claim_ref: None, attempt, later: api::Later::default() },
        );
        record.metadata.resource_version = version.map(str::to_owned);
        record
    }

    #[test]
    fn somebody_else_was_first_only_where_a_read_shows_their_write() {
        use AttemptState::{Failed, Open};
        for (written, found, expected) in [
            (None, Some(("7", Open)), "Ok"),
            (None, Some(("7", Failed)), "Err(Exists"),
            (None, None, "Err(NotStored"),
            (Some("7"), Some(("8", Open)), "Ok"),
            (Some("7"), Some(("7", Failed)), "Err(NotStored"),
            (Some("7"), Some(("8", Failed)), "Err(Conflict"),
            (Some("7"), None, "Err(NotFound"),
        ] {
            let read = found.map(|(version, state)| Seen::from(record(Some(version), state)));
            let told = format!("{:?}", told_by_reading(&record(written, Open), read, "no space".into()));
            assert!(told.starts_with(expected), "{written:?} {found:?}: {told}");
        }
    }

    #[test]
    fn a_finalizer_that_is_still_there_was_not_dropped() {
        let written = record(Some("7"), AttemptState::Failed);
        let mut found = written.clone();
        found.metadata.finalizers = Some(vec![RECORD_FINALIZER.into()]);
        let told = told_by_reading(&written, Some(Seen::from(found)), "no space".into());
        assert!(matches!(told, Err(StoreError::NotStored(_))), "{told:?}");
    }

    #[test]
    fn what_the_api_server_says_is_one_line_of_bounded_length() {
        let status =
            Status { code: 500, message: format!("a\n{}", "x".repeat(100_000)), ..Status::default() };
        let told = StoreError::from(kube::Error::Api(Box::new(status)));
        let StoreError::Lost(words) = told else { panic!("a 500 may be stored") };
        assert!(words.starts_with("a x") && words.len() <= LONGEST_WORDS, "{words}");
    }

    #[tokio::test]
    async fn an_object_is_gone_only_where_the_api_server_says_so_of_it() {
        let gone = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","message":"no","reason":"NotFound","code":404}"#;
        for (answer, expected) in [(gone, "Ok(None)"), ("404 page not found", "Err(NotFound)")] {
            let service = tower::service_fn(move |_: http::Request<Body>| async move {
                let answer =
                    http::Response::builder().status(404).body(Body::from(answer.as_bytes().to_vec()));
                Ok::<_, tower::BoxError>(answer.unwrap())
            });
            let store = Store::new(Client::new(service, "default"));
            assert_eq!(format!("{:?}", store.get_record("12").await), expected, "{answer}");
            assert_eq!(format!("{:?}", store.get_claim("a", "b").await), expected, "{answer}");
        }
    }

    #[tokio::test]
    async fn what_is_answered_on_the_way_leaves_it_unknown_whether_it_was_stored() {
        for (code, body) in
            [(504, r#"{"message":"timeout"}"#), (503, r#"{"code":14}"#), (502, "{}"), (503, ""), (502, "<p>")]
        {
            let service = tower::service_fn(move |_: http::Request<Body>| async move {
                let answer =
                    http::Response::builder().status(code).body(Body::from(body.as_bytes().to_vec()));
                Ok::<_, tower::BoxError>(answer.unwrap())
            });
            let store = Store::new(Client::new(service, "default"));
            let told = store.delete(&record(Some("7"), AttemptState::Failed)).await;
            assert!(matches!(told, Err(StoreError::Lost(_))), "{code} {body}: {told:?}");
        }
    }

    #[test]
    fn only_a_403_is_a_lack_of_rights() {
        for (code, expected) in [
            (400, "Refused"),
            (401, "Refused"),
            (403, "Forbidden"),
            (404, "NotFound"),
            (409, "Conflict"),
            (422, "Refused"),
            (429, "Refused"),
            (0, "Lost"),
            (503, "Lost"),
        ] {
            let status = Status { code, message: "no".into(), ..Status::default() };
            let told = format!("{:?}", StoreError::from(kube::Error::Api(Box::new(status))));
            assert!(told.starts_with(expected), "{code}: {told}");
        }
    }

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

    #[tokio::test]
    async fn a_deletion_is_done_whatever_its_answer_quotes() {
        let answer = |request: http::Request<Body>| async move {
            assert_eq!(
                (request.method(), request.uri().path().rsplit('/').next()),
                (&http::Method::DELETE, Some("12"))
            );
            let body = request.into_body().collect_bytes().await?;
            assert!(String::from_utf8_lossy(&body).contains(r#""resourceVersion":"7""#), "{body:?}");
            let deleted = format!(r#"{{"kind":"PhoneNumber","x":{}{}}}"#, "[".repeat(300), "]".repeat(300));
            Ok::<_, tower::BoxError>(http::Response::new(Body::from(deleted.into_bytes())))
        };
        let store = Store::new(Client::new(tower::service_fn(answer), "default"));
        store.delete(&record(Some("7"), AttemptState::Failed)).await.unwrap();
    }
}
