//! Structured logs, for people on a terminal and JSON otherwise, and traces where they are asked for.

mod filter;
#[cfg(feature = "otlp")]
mod otlp;

use std::io::IsTerminal;

use tracing_subscriber::{Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// The target of the spans that are traced, and of nothing else: no span of a library's, which may name a number, gets
/// into a trace. They are of the level DEBUG, so that they do not stand before every line of the log.
pub const TRACED: &str = "vobiz_operator::traced";

/// Why traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The program was built without.
    #[error("OTLP_ENDPOINT is set, but this program was built without traces: build it with --features otlp")]
    NotBuilt,
    /// The endpoint is not one.
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
    let (telemetry, traces) = match otlp_endpoint {
        None => (Telemetry::default(), None),
        Some(endpoint) => traces(endpoint).map(|(telemetry, layer)| (telemetry, Some(layer)))?,
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

#[cfg(feature = "otlp")]
fn traces(endpoint: &str) -> Result<(Telemetry, BoxedLayer), TelemetryError> {
    let (traces, layer) = otlp::start(endpoint)?;
    Ok((Telemetry { traces: Some(traces) }, layer))
}

#[cfg(not(feature = "otlp"))]
fn traces(_: &str) -> Result<(Telemetry, BoxedLayer), TelemetryError> {
    Err(TelemetryError::NotBuilt)
}
