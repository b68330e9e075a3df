//! The image's file system, unpacked: what is in it must be enough, and it must be small.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use serde_json::Value;
use tokio::process::{Child, Command};

use crate::claims;
use crate::error::{E2eError, expect};
use crate::stage::{ACCOUNT, Stage, probe_number};
use crate::trouble::ROTATED;
use testbed::terminal::say;

/// Bytes on disk, everything included: nothing is to grow it unnoticed. Of these, 3 MB evaluate the definitions' own rules for
/// `plan`. Built by the profile and with a glibc from 2.36 on: else it is larger.
const LARGEST: u64 = 17_000_000;
const PROGRAM: &str = "/usr/local/bin/vobiz-operator";
/// What every container runtime brings: devices. Without them there is no randomness.
const WITH_DEVICES: &str = "mount --rbind /dev \"$2/dev\" && exec chroot \"$@\"";
/// Nobody, by number.
const USER: &str = "--userspec=65532:65532";
const FILES: &str = "etc/vobiz";
const PATIENCE: Duration = Duration::from_mins(2);

/// Unpacks the image, and has the operator buy a number with nothing around it but what is in there.
pub async fn check(stage: &Stage) -> Result<(), E2eError> {
    let root = stage.node.folder().join("rootfs");
    let size = unpack(&stage.image, &root)?;
    let megabytes = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
    expect(size < LARGEST, format!("less than {}", megabytes(LARGEST)), || megabytes(size))?;
    say(format!("    {} on disk, everything included", megabytes(size)));
    furnish(stage, &root).await?;
    let asked = stage.dns.answered();
    let mut operator = start(stage, &root)?;
    let name = "from-the-bare-image";
    claims::create(stage, name, &probe_number(41)).await?;
    let (begun, names) = (Instant::now(), [name]);
    let bought = tokio::select! {
        bought = claims::ready(stage, &names) => bought,
        status = operator.wait() => Err(E2eError::Unexpected {
            expected: "the operator to go on".into(),
            found: format!("{status:?}: {}", stage.node.log_tail("rootfs")),
        }),
    };
    end(&mut operator, begun).await?;
    bought?;
    let asked = stage.dns.answered() - asked;
    expect(asked > 0, "the name server to be asked for Vobiz", || "no question".into())?;
    say(format!("    the name server was asked {asked} times; the number was bought"));
    Ok(())
}

/// What kubelet and chart would bring: the name server, the authority, the credentials, and who it is in the cluster.
async fn furnish(stage: &Stage, root: &Path) -> Result<(), E2eError> {
    let files = root.join(FILES);
    for folder in [&files, &root.join("dev")] {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    let kubeconfig = stage.node.kubectl(["config", "view", "--raw", "--flatten"]).await?;
    let put = |path: PathBuf, text: &str| std::fs::write(&path, text).map_err(failed(&path));
    put(root.join("etc/resolv.conf"), "nameserver 127.0.0.1\n")?;
    put(files.join("ca.crt"), stage.sim.ca_pem().unwrap_or_default())?;
    put(files.join("token"), ROTATED)?;
    put(files.join("kubeconfig"), &kubeconfig)
}

fn start(stage: &Stage, root: &Path) -> Result<Child, E2eError> {
    let log = stage.node.folder().join("rootfs.log");
    let output = std::fs::File::create(&log).map_err(failed(&log))?;
    let mut chroot = Command::new("unshare");
    chroot
        .args(["--mount", "--propagation", "private", "sh", "-c", WITH_DEVICES, "chroot", USER])
        .arg(root)
        .args([PROGRAM, "run"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("KUBECONFIG", format!("/{FILES}/kubeconfig"))
        .env("VOBIZ_API_URL", stage.vobiz_url())
        .env("VOBIZ_CA_FILE", format!("/{FILES}/ca.crt"))
        .env("VOBIZ_AUTH_ID", ACCOUNT)
        .env("VOBIZ_AUTH_TOKEN_FILE", format!("/{FILES}/token"))
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(output)
        .kill_on_drop(true);
    stage.node.plane().adopt(&mut chroot);
    chroot.spawn().map_err(failed(root))
}

/// SIGTERM, and its orderly end.
async fn end(operator: &mut Child, begun: Instant) -> Result<(), E2eError> {
    let Some(process) = operator.id() else { return Ok(()) };
    node::run(Command::new("kill").args(["-s", "TERM", &process.to_string()]), "").await?;
    let left = PATIENCE.saturating_sub(begun.elapsed());
    let ended = tokio::time::timeout(left, operator.wait()).await;
    expect(ended.is_ok(), "the operator to end when told to", || "it runs".into())
}

/// Unpacks the layers of an OCI archive, and says how large the files are.
fn unpack(archive: &Path, root: &Path) -> Result<u64, E2eError> {
    let blobs = read(archive).map_err(failed(archive))?;
    let document = |digest: &str| blob(&blobs, digest).map(serde_json::from_slice::<Value>);
    let index: Value = serde_json::from_slice(blobs.get("index.json").map_or(b"{}", Vec::as_slice))?;
    let digest = index["manifests"][0]["digest"].as_str().unwrap_or_default();
    let manifest = document(digest).transpose()?.unwrap_or_default();
    let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    expect(!layers.is_empty(), "an image with a layer", || manifest.to_string())?;
    std::fs::create_dir(root).map_err(failed(root))?;
    let mut size = 0;
    for layer in layers {
        let bytes = blob(&blobs, layer["digest"].as_str().unwrap_or_default()).unwrap_or_default();
        let mut files = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut files).map_err(failed(archive))?;
        size += files.len() as u64;
        tar::Archive::new(files.as_slice()).unpack(root).map_err(failed(root))?;
    }
    Ok(size)
}

fn read(archive: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = tar::Archive::new(std::fs::File::open(archive)?);
    let entry = |entry: std::io::Result<tar::Entry<'_, _>>| {
        let mut entry = entry?;
        let name = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        Ok((name, content))
    };
    archive.entries()?.map(entry).collect()
}

fn blob<'a>(blobs: &'a BTreeMap<String, Vec<u8>>, digest: &str) -> Option<&'a [u8]> {
    blobs.get(&format!("blobs/{}", digest.replace(':', "/"))).map(Vec::as_slice)
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> E2eError + '_ {
    |source| E2eError::Archive { path: path.to_owned(), source }
}
