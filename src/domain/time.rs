//! A time stamp, with the digits that were received or written.

use std::{fmt, num::NonZeroU8, str::FromStr, time::Duration};

use jiff::{Timestamp, civil::Date, fmt::temporal::DateTimePrinter, tz::TimeZone};

use super::{ParseError, string_newtype};

/// A time, written as RFC 3339 in UTC (`Z`) with as many fractional digits as were received.
///
/// In parts, which take 16 bytes where a time stamp with a number beside it takes 24, and no more where there may be none: every
/// row of a ledger has one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time {
    second: i64,
    nanosecond: i32,
    /// One more than there are.
    digits: NonZeroU8,
}

impl Time {
    /// `at` with microseconds: what this program writes for its own times, so that intervals of less
    /// than a second survive in the record. Nothing finer is kept: what was written could not be
    /// recognized when it is read.
    pub(crate) fn micros(at: Timestamp) -> Self {
        Self::new(Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at), 6)
    }

    /// `at` in whole seconds, as Kubernetes conditions have it.
    pub(crate) fn seconds(at: Timestamp) -> Self {
        Self::new(Timestamp::from_second(at.as_second()).unwrap_or(at), 0)
    }

    fn new(at: Timestamp, digits: u8) -> Self {
        let digits = NonZeroU8::MIN.saturating_add(digits.min(9));
        Self { second: at.as_second(), nanosecond: at.subsec_nanosecond(), digits }
    }

    #[must_use]
    pub fn at(self) -> Timestamp {
        // It was one.
        Timestamp::new(self.second, self.nanosecond).unwrap_or_default()
    }

    /// The instant `span` later; the end of time where that overflows.
    #[must_use]
    pub fn after(self, span: Duration) -> Timestamp {
        self.at().saturating_add(span).unwrap_or(Timestamp::MAX)
    }
}

/// The UTC day of that moment.
pub(crate) fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When a UTC day begins.
pub(crate) fn day_begins(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |midnight| midnight.timestamp())
}

impl FromStr for Time {
    type Err = ParseError;

    /// RFC 3339 with any offset, and Vobiz's variant with a space between date and time.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let at = text.parse().map_err(|_| ParseError::Time)?;
        let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        Ok(Self::new(at, u8::try_from(digits).unwrap_or(9)))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printer = DateTimePrinter::new().precision(Some(self.digits.get() - 1));
        f.write_str(&printer.timestamp_to_string(&self.at()))
    }
}

string_newtype!(Time, schemars::json_schema!({ "type": "string", "format": "date-time" }));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_the_digits_received_and_none_added() {
        for (received, written) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05.120000Z", "2026-01-02T03:04:05.120000Z"),
            ("2026-01-03T03:04:05.123456789Z", "2026-01-03T03:04:05.123456789Z"),
            ("2026-01-02 08:34:05+05:30", "2026-01-02T03:04:05Z"),
            ("2026-01-02 03:04:05.5+00:00", "2026-01-02T03:04:05.5Z"),
        ] {
            assert_eq!(received.parse::<Time>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn a_time_takes_no_more_than_its_instant_also_where_there_may_be_none() {
        assert_eq!(size_of::<Option<Time>>(), size_of::<Timestamp>());
        for far in [Timestamp::MIN, Timestamp::MAX, "1969-12-31T23:59:59.5Z".parse().unwrap()] {
            assert_eq!(Time::new(far, 9).at(), far);
        }
    }

    #[test]
    fn a_time_of_our_own_is_the_same_when_it_is_read_again() {
        let now = "2026-01-02T03:04:05.123456789Z".parse().unwrap();
        for time in [Time::micros(now), Time::seconds(now)] {
            assert_eq!(time.to_string().parse::<Time>().unwrap(), time);
        }
    }

    #[test]
    fn a_time_without_an_offset_is_no_time() {
        for bad in ["", "yesterday", "2026-01-02", "2026-01-02T03:04:05"] {
            assert_eq!(bad.parse::<Time>(), Err(ParseError::Time), "{bad:?}");
        }
    }
}
