//! The custom resource definitions: what is derived from the types, adjusted to the API conventions.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Value, json};

use super::{PhoneNumber, PhoneNumberClaim, VobizAccount};
use crate::domain::E164;

/// The definitions of claims, records and accounts, as `vobiz-operator crd` prints them and `crds/` holds them.
///
/// # Errors
/// If a derived definition is not of the shape that the adjustments below expect.
pub fn crds() -> Result<[CustomResourceDefinition; 3], serde_json::Error> {
    let mut claim = serde_json::to_value(PhoneNumberClaim::crd())?;
    let mut record = serde_json::to_value(PhoneNumber::crd())?;
    let mut account = serde_json::to_value(VobizAccount::crd())?;
    for crd in [&mut claim, &mut record, &mut account] {
        simplify(crd);
    }
    adjust_claim(version(&mut claim));
    adjust_record(version(&mut record));
    adjust_status(&mut version(&mut account)["schema"]["openAPIV3Schema"]);
    Ok([serde_json::from_value(claim)?, serde_json::from_value(record)?, serde_json::from_value(account)?])
}

fn version(crd: &mut Value) -> &mut Value {
    &mut crd["spec"]["versions"][0]
}

fn adjust_claim(version: &mut Value) {
    let root = &mut version["schema"]["openAPIV3Schema"];
    adjust_status(root);
    root["properties"]["spec"]["x-kubernetes-validations"] = json!([{
        "rule": "!has(self.maxPrice) || !has(self.currency) || self.maxPrice.currency == self.currency",
        "message": "spec.maxPrice.currency must be the same as spec.currency: sums in two currencies are not compared",
        "fieldPath": ".maxPrice.currency",
    }]);
    root["x-kubernetes-validations"] =
        json!([fixed_once_bought("currency", ""), fixed_once_bought("accountRef", ".name")]);
}

/// A field of a claim's spec that stays as it is, or is lacking, once the number is bought.
fn fixed_once_bought(field: &str, value: &str) -> Value {
    json!({
        "rule": format!(
            "!has(oldSelf.status) || !has(oldSelf.status.number) || (has(self.spec.{field}) ? has(oldSelf.spec.{field}) && \
             self.spec.{field}{value} == oldSelf.spec.{field}{value} : !has(oldSelf.spec.{field}))"
        ),
        "message": format!("spec.{field} is immutable once the number is bought"),
        "fieldPath": format!(".spec.{field}"),
    })
}

/// What is written by the operator alone in an object of its users'.
fn adjust_status(root: &mut Value) {
    // Not in the spec, where a field that nothing knows is a mistake of its author's.
    keep_unknown(&mut root["properties"]["status"]);
    write_whole(&mut root["properties"]["status"]);
    // On the inner field alone the API server adds no status, and an object without one counts as healthy at once.
    root["properties"]["status"]["default"] = json!({ "observedGeneration": -1 });
}

fn adjust_record(version: &mut Value) {
    // One PUT must write the state and the number together: with a status subresource it would take two, and a
    // crash between them would leave half the truth.
    if let Some(fields) = version.as_object_mut() {
        fields.remove("subresources");
    }
    let root = &mut version["schema"]["openAPIV3Schema"];
    keep_unknown(root);
    for block in ["spec", "status"] {
        write_whole(&mut root["properties"][block]);
    }
    root["properties"]["spec"]["properties"]["e164"]["pattern"] = json!(E164::STORED);
    let immutable = |field: &str| json!({ "rule": format!("self.{field} == oldSelf.{field}"), "message": format!("spec.{field} is immutable") });
    root["properties"]["spec"]["x-kubernetes-validations"] = json!(["e164", "account"].map(immutable));
    root["x-kubernetes-validations"] = json!([{
        "rule": "'+' + self.metadata.name == self.spec.e164",
        "message": "a PhoneNumber is named by the digits of its spec.e164",
    }]);
}

/// Has the API server keep, at every level, fields that this definition does not know: a later version has written them,
/// and will need them when it is back.
fn keep_unknown(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    for inner in ["items", "additionalProperties"] {
        fields.get_mut(inner).into_iter().for_each(keep_unknown);
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(keep_unknown);
        fields.insert("x-kubernetes-preserve-unknown-fields".into(), json!(true));
    }
}

/// Has the API server note whose each field of the block is, and nothing beneath: its fields are written whole, and a list of
/// all that they hold would be as long as they are. Of the conditions, it notes whose each one is.
fn write_whole(block: &mut Value) {
    let fields = block.get_mut("properties").and_then(Value::as_object_mut);
    for field in fields.into_iter().flat_map(|fields| fields.values_mut()) {
        let each = if field["x-kubernetes-list-type"] == "map" { &mut field["items"] } else { field };
        if each["type"] == "object" {
            each["x-kubernetes-map-type"] = json!("atomic");
        }
    }
}

