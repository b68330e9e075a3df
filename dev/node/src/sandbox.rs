//! The image of the container that every Pod has beside its own, packed from one static program.

use std::io::Write as _;
use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Error;

pub(crate) const NAME: &str = "localhost/pause:1";
const PROGRAM: &str = "pause";

/// Writes an archive as `docker save` does, which containerd reads and which needs no more than three files.
pub(crate) fn pack(program: &Path, archive: &Path) -> Result<(), Error> {
    let binary = std::fs::read(program).map_err(Error::file(program))?;
    let packed = || {
        let layer = tar(&[(PROGRAM, 0o755, &binary)])?;
        let digest =
            Sha256::digest(&layer).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": { "Entrypoint": [format!("/{PROGRAM}")], "User": "65535:65535" },
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
        });
        let manifest = json!([{ "Config": "config.json", "RepoTags": [NAME], "Layers": ["layer.tar"] }]);
        tar(&[
            ("config.json", 0o644, config.to_string().as_bytes()),
            ("layer.tar", 0o644, &layer),
            ("manifest.json", 0o644, manifest.to_string().as_bytes()),
        ])
    };
    let write = |bytes: Vec<u8>| std::fs::File::create(archive)?.write_all(&bytes);
    packed().and_then(write).map_err(Error::file(archive))
}

/// The name that images have for the machine's.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn tar(files: &[(&str, u32, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, mode, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(*mode);
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, *content)?;
    }
    builder.into_inner()
}
