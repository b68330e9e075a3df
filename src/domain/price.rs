//! What a number costs before it is bought, what its buyer allows, and whether the one fits the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Currency, Money, Number, Time};

/// The price of a number, as its row in Vobiz's inventory had it. What the row left out, or wrote in a way that cannot be
/// read, is left out.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Quote {
    /// Fee debited once, at the purchase: an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup_fee: Option<Money>,

    /// Fee that recurs every month: an exact decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_fee: Option<Money>,

    /// ISO 4217 code of both fees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,

    /// When the row was asked for. In a claim that is held back, and whose price does not change, for the first time.
    pub at: Time,
}

impl Quote {
    /// The price in a row that was asked for at that time.
    pub(crate) fn of(row: &Number, at: Time) -> Self {
        let Number { setup_fee, monthly_fee, currency, .. } = *row;
        Self { setup_fee, monthly_fee, currency, at }
    }

    /// Whether both name the same price.
    pub(crate) fn is_same_price(&self, other: &Self) -> bool {
        Self { at: other.at, ..*self } == *other
    }

    /// Whether what the account pays is as it was quoted, or less; `None` where no fee of both is known.
    pub(crate) fn was_kept(&self, charged: &Number) -> Option<bool> {
        let fees = [(self.setup_fee, charged.setup_fee), (self.monthly_fee, charged.monthly_fee)];
        let same_currency = charged.currency.is_none() || charged.currency == self.currency;
        let kept = fees.into_iter().filter_map(|(quoted, charged)| Some(quoted?.covers(charged?)));
        kept.reduce(|one, other| one && other).map(|kept| kept && same_currency)
    }
}

/// The most that a number may cost. Nothing is sent for one that costs more, or whose price is not known.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct MaxPrice {
    /// ISO 4217 code of the ceilings. A price in another currency is above them, whatever the sums: nothing is converted.
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "self.matches('^[A-Z]{3}$')",
        "message": "spec.maxPrice.currency must be an ISO 4217 code: three capital letters, e.g. INR"
    }]))]
    pub currency: Currency,

    /// The highest fee that may be debited once, at the purchase. Left out, any, and one that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "!self.startsWith('-')",
        "message": "spec.maxPrice.setupFee must not be less than 0"
    }]))]
    pub setup_fee: Option<Money>,

    /// The highest fee that may recur every month. Left out, any, and one that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "!self.startsWith('-')",
        "message": "spec.maxPrice.monthlyFee must not be less than 0"
    }]))]
    pub monthly_fee: Option<Money>,
}

/// How a price stands to a ceiling, the best case first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    Within,
    /// The price has no currency, or not the fee that the ceiling names.
    Unknown,
    Exceeded,
    OtherCurrency,
}

impl MaxPrice {
    pub(crate) fn fit(&self, quote: &Quote) -> Fit {
        match quote.currency {
            None => return Fit::Unknown,
            Some(currency) if currency != self.currency => return Fit::OtherCurrency,
            Some(_) => {}
        }
        let fees = [(self.setup_fee, quote.setup_fee), (self.monthly_fee, quote.monthly_fee)];
        let fits = fees.into_iter().filter_map(|(ceiling, fee)| match (ceiling?, fee) {
            (_, None) => Some(Fit::Unknown),
            (ceiling, Some(fee)) if ceiling.covers(fee) => Some(Fit::Within),
            (_, Some(_)) => Some(Fit::Exceeded),
        });
        // A schema lets in no ceiling that names no fee.
        fits.max().unwrap_or(Fit::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(text: &str) -> Option<Money> {
        (!text.is_empty()).then(|| text.parse().unwrap())
    }

    /// A price like "50 2 INR": setup fee, monthly fee and currency, each a dash where it is left out.
    fn quote(text: &str) -> Quote {
        let [setup, monthly, currency] = parts(text);
        let at = Time::seconds(jiff::Timestamp::UNIX_EPOCH);
        Quote { setup_fee: sum(setup), monthly_fee: sum(monthly), currency: currency.parse().ok(), at }
    }

    fn parts(text: &str) -> [&str; 3] {
        let parts: Vec<_> = text.split(' ').map(|part| if part == "-" { "" } else { part }).collect();
        parts.try_into().unwrap()
    }

    #[test]
    fn a_price_is_held_against_what_the_ceiling_names_and_nothing_else() {
        use Fit::{Exceeded, OtherCurrency, Unknown, Within};
        for (ceiling, price, expected) in [
            ("- 51.99 INR", "50 52 INR", Exceeded),
            ("- 52 INR", "50 52 INR", Within),
            ("- 52 INR", "50 52.00 INR", Within),
            ("- 52.01 INR", "9999 52 INR", Within),
            ("49.99 52 INR", "50 52 INR", Exceeded),
            ("50 52 INR", "50 52 INR", Within),
            ("0 52 INR", "0.0 52 INR", Within),
            ("0 52 INR", "0.01 52 INR", Exceeded),
            // 0.1 + 0.2, added as binary fractions.
            ("- 0.3 INR", "0 0.30000000000000004 INR", Within),
            ("- 0.3 INR", "0 0.3001 INR", Exceeded),
            ("- 52 INR", "- 52 INR", Within),
            ("50 - INR", "50 - INR", Within),
            ("- 52 INR", "50 - INR", Unknown),
            ("50 - INR", "- 2 INR", Unknown),
            ("50 52 INR", "- 53 INR", Exceeded),
            ("- 52 INR", "50 52 -", Unknown),
            ("- 52 INR", "0 0.01 USD", OtherCurrency),
            ("- - INR", "50 2 INR", Unknown),
        ] {
            let [setup, monthly, currency] = parts(ceiling);
            let ceiling_of = MaxPrice {
                currency: currency.parse().unwrap(),
                setup_fee: sum(setup),
                monthly_fee: sum(monthly),
            };
            assert_eq!(ceiling_of.fit(&quote(price)), expected, "{ceiling} {price}");
        }
    }

    #[test]
    fn a_quote_is_kept_by_what_costs_as_much_or_less() {
        for (quoted, charged, kept) in [
            ("50 2 INR", "50 2 INR", Some(true)),
            ("50 2 INR", "50.0 2.00 INR", Some(true)),
            ("50 2 INR", "10 1 INR", Some(true)),
            ("50 2 INR", "60 2 INR", Some(false)),
            ("50 2 INR", "10 2.01 INR", Some(false)),
            ("50 2 INR", "50 2 USD", Some(false)),
            ("50 2 INR", "50 - -", Some(true)),
            ("50 2 INR", "- 3 -", Some(false)),
            ("- 2 INR", "60 2 INR", Some(true)),
            ("50 2 INR", "- - INR", None),
        ] {
            let Quote { setup_fee, monthly_fee, currency, .. } = quote(charged);
            let number = Number { setup_fee, monthly_fee, currency, ..Number::default() };
            assert_eq!(quote(quoted).was_kept(&number), kept, "{quoted} {charged}");
        }
    }
}