/// Removes what the derivation adds and the API conventions advise against: `nullable` (an absent value is left
/// out, never null) and number formats that the API server does not know.
fn simplify(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("nullable") == Some(&Value::Bool(true)) {
                fields.remove("nullable");
            }
            if let Some(Value::Array(values)) = fields.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            // Comments are wrapped for this file's width; `kubectl explain` wraps for the reader's.
            if let Some(Value::String(description)) = fields.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            fields.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(value: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
        visit(path, value);
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, inner)| walk(inner, &format!("{path}.{key}"), visit));
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, path, visit)),
            _ => {}
        }
    }

    #[test]
    fn the_schema_has_no_float_no_uint_format_and_no_nullable() {
        for crd in crds().unwrap() {
            walk(&serde_json::to_value(crd).unwrap(), "", &mut |path, value| {
                assert!(value.get("nullable").is_none(), "{path}");
                assert_ne!(value.get("type"), Some(&json!("number")), "{path}");
                let format = value.get("format").and_then(Value::as_str).unwrap_or_default();
                assert!(!format.starts_with("uint") && format != "double", "{path}: {format}");
            });
        }
    }

    #[test]
    fn fields_of_a_later_version_are_kept_where_the_operator_writes() {
        let [claim, record, account] = crds().unwrap().map(|crd| serde_json::to_value(crd).unwrap());
        let root = |crd: &Value| crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
        let kept = |value: &Value| value.get("x-kubernetes-preserve-unknown-fields").is_some();
        let [claim, record, account] = [&claim, &record, &account].map(root);
        for written in [&record, &claim["properties"]["status"], &account["properties"]["status"]] {
            walk(written, "", &mut |path, value| {
                let is_object = value["type"] == "object" && value.get("properties").is_some();
                assert_eq!(kept(value), is_object, "{path}");
            });
        }
        walk(&claim["properties"]["spec"], "", &mut |path, value| assert!(!kept(value), "{path}"));
        assert!(!kept(&claim));
    }

    #[test]
    fn what_the_operator_alone_writes_is_noted_to_be_its_own_field_by_field() {
        let [claim, record, account] = crds().unwrap().map(|crd| serde_json::to_value(crd).unwrap());
        for (crd, block, whole) in [
            (&claim, "status", &["conditions.items", "number", "phoneNumberRef", "quote"][..]),
            (&record, "spec", &["attempt", "claimRef"]),
            (&record, "status", &["conditions.items", "number", "verification"]),
            (&account, "status", &["conditions.items", "numbers"]),
            // Parts of these are their users', each of whom may own one.
            (&claim, "spec", &[]),
            (&account, "spec", &[]),
        ] {
            let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][block];
            let mut found = Vec::new();
            walk(schema, "", &mut |path, value| {
                if value.get("x-kubernetes-map-type") == Some(&json!("atomic")) {
                    found.push(path.trim_start_matches(".properties.").to_owned());
                }
            });
            assert_eq!(found, whole, "{block} of {}", crd["spec"]["names"]["kind"]);
        }
    }

    #[test]
    fn the_definition_lets_claims_without_a_record_be_selected() {
        let [claim, ..] = crds().unwrap().map(|crd| serde_json::to_value(crd).unwrap());
        let field = format!(".{}", PhoneNumberClaim::UNRECORDED.trim_end_matches('='));
        let selectable = claim["spec"]["versions"][0]["selectableFields"].as_array().unwrap();
        assert!(selectable.contains(&json!({ "jsonPath": field })), "{field} {selectable:?}");
    }

    #[test]
    fn every_field_has_a_description_for_kubectl_explain() {
        for crd in crds().unwrap() {
            let crd = serde_json::to_value(crd).unwrap();
            let root = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            assert!(root["description"].is_string());
            walk(root, "", &mut |path, value| {
                let Some(properties) = value.get("properties").and_then(Value::as_object) else { return };
                for (name, field) in properties {
                    assert!(field["description"].is_string(), "{path}.{name} has no description");
                }
            });
        }
    }

    #[test]
    fn the_definitions_in_crds_are_the_ones_that_the_types_give() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/crds/telephony.vobiz.ai.yaml");
        let written = std::fs::read_to_string(path).unwrap();
        assert!(written == yaml().unwrap(), "crds/ is out of date: run `make crds`");
    }

    fn yaml() -> Result<String, Box<dyn std::error::Error>> {
        Ok(super::super::crds_yaml()?)
    }
}
