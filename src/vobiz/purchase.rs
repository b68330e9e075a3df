//! The client that may spend: a reader, and the one POST of a purchase.

use std::{ops::Deref, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use reqwest::Body;
use serde::Serialize;
use tracing::Instrument;

use super::{
    answer::{PurchaseAnswer, PurchaseResponse},
    casing::Casing,
    reader::Reader,
    transport::{self, PURCHASE_BODY_LIMIT},
};
use crate::{
    domain::{Currency, E164, Outcome, Time},
    metrics::{Operation, Peer},
    telemetry::TRACED,
};

/// An unset currency is left out: Vobiz then bills in the number's own, and null is not documented.
#[derive(Serialize)]
struct Request {
    e164: E164,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
}

/// How a purchase is sent.
#[derive(Debug, Clone, Copy)]
pub struct Spending {
    /// `VOBIZ_PURCHASE_TIMEOUT`
    pub timeout: Duration,
    /// `VOBIZ_PURCHASE_PATH`
    pub casing: Casing,
}

/// A client for one account that may spend. All its reads are the reader's.
pub struct Client {
    reader: Reader,
    spender: reqwest::Client,
    casing: Casing,
}

impl Deref for Client {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Client {
    /// A client that sends its purchases with `spender`: see `transport::spender`.
    pub(super) fn over(reader: Reader, spender: reqwest::Client, casing: Casing) -> Self {
        Self { reader, spender, casing }
    }

    /// *Purchase from inventory.* Sends the one request of an attempt; the answer says whether the purchase may have
    /// happened.
    ///
    /// # Guarantees
    ///
    /// * At most one request is sent, and none is repeated: see `transport::spender`, where all that could is off.
    /// * [`Outcome::NotSent`] is said only if the request could not be built, or no connection was made. Where an
    ///   answer is missing or cannot be read, the outcome is [`Outcome::Unknown`]: the purchase may have happened.
    /// * The call ends within `VOBIZ_PURCHASE_TIMEOUT`.
    /// * The answer holds no credentials, even if Vobiz echoes them.
    ///
    /// # Assumptions
    ///
    /// * The caller has taken a slot of the rate limit, has made the attempt durable, and has made sure that it may
    ///   still be sent (`plan::may_send`).
    /// * The caller stores the outcome. If it drops the call, the answer is lost, not the purchase: the attempt is
    ///   verified.
    pub async fn purchase(&self, e164: E164, currency: Option<Currency>) -> PurchaseAnswer {
        let begun = self.peers.now();
        let ended = |outcome, error: &str| {
            let words = self.masks().mask(error);
            PurchaseAnswer::without_words_of_vobiz(outcome, &words, Time::micros(self.peers.now().wall))
        };
        let post = async {
            let body = match serde_json::to_vec(&Request { e164, currency }) {
                Ok(body) => body,
                Err(error) => return ended(Outcome::NotSent, &error.to_string()),
            };
            let url = self.account_url(self.casing, "numbers/purchase-from-inventory");
            // A one-shot body: nothing below could send it again even if it tried.
            let body = Body::wrap(Full::new(Bytes::from(body)));
            let begun = self.peers.now();
            match self.authenticated(self.spender.post(url)).body(body).send().await {
                Ok(response) => {
                    self.peers.saw(Peer::Vobiz, response.headers(), begun);
                    let status = response.status().as_u16();
                    let retry_after = transport::retry_after(response.headers(), self.peers.now().wall);
                    let body = transport::body(response, PURCHASE_BODY_LIMIT).await;
                    let at = Time::micros(self.peers.now().wall);
                    PurchaseResponse { status, retry_after, body }.classify(e164, &self.masks(), at)
                }
                // True only because the client keeps no idle connections and bounds the time to connect.
                Err(error) if error.is_builder() || error.is_connect() => {
                    ended(Outcome::NotSent, &transport::explain(&error))
                }
                Err(error) => ended(Outcome::Unknown, &transport::explain(&error)),
            }
        };
        let span = tracing::debug_span!(target: TRACED, "vobiz", operation = Operation::Purchase.label().1);
        let met = post.instrument(span).await;
        let took = self.peers.now().mono.saturating_sub(begun.mono);
        self.metrics.called(Operation::Purchase, met.answer.outcome.into(), took);
        met
    }
}
