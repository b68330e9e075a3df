//! What all tests share: one runtime, one control plane, and patience.

use std::{
    path::Path,
    process::Output,
    sync::{LazyLock, mpsc},
    time::{Duration, Instant},
};

use control_plane::{Component, ControlPlane, Options};
use http::{Method, Request};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::Value;
use tokio::{process::Command, runtime::Handle, sync::OnceCell};

use crate::world::World;

/// How long a test waits for what must come. Nothing takes that long, except on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// A thread drives everything that is shared; each test runs on its own thread, so that its failure and its output
/// are its own.
static RUNTIME: LazyLock<Handle> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        sender.send(runtime.handle().clone()).unwrap();
        runtime.block_on(std::future::pending::<()>());
    });
    receiver.recv().unwrap()
});

/// Never dropped: the control plane's watchdog ends it with this process.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// Runs a test in a world of its own.
pub fn run(test: impl AsyncFnOnce(World)) {
    RUNTIME.block_on(async { test(World::new().await).await });
}

/// Waits until there is an answer; what was seen last tells why there was none.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if start.elapsed() > PATIENCE => {
                panic!("{what}: not within {PATIENCE:?}; last: {seen}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// A control plane, and a client of its administrator.
pub struct Cluster {
    pub plane: ControlPlane,
    client: Client,
}

/// The cluster that all tests share.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let cluster = Cluster::start(Options { controller_manager: true }).await;
            cluster.plane.apply_crds(&crds()).await.unwrap();
            cluster
        })
        .await
}

pub fn crds() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crds")
}

impl Cluster {
    pub async fn start(options: Options) -> Self {
        // Fails only if another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plane = ControlPlane::start(options).await.unwrap();
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        Self { plane, client }
    }

    /// One request to the apiserver; `None` for 404.
    pub async fn request(&self, method: Method, path: &str, type_: &str, body: &Value) -> Option<Value> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let request = Request::builder().method(&method).uri(path).header("content-type", type_).body(body);
        match self.client.request::<Value>(request.unwrap()).await {
            Ok(value) => Some(value),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        self.request(Method::GET, path, "application/json", &Value::Null).await
    }

    pub async fn create(&self, path: &str, object: &Value) -> Value {
        self.request(Method::POST, path, "application/json", object).await.unwrap()
    }

    pub async fn merge(&self, path: &str, change: &Value) -> Value {
        self.request(Method::PATCH, path, "application/merge-patch+json", change).await.unwrap()
    }

    /// Runs kubectl, which must succeed.
    pub async fn kubectl(&self, arguments: &[&str]) -> String {
        self.plane.run_kubectl(arguments).await.unwrap()
    }

    /// Runs kubectl, which must fail, and returns its complaint.
    pub async fn kubectl_refused(&self, arguments: &[&str]) -> String {
        self.plane.run_kubectl(arguments).await.expect_err("was accepted").to_string()
    }

    /// Has a shell execute a command line that a message told a person to type.
    pub async fn type_command(&self, line: &str) {
        let kubectl = self.plane.binaries().path(Component::Kubectl);
        let folder = kubectl.parent().unwrap().display().to_string();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PATH", path).env("KUBECONFIG", self.plane.kubeconfig());
        let Output { status, stderr, .. } = shell.output().await.unwrap();
        assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
    }
}
