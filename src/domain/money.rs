//! An exact sum of money, without its currency.

use std::{fmt, ops, str::FromStr};

use rust_decimal::Decimal;

use super::{ParseError, string_newtype};

/// An exact decimal amount, with the digits received: `50`, `0.0` and `1.50` stay as they came.
///
/// At most 28 characters: every amount that is kept can be stored, and every one that is stored can be read again.
/// Equality is numeric: `1.0` equals `1`. The currency stands beside it, never inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Money(Decimal);

/// Fewer digits than the decimal type can always keep exactly.
const LONGEST: usize = 28;

/// What a handful of additions of binary fractions may be off by, of the sum: some times their precision.
const LOST_OF_SUM: Decimal = Decimal::from_parts(1, 0, 0, false, 15);

/// And where larger sums (balances) were subtracted from each other.
const LOST_AT_LEAST: Decimal = Decimal::from_parts(1, 0, 0, false, 9);

impl Money {
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// Whether both are one sum, to within what is lost where sums are added and subtracted as binary fractions:
    /// `0.30000000000000004` is `0.3`. No two sums that differ by a unit of any currency are one, however large they are.
    pub(crate) fn is_same_sum(self, other: Self) -> bool {
        let larger = self.0.abs().max(other.0.abs());
        let lost = larger.checked_mul(LOST_OF_SUM).unwrap_or_default().max(LOST_AT_LEAST);
        self.0 == other.0 || self.0.checked_sub(other.0).is_some_and(|apart| apart.abs() < lost)
    }

    /// Whether that much is enough for `needed`.
    pub(crate) fn covers(self, needed: Self) -> bool {
        self >= needed || self.is_same_sum(needed)
    }
}

impl ops::Add for Money {
    type Output = Option<Self>;

    /// `None` where the sum has too many digits to be exact.
    fn add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl ops::Sub for Money {
    type Output = Option<Self>;

    /// `None` where the difference has too many digits to be exact.
    fn sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl FromStr for Money {
    type Err = ParseError;

    /// Accepts a JSON number's or string's text, exponents included.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (base, exponent) = match text.split_once(['e', 'E']) {
            Some((base, exponent)) => (base, Some(exponent)),
            None => (text, None),
        };
        // The decimal type would also take `1_000` and `.5`, and what those mean is not known.
        let (whole, fraction) = base.split_once('.').unwrap_or((base, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(fraction) {
            return Err(ParseError::Money);
        }
        // Read exactly even if an exponent follows: the scientific reader rounds what it multiplies.
        let exact = Decimal::from_str_exact(base).and_then(|base| match exponent {
            Some(_) => Decimal::from_scientific(text),
            None => Ok(base),
        });
        let short = exact.ok().filter(|exact| exact.to_string().len() <= LONGEST);
        short.map(Self).ok_or(ParseError::Money)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

string_newtype!(
    Money,
    schemars::json_schema!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$", "maxLength": LONGEST })
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_the_digits_received_and_compare_as_numbers() {
        for text in ["50", "0.0", "1.50", "-3.2", "9999999999999999999999999999"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        assert_eq!("1.0".parse::<Money>(), "1".parse::<Money>());
        assert_eq!("5e2".parse::<Money>().unwrap().to_string(), "500");
    }

    #[test]
    fn a_sum_is_the_same_after_it_was_added_as_binary_fractions() {
        for (added, exact) in [
            ("0.30000000000000004", "0.3"),
            ("3.3000000000000003", "3.3"),
            ("52.000000000000007", "52"),
            // 1000000.1 - 999999.8
            ("0.2999999999301508", "0.3"),
            ("1234567.8900000001", "1234567.89"),
            ("0", "-0.0"),
            ("52.0", "52.00"),
        ] {
            let (added, exact): (Money, Money) = (added.parse().unwrap(), exact.parse().unwrap());
            assert!(added.is_same_sum(exact) && exact.is_same_sum(added), "{added} {exact}");
            assert!(added.covers(exact) && exact.covers(added), "{added} {exact}");
        }
    }

    #[test]
    fn sums_that_differ_by_the_smallest_unit_are_never_the_same() {
        for (less, more) in [
            ("52.00", "52.01"),
            ("0.00001", "0.00002"),
            ("0", "0.0001"),
            ("9999999999.99", "10000000000.00"),
            ("9999999999999.98", "9999999999999.99"),
            ("999999999999999", "1000000000000000"),
            ("-52", "52"),
        ] {
            let (less, more): (Money, Money) = (less.parse().unwrap(), more.parse().unwrap());
            assert!(!less.is_same_sum(more) && !more.is_same_sum(less), "{less} {more}");
            assert!(more.covers(less) && !less.covers(more), "{less} {more}");
        }
        let largest: Money = "9999999999999999999999999999".parse().unwrap();
        assert!(largest.is_same_sum(largest) && !largest.is_same_sum("0.1".parse().unwrap()));
    }

    #[test]
    fn what_cannot_be_kept_exactly_is_refused_rather_than_rounded() {
        for bad in [
            "",
            "abc",
            "NaN",
            "0.12345678901234567890123456789012345",
            "1e99",
            "1e-29",
            "1e",
            "1.23456789012345678901234567895e2",
            "79228162514264337593543950335",
            "-9999999999999999999999999999",
            "1_000",
            "+5",
            ".5",
            "5.",
        ] {
            assert_eq!(bad.parse::<Money>(), Err(ParseError::Money), "{bad:?}");
        }
    }
}
