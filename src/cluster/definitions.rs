//! Whether the definitions that the API server serves know all that this version writes. Where others install them, they
//! may be older; and what a definition does not know, the API server drops without a word.

use std::{fmt::Display, time::Duration};

use http::Request;
use kube::{Client, Resource};
use serde::Serialize;
use serde_json::Value;

use crate::api::{VobizAccount, crds};

const NAMED: usize = 5;

/// Where the API server describes the kinds.
pub const PATH: &str = "/openapi/v3/apis/telephony.vobiz.ai/v1alpha1";

#[derive(Debug, PartialEq, Eq)]
pub enum Served {
    /// All that this version writes.
    Current,
    /// All that, and more: which fields it does not know.
    Newer(String),
    /// Less than that: which fields are lacking.
    Older(String),
    /// That cannot be found out, and why.
    Unknown(String),
}

impl Served {
    /// How long it is taken for true.
    pub fn look_again(&self) -> Duration {
        match self {
            Self::Current | Self::Newer(_) => Duration::from_mins(10),
            Self::Older(_) | Self::Unknown(_) => Duration::from_mins(1),
        }
    }
}

pub async fn look(kube: &Client) -> Served {
    let unknown = |why: &dyn Display| Served::Unknown(why.to_string());
    let request = match Request::get(PATH).body(Vec::new()) {
        Ok(request) => request,
        Err(why) => return unknown(&why),
    };
    match (kube.request::<Value>(request).await, crds()) {
        (Ok(served), Ok(wanted)) => compared(&served, &wanted),
        (Err(kube::Error::Api(status)), _) => unknown(&format!("the API server answers {}", status.code)),
        (Err(why), _) => unknown(&why),
        (_, Err(why)) => unknown(&why),
    }
}

fn compared<D: Serialize>(served: &Value, wanted: &[D]) -> Served {
    // Without accounts, claims are served all the same.
    let without = |wanted: &D| {
        let wanted = serde_json::to_value(wanted).ok()?;
        let kind = wanted["spec"]["names"]["kind"].as_str()?;
        (kind == VobizAccount::kind(&())).then(|| (vec![kind.to_owned()], Vec::new()))
    };
    let fields = wanted.iter().map(|wanted| differ(served, wanted).or_else(|| without(wanted)));
    let Some(fields) = fields.collect::<Option<Vec<_>>>() else {
        return Served::Unknown("the API server does not describe all kinds yet".into());
    };
    let (lacking, unknown): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    match (lacking.concat(), unknown.concat()) {
        (lacking, _) if !lacking.is_empty() => Served::Older(named(lacking)),
        (_, unknown) if !unknown.is_empty() => Served::Newer(named(unknown)),
        _ => Served::Current,
    }
}

fn named(mut fields: Vec<String>) -> String {
    if fields.len() > NAMED {
        let more = fields.len() - NAMED;
        fields.truncate(NAMED);
        fields.push(format!("and {more} more"));
    }
    fields.join(", ")
}

/// What the API server adds to each kind.
const ADDED: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The fields of a kind that are not served, and those that are served and not known here. `None` if the kind itself is not
/// served: it may come.
fn differ<D: Serialize>(served: &Value, wanted: &D) -> Option<(Vec<String>, Vec<String>)> {
    let wanted = serde_json::to_value(wanted).ok()?;
    let kind = &wanted["spec"]["names"]["kind"];
    let schemas = served["components"]["schemas"].as_object();
    let is_kind = |schema: &&Value| {
        let kinds = schema["x-kubernetes-group-version-kind"].as_array();
        kinds.is_some_and(|kinds| kinds.iter().any(|one| one["kind"] == *kind))
    };
    let found = schemas?.values().find(is_kind)?;
    let (mut lacking, mut unknown) = (Vec::new(), Vec::new());
    let schema = &wanted["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let kind = kind.as_str().unwrap_or_default();
    compare(found, schema, kind, &mut lacking);
    compare(schema, found, kind, &mut unknown);
    unknown.retain(|path| !ADDED.iter().any(|added| *path == format!("{kind}.{added}")));
    Some((lacking, unknown))
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
    use crate::api::GROUP;

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
            assert_eq!(differ(&served(&definition), &wanted), Some((Vec::new(), Vec::new())));
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
            assert_eq!(differ(&served(&older), &wanted), Some((expected.to_vec(), Vec::new())));
        }
    }

    #[test]
    fn fields_that_newer_definitions_have_are_named() {
        for wanted in crds().unwrap() {
            let mut newer = serde_json::to_value(&wanted).unwrap();
            let schema = &mut newer["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
            schema["properties"]["metadata"] = json!({ "type": "object" });
            schema["properties"]["kind"] = json!({ "type": "string" });
            schema["properties"]["spec"]["properties"]["later"] = json!({ "type": "string" });
            let kind = newer["spec"]["names"]["kind"].as_str().unwrap();
            let expected = (Vec::new(), vec![format!("{kind}.spec.later")]);
            assert_eq!(differ(&served(&newer), &wanted), Some(expected));
        }
    }

    #[test]
    fn definitions_that_cannot_be_compared_are_looked_at_again_soon() {
        let wanted = crds().unwrap().map(|wanted| serde_json::to_value(wanted).unwrap());
        let described = |kinds: &[&Value]| {
            let schemas = kinds
                .iter()
                .enumerate()
                .map(|(id, kind)| (id.to_string(), served(kind)["components"]["schemas"]["a"].clone()));
            json!({ "components": { "schemas": schemas.collect::<Value>() } })
        };
        let mut older = wanted[1].clone();
        let status = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties";
        older.pointer_mut(status).unwrap().as_object_mut().unwrap().remove("number").unwrap();
        for (served, minutes) in [
            (json!({}), 1),
            (described(&[&wanted[0]]), 1),
            (described(&[&wanted[0], &wanted[2]]), 1),
            (described(&[&wanted[0], &older, &wanted[2]]), 1),
            (described(&[&wanted[0], &wanted[1]]), 1),
            (described(&[&wanted[0], &wanted[1], &wanted[2]]), 10),
        ] {
            let compared = compared(&served, &wanted);
            assert_eq!(compared.look_again(), Duration::from_mins(minutes), "{compared:?}");
            let lacks = [described(&[&wanted[0], &older, &wanted[2]]), described(&[&wanted[0], &wanted[1]])];
            let is_older = lacks.contains(&served);
            assert_eq!(matches!(compared, Served::Older(_)), is_older, "{compared:?}");
        }
        assert!(PATH.contains(GROUP));
    }

    #[tokio::test]
    async fn a_refused_look_at_the_definitions_says_nothing_of_them() {
        let answer = |_: Request<kube::client::Body>| async {
            let refused = http::Response::builder().status(500);
            refused.body(kube::client::Body::from(b"no".to_vec()))
        };
        let kube = Client::new(tower::service_fn(answer), "default");
        assert!(matches!(look(&kube).await, Served::Unknown(_)));
    }
}
