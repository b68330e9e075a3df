//! What a number costs, as far as Vobiz says it.

use serde::Serialize;

use crate::{
    api::{AttemptState, Number},
    domain::{Currency, Money, Quote},
    plan::{ClaimObserved, QuoteRead, Reading, quoted},
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    pub setup_fee: Option<Money>,
    pub monthly_fee: Option<Money>,
    pub currency: Option<Currency>,
}

/// What the inventory has for a purchase.
#[derive(Debug, PartialEq)]
pub enum Offer {
    Priced(Price),
    NotInStock,
    /// It has the number, and not its price in the currency that is asked for; or it cannot be read.
    Unknown,
}

impl Price {
    /// What is debited when the number is bought.
    pub fn due(&self) -> Option<(Currency, Money)> {
        Some((self.currency?, (self.setup_fee? + self.monthly_fee?)?))
    }

    pub fn monthly(&self) -> Option<(Currency, Money)> {
        Some((self.currency?, self.monthly_fee?))
    }

    pub fn of(number: &Number) -> Self {
        Self { setup_fee: number.setup_fee, monthly_fee: number.monthly_fee, currency: number.currency }
    }

    fn quoted(quote: &Quote) -> Self {
        Self { setup_fee: quote.setup_fee, monthly_fee: quote.monthly_fee, currency: quote.currency }
    }

    /// What is known where nothing is bought: what the number costs that is bound, or at which price it is held back.
    pub fn stands(observed: &ClaimObserved<'_>) -> Self {
        let bound = observed.record.filter(|record| record.spec.attempt.state == AttemptState::Bound);
        let described = bound.and_then(|record| record.described()).map(Self::of);
        described.or_else(|| quoted(observed).map(Self::quoted)).unwrap_or_default()
    }
}

/// The price at which the claim would buy. Nothing is converted: in another currency than it is asked for, none is known.
pub fn offer(observed: &ClaimObserved<'_>) -> Offer {
    let Reading::Read { value: QuoteRead::Offers(offers), .. } = &observed.evidence.quote else {
        return Offer::Unknown;
    };
    if let Some(quote) = quoted(observed) {
        return Offer::Priced(Price::quoted(quote));
    }
    let asked = observed.claim.spec.currency;
    let fits = |quote: &&Quote| asked.is_none() || quote.currency == asked;
    match offers.iter().find(fits) {
        Some(quote) => Offer::Priced(Price::quoted(quote)),
        None if offers.is_empty() => Offer::NotInStock,
        None => Offer::Unknown,
    }
}
