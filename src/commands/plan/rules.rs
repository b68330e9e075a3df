//! The rules that the API server checks a claim by, taken from the definition that it has them from.

use kube_cel::{CompiledSchema, Validator, compile_schema};
use serde_json::{Value, json};

use crate::{api, commands::error::CommandError};

/// The rules of a claim's definition.
pub struct Rules {
    schema: Value,
    compiled: CompiledSchema,
    validator: Validator,
}

/// A rule that a claim breaks.
#[derive(Debug, PartialEq)]
pub struct Broken {
    pub path: Vec<String>,
    /// What is wanted.
    pub message: String,
}

impl Rules {
    pub fn new() -> Result<Self, CommandError> {
        let [claim, ..] = api::crds().map_err(CommandError::text)?;
        let mut schema = serde_json::to_value(claim).map_err(CommandError::text)?["spec"]["versions"][0]["schema"]
            ["openAPIV3Schema"]
            .take();
        // Neither is written by users; the names of an object's metadata are the API server's own.
        if let Some(fields) = schema["properties"].as_object_mut() {
            fields.remove("status");
        }
        patterns_as_rules(&mut schema, "");
        Ok(Self { compiled: compile_schema(&schema), schema, validator: Validator::new() })
    }

    /// The first rule that the claim breaks, as it is in the cluster already or as a new one.
    pub fn broken(&self, claim: &Value, old: Option<&Value>) -> Option<Broken> {
        let broken = self.validator.validate_compiled(&self.compiled, claim, old).err()?;
        let mut broken: Vec<_> = broken
            .into_iter()
            .map(|broken| Broken { path: steps(&broken.field_path), message: broken.message })
            .collect();
        broken.sort_by(|a, b| a.path.cmp(&b.path));
        // A pattern says less than the rule about the same field.
        let told = broken.iter().position(|broken| !broken.message.ends_with(PATTERN));
        (!broken.is_empty()).then(|| broken.swap_remove(told.unwrap_or_default()))
    }

    /// The fields that there are at a path.
    pub fn fields(&self, path: &[String]) -> Vec<&str> {
        let schema = path.iter().try_fold(&self.schema, |schema, step| schema["properties"].get(step));
        let fields = schema.and_then(|schema| schema["properties"].as_object());
        fields.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
    }
}

/// How a message about a pattern ends.
const PATTERN: &str = "(the pattern of its definition)";

fn steps(path: &str) -> Vec<String> {
    path.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect()
}

/// Has the patterns of a schema checked as its rules are.
fn patterns_as_rules(schema: &mut Value, path: &str) {
    if let Some(pattern) = schema["pattern"].as_str() {
        let rule = json!({
            "rule": format!("self.matches({})", json!(pattern)),
            "message": format!("{path} must match {pattern} {PATTERN}"),
        });
        match &mut schema["x-kubernetes-validations"] {
            Value::Array(rules) => rules.push(rule),
            none => *none = json!([rule]),
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, inner) in properties {
            patterns_as_rules(inner, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(spec: &Value) -> Value {
        json!({ "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim", "metadata": { "name": "a" }, "spec": spec })
    }

    #[test]
    fn the_rules_of_the_definition_are_those_that_are_checked() {
        let rules = Rules::new().unwrap();
        let good = || claim(&json!({ "e164": "+911234500000", "currency": "INR" }));
        assert_eq!(rules.broken(&good(), None), None);
        for (spec, path, words) in [
            (json!({ "e164": "+12" }), "spec.e164", "7 to 15 digits"),
            (json!({ "e164": "+91 1234500000" }), "spec.e164", "no spaces"),
            (json!({ "e164": "+911234500000", "currency": "inr" }), "spec.currency", "three capital letters"),
            (
                json!({ "e164": "+911234500000", "deletionPolicy": "Release" }),
                "spec.deletionPolicy",
                "not available yet",
            ),
        ] {
            let broken = rules.broken(&claim(&spec), None).unwrap();
            assert_eq!(broken.path.join("."), path, "{spec}");
            assert!(broken.message.contains(words), "{}", broken.message);
        }
    }

    #[test]
    fn what_must_not_change_is_held_against_what_is_in_the_cluster() {
        let rules = Rules::new().unwrap();
        let new = claim(&json!({ "e164": "+911234500000" }));
        let mut old = claim(&json!({ "e164": "+911234500001" }));
        let broken = rules.broken(&new, Some(&old)).unwrap();
        assert!(broken.message.contains("immutable"), "{}", broken.message);
        old["spec"] = json!({ "e164": "+911234500000", "currency": "INR" });
        assert_eq!(rules.broken(&new, Some(&old)), None);
        old["status"] = json!({ "number": {} });
        let broken = rules.broken(&new, Some(&old)).unwrap();
        assert!(broken.message.contains("once the number is bought"), "{}", broken.message);
    }

    #[test]
    fn every_rule_of_the_definition_can_be_checked() {
        fn rules(schema: &CompiledSchema) -> usize {
            assert!(!schema.has_errors(), "{:?}", schema.compilation_errors());
            schema.validations.len() + schema.properties.values().map(rules).sum::<usize>()
        }
        assert!(rules(&Rules::new().unwrap().compiled) > 5);
    }

    #[test]
    fn the_fields_of_a_claim_are_known() {
        let rules = Rules::new().unwrap();
        let spec = ["spec".to_owned()];
        assert!(rules.fields(&spec).contains(&"e164"));
        assert_eq!(rules.fields(&["nothing".to_owned()]), [""; 0]);
    }
}
