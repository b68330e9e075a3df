//! A control plane with a client of its administrator.

use std::process::Output;

use control_plane::{Component, ControlPlane, Options};
use http::{Method, Request};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::crds;

/// A control plane, and a client of its administrator.
pub struct Cluster {
    pub plane: ControlPlane,
    client: Client,
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

    /// A control plane that knows the two kinds.
    pub async fn with_kinds(options: Options) -> Self {
        let cluster = Self::start(options).await;
        cluster.plane.apply_crds(&crds()).await.unwrap();
        cluster
    }

    /// A client of the administrator that sends each request once.
    pub async fn plain_client(&self) -> Client {
        let kubeconfig = Kubeconfig::read_from(self.plane.kubeconfig()).unwrap();
        let mut config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }

    pub async fn create_namespace(&self, name: &str, labels: &Value) {
        let metadata = json!({ "name": name, "labels": labels });
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        self.create("/api/v1/namespaces", &namespace).await;
    }

    /// One request to the apiserver; `None` for 404.
    ///
    /// # Errors
    /// If there is no answer, or another refusal.
    pub async fn try_request(
        &self,
        method: Method,
        path: &str,
        type_: &str,
        body: &Value,
    ) -> Result<Option<Value>, kube::Error> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).unwrap() };
        let request = Request::builder().method(method).uri(path).header("content-type", type_).body(body);
        match self.client.request::<Value>(request.unwrap()).await {
            Ok(value) => Ok(Some(value)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same, and it must be answered.
    pub async fn request(&self, method: Method, path: &str, type_: &str, body: &Value) -> Option<Value> {
        let answer = self.try_request(method.clone(), path, type_, body).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Reads, and reads again if the connection breaks: the apiserver may close an idle one at any time.
    pub async fn get(&self, path: &str) -> Option<Value> {
        match self.try_get(path).await {
            Ok(found) => found,
            Err(kube::Error::Api(status)) => panic!("GET {path}: {status}"),
            Err(_) => self.request(Method::GET, path, "application/json", &Value::Null).await,
        }
    }

    /// Reads from an apiserver that may not be well.
    ///
    /// # Errors
    /// If there is no answer, or a refusal.
    pub async fn try_get(&self, path: &str) -> Result<Option<Value>, kube::Error> {
        self.try_request(Method::GET, path, "application/json", &Value::Null).await
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
