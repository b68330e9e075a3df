//! A phone number in E.164, and whether a text of Vobiz's names it.

use std::{fmt, num::NonZeroU64, str::FromStr};

use super::{ParseError, string_newtype};

/// An E.164 number, `+` and 7 to 15 digits, e.g. `+919876543210`. Down to 2 are read: claims and records of earlier versions
/// may have so few, and so may what Vobiz lists.
///
/// Kept as the integer that its digits spell: exact, because the first digit is never 0, and small,
/// because thousands of them sit in the caches. It is not 0 itself: where there may be none takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct E164(NonZeroU64);

impl E164 {
    /// What a claim may ask for. The shortest numbers have 7 digits; a search for fewer finds half of an account.
    pub const PATTERN: &'static str = r"^\+[1-9][0-9]{6,14}$";

    /// What is stored: a record that was written once can be written again.
    pub const STORED: &'static str = r"^\+[1-9][0-9]{1,14}$";

    /// The digits without the plus sign: the name of this number's record.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }

    /// What `text` may mention, with a plus sign or without: digits as a whole number, none inside a longer one.
    ///
    /// Source: ledger rows name numbers in free text, if at all (Vobiz documents no format).
    pub fn mentioned_in(text: &str) -> impl Iterator<Item = Self> {
        digit_runs(text)
            .filter(|run| (2..=15).contains(&run.len()))
            .filter_map(|run| run.parse().ok().map(Self))
    }

    /// Whether `text` mentions a phone number to its last digit. One that is grouped (`+91 12345 00000`) or masked
    /// (`+9112345*****`) may be any.
    pub(crate) fn any_spelt_out_in(text: &str) -> bool {
        text.split('+').skip(1).any(|rest| {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let goes_on = |c: char| c.is_ascii_digit() || "xX*#•…".contains(c);
            (7..=15).contains(&digits) && !rest.chars().skip(digits).take(2).any(goes_on)
        })
    }

    /// Whether a mere mention of these digits may be of a phone number: seven or more in a row, which spell a time stamp
    /// or an order as well.
    #[must_use]
    pub fn is_suspect(self) -> bool {
        self.0.get() >= 1_000_000
    }

    /// `text` without what may be a phone number, for logs.
    pub(crate) fn masked(text: &str) -> String {
        let mut masked = text.to_owned();
        let mut runs: Vec<_> = digit_runs(text).filter(|run| run.len() >= 7).collect();
        // Longest first: a run may stand inside a longer one.
        runs.sort_unstable_by_key(|run| std::cmp::Reverse(run.len()));
        for run in runs {
            masked = masked.replace(run, "…");
        }
        masked
    }
}

fn digit_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty() && !run.starts_with('0'))
}

impl FromStr for E164 {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let digits = text.strip_prefix('+').ok_or(ParseError::E164)?;
        let shaped = (2..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !shaped {
            return Err(ParseError::E164);
        }
        digits.parse().map(Self).map_err(|_| ParseError::E164)
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

// Longer than the pattern allows: a violated length would keep the API server from saying what is wanted.
string_newtype!(
    E164,
    schemars::json_schema!({ "type": "string", "pattern": E164::PATTERN, "maxLength": 64 })
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plus_and_2_to_15_digits_without_a_leading_zero_are_e164() {
        for good in ["+12", "+919876543210", "+123456789012345"] {
            assert_eq!(good.parse::<E164>().unwrap().to_string(), good);
        }
        for bad in
            ["", "+", "+1", "919876543210", "+0123", "+1234567890123456", "+91 98", "+9a", "++91", "+٣٤"]
        {
            assert_eq!(bad.parse::<E164>(), Err(ParseError::E164), "{bad:?}");
        }
    }

    #[test]
    fn where_there_may_be_no_number_takes_no_more() {
        assert_eq!(size_of::<Option<E164>>(), size_of::<u64>());
    }

    #[test]
    fn a_number_is_named_only_by_its_whole_digits() {
        let number: E164 = "+911234500000".parse().unwrap();
        for text in ["911234500000", "DID +911234500000 purchased", "did:911234500000;x"] {
            assert!(E164::mentioned_in(text).any(|named| named == number), "{text}");
        }
        for text in ["", "9112345000001", "1911234500000", "+91 1234500000", "91123450000"] {
            assert!(!E164::mentioned_in(text).any(|named| named == number), "{text}");
        }
    }

    #[test]
    fn seven_digits_or_more_may_be_a_phone_number() {
        let suspects: Vec<_> =
            E164::mentioned_in("order 999999 of 911234500001, part 1, at 20260102 or 1000000")
                .filter(|number| number.is_suspect())
                .map(E164::digits)
                .collect();
        assert_eq!(suspects, ["911234500001", "20260102", "1000000"]);
    }

    #[test]
    fn a_number_that_is_grouped_masked_or_cut_is_not_spelt_out() {
        for text in ["+4930123456", "bought +4930123456.", "(+4930123456)", "+4930123456, 2 months"] {
            assert!(E164::any_spelt_out_in(text), "{text}");
        }
        for text in [
            "",
            "4930123456",
            "+49 30 123456",
            "+49-30123456",
            "+4930123 456",
            "+4930123***",
            "+4930123xxx",
            "+4930",
            "+4930123456789012",
        ] {
            assert!(!E164::any_spelt_out_in(text), "{text}");
        }
    }

    #[test]
    fn no_number_is_left_in_a_masked_text() {
        let text = "phonenumbers \"919876543210\" and +919876543210 of 9198765 in v1alpha1";
        assert_eq!(E164::masked(text), "phonenumbers \"…\" and +… of … in v1alpha1");
    }
}
