//! A loopback port that stays ours.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

use crate::error::Error;

/// A port on 127.0.0.1, reserved for as long as this value lives.
///
/// The port is bound but not listened on. A server that sets `SO_REUSEPORT` can listen on it,
/// again and again over its restarts, while nobody else is ever given it: closing the socket
/// and hoping that the port is still free a moment later would clash between parallel tests.
/// While no server listens, connections are refused.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _reservation: TcpSocket,
}

impl Port {
    /// Any free one.
    pub(crate) fn reserve() -> Result<Self, Error> {
        Self::numbered(0)
    }

    /// The one of that number, if nobody has it.
    pub(crate) fn numbered(number: u16) -> Result<Self, Error> {
        let socket = TcpSocket::new_v4().map_err(Error::Port)?;
        socket.set_reuseport(true).map_err(Error::Port)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, number))).map_err(Error::Port)?;
        let number = socket.local_addr().map_err(Error::Port)?.port();
        Ok(Self { number, _reservation: socket })
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::TcpStream,
        time::{Duration, Instant},
    };

    use super::*;

    /// Waits: a child that another test is just starting has the closed listener until it becomes its program.
    fn is_refused(address: SocketAddr) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if TcpStream::connect(address).is_err() {
                return true;
            }
            std::thread::yield_now();
        }
        false
    }

    #[test]
    fn a_reserved_port_refuses_calls_and_lets_a_sharing_server_listen_twice() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            let port = Port::reserve().unwrap();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.number()));
            for _ in 0..2 {
                assert!(is_refused(address));
                let server = TcpSocket::new_v4().unwrap();
                server.set_reuseaddr(true).unwrap();
                server.set_reuseport(true).unwrap();
                server.bind(address).unwrap();
                let _listener = server.listen(8).unwrap();
                assert!(TcpStream::connect(address).is_ok());
            }
        });
    }

    #[test]
    fn a_reserved_port_is_not_given_to_anybody_else() {
        let port = Port::reserve().unwrap();
        assert!(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).is_err());
    }
}
