//! A server that does with a connection what a script says, byte by byte, and counts what arrives.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// What is done next with a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Reads one whole request.
    Read,
    /// Reads so many bytes of it.
    ReadSome(usize),
    Send(Vec<u8>),
    /// Sends the same bytes until nobody takes them any more.
    Endless(Vec<u8>),
    Close,
    /// Closes with RST.
    Reset,
    /// Ends its own half of the connection.
    Shut,
    /// Does nothing until the client goes away.
    Hold,
}

pub fn send(text: &str) -> Act {
    Act::Send(text.as_bytes().to_vec())
}

/// A whole answer with headers of its own, each ended by CRLF.
pub fn answer_with(status: u16, headers: &str, body: &str) -> Act {
    send(&format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
}

pub fn answer(status: u16, body: &str) -> Act {
    answer_with(status, "", body)
}

/// What arrived.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub connections: usize,
    /// Purchases whose first bytes were read, over all connections.
    pub purchases: usize,
    /// Methods of the first requests, one of each connection.
    pub methods: Vec<String>,
    /// Bytes that were sent, of `Endless` only.
    pub endless: usize,
    /// Protocols that TLS agreed on.
    pub alpn: Vec<Option<Vec<u8>>>,
}

pub struct Server {
    pub port: u16,
    last: Arc<Mutex<Option<SocketAddr>>>,
    serving: JoinHandle<Seen>,
}

impl Server {
    pub async fn plain(script: Vec<Act>) -> Self {
        Self::start(script, None).await
    }

    pub async fn tls(script: Vec<Act>, acceptor: TlsAcceptor) -> Self {
        Self::start(script, Some(acceptor)).await
    }

    async fn start(script: Vec<Act>, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let last = Arc::<Mutex<Option<SocketAddr>>>::default();
        let stop = last.clone();
        let serving = tokio::spawn(async move {
            let mut handlers = JoinSet::new();
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                if *stop.lock().unwrap() == Some(peer) {
                    break;
                }
                handlers.spawn(handle(stream, script.clone(), acceptor.clone()));
            }
            let mut all = Seen::default();
            for seen in handlers.join_all().await {
                all.connections += seen.connections;
                all.purchases += seen.purchases;
                all.methods.extend(seen.methods);
                all.endless += seen.endless;
                all.alpn.extend(seen.alpn);
            }
            all
        });
        Self { port, last, serving }
    }

    /// Everything that arrived. Connections are accepted in the order in which they were made, so one of our own, made
    /// after the client has gone, is the last: no time has to be waited for what might still come.
    pub async fn finish(self) -> Seen {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        *self.last.lock().unwrap() = Some(socket.local_addr().unwrap());
        let _last = socket.connect(([127, 0, 0, 1], self.port).into()).await.unwrap();
        self.serving.await.unwrap()
    }
}

async fn handle(stream: TcpStream, script: Vec<Act>, acceptor: Option<TlsAcceptor>) -> Seen {
    let mut seen = Seen { connections: 1, ..Seen::default() };
    let Some(acceptor) = acceptor else {
        let mut stream = stream;
        if perform(&mut stream, script, &mut seen).await {
            stream.set_zero_linger().unwrap();
        }
        return seen;
    };
    if let Ok(mut stream) = acceptor.accept(stream).await {
        seen.alpn.push(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec));
        if perform(&mut stream, script, &mut seen).await {
            stream.get_ref().0.set_zero_linger().unwrap();
        }
    }
    seen
}

/// Performs the script; whether it ends with a reset. What arrives at any time counts.
async fn perform<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    script: Vec<Act>,
    seen: &mut Seen,
) -> bool {
    let mut bytes = Vec::new();
    let mut reset = false;
    for act in script {
        // A write that fails is a client that has gone: the next read tells.
        match act {
            Act::Read => while !is_whole(&bytes) && read(stream, &mut bytes, usize::MAX).await {},
            Act::ReadSome(count) => while bytes.len() < count && read(stream, &mut bytes, count).await {},
            Act::Send(sent) => drop(stream.write_all(&sent).await),
            Act::Endless(sent) => {
                while stream.write_all(&sent).await.is_ok() {
                    seen.endless += sent.len();
                }
            }
            Act::Shut => drop(stream.shutdown().await),
            Act::Hold => while read(stream, &mut bytes, usize::MAX).await {},
            Act::Close => break,
            Act::Reset => {
                reset = true;
                break;
            }
        }
        let _ = stream.flush().await;
    }
    seen.methods
        .extend(bytes.split(|byte| *byte == b' ').next().map(|word| String::from_utf8_lossy(word).into()));
    seen.purchases += bytes.windows(6).filter(|window| window == b"POST /").count();
    reset
}

/// Reads on, to no more than so many bytes in all.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>, in_all: usize) -> bool {
    let mut buffer = vec![0; (in_all - bytes.len()).min(4096)];
    match stream.read(&mut buffer).await {
        Ok(count) if count > 0 => {
            bytes.extend_from_slice(&buffer[..count]);
            true
        }
        _ => false,
    }
}

/// A GET ends with its head. The body of a purchase is one JSON object.
fn is_whole(bytes: &[u8]) -> bool {
    let head_ends = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    head_ends.is_some() && (bytes.starts_with(b"GET ") || bytes.ends_with(b"}"))
}
