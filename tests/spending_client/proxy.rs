//! A proxy that the environment names tunnels one purchase, or none. The environment belongs to a whole process, so the
//! purchase is made by a process of its own: this program again, told to run only the test that is ignored here.

use std::{env, path::PathBuf, process::Stdio};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::Command,
    task::JoinHandle,
};

use super::{
    client::{LONG, NUMBER, meaning, purchase},
    server::{
        Act::{Close, Hold, Read},
        Server, answer,
    },
    tls::identity,
};

const URL: &str = "SPENDING_CLIENT_URL";
const CA_FILE: &str = "SPENDING_CLIENT_CA_FILE";

#[tokio::test]
#[ignore = "run by the other tests of this file, in a process with an environment of its own"]
async fn the_purchase_itself() {
    let Ok(url) = env::var(URL) else { return };
    let ca_file = env::var_os(CA_FILE).map(PathBuf::from);
    let outcome = purchase(&url, ca_file.as_deref(), LONG).await;
    println!("\noutcome: {}", meaning(&outcome));
}

/// The outcome of a purchase in a process whose environment names this proxy in every way there is.
async fn purchase_with(proxy: u16, url: &str, ca: Option<&std::path::Path>) -> String {
    let url_of_proxy = format!("http://127.0.0.1:{proxy}");
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    purchase_in(&names.map(|name| (name, url_of_proxy.as_str())), url, ca).await
}

/// The outcome of a purchase in a process with these variables, and no other about proxies.
async fn purchase_in(variables: &[(&str, &str)], url: &str, ca: Option<&std::path::Path>) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "proxy::the_purchase_itself", "--ignored", "--nocapture"]).env(URL, url);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"] {
        command.env_remove(name).env_remove(name.to_ascii_lowercase());
    }
    command.envs(variables.iter().copied());
    if let Some(ca) = ca {
        command.env(CA_FILE, ca);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("outcome: "));
    line.unwrap_or("none").to_owned()
}

/// How a proxy answers a CONNECT.
#[derive(Clone, Copy, Debug)]
enum Proxy {
    Tunnels,
    Answers(&'static str),
    Closes,
}

/// Counts what the proxy was asked, until it is aborted.
async fn proxy(
    behaviour: Proxy,
    target: u16,
) -> (u16, JoinHandle<()>, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (asked, received) = tokio::sync::mpsc::unbounded_channel();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_connect(stream, behaviour, target, asked.clone()));
        }
    });
    (port, serving, received)
}

async fn answer_connect(
    mut stream: TcpStream,
    behaviour: Proxy,
    target: u16,
    asked: tokio::sync::mpsc::UnboundedSender<String>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    asked.send(String::from_utf8_lossy(&head).into_owned()).unwrap();
    match behaviour {
        Proxy::Closes => {}
        Proxy::Answers(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
        }
        Proxy::Tunnels => {
            let mut onward = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut onward).await;
        }
    }
}

#[tokio::test]
async fn a_proxy_tunnels_one_purchase_or_none() {
    let ours = answer(200, &format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#));
    for (behaviour, script, arrive, expected) in [
        (Proxy::Tunnels, vec![Read, ours, Hold], 1, "purchased"),
        (Proxy::Tunnels, vec![Read, Close], 1, "unknown"),
        (Proxy::Tunnels, vec![Read, answer(503, ""), Hold], 1, "unknown"),
        (Proxy::Closes, vec![Hold], 0, "not sent"),
        (Proxy::Answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"), vec![Hold], 0, "not sent"),
        (Proxy::Answers("HTTP/1.1 503 X\r\nRetry-After: 0\r\n\r\n"), vec![Hold], 0, "not sent"),
        (Proxy::Answers("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), vec![Hold], 0, "not sent"),
        (Proxy::Answers("HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\n\r\n"), vec![Hold], 0, "not sent"),
        (
            Proxy::Answers("HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\n\r\n"),
            vec![Hold],
            0,
            "not sent",
        ),
        (Proxy::Answers("HTTP/1.1 200 OK\r\n\r\n"), vec![Hold], 0, "not sent"),
    ] {
        let (acceptor, ca) = identity("127.0.0.1", &["h2", "http/1.1"]);
        let server = Server::tls(script, acceptor).await;
        let (port, serving, mut asked) = proxy(behaviour, server.port).await;
        let url = format!("https://127.0.0.1:{}", server.port);
        let outcome = purchase_with(port, &url, Some(ca.path())).await;
        let seen = server.finish().await;
        serving.abort();
        assert_eq!(outcome, expected, "{behaviour:?}");
        assert_eq!((seen.connections, seen.purchases), (arrive, arrive), "{behaviour:?}");
        let head = asked.recv().await.unwrap();
        assert!(head.starts_with("CONNECT 127.0.0.1:"), "{head}");
        // The purchase and its credentials are inside the tunnel, or nowhere.
        assert!(!head.to_ascii_lowercase().contains("x-auth"), "{head}");
        assert!(asked.try_recv().is_err(), "the proxy was asked twice: {behaviour:?}");
    }
}

#[tokio::test]
async fn no_proxy_stands_between_the_operator_and_its_own_machine() {
    let ours = answer(200, &format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#));
    let server = Server::plain(vec![Read, ours, Hold]).await;
    let (port, serving, mut asked) = proxy(Proxy::Closes, server.port).await;
    let outcome = purchase_with(port, &format!("http://127.0.0.1:{}", server.port), None).await;
    assert_eq!(outcome, "purchased");
    assert_eq!(server.finish().await.purchases, 1);
    serving.abort();
    assert!(asked.try_recv().is_err(), "the proxy was asked");
}

/// In every form in which a host is excepted, and with what excepts another one.
#[tokio::test]
async fn no_proxy_stands_before_a_host_that_is_excepted() {
    for (no_proxy, except, tunnels) in [
        ("NO_PROXY", "127.0.0.1", 0),
        ("no_proxy", "localhost, 127.0.0.0/8", 0),
        ("NO_PROXY", "*", 0),
        ("no_proxy", "10.0.0.0/8,.svc,.cluster.local", 1),
        ("NO_PROXY", "", 1),
    ] {
        let ours = answer(200, &format!(r#"{{"number":{{"e164":"{NUMBER}"}}}}"#));
        let (acceptor, ca) = identity("127.0.0.1", &["http/1.1"]);
        let server = Server::tls(vec![Read, ours, Hold], acceptor).await;
        let (port, serving, mut asked) = proxy(Proxy::Tunnels, server.port).await;
        let url = format!("https://127.0.0.1:{}", server.port);
        let named = format!("http://user:hush@127.0.0.1:{port}");
        let outcome =
            purchase_in(&[("https_proxy", &named), (no_proxy, except)], &url, Some(ca.path())).await;
        assert_eq!((outcome.as_str(), server.finish().await.purchases), ("purchased", 1), "{except}");
        serving.abort();
        let heads: Vec<String> = std::iter::from_fn(|| asked.try_recv().ok()).collect();
        assert_eq!(heads.len(), tunnels, "{except}");
        let told =
            |head: &String| head.to_ascii_lowercase().contains("proxy-authorization: basic dxnlcjpodxno");
        assert!(heads.iter().all(told), "{heads:?}");
    }
}
