//! What a claim is told of prices: before the purchase, and after it.

use super::*;
use crate::{
    api::{ConditionType, Quote},
    conditions::fee_differs_newly,
    plan::QuoteRead,
};

fn quote(monthly: &str, seconds: i64) -> Quote {
    let row = Number { monthly_fee: monthly.parse().ok(), currency: "INR".parse().ok(), ..Number::default() };
    Quote::of(&row, Time::seconds(at(seconds)))
}

/// A number that costs so much, bought at that price.
fn bought(quoted: Option<&str>, charged: &str) -> PhoneNumber {
    let mut record = bound(NumberStatus::Active, Ownership::Owned);
    record.spec.attempt.quote = quoted.map(|monthly| quote(monthly, 0));
    let number = record.status.as_mut().and_then(|status| status.number.as_mut()).unwrap();
    (number.monthly_fee, number.currency) = (charged.parse().ok(), "INR".parse().ok());
    record
}

/// A claim that may cost so much, held back by what the inventory said.
fn priced(ceiling: &str, read: Reading<QuoteRead>) -> Given {
    let mut given = Given::default();
    let ceiling = serde_json::json!({ "currency": "INR", "monthlyFee": ceiling });
    given.claim.spec.max_price = serde_json::from_value(ceiling).unwrap();
    given.evidence.quote = read;
    given
}

fn offers(offers: &[Quote]) -> Reading<QuoteRead> {
    Reading::Read { begun: moment(2), value: QuoteRead::Offers(offers.into()) }
}

#[test]
fn a_price_that_was_not_kept_is_told_beside_a_claim_that_stays_ready() {
    for (record, expected) in [
        (bought(Some("52"), "52"), Some(("True", "AsQuoted"))),
        (bought(Some("52"), "50"), Some(("True", "AsQuoted"))),
        (bought(Some("52"), "53"), Some(("False", "FeeDiffers"))),
        (bought(None, "53"), None),
        (bought(Some("52"), "on request"), None),
    ] {
        let (status, reason) = of(&record).tell(moment(20)).unwrap();
        assert_eq!(reason, Reason::Purchased);
        let said = status.condition(ConditionType::PriceAsQuoted);
        let words = said.map(|said| (said.status.as_str(), said.reason.as_str()));
        assert_eq!(words, expected, "{record:?}");
        assert_eq!(status.condition(ConditionType::Ready).unwrap().status, "True");
        assert_eq!(status.quote, record.spec.attempt.quote);
        assert!(
            said.is_none_or(|said| said.message.contains("52 INR") && said.observed_generation == Some(3))
        );
    }
}

#[test]
fn fees_that_differ_are_news_once_and_after_a_restart_as_well() {
    let status = |charged: &str, before: Option<&PhoneNumberClaimStatus>| {
        let mut given = of(&bought(Some("52"), charged));
        given.claim.status = before.cloned();
        given.tell(moment(20)).unwrap().0
    };
    let kept = status("52", None);
    let differs = status("53", Some(&kept));
    assert_eq!(fee_differs_newly(None, &kept), None);
    for (old, is_news) in [(None, true), (Some(&kept), true), (Some(&differs), false)] {
        assert_eq!(fee_differs_newly(old, &differs).is_some(), is_news);
    }
    // Nothing is written for what has been said.
    assert_eq!(status("53", Some(&differs)), differs);
    assert_eq!(fee_differs_newly(Some(&differs), &status("52", Some(&differs))), None);
}

#[test]
fn a_claim_that_is_held_back_shows_its_price_and_writes_it_once() {
    let (first, again) = (quote("52", 2), quote("52", 600));
    for (read, expected, shown) in [
        (offers(&[first]), (Reason::PriceExceeded, "False", "False", "Stalled"), Some(first)),
        (offers(&[]), (Reason::NumberNotFound, "False", "False", "Stalled"), None),
        (
            offers(&[quote("?", 2)]),
            (Reason::PriceUnknown, "Unknown", "False", "Reconciling"),
            Some(quote("?", 2)),
        ),
        (
            Reading::Read { begun: moment(2), value: QuoteRead::Unreadable("500".into()) },
            (Reason::PriceUnknown, "Unknown", "False", "Reconciling"),
            None,
        ),
    ] {
        let given = priced("51.99", read);
        let (reason, purchased, ready, also) = told(&given).unwrap();
        assert_eq!((reason, purchased.as_str(), ready.as_str(), also.as_str()), expected);
        assert_eq!(given.tell(moment(20)).unwrap().0.quote, shown);
    }
    let status = priced("51.99", offers(&[first])).tell(moment(20)).unwrap().0;
    for read in [offers(&[again]), Reading::Never] {
        let mut later = priced("51.99", read);
        later.claim.status = Some(status.clone());
        assert_eq!(later.tell(moment(50)).unwrap().0, status);
    }
}
