//! Nothing is sent for a number that costs more than its claim allows, or whose price is not known.

use std::time::Duration;

use serde_json::json;

use super::{
    account::passing,
    asked::{Asked, Checked, LiveAsked, Pause, Told, Wake},
    look::{self, look_begins},
};
use crate::{
    api::{PhoneNumberClaim, Reason},
    domain::{Fit, MaxPrice, Money, Quote},
    plan::{
        Moment,
        attempt::NewAttempt,
        evidence::{EvidenceRequest, Source},
        observed::ClaimObserved,
        offers::QuoteRead,
        reading::{Fresh, Reading},
    },
};

/// A price may be so old when the purchase's turn comes.
const LASTS: Duration = Duration::from_mins(1);

/// Only a claim with a ceiling asks for a price: the others cost no call for it.
pub fn check(asked: &Asked<'_>) -> Checked {
    let claim = asked.observed.claim;
    let Some(ceiling) = claim.spec.max_price else { return Checked::Pass };
    let begins = look_begins(asked);
    // One that is in line and looked at meanwhile has no price read for that: thousands may be, and each turn looks for itself.
    let lasts = if asked.observed.in_line { Duration::MAX } else { LASTS };
    let mut since = Moment { mono: begins.mono.max(asked.now.mono.saturating_sub(lasts)), ..begins };
    if let Fresh::Value(begun, read) = asked.observed.evidence.quote.since(since) {
        let Some(told) = held_back(claim, ceiling, read) else { return Checked::Pass };
        match asked.observed.evidence.listing.begun().filter(|listed| listed.mono > begun.mono) {
            None => return Checked::Pause(Pause { told, until: Wake::NextListing }),
            // The account has been listed since: the price is looked at again as well.
            Some(listed) => since = listed,
        }
    }
    let until = Wake::Evidence(EvidenceRequest::new(since, [Source::Quote(claim.number())]));
    match Told::already(claim, &[Reason::NumberNotFound]) {
        Some(told) => Checked::Pause(Pause { told, until }),
        None => passing(asked, "Asking Vobiz what the number costs; nothing is sent before.", until),
    }
}

/// The ceiling as it stands now, against the price that the attempt was permitted at.
pub fn check_live(LiveAsked { claim, attempt, .. }: &LiveAsked<'_>) -> Option<Told> {
    let ceiling = claim.spec.max_price?;
    let (reason, what) = match &attempt.quote {
        Some(quote) => above(claim, ceiling, quote)?,
        None => unknown("the claim had no ceiling when its purchase was decided", ceiling),
    };
    Some(nothing_sent(reason, &what))
}

/// The purchase, after a look that found nothing, at the price that passed.
pub fn purchase(asked: &Asked<'_>) -> NewAttempt {
    let (attempt, quote) = (look::purchase(asked), quoted(asked.observed).copied());
    // What is billed is what was quoted.
    let currency = quote.and_then(|quote| quote.currency).or(attempt.currency);
    NewAttempt { currency, quote, ..attempt }
}

/// The price that the claim's ceiling is held against, by what was read last.
pub fn quoted<'a>(observed: &'a ClaimObserved<'_>) -> Option<&'a Quote> {
    match &observed.evidence.quote {
        Reading::Read { value: QuoteRead::Offers(offers), .. } => {
            offer(offers, observed.claim.spec.max_price?)
        }
        Reading::Read { value: QuoteRead::Unreadable(_), .. }
        | Reading::Never
        | Reading::NoSuchEndpoint { .. } => None,
    }
}

/// Of several rows of one number, the one in the ceiling's currency: the purchase names it. Of two in that currency, the one
/// that fits less.
fn offer(offers: &[Quote], ceiling: MaxPrice) -> Option<&Quote> {
    let in_it = offers.iter().filter(|offer| offer.currency == Some(ceiling.currency));
    in_it.max_by_key(|offer| ceiling.fit(offer)).or_else(|| offers.first())
}

const AGAIN: &str = "The operator looks again whenever it lists the account (VOBIZ_RESYNC_INTERVAL), and when the claim is changed.";

