//! Sends spans to a collector, by OTLP over HTTP, from a thread of its own.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use reqwest::Url;
use tracing::Level;
use tracing_subscriber::{Layer, filter::Targets};

use super::{
    error::TelemetryError,
    filter::{BoxedLayer, TRACED},
};
use crate::address;

/// Starts sending; returns what sends the last spans.
pub fn start(endpoint: &Url) -> Result<(Box<dyn FnOnce()>, BoxedLayer), TelemetryError> {
    // Set by a program, the address is taken as it is; only the variables of the standard append the path.
    let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(&url).build();
    let exporter = exporter.map_err(|error| TelemetryError::Endpoint {
        endpoint: address::shown(endpoint),
        why: error.to_string(),
    })?;
    let resource = Resource::builder().with_service_name(env!("CARGO_PKG_NAME")).build();
    let provider = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
    let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_filter(Targets::new().with_target(TRACED, Level::DEBUG));
    let finish = move || {
        if let Err(error) = provider.shutdown() {
            tracing::warn!(%error, "the last traces were not sent");
        }
    };
    Ok((Box::new(finish), layer.boxed()))
}
