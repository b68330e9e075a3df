//! Answers as Vobiz documents them: both shapes of a purchase, every error envelope, lists, ledger, balance.

/// The number that is asked for.
pub const NUMBER: &str = "+911234500000";

pub const PURCHASES: [&str; 2] = [
    r#"{"message":"Number purchased successfully","number":{"id":"3f1c","account_id":"MA_EX","e164":"+911234500000","country":"IN","region":"Goa","capabilities":{"voice":true,"sms":false,"mms":false,"fax":false},"status":"active","provider":"","setup_fee":50,"monthly_fee":2,"currency":"INR","voice_enabled":true,"tags":[],"purchased_at":"2026-01-02T03:04:05Z","is_blocked":false,"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","is_trial_number":false,"minimum_commitment_months":0,"aadhaar_verification_required":false,"aadhaar_verified":false,"source":"inventory"},"items":[{"id":"3f1c","account_id":"MA_EX"}]}"#,
    r#"{"message":"purchased from inventory","number":{"id":"77","auth_id":"SA_EX","e164":"+911234500000","country":"IN","region":"Goa","status":"active","provider":"manual","setup_fee":0.0,"monthly_fee":1.0,"currency":"USD","purchased_at":"2026-01-02T03:04:05.123456Z"}}"#,
];

pub const ENVELOPES: [&str; 9] = [
    r#"{"error":"not found","message":"number not found in inventory"}"#,
    r#"{"error":"internal server error","message":"failed to purchase number from provider"}"#,
    r#"{"api_id":"x","error":"not_found","message":"m"}"#,
    r#"{"error":"unauthorized"}"#,
    r#"{"status":"error","error":{"code":"INSUFFICIENT_BALANCE","message":"m","details":{"required":52,"available":"12.50","currency":"INR","shortfall":39.5}},"timestamp":"2026-01-02T03:04:05Z","requestId":"r"}"#,
    r#"{"status":"error","error":{"code":"RATE","message":"slow down","details":{"retryAfter":3}}}"#,
    r#"{"error":{"code":401,"message":"bad token"}}"#,
    r#"{"status":"error","message":"m"}"#,
    r#"{"error":"did_cool_off_in_effect","cool_off_until":"2026-01-02T03:04:05Z","cool_off_remaining_seconds":5}"#,
];

pub const LISTS: [&str; 5] = [
    r#"{"items":[{"id":"3f1c","account_id":"MA_EX","e164":"+911234500000","country":"IN","status":"active","setup_fee":50,"monthly_fee":2,"currency":"INR","is_blocked":false,"application_id":"92233720368547758079","trunk_group_id":null},{"id":"4","account_id":"SA_2","e164":"+9112345000001","status":"pending_release","setup_fee":7.50,"monthly_fee":"1.10","tags":null}],"page":1,"per_page":25,"total":2}"#,
    r#"{"items":[{"id":5,"auth_id":"MA_EX","e164":"+911234500000","status":"blocked","is_blocked":true},{"id":6,"e164":"+4930123456"}]}"#,
    r#"{"items":[],"page":1,"per_page":25,"total":0}"#,
    r#"{"items":null,"total":0}"#,
    r#"{"items":[{"id":"7","account_id":"MA_EX","e164":"","status":"active"},{"e164":null},{"id":"8","e164":"desk"},{"id":"9","account_id":"MA_EX","e164":"sip:911234500000@10.0.0.1","status":"active"},{"id":"10","e164":911234500000}],"page":1,"total":5}"#,
];

pub const LEDGERS: [&str; 3] = [
    r#"{"transactions":[{"id":"t1","account_id":"MA_EX","balance_id":"b","type":"debit","amount":52,"currency":"INR","description":"DID +911234500000","reference":"911234500000","reference_type":"did_purchase","status":"completed","processed_at":"2026-01-02T03:04:05Z","created_at":"2026-01-02 03:04:05.5+00:00"},{"id":"t2","type":"credit","amount":52.00,"currency":"INR","reference_type":"refund","status":"pending"},{"id":3,"type":"did_rental","amount":"-2.50"},{"id":"t4","type":"debit","amount":0.4,"reference_type":"cdr","reference":"911234500000","status":"failed"}],"summary":{"total":0},"total":4,"page":1,"per_page":1000,"total_pages":1}"#,
    r#"{"transactions":[],"count":0,"limit":50,"offset":0}"#,
    r#"{"transactions":null,"summary":{},"total":0,"page":1}"#,
];

pub const BALANCES: [&str; 2] = [
    r#"{"id":"b","account_id":"MA_EX","currency":"INR","balance":812.5,"reserved_funds":0,"available_balance":812.50,"credit_limit":0,"is_postpaid":false,"status":"active"}"#,
    r#"{"currency":"INR","balance":"812.5","available_balance":"-12.30"}"#,
];

/// Fields that mean something somewhere.
pub const FIELDS: [&str; 32] = [
    "number",
    "e164",
    "items",
    "error",
    "message",
    "code",
    "details",
    "required",
    "available",
    "currency",
    "retryAfter",
    "total",
    "page",
    "transactions",
    "type",
    "amount",
    "status",
    "reference",
    "reference_type",
    "description",
    "created_at",
    "processed_at",
    "setup_fee",
    "monthly_fee",
    "available_balance",
    "account_id",
    "auth_id",
    "id",
    "is_blocked",
    "capabilities",
    "purchased_at",
    "country",
];
