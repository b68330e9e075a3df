//! The real helm, which leaves nothing behind in its user's home.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use control_plane::Component;
use serde_json::Value;
use tempfile::TempDir;
use tokio::{process::Command, sync::OnceCell};

use crate::harness::root;

static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();

pub fn chart() -> PathBuf {
    root().join("charts/vobiz-operator")
}

/// Its file.
pub async fn program() -> &'static Path {
    let progress = control_plane::in_lines(|line| eprintln!("control-plane: {line}"));
    PROGRAM.get_or_init(|| async { control_plane::program(Component::Helm, &progress).await.unwrap() }).await
}

/// Runs helm, with the values in a file of their own if there are any. What it complains about is the error.
pub async fn helm(
    kubeconfig: Option<&Path>,
    arguments: &[&str],
    values: Option<&Value>,
) -> Result<String, String> {
    let home = TempDir::new().unwrap();
    let mut command = Command::new(program().await);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).env_remove("HELM_NAMESPACE");
    command.env("KUBECONFIG", kubeconfig.unwrap_or(Path::new("/dev/null")));
    for name in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
        command.env(name, home.path());
    }
    if let Some(values) = values {
        let file = home.path().join("values.yaml");
        std::fs::write(&file, values.to_string()).unwrap();
        command.arg("--values").arg(file);
    }
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (said, complaint) = (text(output.stdout), text(output.stderr));
    if output.status.success() { Ok(said) } else { Err(format!("{said}{complaint}")) }
}

/// Renders the chart as the release `vobiz`.
pub async fn render(namespace: &str, values: &Value) -> Result<Rendered, String> {
    render_as("vobiz", namespace, values).await
}

/// Renders the chart as a release of that name.
pub async fn render_as(release: &str, namespace: &str, values: &Value) -> Result<Rendered, String> {
    let chart = chart().display().to_string();
    let arguments = ["template", release, &chart, "--namespace", namespace];
    Ok(Rendered { objects: documents(&helm(None, &arguments, Some(values)).await?) })
}

/// The documents of a YAML stream.
pub fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_yaml::from_multiple(text).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// What a chart became.
pub struct Rendered {
    pub objects: Vec<Value>,
}

impl Rendered {
    /// The objects of a kind.
    pub fn all(&self, kind: &str) -> Vec<&Value> {
        self.objects.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The only object of a kind.
    pub fn only(&self, kind: &str) -> &Value {
        let found = self.all(kind);
        assert_eq!(found.len(), 1, "{kind}: {found:#?}");
        found[0]
    }

    /// The operator's pod.
    pub fn pod(&self) -> &Value {
        &self.only("Deployment")["spec"]["template"]
    }

    pub fn container(&self) -> &Value {
        &self.pod()["spec"]["containers"][0]
    }

    /// The value of an environment variable, `None` if it is not set.
    pub fn env(&self, name: &str) -> Option<&str> {
        let variables = self.container()["env"].as_array().unwrap();
        variables.iter().find(|variable| variable["name"] == name)?["value"].as_str()
    }
}
