//! How fast an account may be called.

use std::{fmt, num::NonZeroU32, str::FromStr};

use super::{ParseError, string_newtype};

/// Calls a second, and calls at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_second: NonZeroU32,
    pub burst: NonZeroU32,
}

impl FromStr for Rate {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let number = |text: &str| text.trim().parse().map_err(|_| ParseError::Rate);
        let (rate, burst) = text.split_once('/').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
        let per_second: NonZeroU32 = number(rate)?;
        let burst = burst.map_or(Ok(per_second.saturating_add(per_second.get())), number)?;
        Ok(Self { per_second, burst })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.per_second, self.burst)
    }
}

string_newtype!(
    Rate,
    schemars::json_schema!({ "type": "string", "pattern": "^[1-9][0-9]{0,5}(/[1-9][0-9]{0,5})?$" })
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_brings_its_burst_or_gets_twice_itself() {
        let rate = |text: &str| text.parse::<Rate>().map(|rate| (rate.per_second.get(), rate.burst.get()));
        assert_eq!((rate("20"), rate("5/7")), (Ok((20, 40)), Ok((5, 7))));
        for bad in ["", "0", "5/0", "5/", "-1", "many"] {
            assert_eq!(rate(bad), Err(ParseError::Rate), "{bad}");
        }
    }
}
