//! The vendor's error bodies. There are several envelopes, and an endpoint may use more than one.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{NumberStyle, money::Amount, reply::Reply};

/// `{error, message}`.
pub(crate) fn plain(status: u16, error: &str, message: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "message": message}))
}

/// `{error: {code: 401, message}}`.
pub(crate) fn unauthorized(message: &str) -> Reply {
    Reply::json(401, &json!({"error": {"code": 401, "message": message}}))
}

/// `{status: "error", error: {code, message, details?}, timestamp, requestId}`, for a bad request.
pub(crate) fn bad_request(code: &str, message: &str, field: &str) -> Reply {
    coded(400, &json!({"code": code, "message": message, "details": {"field": field}}))
}

fn coded(status: u16, error: &Value) -> Reply {
    Reply::json(
        status,
        &json!({
            "status": "error",
            "error": error,
            "timestamp": Timestamp::now().to_string(),
            "requestId": Uuid::new_v4().to_string(),
        }),
    )
}

/// The errors page's answer to a purchase that the balance does not cover.
pub(crate) fn insufficient_balance(required: Decimal, available: Decimal, currency: &str) -> Reply {
    #[derive(serde::Serialize)]
    struct Envelope<'a> {
        status: &'a str,
        error: Coded<'a>,
        timestamp: String,
        #[serde(rename = "requestId")]
        request_id: String,
    }
    #[derive(serde::Serialize)]
    struct Coded<'a> {
        code: &'a str,
        message: &'a str,
        details: Details<'a>,
    }
    #[derive(serde::Serialize)]
    struct Details<'a> {
        required: Amount,
        available: Amount,
        currency: &'a str,
        shortfall: Amount,
    }
    let amount = |value| Amount::new(value, NumberStyle::Integer);
    Reply::json(
        402,
        &Envelope {
            status: "error",
            error: Coded {
                code: "INSUFFICIENT_BALANCE",
                message: "Insufficient balance to complete this operation",
                details: Details {
                    required: amount(required),
                    available: amount(available),
                    currency,
                    shortfall: amount(required - available),
                },
            },
            timestamp: Timestamp::now().to_string(),
            request_id: Uuid::new_v4().to_string(),
        },
    )
}

/// The purchase page's 404.
pub(crate) fn not_in_inventory() -> Reply {
    plain(404, "not found", "number not found in inventory")
}

/// The purchase page's 500, for a debit that failed.
pub(crate) fn provider_failed() -> Reply {
    plain(500, "internal server error", "failed to purchase number from provider")
}

/// What a router answers that does not know the path.
pub(crate) fn no_such_path() -> Reply {
    Reply::new(404, "text/plain; charset=utf-8", "404 page not found\n")
}
