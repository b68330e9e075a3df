//! The id of one attempt to buy a number.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use super::{ParseError, string_newtype};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptId(Uuid);

impl AttemptId {
    /// An id from 16 random bytes: randomness is an argument, so that decisions stay repeatable.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }
}

impl FromStr for AttemptId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Uuid::parse_str(text).map(Self).map_err(|_| ParseError::AttemptId)
    }
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

string_newtype!(AttemptId, schemars::json_schema!({ "type": "string", "format": "uuid" }));