/// What keeps the number from being bought, by what the inventory says.
fn held_back(claim: &PhoneNumberClaim, ceiling: MaxPrice, read: &QuoteRead) -> Option<Told> {
    let (reason, what) = match read {
        QuoteRead::Unreadable(why) => unknown(&format!("Vobiz's inventory cannot be read ({why})"), ceiling),
        QuoteRead::Offers(offers) => match offer(offers, ceiling) {
            None => (
                Reason::NumberNotFound,
                "The number is not in Vobiz's inventory. Choose one that is in stock; or leave the claim as it is, and the \
                 number is bought once it is there."
                    .into(),
            ),
            Some(quote) => above(claim, ceiling, quote)?,
        },
    };
    Some(nothing_sent(reason, &what))
}

fn nothing_sent(reason: Reason, what: &str) -> Told {
    Told { reason, message: format!("{what} Nothing was sent. {AGAIN}").into() }
}

fn unknown(why: &str, ceiling: MaxPrice) -> (Reason, String) {
    let allows = allowed(ceiling);
    (Reason::PriceUnknown, format!("The price is not known: {why}. spec.maxPrice allows {allows}."))
}

/// Why a price is not within the ceiling, if it is not, and what to do about it.
fn above(claim: &PhoneNumberClaim, ceiling: MaxPrice, quote: &Quote) -> Option<(Reason, String)> {
    let (asks, allows) = (asked_for(quote), allowed(ceiling));
    let to_allow = || format!("To buy at this price: {}.", allow(claim, ceiling, quote));
    let (reason, mend) = match ceiling.fit(quote) {
        Fit::Within => return None,
        Fit::Exceeded => (Reason::PriceExceeded, to_allow()),
        Fit::OtherCurrency => {
            (Reason::PriceExceeded, format!("Sums in two currencies are not compared. {}", to_allow()))
        }
        Fit::Unknown => (
            Reason::PriceUnknown,
            "The inventory's row lacks what spec.maxPrice names, or has it in a way that cannot be read: ask Vobiz what the \
             number costs."
                .into(),
        ),
    };
    Some((reason, format!("Vobiz asks for {asks}; spec.maxPrice allows {allows}. {mend}")))
}

fn asked_for(quote: &Quote) -> String {
    let currency = quote.currency.map_or_else(|| "(no currency)".into(), |currency| currency.to_string());
    let sum = |fee: Option<Money>| fee.map_or_else(|| "unknown".into(), |fee| format!("{fee} {currency}"));
    format!("a setup fee of {} and a monthly fee of {}", sum(quote.setup_fee), sum(quote.monthly_fee))
}

fn allowed(ceiling: MaxPrice) -> String {
    let fees = [("setup fee", ceiling.setup_fee), ("monthly fee", ceiling.monthly_fee)];
    let named =
        fees.into_iter().filter_map(|(name, fee)| Some(format!("a {name} of {} {}", fee?, ceiling.currency)));
    named.collect::<Vec<_>>().join(" and ")
}

