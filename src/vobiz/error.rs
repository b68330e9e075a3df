//! Why a read gave no answer, and why a client cannot be built.

use std::time::Duration;

use crate::proxy::ProxyError;

/// Why a read gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// 404 or 405 in both casings: there is no such endpoint, so there is nothing to wait for.
    #[error("Vobiz has no such endpoint")]
    NoSuchEndpoint,
    #[error("Vobiz refuses the credentials (401)")]
    Unauthorized,
    #[error("Vobiz forbids this read (403)")]
    Forbidden,
    #[error("Vobiz limits the rate of calls (429)")]
    RateLimited {
        /// How long to wait, where Vobiz says so.
        retry_after: Option<Duration>,
    },
    /// No answer, a 5xx, or one that cannot be read: it says nothing about anything.
    #[error("{0}")]
    Failed(String),
}

impl ReadError {
    pub(super) fn unreadable(what: &str) -> Self {
        Self::Failed(format!("Vobiz answered with a {what} that cannot be read"))
    }
}

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// What is none may hold a password all the same, so it is not shown.
    #[error("VOBIZ_API_URL is not a URL: write it like https://api.vobiz.ai")]
    Url,
    /// Credentials would travel in the clear. Its scheme and host.
    #[error("VOBIZ_API_URL must be https, except to a loopback host: {0}")]
    NotHttps(String),
    /// Its scheme and host.
    #[error(
        "VOBIZ_API_URL has a user name or a password in it: write {0}, and give the credentials by VOBIZ_AUTH_ID and \
         VOBIZ_AUTH_TOKEN"
    )]
    UserInfo(String),
    #[error("cannot read VOBIZ_CA_FILE {path}: {source}")]
    CaFile { path: String, source: std::io::Error },
    #[error("VOBIZ_CA_FILE {0} holds no PEM certificate")]
    NoCertificate(String),
    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error("cannot build the HTTP client: {0}")]
    Http(String),
}
