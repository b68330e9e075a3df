//! A small proxy through which one process makes its calls to one API. Every call is written down; one can be held
//! before it is passed on or before its answer is delivered; and it can be answered in the server's stead.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header, request::Parts};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    call::{self, Seen},
    timeline::Timeline,
    trap::{Caught, Held, Moment, Release, Rules, Sickness},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Where the calls go.
#[derive(Clone)]
pub enum Upstream {
    /// The API server, as its administrator.
    Kube(kube::Client),
    /// A simulated Vobiz.
    Vobiz(SocketAddr),
}

/// The proxy. It closes when it is dropped.
pub struct Door {
    address: SocketAddr,
    _open: DropGuard,
}

struct Shared {
    upstream: Upstream,
    process: usize,
    timeline: Arc<Timeline>,
    rules: Arc<Rules>,
    closed: CancellationToken,
}

impl Door {
    /// Opens a proxy on a loopback port.
    ///
    /// # Errors
    /// If there is no port.
    pub async fn open(
        upstream: Upstream,
        process: usize,
        timeline: Arc<Timeline>,
        rules: Arc<Rules>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let closed = CancellationToken::new();
        let shared = Arc::new(Shared { upstream, process, timeline, rules, closed: closed.clone() });
        tokio::spawn(closed.clone().run_until_cancelled_owned(accept(shared, listener)));
        Ok(Self { address, _open: closed.drop_guard() })
    }

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig whose way to the API server it is.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{ "name": "proxy", "cluster": { "server": self.url() } }],
            "users": [{ "name": "proxy", "user": {} }],
            "contexts": [{ "name": "proxy", "context": { "cluster": "proxy", "user": "proxy" } }],
        })
        .to_string()
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let closed = shared.closed.clone();
        let shared = shared.clone();
        let answered = AtomicBool::new(false);
        let service = service_fn(move |request| {
            let vobiz = matches!(shared.upstream, Upstream::Vobiz(_));
            let one_answer = vobiz && shared.rules.closes_after_answers();
            let dead = answered.swap(true, Ordering::Relaxed) && one_answer;
            let answer = answer(shared.clone(), request);
            async move { if dead { Err(io::ErrorKind::ConnectionReset.into()) } else { answer.await } }
        });
        // Its clients are killed, so connections end in errors all the time.
        let connection = server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(closed.run_until_cancelled_owned(async { connection.await.ok() }));
    }
}

/// An error closes the connection without an answer.
async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let (client, reply) = oneshot::channel();
    // A task of its own: what is done at the server does not depend on the caller's being there.
    let closed = shared.closed.clone();
    tokio::spawn(closed.run_until_cancelled_owned(exchange(shared, parts, body, client)));
    reply.await.map_err(io::Error::other)
}

async fn exchange(shared: Arc<Shared>, parts: Parts, body: Bytes, client: oneshot::Sender<Response<Body>>) {
    let kube = matches!(shared.upstream, Upstream::Kube(_));
    let seen = if kube { call::to_kube(&parts, &body) } else { call::to_vobiz(&parts, &body) };
    let at = shared.timeline.saw(shared.process, &seen);
    let fate = |what: &str| shared.timeline.note(at, |entry| what.clone_into(&mut entry.fate));
    let request = Request::from_parts(parts, Full::new(body));
    if let Some(held) = shared.rules.catches(&seen) {
        fate(&format!("caught: {:?}", held.moment));
        return caught(&shared, held, at, &seen, request, client).await;
    }
    serve(&shared, at, &seen, request, client).await;
}

/// Passes a call on, unless the API server is not well.
async fn serve(
    shared: &Shared,
    at: usize,
    seen: &Seen,
    request: Request<Full<Bytes>>,
    client: oneshot::Sender<Response<Body>>,
) {
    let kube = matches!(shared.upstream, Upstream::Kube(_));
    if let Some(sickness) = shared.rules.sickness().filter(|sick| kube && sick.concerns(seen.call)) {
        shared.timeline.note(at, |entry| entry.fate = format!("{} {sickness:?}", entry.fate));
        return sick(shared, sickness, at, seen, request, client).await;
    }
    if let Some(response) = forward(shared, at, seen, request).await {
        let _ = client.send(response);
    }
}

