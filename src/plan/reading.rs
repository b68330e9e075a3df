//! An answer, and since when it was asked for.

use super::Moment;

#[derive(Debug, Clone, Default)]
pub enum Reading<T> {
    #[default]
    Never,
    Read {
        begun: Moment,
        value: T,
    },
    /// There is no such endpoint: nothing to wait for.
    NoSuchEndpoint {
        begun: Moment,
    },
}

/// A reading held against the moment at which it had to be begun.
pub enum Fresh<'a, T> {
    Stale,
    Value(Moment, &'a T),
    NoSuchEndpoint,
}

impl<T> Reading<T> {
    /// The reading, if it was begun at `since` or later.
    pub fn since(&self, since: Moment) -> Fresh<'_, T> {
        match self {
            Self::Read { begun, value } if begun.mono >= since.mono => Fresh::Value(*begun, value),
            Self::NoSuchEndpoint { begun } if begun.mono >= since.mono => Fresh::NoSuchEndpoint,
            _ => Fresh::Stale,
        }
    }

    /// The part of it that `value` finds.
    pub fn and_then<U>(&self, value: impl FnOnce(&T) -> Option<U>) -> Reading<U> {
        match self {
            Self::Never => Reading::Never,
            Self::NoSuchEndpoint { begun } => Reading::NoSuchEndpoint { begun: *begun },
            Self::Read { begun, value: read } => {
                value(read).map_or(Reading::Never, |value| Reading::Read { begun: *begun, value })
            }
        }
    }

    pub fn begun(&self) -> Option<Moment> {
        match self {
            Self::Never => None,
            Self::Read { begun, .. } | Self::NoSuchEndpoint { begun } => Some(*begun),
        }
    }
}
