use bytes::Bytes;
use http_body_util::Full;
use reqwest::{Body, Response};
use serde::{Deserialize, Serialize};

use super::{
    client::Client,
    envelope::Envelope,
    error::{PurchaseError, Rejection, RejectionKind},
    transport::{self, PURCHASE_BODY_LIMIT},
    wire::{ListedNumber, WireNumber},
};
use crate::domain::{Currency, E164};

/// A 200 with our number: the only definite success.
#[derive(Debug, Clone, PartialEq)]
pub struct Purchased(pub ListedNumber);

/// An unset currency is left out: Vobiz then bills in the number's own, and null is not documented.
#[derive(Serialize)]
struct Request {
    e164: E164,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
}

/// `items` repeats part of it and is ignored.
#[derive(Deserialize)]
struct Success {
    number: WireNumber,
}

impl Client {
    /// *Purchase from inventory.* Sends at most one request and never repeats it. The caller has taken a slot of
    /// the rate limit, and has made the attempt durable.
    ///
    /// # Errors
    /// The error says whether the purchase may have happened.
    pub async fn purchase(&self, e164: E164, currency: Option<Currency>) -> Result<Purchased, PurchaseError> {
        let body = serde_json::to_vec(&Request { e164, currency })
            .map_err(|error| PurchaseError::NotSent(error.to_string()))?;
        let url = self.account_url(self.purchase_casing, "numbers/purchase-from-inventory");
        // A one-shot body: nothing below could send it again even if it tried.
        let body = Body::wrap(Full::new(Bytes::from(body)));
        match self.authenticated(self.spender.post(url)).body(body).send().await {
            Ok(response) => judge(response, e164).await,
            // True only because the client keeps no idle connections and bounds the time to connect.
            Err(error) if error.is_builder() || error.is_connect() => {
                Err(PurchaseError::NotSent(transport::explain(&error)))
            }
            Err(error) => Err(PurchaseError::Unknown { status: None, message: transport::explain(&error) }),
        }
    }
}

async fn judge(response: Response, e164: E164) -> Result<Purchased, PurchaseError> {
    let status = response.status().as_u16();
    let header = transport::retry_after(&response);
    let body = transport::body(response, PURCHASE_BODY_LIMIT).await;
    let envelope = body.as_ref().ok().and_then(|body| Envelope::parse(body));
    let empty = body.as_ref().is_ok_and(|body| body.trim_ascii().is_empty());
    let unknown = |message: String| PurchaseError::Unknown { status: Some(status), message };
    let kind = match status {
        200 => {
            return success(&body.map_err(unknown)?, e164)
                .ok_or_else(|| unknown("Vobiz answered 200, but not with this number".into()));
        }
        // These two speak of the account: the code alone is enough.
        401 => RejectionKind::Unauthorized,
        429 => RejectionKind::RateLimited,
        // Without an envelope it may come from anything on the way, or from a path in the wrong casing.
        404 if envelope.is_some() => RejectionKind::NotFound,
        402 if envelope.is_some() || empty => RejectionKind::PaymentFailed,
        500 if envelope.is_some() => RejectionKind::PaymentFailed,
        404 | 408 => return Err(unknown(format!("Vobiz answered {status} without saying why"))),
        400..=499 if envelope.is_some() || empty => RejectionKind::Other,
        _ => return Err(unknown(describe(status, body.err(), envelope.as_ref()))),
    };
    let envelope = envelope.unwrap_or_default();
    let retry_after = header.or(envelope.retry_after);
    Err(PurchaseError::Rejected(Box::new(Rejection { kind, status, envelope, retry_after })))
}

fn success(body: &[u8], e164: E164) -> Option<Purchased> {
    let Success { number } = serde_json::from_slice(body).ok()?;
    number.parse().filter(|number| number.e164 == e164).map(Purchased)
}

fn describe(status: u16, broken: Option<String>, envelope: Option<&Envelope>) -> String {
    let words =
        broken.or_else(|| envelope.and_then(|envelope| envelope.message.clone().or(envelope.code.clone())));
    match words {
        Some(words) => format!("Vobiz answered {status}: {words}"),
        None => format!("Vobiz answered {status}"),
    }
}
