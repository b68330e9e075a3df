//! Classifies the answer to a purchase.

use std::time::Duration;

use serde::Deserialize;

use super::{
    envelope::Envelope,
    error::{PurchaseError, Rejection, RejectionKind},
    json::{Object, object},
    masks::Masks,
    transport::BodyError,
    wire::WireNumber,
};
use crate::domain::{E164, ListedNumber};

/// A 200 with our number: the only definite success.
#[derive(Debug, Clone, PartialEq)]
pub struct Purchased(pub ListedNumber);

/// An answer to a purchase, as far as it could be read.
#[derive(Debug, Clone)]
pub struct PurchaseAnswer {
    /// HTTP status code.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<Duration>,
    pub body: Result<Vec<u8>, BodyError>,
}

/// `items` repeats part of it and is ignored.
#[derive(Deserialize)]
struct Success {
    number: Object<WireNumber>,
}

impl PurchaseAnswer {
    /// What the answer is taken to mean. `docs/exactly-once.md` has this as a table. What Vobiz says in it is kept without
    /// the credentials in use.
    ///
    /// # Errors
    /// Unless it is a 200 that names exactly this number.
    pub fn judge(self, e164: E164, masks: &Masks) -> Result<Purchased, PurchaseError> {
        let Self { status, retry_after, body } = self;
        let unknown =
            |message: String| PurchaseError::Unknown { status: Some(status), message: masks.mask(&message) };
        let body = match body {
            // Nobody at Vobiz sends that much: whoever did, its status says nothing either.
            Err(error @ BodyError::TooLong(_)) => return Err(unknown(error.to_string())),
            body => body,
        };
        if status == 200 {
            return success(&body.map_err(|error| unknown(error.to_string()))?, e164, masks)
                .ok_or_else(|| unknown("Vobiz answered 200, but not with this number".into()));
        }
        let envelope = body.as_ref().ok().and_then(|body| Envelope::parse(body, masks));
        let Some(kind) = refusal(status, envelope.is_some()) else {
            return Err(unknown(describe(status, body.err(), envelope)));
        };
        let envelope = envelope.unwrap_or_default();
        let retry_after = retry_after.or(envelope.retry_after);
        Err(PurchaseError::Rejected(Box::new(Rejection { kind, status, envelope, retry_after })))
    }
}

/// Which refusal a status is, if it is one. Each is verified all the same, so this decides what the user is told
/// meanwhile, and who may ask for another attempt.
fn refusal(status: u16, in_vobiz_words: bool) -> Option<RejectionKind> {
    match status {
        400 | 403 | 409 | 422 => Some(RejectionKind::Other),
        402 => Some(RejectionKind::PaymentFailed),
        401 => Some(RejectionKind::Unauthorized),
        429 => Some(RejectionKind::RateLimited),
        // Not in words of Vobiz's, these may come from anything on the way, or from a path in the wrong casing.
        404 if in_vobiz_words => Some(RejectionKind::NotFound),
        500 if in_vobiz_words => Some(RejectionKind::PaymentFailed),
        // These speak of the request's way and time, and not of a decision: it may have been passed on.
        408 | 425 | 499 => None,
        // Vobiz documents no other for any call.
        405..=498 if in_vobiz_words => Some(RejectionKind::Other),
        _ => None,
    }
}

fn success(body: &[u8], e164: E164, masks: &Masks) -> Option<Purchased> {
    let Success { number: Object(number) } = object(body)?;
    number.parse(masks).filter(|number| number.e164 == e164).map(Purchased)
}

