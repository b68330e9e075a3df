//! The id that another system gave to something, kept short: a hundred thousand of them stand in caches and ledgers.

use std::fmt;

use uuid::Uuid;

/// An id as it was received. Two are the same if their letters are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Letters);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Letters {
    /// Nearly all: 36 letters, in 16 bytes that stand where the id does.
    OfUuid(Uuid),
    Other(Box<str>),
}

impl Id {
    /// A row may have none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Letters::Other(letters) if letters.is_empty())
    }
}

impl From<&str> for Id {
    fn from(letters: &str) -> Self {
        let of_uuid = spelt_uuid(letters.as_bytes()).map(Letters::OfUuid);
        Self(of_uuid.unwrap_or_else(|| Letters::Other(letters.into())))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Letters::OfUuid(id) => id.fmt(f),
            Letters::Other(letters) => letters.fmt(f),
        }
    }
}

/// Letters of a UUID as it is spelt as a rule.
pub(crate) const UUID_LETTERS: usize = 36;

/// A UUID as it is spelt as a rule: with hyphens, in small letters.
pub(crate) fn spelt(id: Uuid) -> [u8; UUID_LETTERS] {
    let mut letters = [0; UUID_LETTERS];
    id.hyphenated().encode_lower(&mut letters);
    letters
}

/// The UUID that these letters spell, if it is spelt in just this way: spelt again, it must be what it was.
pub(crate) fn spelt_uuid(letters: &[u8]) -> Option<Uuid> {
    // One look is enough at nearly all that is none.
    if letters.len() != UUID_LETTERS || letters[8] != b'-' {
        return None;
    }
    Uuid::try_parse_ascii(letters).ok().filter(|id| spelt(*id) == *letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0f4e2c1a-5b7d-4e89-9c3a-2d1f0e6b8a47";

    #[test]
    fn an_id_is_shown_as_it_was_received() {
        let plain = UUID.replace('-', "");
        for letters in [UUID, &UUID.to_uppercase(), &plain, "", "7", "txn_1", &UUID[..35], "é"] {
            assert_eq!(Id::from(letters).to_string(), letters);
            assert_eq!(Id::from(letters).is_empty(), letters.is_empty());
        }
    }

    #[test]
    fn only_the_same_letters_are_the_same_id() {
        let upper = UUID.to_uppercase();
        assert_eq!(Id::from(UUID), Id::from(UUID));
        assert_ne!(Id::from(UUID), Id::from(upper.as_str()));
        assert_ne!(Id::from("t-1"), Id::from("t-2"));
    }

    #[test]
    fn an_id_takes_no_more_than_a_text_would_without_its_letters() {
        assert!(size_of::<Id>() <= size_of::<String>());
    }
}
