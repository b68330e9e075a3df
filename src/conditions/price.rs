//! Whether a number that was bought at a known price costs that: the condition `PriceAsQuoted`.

use super::message::sum;
use crate::{
    api::{AttemptState, ConditionType, PhoneNumber, PhoneNumberClaimStatus, PriceReason, Status},
    domain::{Currency, Money},
};

/// What is known of it; nothing where no price was asked for before, or no fee of the number is known.
pub fn as_quoted(record: &PhoneNumber) -> Option<(Status, PriceReason, String)> {
    let attempt = &record.spec.attempt;
    let quote = attempt.quote.filter(|_| attempt.state == AttemptState::Bound)?;
    let charged = record.described()?;
    let asked = fees(quote.setup_fee, quote.monthly_fee, quote.currency);
    Some(if quote.was_kept(charged)? {
        (Status::True, PriceReason::AsQuoted, format!("Vobiz asked for {asked}, and charges no more."))
    } else {
        let costs = fees(charged.setup_fee, charged.monthly_fee, charged.currency);
        let message = format!(
            "Before the purchase, Vobiz asked for {asked}; the number costs {costs}. It stays bought, and its fee goes on. Ask \
             Vobiz about the difference; to give the number up, delete the claim, and release the number in Vobiz's console."
        );
        (Status::False, PriceReason::FeeDiffers, message)
    })
}

/// What the new status says of fees that differ, if the old one did not: a restart is no news.
pub fn fee_differs_newly<'a>(
    old: Option<&PhoneNumberClaimStatus>,
    new: &'a PhoneNumberClaimStatus,
) -> Option<&'a str> {
    let differs = |status: &PhoneNumberClaimStatus| {
        let condition = status.condition(ConditionType::PriceAsQuoted);
        condition.is_some_and(|condition| condition.status == Status::False.into_str())
    };
    let is_news = differs(new) && !old.is_some_and(differs);
    new.condition(ConditionType::PriceAsQuoted)
        .filter(|_| is_news)
        .map(|condition| condition.message.as_str())
}

fn fees(setup: Option<Money>, monthly: Option<Money>, currency: Option<Currency>) -> String {
    format!("a setup fee of {} and a monthly fee of {}", sum(setup, currency), sum(monthly, currency))
}