/// Holds a call as its trap says, and tells whoever set it.
async fn caught(
    shared: &Shared,
    held: Held,
    at: usize,
    seen: &Seen,
    request: Request<Full<Bytes>>,
    client: oneshot::Sender<Response<Body>>,
) {
    let (release, released) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let news = Caught { release, done: is_done };
    match held.moment {
        Moment::Before | Moment::Late => {
            let _ = held.caught.send(news);
            if released.await == Ok(Release::Pass) {
                serve(shared, at, seen, request, client).await;
            }
        }
        Moment::Withheld => {
            let response = forward(shared, at, seen, request).await;
            let _ = held.caught.send(news);
            if released.await == Ok(Release::Pass)
                && let Some(response) = response
            {
                let _ = client.send(response);
            }
        }
        Moment::After => {
            if let Some(response) = forward(shared, at, seen, request).await {
                let _ = client.send(response);
            }
            let _ = held.caught.send(news);
        }
    }
    let _ = done.send(());
}

/// Answers in the stead of an API server that is not well.
async fn sick(
    shared: &Shared,
    sickness: Sickness,
    at: usize,
    seen: &Seen,
    request: Request<Full<Bytes>>,
    client: oneshot::Sender<Response<Body>>,
) {
    if matches!(sickness, Sickness::DoesAndSays(_) | Sickness::DoesAndIsSilent) {
        forward(shared, at, seen, request).await;
    }
    match sickness {
        Sickness::Refuses(code) | Sickness::RefusesRecords(code) | Sickness::DoesAndSays(code) => {
            let _ = client.send(complaint(code));
        }
        Sickness::Silent | Sickness::DoesAndIsSilent => {
            let mut client = client;
            client.closed().await;
        }
    }
}

fn complaint(code: u16) -> Response<Body> {
    let reason = if code == 429 { "TooManyRequests" } else { "InternalError" };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "not well", "reason": reason, "code": code,
    });
    let mut response = Response::new(boxed(Bytes::from(status.to_string())));
    *response.status_mut() = code.try_into().unwrap_or_default();
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// Passes a call on, and writes down what the server answers. Nothing if it closes the connection.
async fn forward(
    shared: &Shared,
    at: usize,
    seen: &Seen,
    mut request: Request<Full<Bytes>>,
) -> Option<Response<Body>> {
    for name in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        request.headers_mut().remove(name);
    }
    let mut response = match &shared.upstream {
        Upstream::Kube(client) => to_kube(client, request).await,
        Upstream::Vobiz(address) => to_vobiz(*address, request).await,
    }?;
    let status = response.status().as_u16();
    let mut revision = None;
    if seen.write.is_some() {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.ok()?.to_bytes();
        revision = revision_of(&bytes);
        response = Response::from_parts(parts, boxed(bytes));
    }
    shared.timeline.answered(at, status, revision);
    for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
        response.headers_mut().remove(name);
    }
    Some(response)
}

fn revision_of(object: &Bytes) -> Option<u64> {
    let object: Value = serde_json::from_slice(object).ok()?;
    object["metadata"]["resourceVersion"].as_str()?.parse().ok()
}

async fn to_kube(client: &kube::Client, request: Request<Full<Bytes>>) -> Option<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    let response = client.send(Request::from_parts(parts, kube::client::Body::from(body))).await.ok()?;
    Some(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}

/// A connection of its own for each call, so that each ends as the server ends it.
async fn to_vobiz(address: SocketAddr, mut request: Request<Full<Bytes>>) -> Option<Response<Body>> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let headers: &mut HeaderMap = request.headers_mut();
    headers.insert(header::HOST, address.to_string().parse().ok()?);
    let response = sender.send_request(request).await.ok()?;
    Some(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}

fn boxed(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
