//! Structured logs, for people on a terminal and JSON otherwise, and traces where they are asked for.

mod filter;
#[cfg(feature = "otlp")]
mod otlp;

use std::io::IsTerminal;

use reqwest::Url;
use tracing_subscriber::{Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::address;

/// The target of the spans that are traced, and of nothing else: no span of a library's, which may name a number, gets
/// into a trace. They are of the level DEBUG, so that they do not stand before every line of the log.
pub const TRACED: &str = "vobiz_operator::traced";

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The program was built without.
    #[error("OTLP_ENDPOINT is set, but this program was built without traces: build it with --features otlp")]
    NotBuilt,
    /// The endpoint is no URL. It may hold a password all the same, so it is not shown.
    #[error("OTLP_ENDPOINT is not a URL: write it like http://collector:4318")]
    NotUrl,
    /// It says who asks, which is sent to nobody, and would be logged. Its scheme and host.
    #[error("OTLP_ENDPOINT has a user name or a password in it, which are not sent: write {0}")]
    UserInfo(String),
    /// The endpoint cannot be used. Its scheme and host.
    #[error("OTLP_ENDPOINT {endpoint}: {why}")]
    Endpoint { endpoint: String, why: String },
}

/// Sends what is still to be sent when it is finished.
#[derive(Default)]
pub struct Telemetry {
    #[cfg(feature = "otlp")]
    traces: Option<otlp::Traces>,
}

impl Telemetry {
    /// Sends the last spans; blocks for a moment.
    pub fn finish(self) {
        #[cfg(feature = "otlp")]
        if let Some(traces) = self.traces {
            traces.finish();
        }
    }
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging to standard error, and sending traces to an OTLP endpoint if there is one. `RUST_LOG` says what is
/// logged, but for what libraries would say about numbers, unless it names them.
///
/// # Errors
/// If traces are asked for and cannot be sent.
pub fn start(otlp_endpoint: Option<&str>) -> Result<Telemetry, TelemetryError> {
    let (telemetry, traces) = match otlp_endpoint.map(check_endpoint).transpose()? {
        None => (Telemetry::default(), None),
        Some(endpoint) => traces(&endpoint).map(|(telemetry, layer)| (telemetry, Some(layer)))?,
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
    Ok(telemetry)
}

fn check_endpoint(text: &str) -> Result<Url, TelemetryError> {
    let url: Url = text.parse().map_err(|_| TelemetryError::NotUrl)?;
    if address::has_userinfo(&url) {
        return Err(TelemetryError::UserInfo(address::shown(&url)));
    }
    Ok(url)
}

#[cfg(feature = "otlp")]
fn traces(endpoint: &Url) -> Result<(Telemetry, BoxedLayer), TelemetryError> {
    let (traces, layer) = otlp::start(endpoint)?;
    Ok((Telemetry { traces: Some(traces) }, layer))
}

#[cfg(not(feature = "otlp"))]
fn traces(_: &Url) -> Result<(Telemetry, BoxedLayer), TelemetryError> {
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
