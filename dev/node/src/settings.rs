//! The files that containerd, its network plugins and the kubelet are told by.

use std::path::Path;

use serde_json::{Value, json};

use crate::Error;
use crate::network::{BRIDGE, FIRST_POD, NODE, pods};
use crate::sandbox;

/// Where containerd is asked from outside of its box.
pub(crate) const SOCKET: &str = "containerd.sock";
/// Where the kubelet says whether it is well.
pub(crate) const HEALTH: &str = "127.0.0.1:10248";

/// Writes all of them.
pub(crate) fn write(state: &Path, plugins: &Path, authority: &Path, cgroup: &str) -> Result<(), Error> {
    put(&state.join("containerd.toml"), &containerd(state, plugins))?;
    let folder = state.join("cni");
    std::fs::create_dir(&folder).map_err(Error::file(&folder))?;
    put(&folder.join("10-node.conflist"), &format!("{:#}", network()))?;
    // Pods that want the node's own names get none.
    put(&state.join("resolv.conf"), "")?;
    put(&state.join("kubelet.json"), &format!("{:#}", kubelet(state, authority, cgroup)))
}

fn put(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(Error::file(path))
}

/// `restrict_oom_score_adj`: where this capability is missing, containers could not be started otherwise.
fn containerd(state: &Path, plugins: &Path) -> String {
    let (state, plugins, sandbox) = (state.display(), plugins.display(), sandbox::NAME);
    format!(
        "version = 4
root = '{state}/containerd'
state = '/run/containerd'
disabled_plugins = ['io.containerd.nri.v1.nri', 'io.containerd.internal.v1.opt',
  'io.containerd.snapshotter.v1.blockfile', 'io.containerd.snapshotter.v1.erofs',
  'io.containerd.internal.v1.tracing', 'io.containerd.tracing.processor.v1.otlp']
[plugins.'io.containerd.server.v1.grpc']
  address = '{state}/{SOCKET}'
[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = '{sandbox}'
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ['{plugins}']
  conf_dir = '{state}/cni'
"
    )
}

fn network() -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "node",
        "plugins": [{
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": true,
            "ipMasq": false,
            "hairpinMode": true,
            "ipam": {
                "type": "host-local",
                "dataDir": "/run/cni-addresses",
                "ranges": [[{ "subnet": pods().replace(".1/", ".0/"), "rangeStart": FIRST_POD }]],
                "routes": [{ "dst": "0.0.0.0/0" }],
            },
        }],
    })
}

/// Nothing is evicted: how full the machine's disk is says nothing about this test.
fn kubelet(state: &Path, authority: &Path, cgroup: &str) -> Value {
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": format!("unix://{}", state.join(SOCKET).display()),
        "address": NODE,
        "authentication": {
            "anonymous": { "enabled": false },
            "webhook": { "enabled": true },
            "x509": { "clientCAFile": authority },
        },
        "authorization": { "mode": "Webhook" },
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{cgroup}"),
        "cgroupsPerQOS": true,
        "enforceNodeAllocatable": ["pods"],
        "failCgroupV1": false,
        "failSwapOn": false,
        "evictionHard": {
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "volumePluginDir": "/var/lib/kubelet/volumeplugins",
        "clusterDNS": [NODE],
        "clusterDomain": "cluster.local",
        "resolvConf": state.join("resolv.conf"),
        "nodeStatusUpdateFrequency": "10s",
        "syncFrequency": "10s",
        "shutdownGracePeriod": "0s",
    })
}
