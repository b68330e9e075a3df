//! What Vobiz puts around every answer: its words, its code, and when to come back.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    json::{Lenient, id, money, object},
    masks::Masks,
};
use crate::domain::{Currency, Money, presentable};

/// What an error answer says, whichever of Vobiz's envelopes it came in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Envelope {
    pub code: Option<String>,
    pub message: Option<String>,
    pub required: Option<Money>,
    pub available: Option<Money>,
    pub currency: Option<Currency>,
    /// `details.retryAfter`, seconds.
    pub retry_after: Option<Duration>,
}

/// `{error,message}`, `{error}`, `{status,message}`; `error` is a word or an object.
#[derive(Deserialize)]
struct Outer {
    /// Kept as text: read into a tree of values, its sums would become floats.
    #[serde(default)]
    error: Option<Box<RawValue>>,
    message: Lenient<String>,
    details: Lenient<Details>,
}

/// `{code,message,details?}`
#[derive(Deserialize, Default)]
struct Inner {
    #[serde(default, deserialize_with = "id")]
    code: Option<String>,
    message: Lenient<String>,
    details: Lenient<Details>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default, deserialize_with = "money")]
    required: Option<Money>,
    #[serde(default, deserialize_with = "money")]
    available: Option<Money>,
    currency: Lenient<Currency>,
    #[serde(rename = "retryAfter")]
    retry_after: Lenient<f64>,
}

impl Envelope {
    /// `None` where the body is no JSON error envelope: HTML, an empty body, or JSON without an error.
    /// Words lose the credentials in use before they are cut to a length: half a token would be left otherwise.
    pub fn parse(body: &[u8], masks: &Masks) -> Option<Self> {
        let outer: Outer = object(body)?;
        let error = outer.error.as_deref().map_or("", RawValue::get);
        let word: Option<String> = serde_json::from_str(error).ok();
        let inner: Inner = object(error.as_bytes()).unwrap_or_default();
        let words = |words: String| presentable(&masks.mask(&words));
        let code = word.or(inner.code).map(words);
        let message = outer.message.0.or(inner.message.0).map(words);
        if code.is_none() && message.is_none() {
            return None;
        }
        let details = inner.details.0.or(outer.details.0).unwrap_or_default();
        Some(Self {
            code,
            message,
            required: details.required,
            available: details.available,
            currency: details.currency.0,
            retry_after: details.retry_after.0.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LONGEST_WORDS;

    fn parse(body: &str) -> Option<Envelope> {
        Envelope::parse(body.as_bytes(), &Masks::default())
    }

    #[test]
    fn every_documented_envelope_is_read() {
        for (body, code, message) in [
            (
                r#"{"error":"not found","message":"number not found in inventory"}"#,
                Some("not found"),
                Some("number not found in inventory"),
            ),
            (r#"{"api_id":"x","error":"not_found","message":"m"}"#, Some("not_found"), Some("m")),
            (r#"{"error":"unauthorized"}"#, Some("unauthorized"), None),
            (
                r#"{"status":"error","error":{"code":"RATE","message":"slow down"},"requestId":"r"}"#,
                Some("RATE"),
                Some("slow down"),
            ),
            (r#"{"error":{"code":401,"message":"bad token"}}"#, Some("401"), Some("bad token")),
            (r#"{"status":"error","message":"m"}"#, None, Some("m")),
        ] {
            let envelope = parse(body).unwrap();
            assert_eq!((envelope.code.as_deref(), envelope.message.as_deref()), (code, message), "{body}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_none() {
        for body in [
            "",
            "<html>404</html>",
            "{}",
            "[]",
            "null",
            r#"{"items":[]}"#,
            r#"{"error":7}"#,
            r#"["x"]"#,
            "\u{0}",
        ] {
            assert_eq!(parse(body), None, "{body}");
        }
    }

    #[test]
    fn the_sums_of_a_short_balance_are_exact() {
        let body = r#"{"status":"error","error":{"code":"INSUFFICIENT_BALANCE","message":"m",
            "details":{"required":52,"available":"12.50","currency":"INR","shortfall":39.5,"retryAfter":3}}}"#;
        let envelope = parse(body).unwrap();
        assert_eq!(envelope.required.unwrap().to_string(), "52");
        assert_eq!(envelope.available.unwrap().to_string(), "12.50");
        assert_eq!(envelope.currency.unwrap().to_string(), "INR");
        assert_eq!(envelope.retry_after, Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_sum_keeps_every_digit_wherever_it_stands() {
        for sum in ["12.50", "9999999999999999999999999999", "0.12345678901234567890123456"] {
            for body in [
                format!(r#"{{"error":{{"code":"x","details":{{"required":{sum}}}}}}}"#),
                format!(r#"{{"error":"x","details":{{"required":{sum}}}}}"#),
            ] {
                let envelope = parse(&body).unwrap();
                assert_eq!(envelope.required.unwrap().to_string(), sum, "{body}");
            }
        }
    }

    #[test]
    fn words_that_vobiz_sends_cannot_break_a_line_or_grow_without_bound() {
        let long = format!(r#"{{"error":"a\nb","message":"{}"}}"#, "x".repeat(10_000));
        let envelope = parse(&long).unwrap();
        assert_eq!(envelope.code.as_deref(), Some("a b"));
        assert_eq!(envelope.message.unwrap().len(), LONGEST_WORDS);
    }
    #[test]
    fn a_token_that_vobiz_echoes_is_in_no_word_of_an_envelope_however_long() {
        let masks = Masks::of(["hush-hush-hush"].into_iter());
        let long = format!("{}hush-hush-hush", "x".repeat(LONGEST_WORDS - 4));
        for said in ["bad token hush-hush-hush", r"bad token h\u0075sh-hush-hush", &long] {
            for body in [
                format!(r#"{{"error":"{said}","message":"{said}"}}"#),
                format!(r#"{{"error":{{"code":"{said}","message":"{said}"}}}}"#),
                format!(r#"{{"status":"error","message":"{said}"}}"#),
            ] {
                let envelope = Envelope::parse(body.as_bytes(), &masks).unwrap();
                let words = format!("{:?} {:?}", envelope.code, envelope.message);
                assert!(!words.contains("hush"), "{words}");
            }
        }
    }
}
