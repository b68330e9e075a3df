//! What all accounts at Vobiz share: the address, the connections, and how a purchase is sent.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    connections::{Connections, Settings},
    credentials::Credentials,
    error::SetupError,
    purchase::{Client, Spending},
    reader::Reader,
    transport,
};
use crate::{clock::Peers, domain::Rate, metrics::Metrics};

/// Makes the client of each account. An HTTP client costs megabytes, so that there are not three for each account.
pub struct Connector {
    connections: Connections,
    spender: reqwest::Client,
    spending: Spending,
    rate: Rate,
    metrics: Arc<Metrics>,
    peers: Arc<Peers>,
}

impl Connector {
    /// Clients that count their calls in `metrics`, and hold the clock against their answers' in `peers`.
    ///
    /// # Errors
    /// If the URL, the CA file or the HTTP clients cannot be had.
    pub fn new(
        settings: &Settings,
        spending: Spending,
        metrics: Arc<Metrics>,
        peers: Arc<Peers>,
    ) -> Result<Self, SetupError> {
        let connections = Connections::new(settings)?;
        let spender = transport::spender(&connections.base, settings.ca_file.as_deref(), spending.timeout)?;
        Ok(Self { connections, spender, spending, rate: settings.rate, metrics, peers })
    }

    #[must_use]
    pub fn peers(&self) -> &Arc<Peers> {
        &self.peers
    }

    /// The rate of an account that has none of its own.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The client of one account, at the usual rate.
    #[must_use]
    pub fn client(&self, credentials: watch::Receiver<Credentials>) -> Client {
        let (metrics, peers) = (self.metrics.clone(), self.peers.clone());
        let reader = Reader::over(&self.connections, self.rate, credentials, metrics, peers);
        Client::over(reader, self.spender.clone(), self.spending.casing)
    }
}
