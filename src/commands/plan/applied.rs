//! A claim as it is once its manifest is applied.

use kube::{ResourceExt, core::ObjectMeta};

use crate::api::PhoneNumberClaim;

/// What the manifest makes of the claim that there is, or of none. Annotations that it does not name stay.
pub fn applied(manifest: &PhoneNumberClaim, live: Option<&PhoneNumberClaim>) -> PhoneNumberClaim {
    let mut claim = PhoneNumberClaim { status: None, ..manifest.clone() };
    let Some(live) = live else {
        let (namespace, name) = (claim.namespace().unwrap_or_default(), claim.name_any());
        // The API server will give it one.
        claim.metadata.uid = Some(format!("(the uid of {namespace}/{name})"));
        claim.metadata.generation = Some(1);
        return claim;
    };
    let mut annotations = live.annotations().clone();
    annotations.extend(manifest.annotations().clone());
    let changed = i64::from(manifest.spec != live.spec);
    claim.metadata = ObjectMeta {
        annotations: Some(annotations),
        generation: live.metadata.generation.map(|generation| generation + changed),
        ..live.metadata.clone()
    };
    claim.status.clone_from(&live.status);
    claim
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn claim(metadata: &Value, e164: &str) -> PhoneNumberClaim {
        serde_json::from_value(json!({ "metadata": metadata, "spec": { "e164": e164 } })).unwrap()
    }

    #[test]
    fn annotations_stay_and_a_change_is_a_new_generation() {
        let live = json!({ "namespace": "a", "name": "b", "uid": "u", "generation": 4, "annotations": { "x": "1", "y": "1" } });
        let manifest = json!({ "namespace": "a", "name": "b", "annotations": { "y": "2" } });
        let (live, manifest) = (claim(&live, "+911"), claim(&manifest, "+911"));
        let same = applied(&manifest, Some(&live));
        assert_eq!((same.uid().unwrap().as_str(), same.metadata.generation), ("u", Some(4)));
        assert_eq!(json!(same.annotations()), json!({ "x": "1", "y": "2" }));
        let changed = PhoneNumberClaim { spec: claim(&json!({}), "+912").spec, ..manifest.clone() };
        assert_eq!(applied(&changed, Some(&live)).metadata.generation, Some(5));
        let new = applied(&manifest, None);
        assert_eq!((new.uid().unwrap().as_str(), new.metadata.generation), ("(the uid of a/b)", Some(1)));
    }
}
