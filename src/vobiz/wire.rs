//! Reads the numbers of Vobiz's lists, and tolerates what their fields may hold.

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

use super::{
    error::ReadError,
    json::{Lenient, id, money, object},
    key::key,
    masks::Masks,
};
use crate::domain::{
    AccountId, Capabilities, Currency, E164, ListedNumber, Money, Number, NumberStatus, OwnedRow, Time,
    presentable,
};

/// What stands in the place of a number: its JSON text, of any type. Null is no text; a row that has something there in
/// which no number can be written is not one that is read here.
fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    match raw.get() {
        "null" => Ok(String::new()),
        text if text.starts_with('"') => serde_json::from_str(text).map_err(D::Error::custom),
        other if other.contains(|c: char| c.is_ascii_digit()) => Ok(other.to_owned()),
        _ => Err(D::Error::custom("no number")),
    }
}

/// A number as the purchase, the owned list and the inventory write it. Only `e164` is required.
#[derive(Deserialize)]
pub struct WireNumber {
    #[serde(deserialize_with = "written")]
    e164: String,
    #[serde(default, deserialize_with = "id")]
    id: Option<String>,
    account_id: Lenient<AccountId>,
    auth_id: Lenient<AccountId>,
    country: Lenient<String>,
    region: Lenient<String>,
    capabilities: Lenient<Capabilities>,
    status: Lenient<String>,
    is_blocked: Lenient<bool>,
    #[serde(default, deserialize_with = "money")]
    setup_fee: Option<Money>,
    #[serde(default, deserialize_with = "money")]
    monthly_fee: Option<Money>,
    currency: Lenient<Currency>,
    purchased_at: Lenient<Time>,
    next_billing_date: Lenient<String>,
    is_trial_number: Lenient<bool>,
}

impl WireNumber {
    /// What counts rows: Vobiz's id, and all else where there is none. A row with neither id nor number cannot be told
    /// from its twin, so its place has to do.
    pub fn key(&self, place: (usize, usize)) -> u64 {
        match &self.id {
            Some(id) if !id.is_empty() => key(id),
            _ if !self.e164.contains(char::is_numeric) => key(place),
            _ => self.contents(),
        }
    }

    /// What tells rows apart. A row must not hide another, even if both have the same id: a released one and an active
    /// one of the same number, two numbers, or one that is offered in two currencies.
    pub fn contents(&self) -> u64 {
        let owner = self.owner().map(AccountId::as_str);
        key((&self.id, &self.e164, owner, &self.status.0, self.currency.0))
    }

    fn owner(&self) -> Option<&AccountId> {
        self.account_id.0.as_ref().or(self.auth_id.0.as_ref())
    }

    /// `None` where the row's number is not written as E.164.
    pub fn parse(self, masks: &Masks) -> Option<ListedNumber> {
        let e164 = self.e164.parse().ok()?;
        Some(self.listed(e164, masks))
    }

    /// The numbers that the row may be about: one, where it is written as E.164. Otherwise (`919876543210`, `sip:+91
    /// 98765 43210@host`) every number that its digits may spell, and no account is taken for their owner, so that the
    /// row proves nothing and still stands in the way of their absence. A row without digits (an alphanumeric sender, a
    /// SIP name) is about no number.
    ///
    /// # Errors
    /// If there are digits that are not read here: it may be any number.
    pub fn numbers(mut self, masks: &Masks) -> Result<Vec<ListedNumber>, ReadError> {
        if let Ok(e164) = self.e164.parse() {
            return Ok(vec![self.listed(e164, masks)]);
        }
        if self.e164.contains(|c: char| c.is_numeric() && !c.is_ascii_digit()) {
            return Err(ReadError::unreadable("row whose number"));
        }
        (self.account_id, self.auth_id) = (Lenient(None), Lenient(None));
        Ok(spelt(&self.e164).into_iter().map(|e164| self.listed(e164, masks)).collect())
    }

    /// The row, as people are shown it.
    pub fn owned(&self, masks: &Masks) -> OwnedRow {
        let (owner, number) = self.described(masks);
        // A day, or a moment that begins with it.
        let day = |text: &String| text.get(..10)?.parse().ok();
        let next_billing = self.next_billing_date.0.as_ref().and_then(day);
        OwnedRow {
            e164: self.e164.parse().ok(),
            owner,
            number,
            next_billing,
            is_trial: self.is_trial_number.0,
        }
    }

    fn listed(&self, e164: E164, masks: &Masks) -> ListedNumber {
        let (owner, number) = self.described(masks);
        ListedNumber { e164, owner, number }
    }

