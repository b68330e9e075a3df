//! The errors of the client. That of a purchase says whether the purchase may have happened.

use std::time::Duration;

use super::envelope::Envelope;
use crate::proxy::ProxyError;

/// Why a purchase did not end in a 200 with our number. Answers one question: may it have happened?
#[derive(Debug, thiserror::Error)]
pub enum PurchaseError {
    /// No: no connection was made, so nothing left this machine.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Vobiz says no. Whether that is the whole truth, verification decides.
    #[error("rejected: {0:?}")]
    Rejected(Box<Rejection>),
    /// Perhaps: the request may have arrived, and the answer does not tell.
    #[error("outcome unknown: {message}")]
    Unknown {
        /// HTTP status code, where an answer arrived.
        status: Option<u16>,
        /// What went wrong, for people.
        message: String,
    },
}

/// What Vobiz said when it refused a purchase.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    pub kind: RejectionKind,
    /// HTTP status code.
    pub status: u16,
    /// Vobiz's own words; empty where there was no error envelope.
    pub envelope: Envelope,
    /// How long to leave the account alone, where Vobiz says so.
    pub retry_after: Option<Duration>,
}

/// Which refusal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// 404 with an error envelope.
    NotFound,
    /// 402, or 500 with an error envelope: the documented answer to a failed debit.
    PaymentFailed,
    /// 401.
    Unauthorized,
    /// 429.
    RateLimited,
    /// 400, 403, 409, 422, and with an error envelope any other 4xx that decides something.
    Other,
}

/// Why a read gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// 404 or 405 in both casings: there is no such endpoint, so there is nothing to wait for.
    #[error("Vobiz has no such endpoint")]
    Missing,
    /// 401.
    #[error("Vobiz refuses the credentials (401)")]
    Unauthorized,
    /// 403.
    #[error("Vobiz forbids this read (403)")]
    Forbidden,
    /// 429.
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
    /// `VOBIZ_API_URL` is no URL.
    /// What is none may hold a password all the same, so it is not shown.
    #[error("VOBIZ_API_URL is not a URL: write it like https://api.vobiz.ai")]
    Url,
    /// Credentials would travel in the clear. Its scheme and host.
    #[error("VOBIZ_API_URL must be https, except to a loopback host: {0}")]
    NotHttps(String),
    /// It says who asks. Its scheme and host.
    #[error(
        "VOBIZ_API_URL has a user name or a password in it: write {0}, and give the credentials by VOBIZ_AUTH_ID and \
         VOBIZ_AUTH_TOKEN"
    )]
    UserInfo(String),
    /// `VOBIZ_CA_FILE` cannot be read.
    #[error("cannot read VOBIZ_CA_FILE {path}: {source}")]
    CaFile {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// `VOBIZ_CA_FILE` holds no certificate.
    #[error("VOBIZ_CA_FILE {0} holds no PEM certificate")]
    NoCertificate(String),
    /// The environment names a proxy that cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The HTTP client cannot be built.
    #[error("cannot build the HTTP client: {0}")]
    Http(String),
}
