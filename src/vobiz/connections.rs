//! Where Vobiz is, and the HTTP clients that all reads share.

use std::{path::PathBuf, time::Duration};

use reqwest::Url;

use super::{error::SetupError, transport};
use crate::domain::Rate;

/// A read that takes longer is given up: reads can be repeated.
pub const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// Idle connections that reads keep. One account has eight calls side by side at most; many accounts share these.
const KEPT: usize = 64;

/// How Vobiz is called.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `VOBIZ_API_URL`
    pub url: String,
    /// `VOBIZ_CA_FILE`
    pub ca_file: Option<PathBuf>,
    /// `VOBIZ_RATE_LIMIT`
    pub rate: Rate,
}

/// The HTTP clients of reads.
pub struct Connections {
    pub(super) kept: reqwest::Client,
    /// Its like, without kept connections.
    pub(super) fresh: reqwest::Client,
    pub(super) base: Url,
}

impl Connections {
    pub(super) fn new(settings: &Settings) -> Result<Self, SetupError> {
        let base = transport::check_url(&settings.url)?;
        let ca_file = settings.ca_file.as_deref();
        Ok(Self {
            kept: transport::reader(&base, ca_file, READ_TIMEOUT, KEPT)?,
            fresh: transport::reader(&base, ca_file, READ_TIMEOUT, 0)?,
            base,
        })
    }
}
