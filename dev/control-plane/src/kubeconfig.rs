//! The file with which a client finds the server and shows who it is.

use std::path::Path;

use serde_json::json;

use crate::certificates::{Pair, write_private};
use crate::error::Error;

/// Writes a kubeconfig for the bearer of `pair`. Kubeconfigs are YAML, of which JSON is a part.
/// Certificates and keys are named by their absolute paths, so a copy works while the control
/// plane runs, and is worth nothing afterwards.
pub(crate) fn write(path: &Path, server: &str, authority: &Path, pair: &Pair) -> Result<(), Error> {
    let content = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "control-plane",
            "cluster": { "server": server, "certificate-authority": authority },
        }],
        "users": [{
            "name": "user",
            "user": { "client-certificate": pair.certificate, "client-key": pair.key },
        }],
        "contexts": [{
            "name": "control-plane",
            "context": { "cluster": "control-plane", "user": "user", "namespace": "default" },
        }],
        "current-context": "control-plane",
    });
    write_private(path, &format!("{content:#}\n"))
}
