//! The id of an account of Vobiz's.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use smol_str::SmolStr;

use super::{ParseError, string_newtype};

/// A Vobiz account: `MA_…` (master) or `SA_…` (sub-account). Also the auth id that calls are made with.
///
/// Kept in place, because every record and every listed row carries one. Compared without regard to case: an id that was
/// typed in another case than Vobiz's own listing has it would make every number another account's.
#[derive(Debug, Clone)]
pub struct AccountId(SmolStr);

impl PartialEq for AccountId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for AccountId {}

impl Hash for AccountId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}

impl AccountId {
    /// The id as it stands in paths and headers.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says of itself that it is a master account: those pay for themselves, and for their sub-accounts.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.0.get(..3).is_some_and(|kind| kind.eq_ignore_ascii_case("MA_"))
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

string_newtype!(
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

    #[test]
    fn an_account_is_the_same_in_either_case_and_keeps_the_one_it_was_given() {
        let (typed, listed): (AccountId, AccountId) =
            ("ma_abc123".parse().unwrap(), "MA_ABC123".parse().unwrap());
        assert_eq!(typed, listed);
        assert_eq!(typed.as_str(), "ma_abc123");
        assert!(std::collections::HashSet::from([typed]).contains(&listed));
        assert_ne!(listed, "MA_ABC124".parse().unwrap());
    }
}
