//! Query strings, read as web forms are: a raw `+` is a space, which is how a client that forgets to
//! encode the `+` of a number finds out.

use percent_encoding::percent_decode_str;

#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter; an empty one counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(key, value)| key == name && !value.is_empty());
        values.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, value)| key == name && !value.is_empty()).map(|(_, v)| v.as_str())
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// A telephone number for our own endpoints, which forgive a `+` that was not encoded.
    pub(crate) fn e164(&self) -> Option<String> {
        self.get("e164").map(|value| format!("+{}", value.trim().trim_start_matches('+')))
    }
}

/// One part of a path, in which `+` is itself.
pub(crate) fn segment(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_plus_is_a_space_and_an_encoded_one_is_a_plus() {
        let params = Params::parse(Some("search=%2B91&other=+91&twice=%252B"));
        assert_eq!(params.get("search"), Some("+91"));
        assert_eq!(params.get("other"), Some(" 91"));
        assert_eq!(params.get("twice"), Some("%2B"));
    }

    #[test]
    fn a_stray_percent_sign_stays_as_it_is() {
        assert_eq!(Params::parse(Some("discount=100%")).get("discount"), Some("100%"));
        assert_eq!(segment("%zz+"), "%zz+");
    }
}
