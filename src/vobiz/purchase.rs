//! Sends the one POST of a purchase.

use bytes::Bytes;
use http_body_util::Full;
use reqwest::Body;
use serde::Serialize;

use super::{
    answer::{PurchaseAnswer, Purchased},
    client::Client,
    error::PurchaseError,
    transport::{self, PURCHASE_BODY_LIMIT},
};
use crate::{
    domain::{Currency, E164},
    metrics::Peer,
};

/// An unset currency is left out: Vobiz then bills in the number's own, and null is not documented.
#[derive(Serialize)]
struct Request {
    e164: E164,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
}

impl Client {
    /// The one request of [`Client::purchase`].
    pub(super) async fn send_purchase(
        &self,
        e164: E164,
        currency: Option<Currency>,
    ) -> Result<Purchased, PurchaseError> {
        let body = serde_json::to_vec(&Request { e164, currency })
            .map_err(|error| PurchaseError::NotSent(error.to_string()))?;
        let url = self.account_url(self.purchase_casing, "numbers/purchase-from-inventory");
        // A one-shot body: nothing below could send it again even if it tried.
        let body = Body::wrap(Full::new(Bytes::from(body)));
        let begun = self.peers.now();
        match self.authenticated(self.spender.post(url)).body(body).send().await {
            Ok(response) => {
                self.peers.saw(Peer::Vobiz, response.headers(), begun);
                let status = response.status().as_u16();
                let retry_after = transport::retry_after(response.headers(), jiff::Timestamp::now());
                let body = transport::body(response, PURCHASE_BODY_LIMIT).await;
                PurchaseAnswer { status, retry_after, body }.judge(e164, &self.masks())
            }
            // True only because the client keeps no idle connections and bounds the time to connect.
            Err(error) if error.is_builder() || error.is_connect() => {
                Err(PurchaseError::NotSent(self.masks().mask(&transport::explain(&error))))
            }
            Err(error) => {
                let message = self.masks().mask(&transport::explain(&error));
                Err(PurchaseError::Unknown { status: None, message })
            }
        }
    }
}
