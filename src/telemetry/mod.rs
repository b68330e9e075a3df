//! Structured logs, for people on a terminal and JSON otherwise, and traces where they are asked for.

mod error;
mod filter;
#[cfg(feature = "otlp")]
mod otlp;

pub use error::TelemetryError;
pub use filter::TRACED;

use std::io::IsTerminal;

use reqwest::Url;
use tracing_subscriber::{Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use filter::BoxedLayer;

use crate::address;
#[cfg(feature = "otlp")]
use otlp::start as traces;

/// Sends the last spans; blocks for a moment.
pub type Finish = Box<dyn FnOnce()>;

/// Starts logging to standard error, and sending traces to an OTLP endpoint if there is one. `RUST_LOG` says what is
/// logged, but for what libraries would say about numbers, unless it names them.
///
/// # Errors
/// If traces are asked for and cannot be sent.
pub fn start(otlp_endpoint: Option<&str>) -> Result<Finish, TelemetryError> {
    let (finish, traces): (Finish, _) = match otlp_endpoint.map(check_endpoint).transpose()? {
        None => (Box::new(|| ()), None),
        Some(endpoint) => traces(&endpoint).map(|(finish, layer)| (finish, Some(layer)))?,
    };
    let filter = filter::read(std::env::var("RUST_LOG").ok().as_deref());
    let logs: BoxedLayer = if std::io::stderr().is_terminal() {
        fmt::layer().with_writer(std::io::stderr).with_target(false).with_filter(filter).boxed()
    } else {
        let json = fmt::layer().with_writer(std::io::stderr).json().flatten_event(true);
        json.with_current_span(false).with_span_list(false).with_filter(filter).boxed()
    };
    let layers: Vec<BoxedLayer> = [Some(logs), traces].into_iter().flatten().collect();
    tracing_subscriber::registry().with(layers).init();
    Ok(finish)
}

fn check_endpoint(text: &str) -> Result<Url, TelemetryError> {
    let url: Url = text.parse().map_err(|_| TelemetryError::NotUrl)?;
    if address::has_userinfo(&url) {
        return Err(TelemetryError::UserInfo(address::shown(&url)));
    }
    Ok(url)
}

#[cfg(not(feature = "otlp"))]
fn traces(_: &Url) -> Result<(Finish, BoxedLayer), TelemetryError> {
    Err(TelemetryError::NotBuilt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_says_who_asks_is_refused_without_its_password() {
        for (text, words) in [
            ("http://user:hush@collector:4318/x", "write http://collector:4318"),
            ("http://user:hush@collector:x", "is not a URL"),
            ("collector", "is not a URL"),
        ] {
            let complaint = check_endpoint(text).unwrap_err().to_string();
            assert!(complaint.contains(words) && !complaint.contains("hush"), "{text}: {complaint}");
        }
        assert!(check_endpoint("http://collector:4318").is_ok());
    }
}
