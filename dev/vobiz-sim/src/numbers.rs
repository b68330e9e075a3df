//! Numbers: what the inventory offers and what accounts own. It is one and the same number in two
//! stages of its life, as it is for the vendor: the inventory is the numbers without an owner.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::NumberStyle;

/// The two success answers that the purchase page shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// `account_id`, capabilities, flags, `items`.
    #[default]
    A,
    /// `auth_id`, `provider: manual`, and none of those.
    B,
}

/// The state of a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberStatus {
    /// In use, or for sale.
    #[default]
    Active,
    /// Being bought.
    PendingPurchase,
    /// Given back, and still cancellable.
    PendingRelease,
    /// Given back.
    Released,
    /// Blocked by the vendor.
    Blocked,
    /// A word that the vendor has not documented.
    Suspended,
}

/// What a number costs, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The currency's code.
    pub currency: String,
    /// Paid once.
    pub setup_fee: Decimal,
    /// Paid with the purchase and every month.
    pub monthly_fee: Decimal,
}

impl Price {
    pub(crate) fn total(&self) -> Decimal {
        self.setup_fee + self.monthly_fee
    }

    /// The same, added up as binary fractions.
    pub(crate) fn binary_total(&self) -> Decimal {
        let fees =
            [self.setup_fee, self.monthly_fee].map(|fee| fee.to_string().parse::<f64>().unwrap_or_default());
        fees.iter().sum::<f64>().to_string().parse().unwrap_or_else(|_| self.total())
    }
}

/// A part of the price in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the fields are the vendor's")]
pub enum PriceField {
    SetupFee,
    MonthlyFee,
    Currency,
}

/// A number for sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryNumber {
    /// The number, with its `+`.
    pub e164: String,
    /// The country's code.
    #[serde(default = "default_country")]
    pub country: String,
    /// The region, if the vendor gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The currency of the fees.
    pub currency: String,
    /// Paid once.
    pub setup_fee: Decimal,
    /// Paid with the purchase and every month.
    pub monthly_fee: Decimal,
    /// Further currencies in which the same number is listed.
    #[serde(default)]
    pub also_listed: Vec<Price>,
    /// What the inventory's row leaves out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<PriceField>,
    /// What the inventory's row has in a way that cannot be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub garbles: Vec<PriceField>,
    /// What a purchase costs, if that is not what the inventory's row says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Price>,
    /// The purchase's success answer.
    #[serde(default)]
    pub shape: Shape,
    /// How the fees are written; by default as the shape's example does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fees: Option<NumberStyle>,
    /// The state; only active numbers are for sale.
    #[serde(default)]
    pub status: NumberStatus,
}

fn default_country() -> String {
    "IN".to_owned()
}

impl InventoryNumber {
    /// An Indian number for sale in one currency, answered with Example A.
    pub fn new(
        e164: impl Into<String>,
        currency: impl Into<String>,
        setup_fee: impl Into<Decimal>,
        monthly_fee: impl Into<Decimal>,
    ) -> Self {
        Self {
            e164: e164.into(),
            country: default_country(),
            region: None,
            currency: currency.into(),
            setup_fee: setup_fee.into(),
            monthly_fee: monthly_fee.into(),
            also_listed: Vec::new(),
            lacks: Vec::new(),
            garbles: Vec::new(),
            charged: None,
            shape: Shape::A,
            fees: None,
            status: NumberStatus::Active,
        }
    }

    /// The number, answered with this example.
    #[must_use]
    pub fn with_shape(mut self, shape: Shape) -> Self {
        self.shape = shape;
        self
    }

    /// The number, in this country and region.
    #[must_use]
    pub fn in_region(mut self, country: impl Into<String>, region: impl Into<String>) -> Self {
        self.country = country.into();
        self.region = Some(region.into());
        self
    }
}

/// An owned number, or a change to one: what is left out stays as it is. A number that does not exist
/// yet needs an `account`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the vendor's, under the vendor's names")]
pub struct OwnedNumber {
    pub e164: String,
    pub account: Option<String>,
    pub id: Option<String>,
    pub status: Option<NumberStatus>,
    pub is_blocked: Option<bool>,
    pub country: Option<String>,
    pub region: Option<String>,
    pub currency: Option<String>,
    pub setup_fee: Option<Decimal>,
    pub monthly_fee: Option<Decimal>,
    pub fees: Option<NumberStyle>,
    pub application_id: Option<String>,
    pub trunk_group_id: Option<String>,
    pub minimum_commitment_months: Option<u32>,
    pub purchased_at: Option<Timestamp>,
    pub created_at: Option<Timestamp>,
    pub released_at: Option<Timestamp>,
    pub last_billing_date: Option<Timestamp>,
    pub next_billing_date: Option<Timestamp>,
}

impl OwnedNumber {
    /// A change that gives the number to an account.
    pub fn new(e164: impl Into<String>, account: impl Into<String>) -> Self {
        Self { e164: e164.into(), account: Some(account.into()), ..Self::default() }
    }

    /// The change, with this status.
    #[must_use]
    pub fn with_status(mut self, status: NumberStatus) -> Self {
        self.status = Some(status);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_that_are_added_as_binary_fractions_are_off_by_what_those_lose() {
        let price = |setup: &str, monthly: &str| Price {
            currency: "INR".into(),
            setup_fee: setup.parse().unwrap(),
            monthly_fee: monthly.parse().unwrap(),
        };
        for (setup, monthly, sum) in [("1.1", "2.2", "3.3000000000000003"), ("50", "2", "52")] {
            assert_eq!(price(setup, monthly).binary_total().to_string(), sum);
        }
    }
}
