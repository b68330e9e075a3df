//! A name server that knows one name.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

const TTL: u32 = 1;
/// What a resolver may send without asking for more.
const LARGEST: usize = 4096;

/// The running server. It ends when it is dropped.
#[derive(Debug)]
pub struct Dns {
    answered: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

impl Dns {
    /// Serves `name` as `address`, and says of every other name that it does not exist.
    ///
    /// # Errors
    ///
    /// If the socket is taken.
    pub async fn serve(listen: SocketAddr, name: &'static str, address: Ipv4Addr) -> std::io::Result<Self> {
        let socket = UdpSocket::bind(listen).await?;
        let answered = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&answered);
        let server = tokio::spawn(async move {
            let mut buffer = [0; LARGEST];
            loop {
                let Ok((length, client)) = socket.recv_from(&mut buffer).await else { continue };
                let Some(reply) = Reply::to(&buffer[..length], name, address) else { continue };
                if socket.send_to(&reply.bytes, client).await.is_ok() && reply.found {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { answered, server })
    }

    /// How often it was asked for the name's address, and gave it.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.server.abort();
    }
}

struct Reply {
    bytes: Vec<u8>,
    found: bool,
}

impl Reply {
    /// None for what is no question.
    fn to(query: &[u8], name: &str, address: Ipv4Addr) -> Option<Self> {
        let query = Packet::parse(query).ok()?;
        let question = query.questions.first()?;
        let known = question.qname.to_string().eq_ignore_ascii_case(name);
        let found = known && question.qtype == QTYPE::TYPE(TYPE::A);
        let mut reply = Packet::new_reply(query.id());
        reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER | PacketFlag::RECURSION_AVAILABLE);
        // The known name has no other records, and the others do not exist.
        *reply.rcode_mut() = if known { RCODE::NoError } else { RCODE::NameError };
        if found {
            let data = RData::A(A { address: address.into() });
            reply.answers.push(ResourceRecord::new(Name::new(name).ok()?, CLASS::IN, TTL, data));
        }
        reply.questions.push(question.clone());
        Some(Self { bytes: reply.build_bytes_vec().ok()?, found })
    }
}

#[cfg(test)]
mod tests {
    use simple_dns::Question;

    use super::*;

    fn ask(name: &str, kind: TYPE) -> (RCODE, usize) {
        let mut query = Packet::new_query(7);
        let name = Name::new(name).unwrap();
        query.questions.push(Question::new(name, kind.into(), CLASS::IN.into(), false));
        let address = Ipv4Addr::new(10, 0, 0, 1);
        let reply = Reply::to(&query.build_bytes_vec().unwrap(), "vobiz.test", address).unwrap();
        let reply = Packet::parse(&reply.bytes).unwrap();
        assert_eq!(reply.id(), 7);
        (reply.rcode(), reply.answers.len())
    }

    #[test]
    fn the_one_name_has_an_ipv4_address_and_no_other_name_exists() {
        assert_eq!(ask("vobiz.test", TYPE::A), (RCODE::NoError, 1));
        assert_eq!(ask("Vobiz.Test", TYPE::A), (RCODE::NoError, 1));
        assert_eq!(ask("vobiz.test", TYPE::AAAA), (RCODE::NoError, 0));
        assert_eq!(ask("vobiz.test.default.svc.cluster.local", TYPE::A), (RCODE::NameError, 0));
    }

    #[test]
    fn what_is_no_question_gets_no_answer() {
        assert!(Reply::to(b"hello", "vobiz.test", Ipv4Addr::LOCALHOST).is_none());
    }
}
