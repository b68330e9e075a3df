use std::{fmt, str::FromStr, sync::Arc};

use super::{ParseError, string_word};

/// A Vobiz account: `MA_…` (master) or `SA_…` (sub-account). Also the auth id that calls are made with.
///
/// Shared text, because every record and every listed row carries one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The id as it stands in paths and headers.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = ParseError;

    /// The id becomes a path segment, so nothing that could change the path is let through.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if text.is_empty() || text.len() > 128 || !text.bytes().all(safe) {
            return Err(ParseError::AccountId);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

string_word!(
    AccountId,
    schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "maxLength": 128 })
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_can_never_change_the_path_that_it_stands_in() {
        assert_eq!("MA_ABC123".parse::<AccountId>().unwrap().as_str(), "MA_ABC123");
        for bad in ["", "MA/../SA", "MA_1?x", "MA 1", "MA_é"] {
            assert_eq!(bad.parse::<AccountId>(), Err(ParseError::AccountId), "{bad:?}");
        }
    }
}
