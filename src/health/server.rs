//! The HTTP server of health and metrics, with its limits.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use super::HealthSources;

/// How long a connection may live.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Without a whole request, however busily it sends.
    patience: Duration,
    /// In all: its answer is taken by then, or never.
    life: Duration,
}

/// A kubelet and a Prometheus ask at once.
const USUAL: Limits = Limits { patience: Duration::from_secs(2), life: Duration::from_secs(10) };

/// Connections at a time. A kubelet and a few Prometheus servers need a handful: the others are strangers', who must
/// exhaust neither the memory nor the patience of a probe.
const CONNECTIONS: usize = 256;

/// Bytes of a request: a probe's has a hundred.
const LONGEST_REQUEST: usize = 16 << 10;

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

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
pub async fn serve(listener: TcpListener, sources: Arc<HealthSources>) {
    let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(address, "serving /healthz, /readyz and /metrics");
    answering(listener, USUAL, move |method, path| answer(&sources, method, path)).await;
}

/// Accepts every connection, and waits for none: where there is no place, the connection makes room that has been silent
/// for the longest. So a probe, which asks at once, is answered however many others stay silent.
async fn answering(
    listener: TcpListener,
    limits: Limits,
    answer: impl Fn(&Method, &str) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static,
) {
    let mut connections = JoinSet::new();
    let mut places = VecDeque::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, for instance: it passes.
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        places.retain(|place: &Place| !place.task.is_finished());
        if places.len() >= CONNECTIONS {
            make_room(&mut places);
        }
        let asked = Arc::new(AtomicBool::new(false));
        let task = connections.spawn(connection(stream, limits, answer.clone(), asked.clone()));
        places.push_back(Place { task, asked });
    }
}

struct Place {
    task: AbortHandle,
    /// Whether its request has come.
    asked: Arc<AtomicBool>,
}

/// Closes the oldest connection that has asked nothing; if all have, the oldest.
fn make_room(places: &mut VecDeque<Place>) {
    let silent = places.iter().position(|place| !place.asked.load(Ordering::Relaxed));
    if let Some(place) = places.remove(silent.unwrap_or_default()) {
        place.task.abort();
    }
}

/// One request and its answer: a connection that stayed open would be idle for most of its life.
async fn connection(
    stream: TcpStream,
    limits: Limits,
    answer: impl Fn(&Method, &str) -> Response<Full<Bytes>>,
    asked: Arc<AtomicBool>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let answer = answer(request.method(), request.uri().path());
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.patience)
        .max_buf_size(LONGEST_REQUEST)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that breaks off, or that takes too long, is of no concern here.
    let _ = timeout(limits.life, connection).await;
}

fn answer(sources: &HealthSources, method: &Method, path: &str) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n".into());
    }
    match path {
        // That there is an answer is the proof: one thread does everything.
        "/healthz" => text(StatusCode::OK, PLAIN, "ok\n".into()),
        "/readyz" => {
            let readiness = sources.readiness();
            let ready = readiness.is_ready();
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            text(status, PLAIN, readiness.to_string())
        }
        "/metrics" => match sources.metrics() {
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::sleep,
    };

    use super::*;

    /// Serves on a port of its own until the test ends.
    async fn served(limits: Limits) -> SocketAddr {
        let listener = bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(answering(listener, limits, |_, path| text(StatusCode::OK, PLAIN, format!("{path}\n"))));
        address
    }

    async fn probe(address: SocketAddr) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// A connection that sends these bytes, one each second, and is opened anew when it is closed.
    async fn stranger(address: SocketAddr, bytes: &'static [u8]) {
        loop {
            let Ok(stream) = TcpStream::connect(address).await else { continue };
            let (mut reads, mut writes) = stream.into_split();
            let drips = async {
                for byte in bytes {
                    if writes.write_all(std::slice::from_ref(byte)).await.is_err() {
                        return;
                    }
                    sleep(Duration::from_secs(1)).await;
                }
                std::future::pending::<()>().await;
            };
            let mut answer = Vec::new();
            tokio::select! {
                () = drips => {}
                _ = reads.read_to_end(&mut answer) => {}
            }
        }
    }

    #[tokio::test]
    async fn strangers_keep_no_probe_waiting() {
        for (count, bytes) in [(200, &b""[..]), (200, b"GET /metrics HTTP/1.1\r\n"), (600, b"")] {
            let address = served(USUAL).await;
            let mut strangers = JoinSet::new();
            (0..count).for_each(|_| drop(strangers.spawn(stranger(address, bytes))));
            for round in 0..30 {
                sleep(Duration::from_millis(150)).await;
                let begun = Instant::now();
                // What a kubelet waits for. One place for each stranger would take ten seconds and more.
                let answer = timeout(Duration::from_secs(5), probe(address)).await;
                let answer =
                    answer.unwrap_or_else(|_| panic!("{count} {round}: nothing in {:?}", begun.elapsed()));
                assert!(
                    answer.as_ref().is_ok_and(|it| it.ends_with("/healthz\n")),
                    "{count} {round}: {answer:?}"
                );
            }
        }
    }

    /// Time closes none of these connections, and none is opened anew: a probe is answered because one makes room for it.
    #[tokio::test]
    async fn more_idle_connections_than_places_keep_no_probe_out() {
        let forever = Duration::from_hours(1);
        let address = served(Limits { patience: forever, life: forever }).await;
        let mut idle = Vec::new();
        for _ in 0..300 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        for round in 0..300 {
            let answer = timeout(Duration::from_mins(1), probe(address)).await;
            let answer = answer.unwrap_or_else(|_| panic!("{round}: no answer"));
            assert!(answer.as_ref().is_ok_and(|it| it.ends_with("/healthz\n")), "{round}: {answer:?}");
        }
        // The oldest have made room, and the youngest are still there.
        assert_eq!(idle[0].read(&mut [0]).await.unwrap_or_default(), 0);
        let youngest = idle.last_mut().unwrap();
        youngest.write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        youngest.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("/readyz\n"), "{answer}");
    }

    #[tokio::test]
    async fn a_connection_without_a_whole_request_is_closed_soon() {
        for bytes in [&b""[..], b"GET /healthz HTTP/1.1\r\nX-Drip: "] {
            let address = served(USUAL).await;
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            let mut answer = Vec::new();
            let closed = timeout(USUAL.patience * 2, stream.read_to_end(&mut answer)).await;
            assert!(closed.is_ok(), "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_request_without_an_end_is_refused_before_it_takes_memory() {
        let address = served(USUAL).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let endless = vec![b'x'; 1 << 20];
        let _ = stream.write_all(b"GET /").await;
        let _ = stream.write_all(&endless).await;
        let mut answer = Vec::new();
        let closed = timeout(USUAL.patience * 2, stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok());
    }
}
