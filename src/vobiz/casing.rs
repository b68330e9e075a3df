//! Upper or lower case in Vobiz's paths.

/// Vobiz's paths are case-sensitive, and its documentation disagrees with itself about the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Casing {
    /// `/api/v1/account/…`
    #[value(name = "account")]
    Lower,
    /// `/api/v1/Account/…`
    #[value(name = "Account")]
    Upper,
}

impl Casing {
    pub(super) fn segment(self) -> &'static str {
        match self {
            Self::Lower => "account",
            Self::Upper => "Account",
        }
    }

    pub(super) fn other(self) -> Self {
        match self {
            Self::Lower => Self::Upper,
            Self::Upper => Self::Lower,
        }
    }
}
