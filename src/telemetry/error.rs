//! Why telemetry cannot start.

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("OTLP_ENDPOINT is set, but this program was built without traces: build it with --features otlp")]
    NotBuilt,
    /// The endpoint is no URL. It may hold a password all the same, so it is not shown.
    #[error("OTLP_ENDPOINT is not a URL: write it like http://collector:4318")]
    NotUrl,
    /// It holds a user name or a password, which are not sent, and would be logged. Its scheme and host.
    #[error("OTLP_ENDPOINT has a user name or a password in it, which are not sent: write {0}")]
    UserInfo(String),
    /// The endpoint cannot be used. Its scheme and host.
    #[error("OTLP_ENDPOINT {endpoint}: {why}")]
    Endpoint { endpoint: String, why: String },
}