/// The command that raises the ceiling to the price.
fn allow(claim: &PhoneNumberClaim, ceiling: MaxPrice, quote: &Quote) -> String {
    let currency = quote.currency.unwrap_or(ceiling.currency);
    let (setup_fee, monthly_fee) =
        (ceiling.setup_fee.and(quote.setup_fee), ceiling.monthly_fee.and(quote.monthly_fee));
    let mut spec = json!({ "maxPrice": MaxPrice { currency, setup_fee, monthly_fee } });
    // The two currencies of a claim are one.
    if claim.spec.currency.is_some() {
        spec["currency"] = json!(currency);
    }
    format!("kubectl patch {} --type=merge -p='{}'", claim.for_kubectl(), json!({ "spec": spec }))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::{AttemptId, Time},
        plan::{AttemptCause, ClaimStep, Service, cause::Wanted},
    };

    fn at(seconds: u64) -> Moment {
        let mono = Duration::from_secs(seconds);
        Moment { wall: Timestamp::UNIX_EPOCH + mono, mono }
    }

    fn claim(spec: &serde_json::Value) -> PhoneNumberClaim {
        let mut claim =
            json!({ "metadata": { "namespace": "a", "name": "b", "generation": 1 }, "spec": spec });
        claim["spec"]["e164"] = json!("+911234500000");
        serde_json::from_value(claim).unwrap()
    }

    fn monthly(ceiling: &str) -> PhoneNumberClaim {
        claim(&json!({ "maxPrice": { "currency": "INR", "monthlyFee": ceiling } }))
    }

    /// An offer like "50 52 INR".
    fn offer(text: &str) -> Quote {
        let [setup, monthly, currency] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
        Quote {
            setup_fee: setup.parse().ok(),
            monthly_fee: monthly.parse().ok(),
            currency: currency.parse().ok(),
            at: Time::seconds(Timestamp::UNIX_EPOCH),
        }
    }

    fn offers(offers: &[&str]) -> QuoteRead {
        QuoteRead::Offers(offers.iter().map(|text| offer(text)).collect())
    }

    /// What is said of a claim that has wanted its number since the tenth second, in the hundredth. The account was listed
    /// in the fiftieth.
    fn asked(claim: &PhoneNumberClaim, begun: u64, read: QuoteRead) -> Checked {
        let mut observed = ClaimObserved::for_tests(claim);
        observed.evidence.listing = Reading::Read { begun: at(50), value: Vec::new().into() };
        observed.evidence.quote = Reading::Read { begun: at(begun), value: read };
        let wanted = Wanted { cause: AttemptCause::First, after: None, since: at(10) };
        check(&Asked::new(&observed, &wanted, at(100)))
    }

    fn told(checked: Checked) -> (Reason, String) {
        let Checked::Pause(pause) = checked else { panic!("{checked:?}") };
        assert_eq!(pause.until, Wake::NextListing);
        (pause.told.reason, pause.told.message.into_owned())
    }

    #[test]
    fn what_keeps_a_claim_with_a_ceiling_back_names_price_and_ceiling() {
        use Reason::{NumberNotFound, PriceExceeded, PriceUnknown};
        let in_inr =
            claim(&json!({ "currency": "INR", "maxPrice": { "currency": "INR", "setupFee": "50" } }));
        for (claim, read, reason, words) in [
            (
                monthly("51.99"),
                offers(&["50 52 INR"]),
                PriceExceeded,
                r#"-n a phonenumberclaim/b --type=merge -p='{"spec":{"maxPrice":{"currency":"INR","monthlyFee":"52"}}}'"#,
            ),
            (
                monthly("51.99"),
                offers(&["50 52 INR"]),
                PriceExceeded,
                "52 INR; spec.maxPrice allows a monthly fee of 51.99 INR",
            ),
            (monthly("9999"), offers(&["0 1 USD"]), PriceExceeded, "two currencies are not compared"),
            (
                in_inr,
                offers(&["1 1 USD"]),
                PriceExceeded,
                r#"{"spec":{"currency":"USD","maxPrice":{"currency":"USD","setupFee":"1"}}}"#,
            ),
            (
                monthly("52"),
                offers(&["50 ? INR"]),
                PriceUnknown,
                "a monthly fee of unknown; spec.maxPrice allows a monthly fee of 52 INR",
            ),
            (monthly("52"), offers(&["50 52 ?"]), PriceUnknown, "52 (no currency)"),
            (
                monthly("52"),
                QuoteRead::Unreadable("Vobiz answered 502".into()),
                PriceUnknown,
                "Vobiz answered 502",
            ),
            (monthly("52"), offers(&[]), NumberNotFound, "not in Vobiz's inventory"),
            // Of two rows in the ceiling's currency, the dearer counts.
            (monthly("52"), offers(&["0 1 USD", "50 52 INR", "50 53 INR"]), PriceExceeded, "53 INR"),
        ] {
            let (said, message) = told(asked(&claim, 60, read));
            assert_eq!(said, reason, "{message}");
            assert!(message.contains(words) && message.contains("Nothing was sent"), "{message}");
        }
    }

    #[test]
    fn a_price_within_the_ceiling_passes_in_the_currency_of_the_ceiling() {
        for (ceiling, rows) in
            [("52", vec!["50 52 INR"]), ("52", vec!["? 52.00 INR"]), ("52", vec!["0 9999 USD", "50 51 INR"])]
        {
            assert_eq!(asked(&monthly(ceiling), 40, offers(&rows)), Checked::Pass, "{ceiling} {rows:?}");
        }
    }

    #[test]
    fn a_price_is_read_after_the_goal_and_within_a_minute_of_the_turn() {
        for (ceiling, begun, since) in [
            ("52", 39, Some(40)),
            ("52", 9, Some(40)),
            ("52", 40, None),
            ("52", 100, None),
            // What holds a claim back is looked at again once the account has been listed.
            ("51", 49, Some(50)),
        ] {
            let said = asked(&monthly(ceiling), begun, offers(&["50 52 INR"]));
            let waits = match &said {
                Checked::Pause(Pause { until: Wake::Evidence(request), .. }) => {
                    assert!(ClaimStep::Await(Wake::Evidence(request.clone())).lacks_price());
                    Some(request.since.mono.as_secs())
                }
                _ => None,
            };
            assert_eq!(waits, since, "{begun}: {said:?}");
            assert_eq!(said == Checked::Pass, since.is_none(), "{begun}: {said:?}");
        }
    }

    #[test]
    fn in_line_a_price_may_be_older_if_it_was_read_after_the_goal() {
        let claim = monthly("52");
        for (in_line, begun, passes) in
            [(true, 39, true), (true, 10, true), (true, 9, false), (false, 39, false), (false, 40, true)]
        {
            let mut observed = ClaimObserved { in_line, ..ClaimObserved::for_tests(&claim) };
            observed.evidence.quote = Reading::Read { begun: at(begun), value: offers(&["50 52 INR"]) };
            let wanted = Wanted { cause: AttemptCause::First, after: None, since: at(10) };
            let said = check(&Asked::new(&observed, &wanted, at(100)));
            assert_eq!(said == Checked::Pass, passes, "{in_line} {begun}: {said:?}");
        }
    }

    #[test]
    fn a_ceiling_is_held_once_more_against_the_price_of_the_attempt() {
        for (claim, quote, reason) in [
            (monthly("52"), Some("50 52 INR"), None),
            (monthly("51.99"), Some("50 52 INR"), Some(Reason::PriceExceeded)),
            (monthly("52"), None, Some(Reason::PriceUnknown)),
            (
                claim(&json!({ "maxPrice": { "currency": "USD", "monthlyFee": "99" } })),
                Some("50 52 INR"),
                Some(Reason::PriceExceeded),
            ),
            (
                claim(&json!({ "maxPrice": { "currency": "INR", "setupFee": "50" } })),
                Some("? 52 INR"),
                Some(Reason::PriceUnknown),
            ),
            (claim(&json!({})), None, None),
            (claim(&json!({})), Some("50 52 INR"), None),
        ] {
            let intent = NewAttempt { quote: quote.map(offer), ..NewAttempt::for_tests() };
            let attempt = intent.open(AttemptId::from_random([7; 16]), at(100).wall);
            let served = Service::by("MA_1".parse().unwrap());
            let told = check_live(&LiveAsked { claim: &claim, attempt: &attempt, served: &served });
            assert_eq!(told.as_ref().map(|told| told.reason), reason, "{quote:?}");
            assert!(told.is_none_or(|told| told.message.contains("Nothing was sent")));
        }
    }

    #[test]
    fn a_claim_that_is_held_back_is_told_so_until_the_price_is_known_anew() {
        let mut held = monthly("52");
        let told = json!({ "observedGeneration": 1, "conditions": [{ "type": "Ready", "status": "False",
            "reason": "PriceExceeded", "message": "words", "lastTransitionTime": "2026-01-02T03:04:05Z" }] });
        held.status = serde_json::from_value(told).unwrap();
        for (generation, reason) in [(1, Reason::PriceExceeded), (2, Reason::Purchasing)] {
            held.metadata.generation = Some(generation);
            let said = asked(&held, 20, offers(&["50 52 INR"]));
            let Checked::Pause(Pause { told, until: Wake::Evidence(_) }) = said else { panic!("{said:?}") };
            assert_eq!(told.reason, reason);
        }
    }

    #[test]
    fn a_claim_without_a_ceiling_asks_for_no_price() {
        assert_eq!(Asked::about("+911234500000", check), Checked::Pass);
    }
}
