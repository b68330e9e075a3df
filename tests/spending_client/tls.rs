//! One purchase is one request, over TLS; and a handshake that fails is a purchase that was not sent.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use super::{
    client::{LONG, NUMBER, SHORT, meaning, purchase},
    server::{
        Act::{self, Close, Hold, Read, ReadSome, Reset},
        Server, answer, send,
    },
};

/// A server's certificate for `name`, with ALPN as given, and the file of the authority that signed it.
pub fn identity(name: &str, alpn: &[&str]) -> (TlsAcceptor, NamedTempFile) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca.pem()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

fn ours() -> Act {
    answer(200, &format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#))
}

#[tokio::test]
async fn http_2_is_never_agreed_on_even_if_the_server_prefers_it() {
    for (offered, expected, arrive) in [
        (&["h2", "http/1.1"][..], "purchased", 1),
        (&["http/1.1"], "purchased", 1),
        (&[], "purchased", 1),
        (&["h2"], "not sent", 0),
        (&["h3", "h2c"], "not sent", 0),
    ] {
        let (acceptor, ca) = identity("127.0.0.1", offered);
        let server = Server::tls(vec![Read, ours(), Hold], acceptor).await;
        let outcome = purchase(&format!("https://127.0.0.1:{}", server.port), Some(ca.path()), LONG).await;
        let seen = server.finish().await;
        assert_eq!(meaning(&outcome), expected, "{offered:?}: {outcome:?}");
        assert_eq!((seen.connections, seen.purchases), (1, arrive), "{offered:?}");
        assert!(
            seen.alpn.iter().flatten().all(|agreed| agreed == b"http/1.1"),
            "{offered:?}: {:?}",
            seen.alpn
        );
    }
}

#[tokio::test]
async fn a_tls_connection_that_ends_anywhere_is_one_unknown_request() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"number\":";
    for (script, arrive) in [
        (vec![Close], 0),
        (vec![Reset], 0),
        (vec![ReadSome(20), Close], 1),
        (vec![ReadSome(20), Reset], 1),
        (vec![Read, Close], 1),
        (vec![Read, Reset], 1),
        (vec![Read, send(cut), Close], 1),
        (vec![Read, send(cut), Reset], 1),
        (vec![Read, send("HTTP/1.1 307 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"), Hold], 1),
    ] {
        let (acceptor, ca) = identity("127.0.0.1", &["h2", "http/1.1"]);
        let server = Server::tls(script.clone(), acceptor).await;
        let outcome = purchase(&format!("https://127.0.0.1:{}", server.port), Some(ca.path()), LONG).await;
        let seen = server.finish().await;
        assert_eq!(meaning(&outcome), "unknown", "{script:?}: {outcome:?}");
        assert_eq!((seen.connections, seen.purchases), (1, arrive), "{script:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_fails_is_a_purchase_that_was_not_sent() {
    let alert = Act::Send(vec![21, 3, 3, 0, 2, 2, 40]);
    for script in [
        vec![Close],
        vec![Reset],
        vec![ReadSome(5), Close],
        vec![ReadSome(5), Reset],
        vec![ReadSome(5), alert, Close],
        vec![ReadSome(5), send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), Hold],
    ] {
        let (_, ca) = identity("127.0.0.1", &[]);
        let server = Server::plain(script.clone()).await;
        let outcome = purchase(&format!("https://127.0.0.1:{}", server.port), Some(ca.path()), LONG).await;
        let seen = server.finish().await;
        assert_eq!(meaning(&outcome), "not sent", "{script:?}: {outcome:?}");
        assert_eq!((seen.connections, seen.purchases), (1, 0), "{script:?}");
    }
}

#[tokio::test]
async fn a_handshake_that_stalls_is_a_purchase_that_was_not_sent() {
    let (_, ca) = identity("127.0.0.1", &[]);
    let server = Server::plain(vec![Hold]).await;
    let outcome = purchase(&format!("https://127.0.0.1:{}", server.port), Some(ca.path()), SHORT).await;
    assert_eq!(meaning(&outcome), "not sent", "{outcome:?}");
    assert_eq!(server.finish().await.connections, 1);
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_shown_no_purchase() {
    let (stranger, _) = identity("127.0.0.1", &[]);
    let (elsewhere, elsewheres_ca) = identity("vobiz.invalid", &[]);
    let (_, ca) = identity("127.0.0.1", &[]);
    for (acceptor, trusted) in [(stranger, &ca), (elsewhere, &elsewheres_ca)] {
        let server = Server::tls(vec![Read, ours(), Hold], acceptor).await;
        let outcome =
            purchase(&format!("https://127.0.0.1:{}", server.port), Some(trusted.path()), LONG).await;
        let seen = server.finish().await;
        assert_eq!(meaning(&outcome), "not sent", "{outcome:?}");
        assert_eq!((seen.connections, seen.purchases), (1, 0));
    }
}
