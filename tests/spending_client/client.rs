//! The operator's own client, as it is, and its verdicts in words.

use std::{num::NonZeroU32, path::Path, sync::Arc, time::Duration};

use tokio::sync::watch;
use vobiz_operator::{
    domain::{Outcome, Rate},
    vobiz::{Casing, Client, Connector, Credentials, PurchaseAnswer, Reader, Settings, Spending},
};

pub const NUMBER: &str = "+911234500000";

/// Longer than anything here takes on the slowest machine. What has to run out uses [`SHORT`].
pub const LONG: Duration = Duration::from_mins(2);

/// Half of it is the time to connect, so it is not shorter.
pub const SHORT: Duration = Duration::from_secs(4);

fn settings(url: &str, ca_file: Option<&Path>) -> (Settings, watch::Receiver<Credentials>) {
    // Another test may have been first: one provider is as good as another.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let credentials = Credentials::new("MA_TEST".parse().unwrap(), "token").unwrap();
    let (url, ca_file) = (url.to_owned(), ca_file.map(Path::to_owned));
    let settings =
        Settings { url, ca_file, rate: Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX } };
    (settings, watch::channel(credentials).1)
}

pub fn client(url: &str, ca_file: Option<&Path>, purchase_timeout: Duration) -> Client {
    let (settings, credentials) = settings(url, ca_file);
    let spending = Spending { timeout: purchase_timeout, casing: Casing::Lower };
    Connector::new(&settings, spending, Arc::default(), Arc::default()).unwrap().client(credentials)
}

/// What the commands have of Vobiz.
pub fn reader(url: &str) -> Reader {
    let (settings, credentials) = settings(url, None);
    Reader::new(&settings, credentials, Arc::default(), Arc::default()).unwrap()
}

/// One purchase by a client of its own, which is gone when this returns.
pub async fn purchase(url: &str, ca_file: Option<&Path>, timeout: Duration) -> PurchaseAnswer {
    client(url, ca_file, timeout).purchase(NUMBER.parse().unwrap(), None).await
}

pub fn meaning(met: &PurchaseAnswer) -> &'static str {
    match met.answer.outcome {
        Outcome::Purchased => "purchased",
        Outcome::NotSent => "not sent",
        Outcome::Unknown => "unknown",
        Outcome::NotFound => "not found",
        Outcome::PaymentFailed => "payment failed",
        Outcome::Unauthorized => "unauthorized",
        Outcome::RateLimited => "rate limited",
        Outcome::Rejected => "rejected",
    }
}
