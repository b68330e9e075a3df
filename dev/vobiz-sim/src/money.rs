//! Amounts, exact, in each of the ways in which the vendor writes numbers.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer, ser::Error};
use serde_json::value::RawValue;

/// How an amount is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberStyle {
    /// As an integer where that is exact, else in the fewest digits.
    #[default]
    Integer,
    /// Always with a fraction: `1.0`.
    Float,
    /// With the digits that the state gave: `1.50`.
    AsWritten,
    /// As a string, as the vendor's partner interface does.
    Text,
}

/// An amount on its way into a JSON body. It must be serialised straight to text: going through
/// [`serde_json::Value`] would turn it into a binary fraction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    value: Decimal,
    style: NumberStyle,
}

impl Amount {
    pub(crate) fn new(value: Decimal, style: NumberStyle) -> Self {
        Self { value, style }
    }

    fn text(self) -> String {
        match self.style {
            NumberStyle::Integer | NumberStyle::Text => self.value.normalize().to_string(),
            NumberStyle::AsWritten => self.value.to_string(),
            NumberStyle::Float => {
                let mut value = self.value.normalize();
                if value.scale() == 0 {
                    value.rescale(1);
                }
                value.to_string()
            }
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        if self.style == NumberStyle::Text {
            return serializer.serialize_str(&text);
        }
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str, style: NumberStyle) -> String {
        serde_json::to_string(&Amount::new(value.parse().unwrap(), style)).unwrap()
    }

    #[test]
    fn each_style_writes_the_same_amount_exactly() {
        assert_eq!(written("50.00", NumberStyle::Integer), "50");
        assert_eq!(written("0.10", NumberStyle::Integer), "0.1");
        assert_eq!(written("50", NumberStyle::Float), "50.0");
        assert_eq!(written("0.10", NumberStyle::Float), "0.1");
        assert_eq!(written("50.00", NumberStyle::AsWritten), "50.00");
        assert_eq!(written("50.50", NumberStyle::Text), "\"50.5\"");
        assert_eq!(
            written("12345678901234567890.123456789", NumberStyle::Integer),
            "12345678901234567890.123456789"
        );
    }
}
