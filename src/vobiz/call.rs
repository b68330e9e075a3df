//! One call: where it goes, with which credentials, and what becomes of its answer before it is read.

use std::{sync::Arc, time::Instant};

use reqwest::{Response, Url, header::HeaderValue};
use tracing::Instrument;

use super::{
    casing::Casing,
    envelope::Envelope,
    error::ReadError,
    masks::Masks,
    reader::Reader,
    transport::{self, PAGE_BODY_LIMIT},
};
use crate::{
    metrics::{CallOutcome, Operation, Peer},
    telemetry::TRACED,
};

impl Reader {
    /// One read, counted. The wait for the rate limit is not Vobiz's, and not part of its time.
    pub(super) async fn counted_get(
        &self,
        operation: Operation,
        casing: Casing,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, ReadError> {
        self.pace.read_slot().await;
        let begun = Instant::now();
        let span = tracing::debug_span!(target: TRACED, "vobiz", operation = operation.label().1);
        let answer = self.get_in(casing, path, query).instrument(span).await;
        self.metrics.called(operation, of_read(&answer), begun.elapsed());
        answer
    }

    async fn get_in(&self, casing: Casing, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, ReadError> {
        let mut url = self.account_url(casing, path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let failed = |why: String| ReadError::Failed(self.masks().mask(&why));
        let response = self.ask(url).await.map_err(|error| failed(transport::explain(&error)))?;
        self.notices.saw(casing, path, response.headers(), &self.masks());
        match response.status().as_u16() {
            200 => {
                transport::body(response, PAGE_BODY_LIMIT).await.map_err(|error| failed(error.to_string()))
            }
            401 => Err(ReadError::Unauthorized),
            403 => Err(ReadError::Forbidden),
            404 | 405 => Err(ReadError::NoSuchEndpoint),
            429 => Err(rate_limited(response).await),
            status => Err(ReadError::Failed(format!("Vobiz answered {status}"))),
        }
    }

    /// A kept connection may have died unnoticed, and a server may close each after its answer without saying so: a read
    /// that no connection answered is made once more, on a fresh one. Only what that one meets is said of the account.
    async fn ask(&self, url: Url) -> Result<Response, reqwest::Error> {
        match self.ask_with(&self.kept, url.clone()).await {
            Err(error) if transport::died_unanswered(&error) => {
                self.pace.read_slot().await;
                self.ask_with(&self.fresh, url).await
            }
            answer => answer,
        }
    }

    async fn ask_with(&self, client: &reqwest::Client, url: Url) -> Result<Response, reqwest::Error> {
        let begun = self.peers.now();
        let response = self.authenticated(client.get(url)).send().await?;
        self.peers.saw(Peer::Vobiz, response.headers(), begun);
        Ok(response)
    }

    pub(super) fn account_url(&self, casing: Casing, path: &str) -> Url {
        let mut url = self.base.clone();
        let prefix = url.path().trim_end_matches('/').to_owned();
        let account = self.account();
        url.set_path(&format!("{prefix}/api/v1/{}/{account}/{path}", casing.segment()));
        url
    }

    pub(super) fn authenticated(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let credentials = self.credentials.borrow();
        // From now on it may be echoed.
        self.in_use.with(credentials.token());
        let mut request = request.header("X-Auth-ID", credentials.account.as_str());
        // Checked when the credentials were read, so this cannot fail; without it the call ends in a 401.
        if let Ok(mut token) = HeaderValue::from_str(credentials.token()) {
            token.set_sensitive(true);
            request = request.header("X-Auth-Token", token);
        }
        request.header("Content-Type", "application/json")
    }

    /// What takes the credentials in use out of an answer.
    pub(super) fn masks(&self) -> Arc<Masks> {
        self.in_use.with(self.credentials.borrow().token())
    }
}

fn of_read<T>(answer: &Result<T, ReadError>) -> CallOutcome {
    match answer {
        Ok(_) => CallOutcome::Ok,
        Err(ReadError::NoSuchEndpoint) => CallOutcome::NotFound,
        Err(ReadError::Unauthorized) => CallOutcome::Unauthorized,
        Err(ReadError::Forbidden) => CallOutcome::Forbidden,
        Err(ReadError::RateLimited { .. }) => CallOutcome::RateLimited,
        Err(ReadError::Failed(_)) => CallOutcome::Failed,
    }
}

async fn rate_limited(response: Response) -> ReadError {
    let header = transport::retry_after(response.headers(), jiff::Timestamp::now());
    let body = transport::body(response, PAGE_BODY_LIMIT).await.unwrap_or_default();
    // Only how long to wait is taken from it, and no word.
    let envelope = Envelope::parse(&body, &Masks::default());
    let retry_after = header.or_else(|| envelope.and_then(|envelope| envelope.retry_after));
    ReadError::RateLimited { retry_after }
}
