//! The client that may spend sends one request, whatever the server does: raw TCP servers count what arrives.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use vobiz_operator::vobiz::{Casing, Client, Credentials, PurchaseError, Purchased, RejectionKind, Settings};

const NUMBER: &str = "+911234500000";
const ENVELOPE: &str = r#"{"error":{"code":"x","message":"no"}}"#;

/// What the server does with a connection.
#[derive(Clone, Debug)]
enum Server {
    CloseUnread,
    CloseAfterReading,
    Reset,
    Silent,
    /// Reads the request, answers with these bytes, and closes.
    Answer(String),
    /// Answers with these bytes and keeps the connection.
    Stall(String),
}

/// Connections and requests that arrived.
#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

fn answer(status: &str, body: &str) -> Server {
    Server::Answer(format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// Reads one request with its body; whether it arrived.
async fn read_request(stream: &mut TcpStream) -> bool {
    let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
        if seen.ends_with(b"}") {
            return true;
        }
    }
}

async fn serve(mut stream: TcpStream, server: Server, counts: Arc<Counts>) {
    counts.connections.fetch_add(1, Ordering::SeqCst);
    if matches!(server, Server::CloseUnread) {
        return;
    }
    if !read_request(&mut stream).await {
        return;
    }
    counts.requests.fetch_add(1, Ordering::SeqCst);
    match server {
        Server::CloseUnread | Server::CloseAfterReading => {}
        Server::Reset => stream.set_zero_linger().unwrap(),
        Server::Silent => std::future::pending().await,
        Server::Answer(bytes) => {
            // What follows on the same connection counts as well.
            stream.write_all(bytes.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            if read_request(&mut stream).await {
                counts.requests.fetch_add(1, Ordering::SeqCst);
            }
        }
        Server::Stall(bytes) => {
            stream.write_all(bytes.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        }
    }
}

async fn purchase(port: u16) -> Result<Purchased, PurchaseError> {
    // Another test may have been first: one provider is as good as another.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let credentials = Credentials::new("MA_TEST".parse().unwrap(), "token").unwrap();
    let settings = Settings {
        url: format!("http://127.0.0.1:{port}"),
        ca_file: None,
        purchase_timeout: Duration::from_secs(1),
        rate: NonZeroU32::MAX,
        burst: NonZeroU32::MAX,
        purchase_casing: Casing::Lower,
    };
    let client = Client::new(&settings, watch::channel(credentials).1).unwrap();
    client.purchase(NUMBER.parse().unwrap(), None).await
}

fn kind(result: &Result<Purchased, PurchaseError>) -> String {
    match result {
        Ok(_) => "purchased".into(),
        Err(PurchaseError::NotSent(_)) => "not sent".into(),
        Err(PurchaseError::Unknown { .. }) => "unknown".into(),
        Err(PurchaseError::Rejected(rejection)) => match rejection.kind {
            RejectionKind::NotFound => "not found".into(),
            RejectionKind::PaymentFailed => "payment failed".into(),
            other => format!("{other:?}"),
        },
    }
}

#[tokio::test]
async fn one_purchase_is_one_request_whatever_the_server_does() {
    let redirect = |status, port| {
        Server::Answer(format!(
            "HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:{port}/again\r\nContent-Length: 0\r\n\r\n"
        ))
    };
    let ours = format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#);
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"number\":".to_owned();
    for (server, requests, expected) in [
        (None, 1, "unknown"),
        (Some(Server::CloseUnread), 0, "unknown"),
        (Some(Server::CloseAfterReading), 1, "unknown"),
        (Some(Server::Reset), 1, "unknown"),
        (Some(Server::Silent), 1, "unknown"),
        (Some(Server::Stall(cut.clone())), 1, "unknown"),
        (Some(Server::Answer(cut)), 1, "unknown"),
        (Some(answer("404", ENVELOPE)), 1, "not found"),
        (Some(answer("404", "<html>")), 1, "unknown"),
        (Some(answer("500", ENVELOPE)), 1, "payment failed"),
        (Some(answer("500", "<html>")), 1, "unknown"),
        (Some(answer("200", r#"{"number":{"e164":"+911234500001"}}"#)), 1, "unknown"),
        (Some(answer("200", &ours)), 1, "purchased"),
    ] {
        for status in if server.is_none() { &["307", "308"][..] } else { &[""] } {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = server.clone().unwrap_or_else(|| redirect(status, port));
            let counts = Arc::<Counts>::default();
            let (shown, counted) = (server.clone(), counts.clone());
            let accepting = tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, server.clone(), counted.clone()));
                }
            });
            let result = purchase(port).await;
            // Time for whatever might be sent again behind the caller's back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            accepting.abort();
            assert_eq!(kind(&result), expected, "{shown:?}: {result:?}");
            assert_eq!(counts.connections.load(Ordering::SeqCst), 1, "connections, {shown:?}");
            assert_eq!(counts.requests.load(Ordering::SeqCst), requests, "requests, {shown:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_purchase_that_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(kind(&purchase(port).await), "not sent");
}
