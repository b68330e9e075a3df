//! What can go wrong with the simulator itself, as opposed to what it simulates.

use std::{io, time::Duration};

/// An error of the simulator.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The listening socket could not be opened.
    #[error("could not listen: {0}")]
    Listen(#[source] io::Error),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The state file does not say what it should.
    #[error("state file: {0}")]
    State(String),
    /// The certificates could not be made.
    #[error("certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificates were made, and TLS does not take them.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// There is no such account.
    #[error("there is no account {0}")]
    UnknownAccount(String),
    /// There is no such number.
    #[error("there is no number {0}")]
    UnknownNumber(String),
    /// The number belongs to an account already.
    #[error("{e164} belongs to {account}")]
    Owned {
        /// The number.
        e164: String,
        /// Its owner.
        account: String,
    },
    /// Something that a new account or number needs was left out.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// What was waited for did not happen.
    #[error("{what} did not happen within {after:?}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// For how long.
        after: Duration,
    },
}
