//! What the test plays on: a node, a name server and a simulated Vobiz that Pods can reach.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use node::{Dns, NODE, Node, Programs};
use vobiz_sim::{Config, InventoryNumber, Sim, SimAdmin, State};

use crate::error::E2eError;
use crate::terminal::step;
use crate::{install, keep};
use testbed::terminal::{quote, say};
use testbed::{built, in_the_root};

pub const CHART: &str = "charts/vobiz-operator";
pub const EXAMPLES: &str = "examples/";
/// The name by which Pods know Vobiz; only the name server here knows it.
pub const VOBIZ: &str = "vobiz.test";
pub const ACCOUNT: &str = "MA_DEMO";
pub const TOKEN: &str = "demo-token";
/// What is created all the time.
pub const LOAD: usize = 400;
/// What single steps buy.
pub const PROBES: usize = 60;

/// Everything that runs, in the order in which it is dropped.
pub struct Stage {
    pub dns: Dns,
    pub sim: Sim,
    pub node: Arc<Node>,
    pub image: PathBuf,
}

impl Stage {
    /// Starts all but the operator.
    pub async fn set(image: &Path, pause: &Path) -> Result<Self, E2eError> {
        in_the_root(&[CHART, EXAMPLES])?;
        for file in [image, pause] {
            built(file, "make image")?;
        }
        step("A network namespace of its own: a bridge for Pods, a name server, a simulated Vobiz with TLS");
        node::set_up_network().await?;
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 53));
        let dns = Dns::serve(everywhere, VOBIZ, NODE).await.map_err(E2eError::Dns)?;
        let config = Config {
            listen: SocketAddr::from((NODE, 0)),
            tls: true,
            tls_names: vec![VOBIZ.to_owned()],
            state: State::from_yaml(include_str!("vobiz.yaml"))?,
        };
        let sim = Sim::start(config).await?;
        stock(&sim.admin())?;
        let programs = Programs::locate_or_build(&control_plane::in_lines(|line| say(line))).await?;

        step("A node: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, containerd, kubelet");
        let node = Arc::new(Node::start(programs, pause).await?);
        quote(&node.kubectl(["get", "node", "-o", "wide"]).await?);

        step("The operator's image, loaded into containerd");
        quote(&node.import(image).await?);
        Ok(Self { dns, sim, node, image: image.to_owned() })
    }

    /// Where the operator finds Vobiz.
    pub fn vobiz_url(&self) -> String {
        format!("https://{VOBIZ}:{}", self.sim.address().port())
    }

    /// What a person would look at first.
    pub async fn show_what_may_help(&self) {
        let namespace = install::NAMESPACE;
        for arguments in [
            ["get", "pods", "-A", "-o", "wide"].as_slice(),
            &["get", "pnc,pn", "-A"],
            &["-n", namespace, "describe", "pods"],
            &["-n", namespace, "get", "events", "--sort-by=.lastTimestamp"],
            &["-n", namespace, "logs", "deployment/vobiz-operator", "--tail=20"],
        ] {
            say(format!("\n$ kubectl {}", arguments.join(" ")));
            match self.node.kubectl_with("", arguments).await {
                // What was bought needs no attention.
                Ok(text) => text.lines().filter(|line| !is_bought(line)).for_each(quote),
                Err(error) => quote(&error.to_string()),
            }
        }
        for name in ["box", "kubelet", "containerd"] {
            say(format!("\nThe end of the log of {name}:"));
            quote(&self.node.log_tail(name));
        }
    }
}

impl testbed::stage::Stage for Stage {
    type Error = E2eError;

    fn explain(&self) {
        keep::explain(self);
    }

    async fn clear(self) -> Result<(), E2eError> {
        self.sim.stop().await;
        // Nobody else has one any more: what was spawned has ended with its step.
        match Arc::try_unwrap(self.node) {
            Ok(node) => Ok(node.stop()?),
            Err(shared) => {
                drop(shared);
                Ok(())
            }
        }
    }
}

fn is_bought(line: &str) -> bool {
    line.contains(" Purchased ") || line.contains(" Bound ")
}

/// Numbers for what the test creates beside the examples.
fn stock(vobiz: &SimAdmin) -> Result<(), E2eError> {
    let numbers = (0..LOAD).map(load_number).chain((0..PROBES).map(probe_number));
    numbers.into_iter().try_for_each(|e164| {
        let number = InventoryNumber::new(e164, "INR", 1, 1);
        Ok(vobiz.put_number(number)?)
    })
}

pub fn load_number(index: usize) -> String {
    format!("+9122200{index:05}")
}

pub fn probe_number(index: usize) -> String {
    format!("+9133300{index:05}")
}
