//! What arguments may say: names and durations.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use jiff::SignedDuration;

/// What was named; an empty variable names nothing.
#[must_use]
pub fn named(name: Option<String>) -> Option<String> {
    name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
}

pub fn file(name: Option<String>) -> Option<PathBuf> {
    named(name).map(PathBuf::from)
}

/// A span of time, written like 90s or 2m.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DurationArg(pub Duration);

impl FromStr for DurationArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let span: SignedDuration =
            text.parse().map_err(|_| "write a duration like 90s, 2m or 1m30s".to_owned())?;
        let span = Duration::try_from(span).map_err(|_| "a duration cannot be negative".to_owned())?;
        if span.is_zero() || span > Duration::from_hours(24 * 365) {
            return Err("a duration must be longer than nothing and shorter than a year".into());
        }
        Ok(Self(span))
    }
}

impl fmt::Display for DurationArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

fn is_label(text: &str) -> bool {
    let is_in = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    !text.is_empty() && text.chars().all(is_in) && !text.starts_with('-') && !text.ends_with('-')
}

/// The name of a namespace (RFC 1123).
pub fn namespace(text: &str) -> Result<String, String> {
    if text.len() <= 63 && is_label(text) {
        Ok(text.to_owned())
    } else {
        Err("write the name of a namespace, like team-a".into())
    }
}

/// The name of a claim (RFC 1123).
pub fn claim(text: &str) -> Result<String, String> {
    if text.contains('/') {
        return Err("write the claim's name, and its namespace with -n".into());
    }
    if text.len() <= 253 && text.split('.').all(is_label) {
        Ok(text.to_owned())
    } else {
        Err("write the name of a claim, like office".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_object_can_have_are_refused_with_what_to_write() {
        for good in ["team-a", "7", "a1"] {
            assert_eq!(namespace(good).as_deref(), Ok(good));
        }
        for bad in ["", "Foo", "a b", "-a", "a-", "a.b", "a/b", &"a".repeat(64)] {
            assert!(namespace(bad).is_err(), "{bad}");
        }
        assert_eq!(claim("office.a1").as_deref(), Ok("office.a1"));
        for (bad, mend) in [("", "like office"), ("a..b", "like office"), ("team-a/office", "with -n")] {
            assert!(claim(bad).is_err_and(|why| why.contains(mend)), "{bad}");
        }
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("2m", 120), ("1m30s", 90), ("1h", 3600)] {
            assert_eq!(text.parse::<DurationArg>().unwrap().0.as_secs(), seconds, "{text}");
        }
        for bad in ["", "90", "-2s", "soon", "0s"] {
            assert!(bad.parse::<DurationArg>().is_err(), "{bad}");
        }
    }
}
