//! The network namespace: a bridge for the Pods, with the node's address, and the address of the Service `kubernetes`.

use std::net::Ipv4Addr;
use std::path::Path;

use tokio::process::Command;

use crate::{Error, command};

/// The node, as Pods see it.
pub const NODE: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
/// The first address of a Pod: those below are the node's.
pub(crate) const FIRST_POD: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 10);
/// The Service `kubernetes`.
pub const SERVICE: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
pub(crate) const BRIDGE: &str = "cni0";
/// A bridge without an address of its own takes one of its ports', and changes it when a Pod goes: the others would send
/// into the void until their caches forget the old one.
const BRIDGE_ADDRESS: &str = "0a:58:0a:58:00:01";

/// The network of the Pods.
pub(crate) fn pods() -> String {
    format!("{NODE}/24")
}

/// Sets up this network namespace. It must be a fresh one.
///
/// # Errors
///
/// If `ip` fails.
pub async fn set_up() -> Result<(), Error> {
    let (pods, service) = (pods(), format!("{SERVICE}/32"));
    for arguments in [
        "link set lo up",
        &format!("addr add {service} dev lo"),
        &format!("link add {BRIDGE} address {BRIDGE_ADDRESS} type bridge"),
        &format!("addr add {pods} dev {BRIDGE}"),
        &format!("link set {BRIDGE} up"),
        // The kubelet and the apiserver look for one.
        &format!("route add default dev {BRIDGE}"),
    ] {
        command::run(Command::new("ip").args(arguments.split(' ')), "").await?;
    }
    let forwarding = Path::new("/proc/sys/net/ipv4/ip_forward");
    std::fs::write(forwarding, "1").map_err(Error::file(forwarding))
}