    /// Every text that is kept is masked first and shortened then: of a credential that is cut in two, a part would stay.
    fn described(&self, masks: &Masks) -> (Option<AccountId>, Number) {
        let filled = |text: &Option<String>| {
            text.as_deref().map(|text| presentable(&masks.mask(text))).filter(|text| !text.is_empty())
        };
        let status = self.status.0.as_deref().filter(|status| !status.trim().is_empty());
        let Ok(status) = status.map(|status| masks.mask(status).parse()).transpose();
        // Blocked is blocked, whichever of the two fields says so. Of a number that was given back, or that stands in a
        // status that this version does not know, the flag does not say that the account has it.
        let status = match status {
            Some(NumberStatus::Released | NumberStatus::Other(_)) => status,
            _ if self.is_blocked.0 == Some(true) => Some(NumberStatus::Blocked),
            _ => status,
        };
        let number = Number {
            id: filled(&self.id),
            status,
            country: filled(&self.country.0),
            region: filled(&self.region.0),
            capabilities: self.capabilities.0,
            setup_fee: self.setup_fee,
            monthly_fee: self.monthly_fee,
            currency: self.currency.0,
            purchased_at: self.purchased_at.0,
        };
        // No account has such an id: none is taken for the owner.
        let owner = self.owner().filter(|owner| masks.is_clean(owner.as_str())).cloned();
        (owner, number)
    }
}

/// The runs of digits that are looked at in a text that should be a number, and the digits that a number has at least
/// where there are others beside it.
const RUNS: usize = 8;
const SHORTEST: usize = 7;

/// The numbers that the digits of a text may spell: all of them together, those up to some break in the text (an
/// extension or a host may follow), from the first or from a plus sign on, and each run of its own.
fn spelt(text: &str) -> Vec<E164> {
    let number = |digits: &str| format!("+{}", digits.trim_start_matches('0')).parse::<E164>().ok();
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    let mut numbers: Vec<E164> = number(&all).into_iter().collect();
    let parts = text.split('+').filter(|part| part.contains(|c: char| c.is_ascii_digit()));
    for part in std::iter::once(text).chain(parts.take(RUNS)) {
        let mut together = String::new();
        for run in part.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).take(RUNS) {
            together.push_str(run);
            let both = [together.as_str(), run].into_iter().filter(|digits| digits.len() >= SHORTEST);
            for one in both.filter_map(number) {
                if !numbers.contains(&one) {
                    numbers.push(one);
                }
            }
        }
    }
    numbers
}

/// `GET …/balance/{currency}`
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Balance {
    /// Whose it is: of a sub-account, perhaps its master account's.
    #[serde(default, deserialize_with = "account")]
    pub account_id: Option<AccountId>,
    /// What a purchase may draw on.
    #[serde(default, deserialize_with = "money")]
    pub available_balance: Option<Money>,
}

fn account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AccountId>, D::Error> {
    Lenient::deserialize(deserializer).map(|Lenient(account)| account)
}

