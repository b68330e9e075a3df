//! Custom resource definitions, applied and really served.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::error::Error;
use crate::plane::ControlPlane;

const PATIENCE: Duration = Duration::from_secs(30);

/// Applies every definition in `folder` and waits until each of them is served.
pub(crate) async fn apply(plane: &ControlPlane, folder: &Path) -> Result<(), Error> {
    let folder = folder.to_string_lossy();
    // On the server's side: the other way copies the definition into an annotation, which is
    // too small for a large one.
    let applied = plane.run_kubectl(["apply", "--server-side", "-o", "name", "-f", folder.as_ref()]).await?;
    let names: Vec<&str> =
        applied.lines().filter(|line| line.starts_with("customresourcedefinition.")).collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut wait = vec!["wait", "--for=condition=established", "--timeout=60s"];
    wait.extend(&names);
    plane.run_kubectl(wait).await?;
    for name in names {
        let definition = plane.run_kubectl(["get", name, "-o", "json"]).await?;
        let definition: Value = serde_json::from_str(&definition)
            .map_err(|source| Error::Json { what: name.to_owned(), source })?;
        for path in lists(&definition) {
            until_served(plane, &path).await?;
        }
    }
    Ok(())
}

/// A definition is established a moment before its paths answer.
async fn until_served(plane: &ControlPlane, path: &str) -> Result<(), Error> {
    let start = Instant::now();
    let query = format!("{path}?limit=1");
    loop {
        match plane.run_kubectl(["get", "--raw", &query]).await {
            Ok(_) => return Ok(()),
            Err(Error::Kubectl { output, .. }) if start.elapsed() > PATIENCE => {
                return Err(Error::NotServed { path: path.to_owned(), waited: PATIENCE, last: output });
            }
            Err(Error::Kubectl { .. }) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => return Err(error),
        }
    }
}

/// The paths at which a definition's objects are listed, one for each served version.
fn lists(definition: &Value) -> Vec<String> {
    let text = |pointer| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, plural) = (text("/spec/group"), text("/spec/names/plural"));
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    versions
        .into_iter()
        .flatten()
        .filter(|version| version["served"] == true)
        .filter_map(|version| version["name"].as_str())
        .map(|version| format!("/apis/{group}/{version}/{plural}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_served_versions_are_waited_for() {
        let definition = serde_json::json!({ "spec": {
            "group": "example.com",
            "names": { "plural": "things" },
            "versions": [{ "name": "v1", "served": true }, { "name": "v1beta1", "served": false }],
        }});
        assert_eq!(lists(&definition), ["/apis/example.com/v1/things"]);
    }
}
