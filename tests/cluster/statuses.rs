//! Claims as they really were, kept where other tests read them: `KEEP_STATUSES=tests/gitops/statuses`.

use serde_json::{Value, json};

use crate::table::Row;

/// Writes the claim of that case, if the variable names a folder. What differs from run to run is left out.
pub fn keep(claim: &Value, row: Row) {
    let Ok(folder) = std::env::var("KEEP_STATUSES") else { return };
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let kept = json!({
        "apiVersion": claim["apiVersion"],
        "kind": claim["kind"],
        "metadata": {
            "name": claim["metadata"]["name"],
            "namespace": claim["metadata"]["namespace"],
            "generation": claim["metadata"]["generation"],
        },
        "spec": claim["spec"],
        "status": claim["status"],
    });
    let name = format!("{}{}.json", row.reason, row.also);
    std::fs::write(folder.join(name), format!("{kept:#}\n")).unwrap();
}
