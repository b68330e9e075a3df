//! How fields of Vobiz's JSON are read: what is of another type than expected spoils itself alone.

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::value::RawValue;

use crate::domain::Money;

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
        let raw = <&RawValue>::deserialize(deserializer)?;
        object(raw.get().as_bytes()).map(Self).ok_or_else(|| D::Error::custom("not such an object"))
    }
}

/// A field that may be missing, null or of another type without spoiling the rest of the answer.
pub struct Lenient<T>(pub Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Option::<&RawValue>::deserialize(deserializer)?;
        // No field that is read here is a list, see `object`.
        let raw = raw.filter(|raw| !raw.get().starts_with('['));
        Ok(Self(raw.and_then(|raw| serde_json::from_str(raw.get()).ok())))
    }
}

/// An amount, as a JSON number or string, taken from its text: a float never stands in between.
pub fn money<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(raw.get().trim_matches('"').parse().ok())
}

/// An id, as a JSON string or number.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    let text = raw.get();
    if text.starts_with('"') {
        return Ok(serde_json::from_str(text).ok());
    }
    Ok(text.starts_with(|c: char| c.is_ascii_digit()).then(|| text.to_owned()))
}

/// A text in which a number may be named: what is no string that can be read is kept as it was written, so that no name
/// in it is lost.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()))
}
