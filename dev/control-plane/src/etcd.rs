//! etcd, where the apiserver keeps its objects.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// etcd listens on a Unix socket in the control plane's private folder: it needs no port, and
/// no other user of the machine can reach it.
pub(crate) fn socket(folder: &Path) -> PathBuf {
    folder.join("etcd.sock")
}

/// The same socket as a URL.
pub(crate) fn url(folder: &Path) -> OsString {
    prefixed("unix://", &socket(folder))
}

/// `folder` must be etcd's working folder too.
pub(crate) fn arguments(folder: &Path) -> Vec<OsString> {
    // etcd makes a peer's socket of the host part alone, so it is relative to where etcd runs.
    const PEER: &str = "unix://etcd-peer.sock:0";
    vec![
        "--name=default".into(),
        prefixed("--data-dir=", &folder.join("etcd")),
        flag("--listen-client-urls=", &url(folder)),
        flag("--advertise-client-urls=", &url(folder)),
        format!("--listen-peer-urls={PEER}").into(),
        format!("--initial-advertise-peer-urls={PEER}").into(),
        format!("--initial-cluster=default={PEER}").into(),
        // Survives the death of etcd, not that of the machine, which no test needs.
        "--unsafe-no-fsync".into(),
        "--logger=zap".into(),
        "--log-level=warn".into(),
    ]
}

/// A flag whose value is a path.
pub(crate) fn prefixed(flag: &str, path: &Path) -> OsString {
    self::flag(flag, path.as_os_str())
}

fn flag(flag: &str, value: &std::ffi::OsStr) -> OsString {
    let mut text = OsString::from(flag);
    text.push(value);
    text
}
