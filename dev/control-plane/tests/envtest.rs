//! How `setup-envtest` fetches the programs: from an index and an archive on this machine.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, which clippy does not take for tests"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use sha2::{Digest, Sha512};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};

/// Folders of its own for all that is kept, but for what Go has compiled.
struct Home {
    folder: TempDir,
    compiled: String,
}

impl Home {
    async fn new() -> Self {
        let compiled = String::from_utf8(go(&["env", "GOCACHE"]).await.stdout).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), compiled: compiled.trim().to_owned() }
    }

    fn build(&self, index: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_control-plane"));
        command
            .arg("build")
            .env_remove("KUBEBUILDER_ASSETS")
            .env_remove("OFFLINE")
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("XDG_DATA_HOME", self.folder.path().join("data"))
            .env("GOCACHE", &self.compiled)
            .env("ENVTEST_INDEX", index)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// Serves an index, and the archive of one version in it. Returns the address of the index.
async fn serve(archive: Vec<u8>, checksum: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let platform = String::from_utf8(go(&["env", "GOOS", "GOARCH"]).await.stdout).unwrap();
    let platform = platform.split_whitespace().collect::<Vec<_>>().join("-");
    let name = format!("envtest-v{}.0-{platform}.tar.gz", minor());
    let index = format!(
        "releases:\n  v{}.0:\n    {name}:\n      hash: {checksum}\n      selfLink: {url}/{name}\n",
        minor()
    );
    let answers = [("/index.yaml".to_owned(), index.into_bytes()), (format!("/{name}"), archive)];
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let body = answers.iter().find(|(served, _)| *served == path).map(|(_, body)| body.clone());
            let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
            let body = body.unwrap_or_default();
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
        }
    });
    format!("{url}/index.yaml")
}

async fn go(arguments: &[&str]) -> Output {
    Command::new("go").args(arguments).output().await.unwrap()
}

/// The minor version of the pinned sources.
fn minor() -> &'static str {
    let pinned = include_str!("../modules/kubernetes/go.mod");
    let version = pinned.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v")).unwrap();
    let version = version.split_whitespace().next().unwrap();
    version.rsplit_once('.').unwrap().0
}

/// An archive as envtest packs it.
fn archive() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("controller-tools/envtest");
    std::fs::create_dir_all(&programs).unwrap();
    for name in ["etcd", "kube-apiserver", "kubectl"] {
        std::fs::write(programs.join(name), name).unwrap();
    }
    let tar = std::process::Command::new("tar")
        .args(["-cz", "-C"])
        .arg(folder.path())
        .arg("controller-tools")
        .output()
        .unwrap();
    assert!(tar.status.success());
    tar.stdout
}

fn checksum(archive: &[u8]) -> String {
    Sha512::digest(archive).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// What is said until a line with that text.
async fn said_until(child: &mut Child, text: &str) -> Vec<String> {
    let mut lines: Lines<BufReader<ChildStderr>> = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        said.push(line);
        if said.last().unwrap().contains(text) {
            return said;
        }
    }
    panic!("{text:?} is not said: {said:#?}");
}

#[tokio::test]
async fn what_was_fetched_is_verified_and_kept() {
    let (home, archive) = (Home::new().await, archive());
    let index = serve(archive.clone(), &checksum(&archive)).await;
    let fetched = home.build(&index).output().await.unwrap();
    let folder = String::from_utf8_lossy(&fetched.stdout).trim().to_owned();
    let said = String::from_utf8_lossy(&fetched.stderr);
    assert!(said.contains("fetching Kubernetes"), "{said}");
    assert_eq!(std::fs::read_to_string(Path::new(&folder).join("etcd")).unwrap(), "etcd");
    // Nobody serves that: what is kept is taken without a question, and without the tool.
    std::fs::remove_dir_all(home.folder.path().join("cache")).unwrap();
    let again = home.build("http://127.0.0.1:9/none").env("OFFLINE", "1").output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&again.stdout).trim(), folder);
}

#[tokio::test]
async fn what_cannot_be_fetched_is_built_and_the_reason_is_said() {
    let archive = archive();
    let forged = serve(archive.clone(), &checksum(b"another archive")).await;
    for (index, offline, reason) in [
        (forged.as_str(), "0", "checksum"),
        ("http://127.0.0.1:9/none", "0", "refused"),
        ("http://127.0.0.1:9/none", "1", "OFFLINE=1"),
    ] {
        let home = Home::new().await;
        let mut child = home.build(index).env("OFFLINE", offline).spawn().unwrap();
        let said = said_until(&mut child, "built from source").await;
        assert!(said.last().unwrap().contains(reason), "{reason}: {said:#?}");
        child.kill().await.unwrap();
    }
}
