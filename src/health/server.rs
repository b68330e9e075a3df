use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore};

use super::View;

/// Whoever sends no request within that time is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections at a time: a kubelet and a few Prometheus servers need a handful, and others must not exhaust memory.
const CONNECTIONS: usize = 64;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Why the address cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve HTTP_ADDR {address}: {source}")]
pub struct BindError {
    address: String,
    source: std::io::Error,
}

/// Takes an address, `:PORT` being all of this machine.
///
/// # Errors
/// If it is none, or in use.
pub async fn bind(address: &str) -> Result<TcpListener, BindError> {
    let failed = |source| BindError { address: address.to_owned(), source };
    let Some(port) = address.strip_prefix(':') else {
        return TcpListener::bind(address).await.map_err(failed);
    };
    let port: u16 = port.parse().map_err(|_| {
        failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the port is no number"))
    })?;
    // Both families; where there is no IPv6, the other alone.
    let all = [SocketAddr::from(([0_u16; 8], port)), SocketAddr::from(([0_u8; 4], port))];
    TcpListener::bind(&all[..]).await.map_err(failed)
}

/// Serves until it is dropped, each connection included.
pub async fn serve(listener: TcpListener, view: Arc<View>) {
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(address, "serving /healthz, /readyz and /metrics");
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, for instance: it passes.
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let view = view.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer(&view, request.method(), request.uri().path());
            async move { Ok::<_, Infallible>(answer) }
        });
        connections.spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), service);
            // A connection that breaks off concerns nobody here.
            let _ = connection.await;
            drop(place);
        });
    }
}

fn answer(view: &View, method: &Method, path: &str) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n".into());
    }
    match path {
        // That there is an answer is the proof: one thread does everything.
        "/healthz" => text(StatusCode::OK, PLAIN, "ok\n".into()),
        "/readyz" => {
            let readiness = view.readiness();
            let ready = readiness.is_ready();
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            text(status, PLAIN, readiness.to_string())
        }
        "/metrics" => match view.metrics() {
            Ok(metrics) => text(StatusCode::OK, OPEN_METRICS, metrics),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, format!("{error}\n")),
        },
        _ => text(StatusCode::NOT_FOUND, PLAIN, "/healthz, /readyz or /metrics\n".into()),
    }
}

fn text(status: StatusCode, type_: HeaderValue, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, type_);
    response
}
