//! What all tests share: one runtime, two control planes, and patience.

use std::{
    path::{Path, PathBuf},
    sync::{LazyLock, mpsc},
    time::{Duration, Instant},
};

use control_plane::{ControlPlane, Options};
use http::{Method, Request};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tokio::{runtime::Handle, sync::OnceCell};

/// The operator under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_vobiz-operator");

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

/// Runs a test.
pub fn run(test: impl Future<Output = ()>) {
    RUNTIME.block_on(test);
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
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// A control plane, and a client of its administrator.
pub struct Cluster {
    pub plane: ControlPlane,
    client: Client,
}

/// The cluster that all tests share, with the definitions. A release of its own CRDs is for another.
pub async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let cluster = Cluster::start().await;
            cluster.plane.apply_crds(&root().join("crds")).await.unwrap();
            cluster.plane.apply_crds(&root().join("tests/chart/monitoring.yaml")).await.unwrap();
            cluster
        })
        .await
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

impl Cluster {
    pub async fn start() -> Self {
        // Fails only if another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plane = ControlPlane::start(Options { controller_manager: true }).await.unwrap();
        let kubeconfig = Kubeconfig::read_from(plane.kubeconfig()).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        let client = Client::try_from(config).unwrap();
        Self { plane, client }
    }

    /// One request to the apiserver.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        type_: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let request = Request::builder().method(&method).uri(path).header("content-type", type_).body(body);
        self.client.request::<Value>(request.unwrap()).await
    }

    /// What is there; `None` for 404.
    pub async fn get(&self, path: &str) -> Option<Value> {
        match self.request(Method::GET, path, "application/json", &Value::Null).await {
            Ok(value) => Some(value),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    pub async fn create(&self, path: &str, object: &Value) -> Value {
        self.request(Method::POST, path, "application/json", object).await.unwrap()
    }

    pub async fn merge(&self, path: &str, change: &Value) -> Value {
        self.request(Method::PATCH, path, "application/merge-patch+json", change).await.unwrap()
    }

    pub async fn delete(&self, path: &str) {
        self.request(Method::DELETE, path, "application/json", &Value::Null).await.unwrap();
    }

    pub async fn create_namespace(&self, name: &str, labels: &Value) {
        let metadata = json!({ "name": name, "labels": labels });
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        self.create("/api/v1/namespaces", &namespace).await;
    }
}
