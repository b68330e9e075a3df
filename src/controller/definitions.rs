//! Whether the definitions that the API server serves know all that this version writes. Where others install them, they
//! may be older; and what a definition does not know, the API server drops without a word.

use http::Request;
use kube::Client;
use serde_json::Value;

use crate::api::{GROUP, crds};

/// The most that is named.
const NAMED: usize = 5;

/// What is wrong with the definitions, and what to type. `None` if nothing is, or if that cannot be found out.
pub async fn problem(kube: &Client) -> Option<String> {
    let path = format!("/openapi/v3/apis/{GROUP}/v1alpha1");
    let request = Request::get(path).body(Vec::new()).ok()?;
    let served = match kube.request::<Value>(request).await {
        Ok(served) => served,
        Err(error) => {
            tracing::debug!(%error, "the definitions cannot be read");
            return None;
        }
    };
    let mut lacking: Vec<_> = crds().ok()?.iter().flat_map(|wanted| lacks(&served, wanted)).collect();
    if lacking.is_empty() {
        return None;
    }
    if lacking.len() > NAMED {
        let more = lacking.len() - NAMED;
        lacking.truncate(NAMED);
        lacking.push(format!("and {more} more"));
    }
    Some(format!(
        "the definitions in the cluster are older than this operator, and what it writes there is lost: they do not know \
         {}. Install this version's: vobiz-operator crd | kubectl apply -f -",
        lacking.join(", ")
    ))
}

/// The fields of a kind that are not served.
fn lacks<D: serde::Serialize>(served: &Value, wanted: &D) -> Vec<String> {
    let Ok(wanted) = serde_json::to_value(wanted) else { return Vec::new() };
    let kind = &wanted["spec"]["names"]["kind"];
    let schemas = served["components"]["schemas"].as_object();
    let is_kind = |schema: &&Value| {
        let kinds = schema["x-kubernetes-group-version-kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|one| one["kind"] == *kind))
    };
    // Not served at all: that is told by whoever lists them.
    let Some(found) = schemas.and_then(|schemas| schemas.values().find(is_kind)) else { return Vec::new() };
    let mut lacking = Vec::new();
    let schema = &wanted["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    compare(found, schema, kind.as_str().unwrap_or_default(), &mut lacking);
    lacking
}

fn compare(served: &Value, wanted: &Value, path: &str, lacking: &mut Vec<String>) {
    if let Some(items) = wanted.get("items") {
        compare(&served["items"], items, path, lacking);
    }
    let keeps = "x-kubernetes-preserve-unknown-fields";
    if wanted.get(keeps).is_some() && served.get(keeps).is_none() {
        lacking.push(format!("{path}.* (fields of later versions)"));
    }
    for (name, wanted) in wanted["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match served["properties"].get(name) {
            Some(served) => compare(served, wanted, &path, lacking),
            None => lacking.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What an API server serves of a definition.
    fn served(definition: &Value) -> Value {
        let mut schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        let kind = &definition["spec"]["names"]["kind"];
        schema["x-kubernetes-group-version-kind"] = json!([{ "group": GROUP, "kind": kind }]);
        json!({ "components": { "schemas": { "a": schema } } })
    }

    #[test]
    fn fields_that_older_definitions_lack_are_named() {
        for wanted in crds().unwrap() {
            let definition = serde_json::to_value(&wanted).unwrap();
            assert_eq!(lacks(&served(&definition), &wanted), Vec::<String>::new());
            let mut older = definition;
            let schema = &mut older["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            let conditions = schema.pointer_mut("/properties/status/properties/conditions/items").unwrap();
            conditions["properties"].as_object_mut().unwrap().remove("reason").unwrap();
            let status = &mut schema["properties"]["status"];
            status.as_object_mut().unwrap().remove("x-kubernetes-preserve-unknown-fields").unwrap();
            let kind = older["spec"]["names"]["kind"].as_str().unwrap();
            let expected = [
                format!("{kind}.status.* (fields of later versions)"),
                format!("{kind}.status.conditions.reason"),
            ];
            assert_eq!(lacks(&served(&older), &wanted), expected);
        }
        assert_eq!(lacks(&json!({}), &crds().unwrap()[0]), Vec::<String>::new());
    }
}
