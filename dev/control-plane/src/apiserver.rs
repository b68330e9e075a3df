//! kube-apiserver.

use std::ffi::OsString;
use std::path::Path;

use crate::certificates::{Authority, Pair, TokenKeys, write_private};
use crate::error::Error;
use crate::etcd::{self, prefixed};
use crate::reach::Reach;

/// Every request makes events; the one at its arrival says nothing that the one at its end
/// does not, so it is left out: a request that is not a watch is then exactly one line.
const AUDIT_POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [{ "level": "Metadata" }]
}
"#;

/// What the arguments of the apiserver depend on.
pub(crate) struct Setup<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) port: u16,
    pub(crate) authority: &'a Authority,
    pub(crate) server: &'a Pair,
    pub(crate) token_keys: &'a TokenKeys,
    pub(crate) controller_manager: bool,
    pub(crate) pods: Option<(Reach, &'a Pair)>,
}

/// The file that gets one JSON line for each audit event.
pub(crate) fn audit_log(folder: &Path) -> std::path::PathBuf {
    folder.join("audit.jsonl")
}

/// No Pod ever runs: nobody but this machine's programs needs the apiserver.
fn unreachable() -> Vec<OsString> {
    ["--bind-address=127.0.0.1", "--service-cluster-ip-range=10.0.0.0/24", "--endpoint-reconciler-type=none"]
        .map(Into::into)
        .into()
}

/// Pods reach the apiserver, and it reaches their kubelet: for logs, and for commands in containers. The kubelet's
/// certificate is of its own making, and not checked.
fn reachable(reach: Reach, kubelet: &Pair) -> Vec<OsString> {
    vec![
        "--bind-address=0.0.0.0".into(),
        format!("--advertise-address={}", reach.node).into(),
        format!("--service-cluster-ip-range={}", reach.services()).into(),
        "--enable-admission-plugins=NodeRestriction".into(),
        "--kubelet-preferred-address-types=InternalIP".into(),
        prefixed("--kubelet-client-certificate=", &kubelet.certificate),
        prefixed("--kubelet-client-key=", &kubelet.key),
    ]
}

/// Writes the audit policy and names everything else.
pub(crate) fn arguments(setup: &Setup<'_>) -> Result<Vec<OsString>, Error> {
    let policy = setup.folder.join("audit-policy.json");
    write_private(&policy, AUDIT_POLICY)?;
    let mut etcd_servers = OsString::from("--etcd-servers=");
    etcd_servers.push(etcd::url(setup.folder));
    let mut arguments = vec![
        etcd_servers,
        format!("--secure-port={}", setup.port).into(),
        // Our own reservation holds the port, see `Port`.
        "--permit-port-sharing".into(),
        prefixed("--tls-cert-file=", &setup.server.certificate),
        prefixed("--tls-private-key-file=", &setup.server.key),
        prefixed("--client-ca-file=", &setup.authority.certificate()),
        prefixed("--service-account-key-file=", &setup.token_keys.public),
        prefixed("--service-account-signing-key-file=", &setup.token_keys.private),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        "--authorization-mode=Node,RBAC".into(),
        "--profiling=false".into(),
        prefixed("--audit-policy-file=", &policy),
        prefixed("--audit-log-path=", &audit_log(setup.folder)),
        // Megabytes: large enough that the log is never split.
        "--audit-log-maxsize=100000".into(),
    ];
    arguments.extend(setup.pods.map_or_else(unreachable, |(reach, kubelet)| reachable(reach, kubelet)));
    if !setup.controller_manager {
        // Nobody would make the service accounts without which it refuses every Pod.
        arguments.push("--disable-admission-plugins=ServiceAccount".into());
    }
    Ok(arguments)
}
