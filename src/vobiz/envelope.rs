use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::wire::{lenient, money};
use crate::domain::{Currency, Money};

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
    #[serde(default)]
    error: Value,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    details: Option<Details>,
}

/// `{code,message,details?}`
#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    code: Value,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
struct Details {
    #[serde(default, deserialize_with = "money")]
    required: Option<Money>,
    #[serde(default, deserialize_with = "money")]
    available: Option<Money>,
    #[serde(default, deserialize_with = "lenient")]
    currency: Option<Currency>,
    #[serde(default, rename = "retryAfter", deserialize_with = "lenient")]
    retry_after: Option<f64>,
}

/// Vobiz's words are shown to people and stored: long enough to help, too short to do harm.
const LONGEST_WORDS: usize = 300;

impl Envelope {
    /// `None` where the body is no JSON error envelope: HTML, an empty body, or JSON without an error.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let outer: Outer = serde_json::from_slice(body).ok()?;
        let (code, inner) = match outer.error {
            Value::String(code) => (Some(code), None),
            error @ Value::Object(_) => (None, serde_json::from_value::<Inner>(error).ok()),
            _ => (None, None),
        };
        let inner_code = inner.as_ref().and_then(|inner| match &inner.code {
            Value::String(code) => Some(code.clone()),
            Value::Number(code) => Some(code.to_string()),
            _ => None,
        });
        let (inner_message, inner_details) =
            inner.map_or((None, None), |inner| (inner.message, inner.details));
        let code = code.or(inner_code).map(|words| presentable(&words));
        let message = outer.message.or(inner_message).map(|words| presentable(&words));
        if code.is_none() && message.is_none() {
            return None;
        }
        let details = inner_details.or(outer.details).unwrap_or_default();
        Some(Self {
            code,
            message,
            required: details.required,
            available: details.available,
            currency: details.currency,
            retry_after: details.retry_after.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        })
    }
}

/// One line without control characters, of bounded length.
pub fn presentable(words: &str) -> String {
    let line: String =
        words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let envelope = Envelope::parse(body.as_bytes()).unwrap();
            assert_eq!((envelope.code.as_deref(), envelope.message.as_deref()), (code, message), "{body}");
        }
    }

    #[test]
    fn what_is_no_envelope_is_none() {
        for body in ["", "<html>404</html>", "{}", "[]", "null", r#"{"items":[]}"#, r#"{"error":7}"#, "\u{0}"]
        {
            assert_eq!(Envelope::parse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_sums_of_a_short_balance_are_exact() {
        let body = r#"{"status":"error","error":{"code":"INSUFFICIENT_BALANCE","message":"m",
            "details":{"required":52,"available":"12.50","currency":"INR","shortfall":39.5,"retryAfter":3}}}"#;
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(envelope.required.unwrap().to_string(), "52");
        assert_eq!(envelope.available.unwrap().to_string(), "12.50");
        assert_eq!(envelope.currency.unwrap().to_string(), "INR");
        assert_eq!(envelope.retry_after, Some(Duration::from_secs(3)));
    }

    #[test]
    fn words_that_vobiz_sends_cannot_break_a_line_or_grow_without_bound() {
        let long = format!(r#"{{"error":"a\nb","message":"{}"}}"#, "x".repeat(10_000));
        let envelope = Envelope::parse(long.as_bytes()).unwrap();
        assert_eq!(envelope.code.as_deref(), Some("a b"));
        assert_eq!(envelope.message.unwrap().len(), LONGEST_WORDS);
    }
}
