//! Copies of the chart as it was before a field came, and as a later version may be.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::helm::{chart, documents};

/// A field that the older chart does not know.
pub const NEW_FIELD: &str = "deletionPolicy";

/// All such fields, and those of them that have a default.
pub const NEW_FIELDS: [(&str, &str); 6] = [
    ("spec", "accountRef"),
    ("spec", "acquire"),
    ("spec", NEW_FIELD),
    ("spec", "maxPrice"),
    ("status", "lastHandledReconcileAt"),
    ("status", "quote"),
];
pub const DEFAULTED: [&str; 2] = ["acquire", NEW_FIELD];

/// A copy of the chart, as it was before these fields came, and accounts.
pub async fn older(folder: &Path) -> PathBuf {
    changed(folder, "0.0.1", |definitions| {
        let version = &mut definitions[0]["spec"]["versions"][0];
        let mentions = |entry: &Value| entry["jsonPath"] == format!(".spec.{NEW_FIELD}").as_str();
        version["selectableFields"].as_array_mut().unwrap().retain(|entry| !mentions(entry));
        let schema = &mut version["schema"]["openAPIV3Schema"];
        let is_of_new = |rule: &Value| {
            let rule = rule["rule"].as_str().unwrap();
            rule.contains("maxPrice") || rule.contains("accountRef")
        };
        for place in ["/x-kubernetes-validations", "/properties/spec/x-kubernetes-validations"] {
            schema.pointer_mut(place).unwrap().as_array_mut().unwrap().retain(|rule| !is_of_new(rule));
        }
        let parts = &mut schema["properties"];
        for (part, field) in NEW_FIELDS {
            let fields = parts[part]["properties"].as_object_mut().unwrap();
            fields.remove(field).unwrap_or_else(|| panic!("there is no {part}.{field}"));
        }
        let account = definitions.pop().unwrap();
        assert_eq!(account["spec"]["names"]["kind"], "VobizAccount");
    })
    .await
}

/// Where a later version of the definitions knows a field that this one does not.
const LATER_FIELDS: [&str; 5] = [
    "/properties/spec",
    "/properties/spec/properties/attempt",
    "/properties/spec/properties/attempt/properties/answer",
    "/properties/spec/properties/claimRef",
    "/properties/status",
];

/// A copy of the chart, as a later version may be.
pub async fn later(folder: &Path) -> PathBuf {
    changed(folder, "9.0.0", |definitions| {
        let schema = &mut definitions[0]["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let policy = schema.pointer_mut("/properties/spec/properties/deletionPolicy").unwrap();
        policy.as_object_mut().unwrap().remove("enum").expect("any word is taken already");
        let schema = &mut definitions[1]["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for place in LATER_FIELDS {
            let fields = &mut schema.pointer_mut(place).unwrap()["properties"];
            fields["later"] = json!({ "type": "object", "properties": { "x": { "type": "string" } } });
        }
    })
    .await
}

/// A copy of the chart, with another version and other definitions.
async fn changed(folder: &Path, named: &str, change: impl FnOnce(&mut Vec<Value>)) -> PathBuf {
    let copy = folder.join(named);
    let status = Command::new("cp").arg("-R").arg(chart()).arg(&copy).status().await.unwrap();
    assert!(status.success());
    let file = copy.join("files/crds/telephony.vobiz.ai.yaml");
    let mut definitions = documents(&std::fs::read_to_string(&file).unwrap());
    change(&mut definitions);
    let text: Vec<_> = definitions.iter().map(|definition| format!("---\n{definition}\n")).collect();
    std::fs::write(file, text.concat()).unwrap();
    let about = copy.join("Chart.yaml");
    let text = std::fs::read_to_string(&about).unwrap();
    let version = |named: &str| format!("version: {named}");
    std::fs::write(about, text.replace(&version(env!("CARGO_PKG_VERSION")), &version(named))).unwrap();
    copy
}
