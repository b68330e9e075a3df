//! The account id and the auth token: where they are read from, and how they stay secret.

use std::{io, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::domain::{AccountId, ParseError};

/// An account and the token that speaks for it. Nothing but the header of a call shows the token.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub account: AccountId,
    token: SecretString,
}

impl Credentials {
    /// # Errors
    /// If the token is empty or cannot stand in a header.
    pub fn new(account: AccountId, token: &str) -> Result<Self, CredentialsError> {
        let printable = token.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
        if token.is_empty() || !printable {
            return Err(CredentialsError::Token);
        }
        Ok(Self { account, token: token.into() })
    }

    pub(super) fn token(&self) -> &str {
        self.token.expose_secret()
    }

    /// Whether both are the same, so that nothing needs to be done about a file that was only touched.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        // To the letter: an auth id that was put right in its case alone is still another header.
        self.account.as_str() == other.account.as_str() && self.token() == other.token()
    }
}

/// Where credentials come from. Files are read again when they change; what came by value cannot.
#[derive(Debug, Clone)]
pub struct CredentialsSource {
    pub auth_id: Source,
    pub auth_token: Source,
}

/// A value, or a file that holds it.
#[derive(Debug, Clone)]
pub enum Source {
    Value(SecretString),
    File(PathBuf),
}

impl Source {
    /// Picks the value or the file, whichever was given.
    ///
    /// # Errors
    /// If neither was given, or both; `name` is the variable to speak of.
    pub fn choose(
        name: &'static str,
        value: Option<&str>,
        file: Option<PathBuf>,
    ) -> Result<Self, CredentialsError> {
        match (value.map(str::trim).filter(|value| !value.is_empty()), file) {
            (Some(_), Some(_)) => Err(CredentialsError::Both(name)),
            (Some(value), None) => Ok(Self::Value(value.into())),
            (None, Some(path)) => Ok(Self::File(path)),
            (None, None) => Err(CredentialsError::Missing(name)),
        }
    }

    fn read(&self, name: &'static str) -> Result<SecretString, CredentialsError> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| CredentialsError::File {
                    name,
                    path: path.clone(),
                    source,
                })?;
                match text.trim() {
                    "" => Err(CredentialsError::EmptyFile { name, path: path.clone() }),
                    value => Ok(value.into()),
                }
            }
        }
    }
}

impl CredentialsSource {
    /// Reads both, from their files if that is where they are.
    ///
    /// # Errors
    /// If a file cannot be read, or holds nothing usable; says which variable named it.
    pub fn read(&self) -> Result<Credentials, CredentialsError> {
        let id = self.auth_id.read("VOBIZ_AUTH_ID")?;
        let token = self.auth_token.read("VOBIZ_AUTH_TOKEN")?;
        let account = id.expose_secret().parse().map_err(CredentialsError::AuthId)?;
        Credentials::new(account, token.expose_secret())
    }

    /// Whether reading again could give anything else.
    pub(crate) fn can_change(&self) -> bool {
        [&self.auth_id, &self.auth_token].iter().any(|source| matches!(source, Source::File(_)))
    }
}

/// Why there are no usable credentials. Names variables and files, never what they hold.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("{0} is not set (or is empty): set it, or name a file that holds it with {0}_FILE")]
    Missing(&'static str),
    #[error("both {0} and {0}_FILE are set: choose one")]
    Both(&'static str),
    #[error("cannot read {name}_FILE {}: {source}", path.display())]
    File { name: &'static str, path: PathBuf, source: io::Error },
    #[error("{name}_FILE {} is empty", path.display())]
    EmptyFile { name: &'static str, path: PathBuf },
    #[error("VOBIZ_AUTH_ID is {0}")]
    AuthId(ParseError),
    #[error("VOBIZ_AUTH_TOKEN is empty, or has characters that no header can carry")]
    Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_appears_in_no_debug_output() {
        let credentials = Credentials::new("MA_1".parse().unwrap(), "hunter2").unwrap();
        let source = CredentialsSource {
            auth_id: Source::Value("MA_1".into()),
            auth_token: Source::Value("hunter2".into()),
        };
        assert!(!format!("{credentials:?} {source:?} {:?}", source.read()).contains("hunter2"));
    }

    #[test]
    fn what_is_missing_is_named_by_its_variable() {
        let error = Source::choose("VOBIZ_AUTH_ID", Some("  "), None).unwrap_err();
        assert!(error.to_string().contains("VOBIZ_AUTH_ID"), "{error}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Source::File(file.path().into()).read("VOBIZ_AUTH_TOKEN").unwrap_err();
        assert!(error.to_string().starts_with("VOBIZ_AUTH_TOKEN_FILE"), "{error}");
    }

    #[test]
    fn a_files_trailing_newline_is_no_part_of_the_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2\n").unwrap();
        let source = CredentialsSource {
            auth_id: Source::Value("MA_1".into()),
            auth_token: Source::File(file.path().into()),
        };
        assert_eq!(source.read().unwrap().token(), "hunter2");
    }
}