fn describe(status: u16, broken: Option<BodyError>, envelope: Option<Envelope>) -> String {
    let said = envelope.and_then(|envelope| envelope.message.or(envelope.code));
    match broken.map(|error| error.to_string()).or(said) {
        Some(words) => format!("Vobiz answered {status}: {words}"),
        None => format!("Vobiz answered {status} without saying why"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVELOPE: &str = r#"{"error":"x","message":"no"}"#;
    const SUCCESS: &str = r#"{"number":{"e164":"+911234500000","account_id":"MA_1"}}"#;

    /// With an envelope, without one, and with what belongs to a success.
    const BODIES: [&str; 9] = [
        ENVELOPE,
        "",
        "<html><body>502</body></html>",
        "no",
        r#"{"error":"x","mess"#,
        r#"{"items":[]}"#,
        "\u{0}\u{1}\u{7f}",
        r#"{"number":{"e164":"+911234500001"}}"#,
        SUCCESS,
    ];

    fn judge(status: u16, body: Result<&str, BodyError>) -> &'static str {
        let body = body.map(|body| body.as_bytes().to_vec());
        let answer = PurchaseAnswer { status, retry_after: None, body };
        match answer.judge("+911234500000".parse().unwrap(), &Masks::default()) {
            Ok(_) => "purchased",
            Err(PurchaseError::NotSent(_)) => "not sent",
            Err(PurchaseError::Unknown { status: told, .. }) => {
                assert_eq!(told, Some(status));
                "unknown"
            }
            Err(PurchaseError::Rejected(rejection)) => match rejection.kind {
                RejectionKind::NotFound => "not found",
                RejectionKind::PaymentFailed => "payment failed",
                RejectionKind::Unauthorized => "unauthorized",
                RejectionKind::RateLimited => "rate limited",
                RejectionKind::Other => "rejected",
            },
        }
    }

    /// The table, written anew: what each status means with an envelope, and with any other body.
    fn table(status: u16) -> (&'static str, &'static str) {
        match status {
            400 | 403 | 409 | 422 => ("rejected", "rejected"),
            401 => ("unauthorized", "unauthorized"),
            402 => ("payment failed", "payment failed"),
            429 => ("rate limited", "rate limited"),
            404 => ("not found", "unknown"),
            500 => ("payment failed", "unknown"),
            408 | 425 | 499 => ("unknown", "unknown"),
            status if (405..499).contains(&status) => ("rejected", "unknown"),
            _ => ("unknown", "unknown"),
        }
    }

    #[test]
    fn every_status_with_every_kind_of_body_means_what_the_table_says() {
        for status in 100..=999 {
            let (worded, bare) = table(status);
            for (at, body) in BODIES.into_iter().enumerate() {
                let expected = match (status, at) {
                    (200, 8) => "purchased",
                    (_, 0) => worded,
                    _ => bare,
                };
                assert_eq!(judge(status, Ok(body)), expected, "{status} with {body:?}");
            }
            let broken = BodyError::Broken("reset".into());
            assert_eq!(judge(status, Err(broken)), bare, "{status} with a body that breaks off");
            assert_eq!(judge(status, Err(BodyError::TooLong(1))), "unknown", "{status} without an end");
        }
    }

    #[test]
    fn a_200_is_a_purchase_only_if_its_number_is_exactly_ours() {
        for body in [
            r#"{"number":{"e164":"911234500000"}}"#,
            r#"{"number":{"e164":" +911234500000"}}"#,
            r#"{"number":{"e164":"+9112345000000"}}"#,
            r#"{"number":{"e164":["+911234500000"]}}"#,
            r#"{"number":{"e164":"+911234500000","e164":"+911234500000"}}"#,
            r#"{"number":{"e164":"+911234500000"},"number":{"e164":"+911234500001"}}"#,
            r#"{"number":[{"e164":"+911234500000"}]}"#,
            r#"{"number":["+911234500000"]}"#,
            r#"[{"e164":"+911234500000"}]"#,
            r#"{"items":[{"e164":"+911234500000"}]}"#,
            r#"{"number":{"e164":"+911234500000"}}}"#,
            "\u{feff}{\"number\":{\"e164\":\"+911234500000\"}}",
        ] {
            assert_eq!(judge(200, Ok(body)), "unknown", "{body}");
        }
        assert_eq!(judge(201, Ok(SUCCESS)), "unknown");
    }

    #[test]
    fn how_long_to_wait_is_read_from_the_header_before_the_body() {
        let body = br#"{"error":{"code":"RATE","details":{"retryAfter":7}}}"#.to_vec();
        for (header, expected) in [(None, 7), (Some(3), 3)] {
            let answer = PurchaseAnswer {
                status: 429,
                retry_after: header.map(Duration::from_secs),
                body: Ok(body.clone()),
            };
            let Err(PurchaseError::Rejected(rejection)) =
                answer.judge("+12".parse().unwrap(), &Masks::default())
            else {
                panic!("not rejected")
            };
            assert_eq!(rejection.retry_after, Some(Duration::from_secs(expected)));
        }
    }
    #[test]
    fn a_token_that_vobiz_echoes_is_in_nothing_that_is_made_of_an_answer() {
        let masks = Masks::of(["hush-hush"].into_iter());
        let said = r#"{"error":"hush-hush","message":"token hush-hush of MA_1"}"#;
        let bought = r#"{"number":{"e164":"+12","id":"hush-hush","account_id":"hush-hush","status":"hush-hush",
            "country":"hush-hush","region":"in hush-hush"}}"#;
        for status in [200, 204, 302, 400, 401, 402, 403, 404, 409, 418, 422, 429, 500, 502] {
            for body in [
                Ok(said.as_bytes().to_vec()),
                Ok(bought.as_bytes().to_vec()),
                Err(BodyError::Broken("reset by hush-hush".into())),
            ] {
                let judged =
                    PurchaseAnswer { status, retry_after: None, body }.judge("+12".parse().unwrap(), &masks);
                let words = match &judged {
                    Ok(purchased) => format!("{purchased:?}"),
                    Err(error) => format!("{error:?} {error}"),
                };
                assert!(!words.contains("hush"), "{status}: {words}");
            }
        }
    }
}
