//! One call to the API server: how long it may take, and what a connection that had died means.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, combinators::UnsyncBoxBody};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy::{Builder, Client, Error, connect::Connect},
    rt::TokioExecutor,
};
use kube::client::Body;
use tokio::time::timeout;
use tower::BoxError;

use super::{
    lines::{Line, Lines},
    pages::{self, Pages},
};
use crate::{clock::Peers, metrics::Peer};

/// How long an answer may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// To begin, for every kind of request: a list, or a watch, that is never answered would keep a cache as it is for
    /// ever.
    begin: Duration,
    /// To end, once it has begun; that of a watch ends when the API server ends it.
    end: Duration,
}

/// A list that hangs is asked for again within a minute.
const USUAL: Limits = Limits { begin: Duration::from_secs(20), end: Duration::from_secs(30) };

/// A list or watch that takes longer to begin no longer holds up the others: there is a connection by then, or none to be had.
const A_TURN: Duration = Duration::from_secs(1);

/// An answer that did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the API server gave no {what} within {} s", within.as_secs())]
struct Late {
    what: &'static str,
    within: Duration,
}

/// Makes calls, each write once.
#[derive(Debug, Clone)]
pub struct Calls<C> {
    kept: Client<C, Body>,
    lines: Lines<C>,
    pages: Pages,
    /// The election's, by HTTP/1.1: a call that is given up closes its connection, and waits behind no other. On a connection that
    /// is dead and shared, leadership would be lost before that shows.
    lease: Client<C, Body>,
    /// By HTTP/1.1, without kept connections.
    fresh: Client<C, Body>,
    peers: Arc<Peers>,
    limits: Limits,
}

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

impl<C: Connect + Clone + Send + Sync + 'static> Calls<C> {
    pub fn new(connector: C, lines: Lines<C>, peers: Arc<Peers>) -> Self {
        let kept = lines.for_calls();
        let builder = || Builder::new(TokioExecutor::new());
        let lease = builder().pool_max_idle_per_host(1).build(connector.clone());
        let fresh = builder().pool_max_idle_per_host(0).build(connector);
        Self { kept, lines, lease, pages: Pages::default(), fresh, peers, limits: USUAL }
    }

    /// Makes one call.
    ///
    /// # Errors
    /// If there is no answer, or not in time. Of a write it is then unknown whether it happened.
    pub async fn make(self, request: Request<Body>) -> Result<Answer, BoxError> {
        match pages::asked(request.uri()) {
            Some(asked) if !goes_on(&request) => self.list(request, asked).await,
            _ => self.ask(request, usize::MAX).await,
        }
    }

    /// Asks for a page of a list, and again for a shorter one as long as it is too long.
    async fn list(self, request: Request<Body>, asked: u32) -> Result<Answer, BoxError> {
        let path = request.uri().path().to_owned();
        let mut count = self.pages.next(&path, asked);
        loop {
            let mut page = read_again(&request).ok_or("a list is a read without a body")?;
            *page.uri_mut() = pages::with(request.uri(), count)?;
            let longest = if count > 1 { pages::LONGEST } else { usize::MAX };
            match self.ask(page, longest).await {
                Err(error) if error.is::<LengthLimitError>() => count = pages::fewer(count),
                Ok(answer) => {
                    let bytes = answer.body().size_hint().lower();
                    self.pages.came(&path, count, asked, usize::try_from(bytes).unwrap_or(usize::MAX));
                    return Ok(answer);
                }
                error => return error,
            }
        }
    }

    async fn ask(&self, request: Request<Body>, longest: usize) -> Result<Answer, BoxError> {
        let goes_on = goes_on(&request);
        // What is listed is watched as well, at the same time.
        let line = (goes_on || pages::asked(request.uri()).is_some()).then(|| self.lines.take());
        let unread = is_never_read(&request);
        let Limits { begin, end } = self.limits;
        let late = |what, within| move |_| Late { what, within };
        let (client, turn) = match &line {
            // A turn that does not come in time is done without.
            Some(Line { client, begins }) => (client, timeout(begin, begins.acquire()).await.ok()),
            None if is_of_the_election(&request) => (&self.lease, None),
            None => (&self.kept, None),
        };
        let begun = self.peers.now();
        let sent = async {
            let mut answer = pin!(self.send(client, request));
            if turn.is_some()
                && let Ok(answer) = timeout(A_TURN, &mut answer).await
            {
                return answer;
            }
            drop(turn);
            answer.await
        };
        let answer = timeout(begin, sent).await.map_err(late("answer", begin))??;
        self.peers.saw(Peer::Kubernetes, answer.headers(), begun);
        if goes_on && answer.status().is_success() {
            let held = move |error| {
                let _place = &line;
                BoxError::from(error)
            };
            return Ok(answer.map(|body| body.map_err(held).boxed_unsync()));
        }
        let (head, body) = answer.into_parts();
        let kept = !unread || !head.status.is_success();
        let body =
            timeout(end, text(body, kept, longest)).await.map_err(late("end of its answer", end))??;
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        Ok(Response::from_parts(head, body))
    }

    /// A read that no connection answered is made once more, on a fresh one: a kept one may have died unnoticed. A write
    /// is not: it may have happened.
    async fn send(
        &self,
        client: &Client<C, Body>,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, Error> {
        let again = read_again(&request);
        match (client.request(request).await, again) {
            (Err(error), Some(again)) if !error.is_connect() => self.fresh.request(again).await,
            (answer, _) => answer,
        }
    }
}

