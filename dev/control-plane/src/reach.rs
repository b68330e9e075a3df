//! Where Pods find the apiserver.

use std::net::Ipv4Addr;

/// The port of the Service `kubernetes`, which is 443 always.
pub(crate) const SERVICE_PORT: u16 = 443;

/// Addresses of this machine, or of the network namespace that it is run in, at which Pods of a node of its own reach
/// the apiserver. They must be set already.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The node's.
    pub node: Ipv4Addr,
    /// That of the Service `kubernetes`: the first of a range of 65,536. Being an address of the machine, it needs no
    /// kube-proxy.
    pub service: Ipv4Addr,
}

impl Reach {
    /// The range of the Services' addresses.
    pub(crate) fn services(self) -> String {
        let [first, second, ..] = self.service.octets();
        format!("{first}.{second}.0.0/16")
    }

    /// What the server's certificate must name beside the usual.
    pub(crate) fn names(self) -> [String; 2] {
        [self.node.to_string(), self.service.to_string()]
    }
}
