use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

use super::{envelope::presentable, error::ReadError};
use crate::{
    api::{Capabilities, Number, NumberStatus},
    domain::{AccountId, Currency, E164, Money, Time},
};

/// A JSON object with these fields, and nothing behind it. Serde would take a list of their values as well: `[[]]`
/// for a page without rows.
pub fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let is_object = json.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(json).ok()).flatten()
}

/// An [`object`] inside another.
pub struct Object<T>(pub T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        object(raw.get().as_bytes()).map(Self).ok_or_else(|| D::Error::custom("not such an object"))
    }
}

/// A field that may be missing, null or of another type without spoiling the rest of the answer.
pub fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    // No field that is read here is a list, see `object`.
    Ok(if raw.get().starts_with('[') { None } else { serde_json::from_str(raw.get()).ok() })
}

/// An amount, as a JSON number or string, taken from its text: a float never stands in between.
pub fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(raw.get().trim_matches('"').parse().ok())
}

/// An id, as a JSON string or number.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    if text.starts_with('"') {
        return Ok(serde_json::from_str(text).ok());
    }
    Ok(text.starts_with(|c: char| c.is_ascii_digit()).then(|| text.to_owned()))
}

/// A text in which a number may be named: what is no string that can be read is kept as it was written, so that no name
/// in it is lost.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()))
}

/// A number as the purchase, the owned list and the inventory write it. Only `e164` is required.
#[derive(Deserialize)]
pub struct WireNumber {
    pub e164: String,
    #[serde(default, deserialize_with = "id")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    account_id: Option<AccountId>,
    #[serde(default, deserialize_with = "lenient")]
    auth_id: Option<AccountId>,
    #[serde(default, deserialize_with = "lenient")]
    country: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    region: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    capabilities: Option<Capabilities>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<NumberStatus>,
    #[serde(default, deserialize_with = "lenient")]
    is_blocked: Option<bool>,
    #[serde(default, deserialize_with = "money")]
    setup_fee: Option<Money>,
    #[serde(default, deserialize_with = "money")]
    monthly_fee: Option<Money>,
    #[serde(default, deserialize_with = "lenient")]
    currency: Option<Currency>,
    #[serde(default, deserialize_with = "lenient")]
    purchased_at: Option<Time>,
}

/// A number as listed: ours, somebody else's or nobody's.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedNumber {
    pub e164: E164,
    /// `account_id`, in older answers `auth_id`.
    pub owner: Option<AccountId>,
    pub number: Number,
}

impl ListedNumber {
    /// What is debited when it is bought, in the number's currency.
    #[must_use]
    pub fn price(&self) -> Option<Money> {
        self.number.setup_fee.zip(self.number.monthly_fee).and_then(|(setup, monthly)| setup + monthly)
    }
}

impl WireNumber {
    /// What counts rows: Vobiz's id, and all else where there is none.
    pub fn key(&self) -> String {
        self.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| self.contents())
    }

    /// What tells rows apart. A row must not hide another, even if both have the same id: a released one and an active
    /// one of the same number, or two numbers.
    pub fn contents(&self) -> String {
        let owner = self.account_id.as_ref().or(self.auth_id.as_ref());
        format!("{:?}/{}/{owner:?}/{:?}", self.id, self.e164, self.status)
    }

    /// `None` where the row's number is not written as E.164.
    pub fn parse(self) -> Option<ListedNumber> {
        let e164 = self.e164.parse().ok()?;
        Some(self.listed(e164))
    }

    /// The number with the digits of this row's, where that is not written as E.164 (`919876543210`): then nobody is
    /// taken for its owner, so that the row proves nothing and still stands in the way of an absence.
    ///
    /// # Errors
    /// If there are no digits at all: it may be any number.
    pub fn parse_doubtful(mut self) -> Result<Option<ListedNumber>, ReadError> {
        let digits: String = self.e164.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return Err(ReadError::unreadable("row without a number"));
        }
        (self.account_id, self.auth_id) = (None, None);
        let e164 = format!("+{}", digits.trim_start_matches('0')).parse().ok();
        Ok(e164.map(|e164| self.listed(e164)))
    }

    fn listed(self, e164: E164) -> ListedNumber {
        // Stored and shown, whatever their length was.
        let filled =
            |text: Option<String>| text.map(|text| presentable(&text)).filter(|text| !text.is_empty());
        let status = self.status.map(|status| match status {
            NumberStatus::Other(word) => NumberStatus::Other(presentable(&word).into()),
            documented => documented,
        });
        // Blocked is blocked, whichever of the two fields says so.
        let status = if self.is_blocked == Some(true) { Some(NumberStatus::Blocked) } else { status };
        let number = Number {
            id: filled(self.id),
            status,
            country: filled(self.country),
            region: filled(self.region),
            capabilities: self.capabilities,
            setup_fee: self.setup_fee,
            monthly_fee: self.monthly_fee,
            currency: self.currency,
            purchased_at: self.purchased_at,
        };
        ListedNumber { e164, owner: self.account_id.or(self.auth_id), number }
    }
}

/// `GET …/balance/{currency}`
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Balance {
    /// What a purchase may draw on.
    #[serde(default, deserialize_with = "money")]
    pub available_balance: Option<Money>,
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
        serde_json::from_str::<WireNumber>(json).unwrap().parse().unwrap()
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
        assert_eq!(listed.price().unwrap().to_string(), "52");
        assert_eq!(listed.number.capabilities.unwrap().voice, Some(true));
        assert_eq!(listed.number.purchased_at.unwrap().to_string(), "2026-01-02T03:04:05Z");
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
    fn no_text_of_a_number_is_stored_in_any_length() {
        let long = "x".repeat(1_000_000);
        let listed = parse(&format!(
            r#"{{"e164":"+12","id":"{long}","region":"{long}","country":"{long}","status":"{long}"}}"#
        ));
        assert!(serde_json::to_string(&listed.number).unwrap().len() < 2_000);
    }

    #[test]
    fn a_blocked_flag_is_a_blocked_status() {
        assert_eq!(
            parse(r#"{"e164":"+12","status":"active","is_blocked":true}"#).number.status,
            Some(NumberStatus::Blocked)
        );
    }
}