/// The same request, if it is a read.
fn read_again(request: &Request<Body>) -> Option<Request<Body>> {
    if request.method() != Method::GET {
        return None;
    }
    let mut again = Request::new(request.body().try_clone()?);
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// The text of an answer, if it is not longer than this; or nothing of it.
async fn text(mut body: Incoming, kept: bool, longest: usize) -> Result<Bytes, BoxError> {
    if kept {
        return Ok(Limited::new(body, longest).collect().await?.to_bytes());
    }
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(Bytes::new())
}

/// Whether only the status of the answer says anything: to one who writes a claim's status, the API server answers with
/// all that its users have written into it, and many are written at a time.
fn is_never_read(request: &Request<Body>) -> bool {
    request.method() == Method::PATCH && request.uri().path().ends_with("/status")
}

/// Whether it reads or writes the lease.
fn is_of_the_election(request: &Request<Body>) -> bool {
    request.uri().path().contains("/coordination.k8s.io/")
}

/// Whether it asks for a watch, whose answer goes on.
fn goes_on(request: &Request<Body>) -> bool {
    request.uri().query().unwrap_or_default().split('&').any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

#[cfg(test)]
mod tests {
    use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::clock::Clock;

    /// What a server does with each connection: so many requests are answered with this; then it reads the beginning of
    /// the next one, and closes.
    #[derive(Clone, Copy)]
    struct Script {
        answers: usize,
        answer: &'static str,
        /// Keeps the connection, in silence, instead of closing it.
        hangs: bool,
    }

    const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    struct Server {
        port: u16,
        asked: tokio::sync::mpsc::UnboundedReceiver<String>,
    }

    impl Server {
        async fn start(script: Script) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let (seen, asked) = tokio::sync::mpsc::unbounded_channel();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, script, seen.clone()));
                }
            });
            Self { port, asked }
        }

        fn calls(limit: u64) -> Calls<HttpConnector> {
            let (http, lines) = (HttpConnector::new(), Lines::new(HttpConnector::new()));
            let calls = Calls::new(http, lines, Arc::new(Peers::new(Clock::start())));
            let limit = Duration::from_millis(limit);
            Calls { limits: Limits { begin: limit, end: limit }, ..calls }
        }

        fn request(&self, method: Method, path: &str) -> Request<Body> {
            let uri = format!("http://127.0.0.1:{}{path}", self.port);
            Request::builder().method(method).uri(uri).body(Body::empty()).unwrap()
        }

        /// The requests that arrived, by their methods.
        fn methods(&mut self) -> Vec<String> {
            std::iter::from_fn(|| self.asked.try_recv().ok()).collect()
        }
    }

    async fn serve(mut stream: TcpStream, script: Script, seen: tokio::sync::mpsc::UnboundedSender<String>) {
        for turn in 0..=script.answers {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            let head = String::from_utf8(head).unwrap();
            seen.send(head.split(' ').next().unwrap().to_owned()).unwrap();
            let answers = turn < script.answers;
            if answers && stream.write_all(script.answer.as_bytes()).await.is_err() {
                return;
            }
        }
        if script.hangs {
            let _ = stream.read_u8().await;
        }
    }

    #[tokio::test]
    async fn a_read_that_meets_a_dead_connection_is_made_again() {
        let mut server = Server::start(Script { answers: 1, answer: WHOLE, hangs: false }).await;
        let calls = Server::calls(10_000);
        for _ in 0..3 {
            let answer = calls.clone().make(server.request(Method::GET, "/x")).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
        }
        // The second one twice: the third has a connection of its own.
        assert_eq!(server.methods(), ["GET"; 4]);
    }

    #[tokio::test]
    async fn a_read_that_a_fresh_connection_does_not_answer_fails() {
        let mut server = Server::start(Script { answers: 0, answer: "", hangs: false }).await;
        let calls = Server::calls(10_000);
        calls.make(server.request(Method::GET, "/x")).await.unwrap_err();
        assert_eq!(server.methods(), ["GET"; 2]);
    }

    #[tokio::test]
    async fn a_write_that_meets_a_dead_connection_is_not_made_again() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let mut server = Server::start(Script { answers: 1, answer: WHOLE, hangs: false }).await;
            let calls = Server::calls(10_000);
            calls.clone().make(server.request(Method::GET, "/x")).await.unwrap();
            calls.make(server.request(method.clone(), "/x")).await.unwrap_err();
            assert_eq!(server.methods(), ["GET", method.as_str()]);
        }
    }

    /// Answers reads over HTTP/2, and ends the connection where anything else is asked for.
    async fn serve_http2(stream: TcpStream, seen: tokio::sync::mpsc::UnboundedSender<String>) {
        let ends = tokio::sync::Notify::new();
        let service = hyper::service::service_fn(|request: Request<Incoming>| {
            seen.send(request.method().to_string()).unwrap();
            let answers = request.method() == Method::GET;
            if !answers {
                ends.notify_one();
            }
            async move {
                if !answers {
                    std::future::pending::<()>().await;
                }
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from("ok"))))
            }
        });
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        tokio::select! {
            _ = builder.serve_connection(TokioIo::new(stream), service) => {}
            () = ends.notified() => {}
        }
    }

    #[tokio::test]
    async fn a_write_over_http_2_that_meets_a_dead_connection_is_not_made_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (seen, asked) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_http2(stream, seen.clone()));
            }
        });
        let mut server = Server { port, asked };
        let kept = Builder::new(TokioExecutor::new()).http2_only(true).build(HttpConnector::new());
        let calls = Calls { kept, ..Server::calls(10_000) };
        let ask = |method| calls.clone().make(server.request(method, "/x"));
        let lease = server.request(Method::GET, "/apis/coordination.k8s.io/v1/namespaces/a/leases/b");
        calls.clone().make(lease).await.expect_err("it is asked for by HTTP/1.1");
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for _ in 0..2 {
                ask(Method::GET).await.unwrap();
            }
            ask(method).await.unwrap_err();
        }
        let expected = ["POST", "PUT", "PATCH", "DELETE"].map(|method| ["GET", "GET", method]);
        assert_eq!(server.methods(), expected.concat());
    }

    #[tokio::test]
    async fn what_is_never_answered_is_given_up() {
        for (method, path) in [(Method::GET, "/x"), (Method::GET, "/x?watch=true"), (Method::POST, "/x")] {
            let server = Server::start(Script { answers: 0, answer: "", hangs: true }).await;
            let error = Server::calls(200).make(server.request(method, path)).await.unwrap_err();
            assert!(error.to_string().starts_with("the API server gave no answer within"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_watch_that_hangs_holds_up_the_next_one_for_a_second_alone() {
        let mut server = Server::start(Script { answers: 0, answer: "", hangs: true }).await;
        let calls = Server::calls(60_000);
        let watch = || calls.clone().make(server.request(Method::GET, "/x?watch=true"));
        let watches = futures::future::join(watch(), watch());
        let both = async {
            for _ in 0..2 {
                assert_eq!(server.asked.recv().await.as_deref(), Some("GET"));
            }
        };
        tokio::select! {
            answers = watches => panic!("{answers:?}"),
            in_time = timeout(5 * A_TURN, both) => in_time.unwrap(),
        }
    }

    #[tokio::test]
    async fn an_answer_that_stops_in_its_middle_is_given_up_and_a_watch_is_not() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok";
        let server = Server::start(Script { answers: 1, answer, hangs: true }).await;
        let error = Server::calls(300).make(server.request(Method::GET, "/x?limit=9")).await.unwrap_err();
        assert!(error.to_string().starts_with("the API server gave no end of its answer"), "{error}");
        let calls = Server::calls(300);
        let watch = calls.clone().make(server.request(Method::GET, "/x?limit=9&watch=true")).await.unwrap();
        let end = timeout(Duration::from_millis(900), watch.into_body().collect());
        assert_eq!(calls.lines.taken(), 1);
        let end = end.await;
        assert!(end.is_err(), "{end:?}");
        assert_eq!(calls.lines.taken(), 0, "its place is free");
    }

    #[tokio::test]
    async fn a_page_that_is_too_long_is_asked_for_again_with_fewer_objects() {
        let body = "x".repeat(pages::LONGEST + 1);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let script = Script { answers: 9, answer: answer.leak(), hangs: true };
        let mut server = Server::start(script).await;
        let calls = Server::calls(10_000);
        // 20, 5 and 1; and then 1 at once.
        for asked in [3, 1] {
            let list = server.request(Method::GET, "/x?limit=20&continue=a");
            let answer = calls.clone().make(list).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), body);
            assert_eq!(server.methods().len(), asked);
        }
    }

    #[tokio::test]
    async fn of_the_answer_to_a_status_that_was_written_nothing_is_kept() {
        let failed = "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno";
        for (method, path, answer, kept) in [
            (Method::PATCH, "/x/status", WHOLE, ""),
            (Method::PATCH, "/x/status", failed, "no"),
            (Method::PATCH, "/x", WHOLE, "ok"),
            (Method::GET, "/x/status", WHOLE, "ok"),
        ] {
            let server = Server::start(Script { answers: 1, answer, hangs: true }).await;
            let answer = Server::calls(10_000).make(server.request(method, path)).await.unwrap();
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), kept, "{path}");
        }
    }

    #[tokio::test]
    async fn the_date_of_an_answer_shows_the_clock_of_the_api_server() {
        let answer = "HTTP/1.1 403 X\r\nDate: Fri, 02 Jan 2026 03:04:05 GMT\r\nContent-Length: 0\r\n\r\n";
        let server = Server::start(Script { answers: 1, answer, hangs: true }).await;
        let calls = Server::calls(10_000);
        calls.clone().make(server.request(Method::GET, "/x")).await.unwrap();
        let clocks = calls.peers.clocks();
        assert!(clocks.kubernetes.is_some() && clocks.vobiz.is_none() && clocks.are_wrong(), "{clocks:?}");
    }
}
