//! Each call of the client with its metrics and its span.

use std::time::Instant;

use tracing::Instrument;

use super::{
    answer::Purchased,
    casing::Casing,
    client::Client,
    error::{PurchaseError, ReadError, RejectionKind},
};
use crate::{
    domain::{Currency, E164},
    metrics::{Called, Operation},
    telemetry::TRACED,
};

impl Client {
    /// One read, counted. The wait for the rate limit is not Vobiz's, and not part of its time.
    pub(super) async fn counted_get(
        &self,
        operation: Operation,
        casing: Casing,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, ReadError> {
        self.slot().await;
        let begun = Instant::now();
        let span = tracing::debug_span!(target: TRACED, "vobiz", operation = operation.label().1);
        let answer = self.get_in(casing, path, query).instrument(span).await;
        self.metrics.called(operation, of_read(&answer), begun.elapsed());
        answer
    }

    /// *Purchase from inventory.* Sends at most one request and never repeats it. The caller has taken a slot of
    /// the rate limit, and has made the attempt durable.
    ///
    /// # Errors
    /// The error says whether the purchase may have happened.
    pub async fn purchase(&self, e164: E164, currency: Option<Currency>) -> Result<Purchased, PurchaseError> {
        let begun = Instant::now();
        let span = tracing::debug_span!(target: TRACED, "vobiz", operation = Operation::Purchase.label().1);
        let answer = self.send_purchase(e164, currency).instrument(span).await;
        self.metrics.called(Operation::Purchase, of_purchase(&answer), begun.elapsed());
        answer
    }
}

fn of_read<T>(answer: &Result<T, ReadError>) -> Called {
    match answer {
        Ok(_) => Called::Ok,
        Err(ReadError::Missing) => Called::NotFound,
        Err(ReadError::Unauthorized) => Called::Unauthorized,
        Err(ReadError::Forbidden) => Called::Forbidden,
        Err(ReadError::RateLimited { .. }) => Called::RateLimited,
        Err(ReadError::Failed(_)) => Called::Failed,
    }
}

fn of_purchase<T>(answer: &Result<T, PurchaseError>) -> Called {
    match answer {
        Ok(_) => Called::Ok,
        Err(PurchaseError::NotSent(_) | PurchaseError::Unknown { .. }) => Called::Failed,
        Err(PurchaseError::Rejected(rejection)) => match rejection.kind {
            RejectionKind::NotFound => Called::NotFound,
            RejectionKind::Unauthorized => Called::Unauthorized,
            RejectionKind::RateLimited => Called::RateLimited,
            RejectionKind::PaymentFailed | RejectionKind::Other => Called::Refused,
        },
    }
}
