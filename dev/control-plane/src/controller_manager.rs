//! kube-controller-manager: namespace deletion, garbage collection, Deployments and the rest.

use std::ffi::OsString;
use std::path::Path;

use crate::etcd::prefixed;

pub(crate) fn arguments(kubeconfig: &Path, authority: &Path, signing_key: &Path) -> Vec<OsString> {
    vec![
        prefixed("--kubeconfig=", kubeconfig),
        prefixed("--root-ca-file=", authority),
        prefixed("--service-account-private-key-file=", signing_key),
        "--use-service-account-credentials".into(),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
        // It makes many small requests while it starts, and by default waits between them.
        "--kube-api-qps=500".into(),
        "--kube-api-burst=1000".into(),
    ]
}
