//! A number as JSON, in the vendor's several shapes.

use jiff::Timestamp;
use serde::Serialize;

use crate::{NumberStatus, PriceField, Shape, kept::Number, money::Amount, reply::Reply};

#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "the vendor's shape")]
struct Capabilities {
    voice: bool,
    sms: bool,
    mms: bool,
    fax: bool,
}

const VOICE_ONLY: Capabilities = Capabilities { voice: true, sms: false, mms: false, fax: false };

/// A field of a row.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<T> {
    Value(T),
    Garbled(&'static str),
}

/// The field as the row in the inventory has it.
fn written<T>(number: &Number, field: PriceField, value: T) -> Option<Written<T>> {
    if number.listed.lacks.contains(&field) {
        return None;
    }
    let garbled = number.listed.garbles.contains(&field);
    Some(if garbled { Written::Garbled("on request") } else { Written::Value(value) })
}

/// Example A's number, which is also an item of the two lists.
#[derive(Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "the vendor's shape")]
pub(crate) struct Item<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    e164: &'a str,
    country: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    capabilities: Capabilities,
    status: NumberStatus,
    provider: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    setup_fee: Option<Written<Amount>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly_fee: Option<Written<Amount>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Written<String>>,
    voice_enabled: bool,
    tags: Option<[&'static str; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchased_at: Option<String>,
    is_blocked: bool,
    created_at: String,
    updated_at: String,
    is_trial_number: bool,
    minimum_commitment_months: u32,
    aadhaar_verification_required: bool,
    aadhaar_verified: bool,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk_group_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_billing_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_billing_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    released_at: Option<String>,
}

impl<'a> Item<'a> {
    /// An item of the owned numbers.
    pub(crate) fn owned(number: &'a Number, owner: &'a str) -> Self {
        Self { source: "purchased", ..Self::new(number, owner, micros) }
    }

    /// An item of the inventory, at one of the number's prices.
    pub(crate) fn for_sale(number: &'a Number, price: &crate::Price) -> Self {
        let style = number.fee_style();
        Self {
            account_id: None,
            purchased_at: None,
            setup_fee: written(number, PriceField::SetupFee, Amount::new(price.setup_fee, style)),
            monthly_fee: written(number, PriceField::MonthlyFee, Amount::new(price.monthly_fee, style)),
            currency: written(number, PriceField::Currency, price.currency.clone()),
            tags: None,
            ..Self::new(number, "", micros)
        }
    }

    fn new(number: &'a Number, owner: &'a str, time: fn(Timestamp) -> String) -> Self {
        let style = number.fee_style();
        Self {
            id: &number.id,
            account_id: Some(owner),
            e164: &number.listed.e164,
            country: &number.listed.country,
            region: number.listed.region.as_deref(),
            capabilities: VOICE_ONLY,
            status: number.listed.status,
            provider: "",
            setup_fee: Some(Written::Value(Amount::new(number.listed.setup_fee, style))),
            monthly_fee: Some(Written::Value(Amount::new(number.listed.monthly_fee, style))),
            currency: Some(Written::Value(number.listed.currency.clone())),
            voice_enabled: true,
            tags: Some([]),
            purchased_at: number.purchased_at.map(seconds),
            is_blocked: number.is_blocked,
            created_at: time(number.created_at),
            updated_at: time(number.updated_at),
            is_trial_number: false,
            minimum_commitment_months: number.minimum_commitment_months,
            aadhaar_verification_required: false,
            aadhaar_verified: false,
            source: "inventory",
            application_id: number.application_id.as_deref(),
            trunk_group_id: number.trunk_group_id.as_deref(),
            last_billing_date: number.last_billing_date.map(micros),
            next_billing_date: number.next_billing_date.map(micros),
            released_at: number.released_at.map(micros),
        }
    }
}

#[derive(Serialize)]
struct ExampleA<'a> {
    message: &'static str,
    number: Item<'a>,
    items: [Subset<'a>; 1],
}

/// What is left of a number in `items`: not the fee that matters.
#[derive(Serialize)]
struct Subset<'a> {
    id: &'a str,
    account_id: &'a str,
    e164: &'a str,
    country: &'a str,
    status: NumberStatus,
    monthly_fee: Amount,
    currency: &'a str,
}

#[derive(Serialize)]
struct ExampleB<'a> {
    message: &'static str,
    number: Manual<'a>,
}

#[derive(Serialize)]
struct Manual<'a> {
    id: &'a str,
    auth_id: &'a str,
    e164: &'a str,
    country: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    status: NumberStatus,
    provider: &'static str,
    setup_fee: Amount,
    monthly_fee: Amount,
    currency: &'a str,
    voice_enabled: bool,
    purchased_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// The purchase's success answer, in the number's shape.
pub(crate) fn purchased(number: &Number, owner: &str) -> Reply {
    match number.listed.shape {
        Shape::A => Reply::json(200, &example_a(number, owner)),
        Shape::B => Reply::json(200, &example_b(number, owner)),
    }
}

fn example_a<'a>(number: &'a Number, owner: &'a str) -> ExampleA<'a> {
    let subset = Subset {
        id: &number.id,
        account_id: owner,
        e164: &number.listed.e164,
        country: &number.listed.country,
        status: number.listed.status,
        monthly_fee: Amount::new(number.listed.monthly_fee, number.fee_style()),
        currency: &number.listed.currency,
    };
    ExampleA {
        message: "Number purchased successfully",
        number: Item::new(number, owner, seconds),
        items: [subset],
    }
}

fn example_b<'a>(number: &'a Number, owner: &'a str) -> ExampleB<'a> {
    let style = number.fee_style();
    let number = Manual {
        id: &number.id,
        auth_id: owner,
        e164: &number.listed.e164,
        country: &number.listed.country,
        region: number.listed.region.as_deref(),
        status: number.listed.status,
        provider: "manual",
        setup_fee: Amount::new(number.listed.setup_fee, style),
        monthly_fee: Amount::new(number.listed.monthly_fee, style),
        currency: &number.listed.currency,
        voice_enabled: true,
        purchased_at: number.purchased_at.map(seconds),
        created_at: seconds(number.created_at),
        updated_at: seconds(number.updated_at),
    };
    ExampleB { message: "purchased from inventory", number }
}

/// Whole seconds, as the purchase page writes times.
pub(crate) fn seconds(time: Timestamp) -> String {
    format!("{time:.0}")
}

/// Microseconds, as the lists do.
pub(crate) fn micros(time: Timestamp) -> String {
    format!("{time:.6}")
}
