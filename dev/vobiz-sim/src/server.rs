//! The server: its socket, its connections, and which of the two interfaces a request is for.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{
    Request, Response,
    body::Incoming,
    header::{DATE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Config, SimAdmin, SimError, admin_http,
    call::Call,
    exchange,
    reply::{Body, Reply},
    tls::Tls,
    waiting::Shared,
    world::World,
};

/// No request of ours is anywhere near this.
const BODY_LIMIT: usize = 1024 * 1024;

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Sim {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: Option<String>,
}

impl Sim {
    /// Starts a simulator on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If it cannot listen, the certificates cannot be made, or the state contradicts itself.
    pub async fn start(config: Config) -> Result<Self, SimError> {
        let shared = Arc::new(Shared::new(World::new(config.state)?));
        let tls = config.tls.then(|| Tls::fresh(&config.tls_names)).transpose()?;
        let listener = TcpListener::bind(config.listen).await.map_err(SimError::Listen)?;
        let address = listener.local_addr().map_err(SimError::Listen)?;
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        shared.tasks.spawn(accept(Arc::clone(&shared), listener, acceptor));
        Ok(Self { shared, address, ca_pem })
    }

    /// Where the simulator is, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate authority to trust, if the simulator serves HTTPS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// The means to change the simulator's state and to read its journal.
    #[must_use]
    pub fn admin(&self) -> SimAdmin {
        SimAdmin::new(Arc::clone(&self.shared))
    }

    /// Closes every connection and waits until nothing of the simulator runs any more.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let stream = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // A client that is gone before it was accepted is not an error of ours.
        if let Ok((stream, _)) = stream {
            shared.tasks.spawn(connection(Arc::clone(&shared), stream, tls.clone()));
        }
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    let stop = shared.stop.clone();
    let served = async {
        // Failing to set it costs a few milliseconds, and nothing else.
        let _ = stream.set_nodelay(true);
        match tls {
            None => serve(shared, stream).await,
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    serve(shared, stream).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = served => {}
    }
}

async fn serve(shared: Arc<Shared>, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let answered = AtomicBool::new(false);
    let service = service_fn(|request| {
        let dead = answered.swap(true, Ordering::Relaxed) && shared.read(|world| world.manners.closes);
        let answer = answer(Arc::clone(&shared), request);
        async move { if dead { Err(io::ErrorKind::ConnectionReset.into()) } else { answer.await } }
    });
    // Connections end in errors all the time here, and mostly on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error closes the connection without an answer.
async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let body: Bytes = Limited::new(body, BODY_LIMIT).collect().await.map_err(io::Error::other)?.to_bytes();
    if parts.uri.path().starts_with("/_sim/") {
        return Ok(admin_http::answer(&SimAdmin::new(shared), &parts, &body).into_response());
    }
    let (client, reply) = oneshot::channel();
    let call = Call::parse(&parts, &body);
    shared.tasks.spawn(exchange::run(Arc::clone(&shared), call, client));
    let ahead = shared.read(|world| world.manners.ahead);
    let mut response = reply.await.map(Reply::into_response).map_err(io::Error::other)?;
    if ahead != 0 {
        response.headers_mut().insert(DATE, date(ahead).map_err(io::Error::other)?);
    }
    Ok(response)
}

/// What a clock shows that is so many seconds ahead.
fn date(ahead: i64) -> Result<HeaderValue, Box<dyn std::error::Error + Send + Sync>> {
    let then = Timestamp::now().checked_add(SignedDuration::from_secs(ahead))?;
    Ok(DateTimePrinter::new().timestamp_to_rfc9110_string(&then)?.parse()?)
}
