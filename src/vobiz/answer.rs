//! What an answer to a purchase means: from its status and its body to what is stored of it.

use std::time::Duration;

use serde::Deserialize;

use super::{
    envelope::Envelope,
    json::{Object, object},
    masks::Masks,
    transport::BodyError,
    wire::WireNumber,
};
use crate::{
    api::{Answer, Funds},
    domain::{E164, ListedNumber, Outcome, Time},
};

/// What came of a purchase call. Its outcome says whether the purchase may have happened.
#[derive(Debug, Clone, PartialEq)]
pub struct PurchaseAnswer {
    /// As it is stored.
    pub answer: Answer,
    /// The number, as a 200 with our number describes it.
    pub bought: Option<Box<ListedNumber>>,
    /// How long to leave the account alone, where Vobiz says so.
    pub retry_after: Option<Duration>,
}

impl PurchaseAnswer {
    /// One that did not come from Vobiz, or says no more than this. The words have lost the credentials in use.
    pub(crate) fn without_words_of_vobiz(outcome: Outcome, words: &str, at: Time) -> Self {
        Self { answer: Answer::new(outcome, Some(words), at), bought: None, retry_after: None }
    }
}

/// A response to a purchase, as far as it could be read.
#[derive(Debug, Clone)]
pub struct PurchaseResponse {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Result<Vec<u8>, BodyError>,
}

/// `items` repeats part of it and is ignored.
#[derive(Deserialize)]
struct Success {
    number: Object<WireNumber>,
}

impl PurchaseResponse {
    /// What the response, which arrived at `at`, is taken to mean. `docs/exactly-once.md` has this as a table. What Vobiz
    /// says in it is kept without the credentials in use.
    #[must_use]
    pub fn classify(self, e164: E164, masks: &Masks, at: Time) -> PurchaseAnswer {
        let Self { status, retry_after, body } = self;
        let http_status = Some(i32::from(status));
        let unknown = |message: &str| {
            let answer = Answer::new(Outcome::Unknown, Some(&masks.mask(message)), at);
            PurchaseAnswer { answer: Answer { http_status, ..answer }, bought: None, retry_after: None }
        };
        let body = match body {
            // Vobiz never sends that much: the status of what does says nothing either.
            Err(error @ BodyError::TooLong(_)) => return unknown(&error.to_string()),
            Err(error) if status == 200 => return unknown(&error.to_string()),
            body => body,
        };
        if status == 200 {
            let number = body.ok().and_then(|body| success(&body, e164, masks));
            let Some(number) = number else { return unknown("Vobiz answered 200, but not with this number") };
            let answer = Answer::new(Outcome::Purchased, None, at);
            let answer = Answer { http_status, owner: number.owner.clone(), ..answer };
            return PurchaseAnswer { answer, bought: Some(Box::new(number)), retry_after: None };
        }
        let envelope = body.as_ref().ok().and_then(|body| Envelope::parse(body, masks));
        let Some(outcome) = refusal(status, envelope.is_some()) else {
            return unknown(&describe(status, body.err(), envelope));
        };
        let envelope = envelope.unwrap_or_default();
        let retry_after = retry_after.or(envelope.retry_after);
        PurchaseAnswer { answer: refused(outcome, status, envelope, at), bought: None, retry_after }
    }
}

/// A refusal, in Vobiz's own words where there are any.
fn refused(outcome: Outcome, status: u16, words: Envelope, at: Time) -> Answer {
    let told = words.required.is_some() && words.available.is_some();
    Answer {
        http_status: Some(i32::from(status)),
        code: words.code,
        funds: told.then_some(Funds::Insufficient),
        required: words.required,
        available: words.available,
        currency: words.currency,
        ..Answer::new(outcome, words.message.as_deref(), at)
    }
}

/// Which refusal a status is, if it is one. Each is verified all the same, so this decides what the user is told
/// meanwhile, and who may ask for another attempt.
fn refusal(status: u16, in_vobiz_words: bool) -> Option<Outcome> {
    match status {
        400 | 403 | 409 | 422 => Some(Outcome::Rejected),
        402 => Some(Outcome::PaymentFailed),
        401 => Some(Outcome::Unauthorized),
        429 => Some(Outcome::RateLimited),
        // Not in words of Vobiz's, these may come from anything on the way, or from a path in the wrong casing.
        404 if in_vobiz_words => Some(Outcome::NotFound),
        500 if in_vobiz_words => Some(Outcome::PaymentFailed),
        // These speak of the request's way and time, and not of a decision: it may have been passed on.
        408 | 425 | 499 => None,
        // Vobiz documents no other for any call.
        405..=498 if in_vobiz_words => Some(Outcome::Rejected),
        _ => None,
    }
}

fn success(body: &[u8], e164: E164, masks: &Masks) -> Option<ListedNumber> {
    let Success { number: Object(number) } = object(body)?;
    number.parse(masks).filter(|number| number.e164 == e164)
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

    fn at() -> Time {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn judge(status: u16, body: Result<&str, BodyError>) -> &'static str {
        let body = body.map(|body| body.as_bytes().to_vec());
        let response = PurchaseResponse { status, retry_after: None, body };
        let PurchaseAnswer { answer, bought, .. } =
            response.classify("+911234500000".parse().unwrap(), &Masks::default(), at());
        assert_eq!(answer.http_status, Some(i32::from(status)));
        assert_eq!(bought.is_some(), answer.outcome == Outcome::Purchased);
        match answer.outcome {
            Outcome::Purchased => "purchased",
            Outcome::NotSent => "not sent",
            Outcome::Unknown => "unknown",
            Outcome::NotFound => "not found",
            Outcome::PaymentFailed => "payment failed",
            Outcome::Unauthorized => "unauthorized",
            Outcome::RateLimited => "rate limited",
            Outcome::Rejected => "rejected",
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
            let response = PurchaseResponse {
                status: 429,
                retry_after: header.map(Duration::from_secs),
                body: Ok(body.clone()),
            };
            let met = response.classify("+12".parse().unwrap(), &Masks::default(), at());
            assert_eq!(met.answer.outcome, Outcome::RateLimited);
            assert_eq!(met.retry_after, Some(Duration::from_secs(expected)));
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
                let response = PurchaseResponse { status, retry_after: None, body };
                let words = format!("{:?}", response.classify("+12".parse().unwrap(), &masks, at()));
                assert!(!words.contains("hush"), "{status}: {words}");
            }
        }
    }
}
