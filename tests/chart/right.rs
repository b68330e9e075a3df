//! Rights, as roles grant them, as the API server records their use, and as it is asked about them.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

/// One verb on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    pub group: String,
    /// With its subresource: `phonenumberclaims/status`.
    pub resource: String,
    pub verb: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}

impl Right {
    /// What an audited request needed.
    pub fn of_event(event: &Value) -> Option<Self> {
        let (text, object) =
            (|value: &Value| value.as_str().unwrap_or_default().to_owned(), &event["objectRef"]);
        let (resource, subresource) = (text(&object["resource"]), text(&object["subresource"]));
        (!resource.is_empty()).then(|| Self {
            group: text(&object["apiGroup"]),
            resource: if subresource.is_empty() { resource } else { format!("{resource}/{subresource}") },
            verb: text(&event["verb"]),
        })
    }

    /// What the roles among these objects grant.
    pub fn granted(objects: &[Value]) -> BTreeSet<Self> {
        let rules = objects.iter().filter_map(|object| object["rules"].as_array()).flatten();
        rules.flat_map(Self::of_rule).collect()
    }

    fn of_rule(rule: &Value) -> Vec<Self> {
        let mut rights = Vec::new();
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                for verb in words(&rule["verbs"]) {
                    rights.push(Self { group: group.clone(), resource: resource.clone(), verb });
                }
            }
        }
        rights
    }

    /// Takes this right out of every role.
    pub fn remove_from(&self, objects: &mut [Value]) {
        for object in objects {
            let Some(rules) = object["rules"].as_array_mut() else { continue };
            for rule in &mut *rules {
                if Self::of_rule(rule).contains(self) {
                    assert_eq!(words(&rule["resources"]).len(), 1, "one rule for each resource: {rule}");
                    rule["verbs"].as_array_mut().unwrap().retain(|verb| *verb != self.verb);
                }
            }
            // A rule without a verb is refused.
            rules.retain(|rule| rule["verbs"] != Value::Array(Vec::new()));
        }
    }
}

/// Rules about other things than resources have none.
fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
}
