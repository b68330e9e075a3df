//! A currency, by its code.

use std::{fmt, str::FromStr};

use super::{ParseError, string_newtype};

/// An ISO 4217 code: three capital letters, e.g. `INR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The same pattern that the custom resources' schema enforces.
    pub const PATTERN: &'static str = "^[A-Z]{3}$";

    /// What is asked about where nothing names a currency.
    pub const INR: Self = Self(*b"INR");
}

impl FromStr for Currency {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(ParseError::Currency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| fmt::Write::write_char(f, char::from(byte)))
    }
}

// Longer than the pattern allows: a violated length would keep the API server from saying what is wanted.
string_newtype!(
    Currency,
    schemars::json_schema!({ "type": "string", "pattern": Currency::PATTERN, "maxLength": 16 })
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_capital_letters_are_a_currency() {
        assert_eq!("INR".parse::<Currency>().unwrap().to_string(), "INR");
        for bad in ["", "IN", "inr", "INRR", "I1R", "€"] {
            assert_eq!(bad.parse::<Currency>(), Err(ParseError::Currency), "{bad:?}");
        }
    }
}