impl Balance {
    /// # Errors
    /// If the body is no JSON object.
    pub fn parse(body: &[u8]) -> Result<Self, ReadError> {
        object(body).ok_or_else(|| ReadError::unreadable("balance"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> ListedNumber {
        serde_json::from_str::<WireNumber>(json).unwrap().parse(&Masks::default()).unwrap()
    }

    #[test]
    fn example_a_is_read_in_full() {
        let listed = parse(
            r#"{"id":"3f1c","account_id":"MA_EX","e164":"+911234500000","country":"IN","region":"Goa",
            "capabilities":{"voice":true,"sms":false,"mms":false,"fax":false},"status":"active","provider":"",
            "setup_fee":50,"monthly_fee":2,"currency":"INR","voice_enabled":true,"tags":[],
            "purchased_at":"2026-01-02T03:04:05Z","is_blocked":false,"surprise":{"new":[1]}}"#,
        );
        assert_eq!(listed.owner, "MA_EX".parse().ok());
        assert_eq!(listed.number.price().unwrap().to_string(), "52");
        assert_eq!(listed.number.capabilities.unwrap().voice, Some(true));
        assert_eq!(listed.number.purchased_at.unwrap().to_string(), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn a_row_that_people_are_shown_has_its_billing_day_and_no_guessed_number() {
        let row = |json: &str| serde_json::from_str::<WireNumber>(json).unwrap().owned(&Masks::default());
        let day = "2026-02-03".parse().ok();
        for date in ["2026-02-03", "2026-02-03T04:05:06.123456Z", "2026-02-03 04:05:06+00:00"] {
            let json = format!(r#"{{"e164":"+12","next_billing_date":"{date}","is_trial_number":true}}"#);
            assert_eq!((row(&json).next_billing, row(&json).is_trial), (day, Some(true)), "{date}");
        }
        let odd =
            row(r#"{"e164":"911234500000 x12","id":7,"next_billing_date":"soon","is_trial_number":"no"}"#);
        assert_eq!((odd.e164, odd.next_billing, odd.is_trial), (None, None, None));
        assert_eq!(odd.number.id.as_deref(), Some("7"));
    }

    #[test]
    fn example_b_names_its_owner_otherwise_and_writes_fees_as_floats() {
        let listed = parse(
            r#"{"id":77,"auth_id":"SA_EX","e164":"+12","provider":"manual","status":"active","setup_fee":0.0,
            "monthly_fee":1.0,"currency":"USD"}"#,
        );
        assert_eq!(listed.owner, "SA_EX".parse().ok());
        assert_eq!(listed.number.id.as_deref(), Some("77"));
        assert_eq!(listed.number.monthly_fee.unwrap().to_string(), "1.0");
    }

    #[test]
    fn a_field_of_an_unexpected_type_spoils_only_itself() {
        let listed = parse(
            r#"{"e164":"+12","id":null,"status":"quarantined","setup_fee":"7.50","monthly_fee":{},"currency":"rupees",
            "capabilities":[],"purchased_at":7,"is_blocked":"no"}"#,
        );
        assert_eq!(listed.number.status, Some(NumberStatus::Other("quarantined".into())));
        assert_eq!(listed.number.setup_fee.unwrap().to_string(), "7.50");
        assert_eq!((listed.number.monthly_fee, listed.number.currency), (None, None));
    }

    #[test]
    fn a_blocked_flag_is_a_blocked_status_of_a_number_that_the_account_has() {
        for (status, expected) in [
            (r#""active""#, "blocked"),
            (r#""pending_release""#, "blocked"),
            ("null", "blocked"),
            (r#""released""#, "released"),
            (r#""suspended""#, "suspended"),
        ] {
            let row = parse(&format!(r#"{{"e164":"+12","status":{status},"is_blocked":true}}"#));
            assert_eq!(row.number.status.unwrap().to_string(), expected, "{status}");
        }
    }

    #[test]
    fn a_balance_says_whose_it_is_and_needs_not() {
        for (json, sum, account) in [
            (r#"{"account_id":"MA_1","available_balance":7}"#, "7", "MA_1"),
            (r#"{"account_id":7,"available_balance":"7"}"#, "7", ""),
            ("{}", "", ""),
        ] {
            let balance = Balance { available_balance: sum.parse().ok(), account_id: account.parse().ok() };
            assert_eq!(Balance::parse(json.as_bytes()), Ok(balance), "{json}");
        }
    }

    #[test]
    fn an_empty_status_is_none_and_no_text_is_longer_than_a_record_can_take() {
        let row = parse(&format!(r#"{{"e164":"+12","status":" ","region":"{}"}}"#, "x".repeat(100_000)));
        assert_eq!(row.number.status, None);
        assert!(row.number.region.unwrap().len() <= 300);
    }

    #[test]
    fn digits_that_are_not_written_as_e164_spell_every_number_that_they_may() {
        for (text, expected) in [
            ("", ""),
            ("acme", ""),
            ("sip:reception@example.com", ""),
            ("911234500000", "911234500000"),
            ("+91 12345-00000", "911234500000"),
            ("00911234500000", "911234500000"),
            ("+911234500000 ext 12", "911234500000 91123450000012"),
            ("+91 12345 00000 x12", "9112345 911234500000 91123450000012"),
            ("sip:911234500000@10.0.0.1", "911234500000 91123450000010 911234500000100"),
            ("did2 +911234500000", "2911234500000 911234500000"),
            ("user42", "42"),
        ] {
            let spelt: Vec<_> = spelt(text).into_iter().map(E164::digits).collect();
            let expected: Vec<_> = expected.split_whitespace().collect();
            let missing: Vec<_> =
                expected.iter().filter(|one| !spelt.iter().any(|other| other == *one)).collect();
            assert!(missing.is_empty(), "{text:?}: {spelt:?}");
            assert_eq!(spelt.is_empty(), expected.is_empty(), "{text:?}: {spelt:?}");
        }
    }

    #[test]
    fn no_text_of_a_number_is_stored_in_any_length() {
        let long = "x".repeat(1_000_000);
        let listed = parse(&format!(
            r#"{{"e164":"+12","id":"{long}","region":"{long}","country":"{long}","status":"{long}"}}"#
        ));
        assert!(serde_json::to_string(&listed.number).unwrap().len() < 2_000);
    }
}
