//! What a claim is told that this version cannot read, and so does not serve.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    case::Case,
    status::{KNOWN, conditions},
};
use crate::api::{Newer, Reason};

/// The conditions that such a claim should have. Conditions of other writers stay as they are, regardless of their
/// contents.
pub fn newer(claim: &Newer, now: Timestamp) -> Vec<Value> {
    let previous: Vec<_> =
        claim.conditions().iter().filter_map(|raw| Condition::deserialize(raw).ok()).collect();
    let case = Case::open(Reason::NewerVersion, newer_claim(claim));
    let told = conditions(&previous, &case, claim.metadata.generation, now);
    let is_ours = |type_: &str| KNOWN.contains(&type_);
    let ours = told.iter().filter(|condition| is_ours(&condition.type_)).map(|condition| json!(condition));
    let others = claim.conditions().iter().filter(|raw| !raw["type"].as_str().is_some_and(is_ours));
    ours.chain(others.cloned()).collect()
}

pub fn newer_record(name: &str) -> String {
    format!(
        "phonenumber/{name} was written by a newer version of the operator; this version leaves it alone: nothing is \
         bought and nothing is changed for it. Upgrade the operator again. To see the record: kubectl get \
         phonenumber/{name} -o yaml"
    )
}

fn newer_claim(claim: &Newer) -> String {
    let of = |word: &Option<String>| word.clone().unwrap_or_default();
    let (namespace, name) = (of(&claim.metadata.namespace), of(&claim.metadata.name));
    format!(
        "The claim was written by a newer version of the operator ({}); this version leaves it alone: nothing is bought \
         and nothing is changed for it. Upgrade the operator again. To see the claim: kubectl get -n {namespace} \
         phonenumberclaim/{name} -o yaml",
        claim.why
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{PhoneNumberClaim, Seen};

    fn told_of(conditions: &Value) -> Vec<Value> {
        let raw = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "namespace": "a", "name": "b", "generation": 3 },
            "spec": { "e164": "+911234500000", "deletionPolicy": "Hibernate" },
            "status": { "conditions": conditions },
        });
        let Ok(Seen::<PhoneNumberClaim>::Newer(claim)) = serde_json::from_value(raw) else {
            panic!("it was read")
        };
        newer(&claim, "2026-01-02T03:04:05Z".parse().unwrap())
    }

    #[test]
    fn a_claim_of_a_newer_version_keeps_the_outcome_of_its_purchase() {
        let condition = |type_: &str, status: &str| {
            json!({ "type": type_, "status": status, "reason": "R", "message": "m",
                    "lastTransitionTime": "2025-01-02T03:04:05Z" })
        };
        for (conditions, purchased) in [
            (json!([condition("Purchased", "True"), condition("Stalled", "True")]), "True"),
            (json!([condition("Purchased", "False")]), "False"),
            (json!([{ "type": "Purchased", "status": "Perhaps" }]), "Unknown"),
            (json!([]), "Unknown"),
            (json!("none"), "Unknown"),
        ] {
            let told = told_of(&conditions);
            let of = |type_: &str| told.iter().find(|condition| condition["type"] == type_);
            assert_eq!(of("Purchased").unwrap()["status"], purchased);
            assert_eq!(of("Ready").unwrap()["status"], "Unknown");
            assert_eq!(of("Reconciling").unwrap()["status"], "True");
            assert_eq!(of("Stalled"), None);
            for condition in &told {
                assert_eq!(
                    (&condition["reason"], &condition["observedGeneration"]),
                    (&json!("NewerVersion"), &json!(3))
                );
                assert!(
                    condition["message"].as_str().unwrap().contains("kubectl get -n a phonenumberclaim/b")
                );
            }
            // Told once, it is not told again.
            assert_eq!(told_of(&json!(told)), told);
        }
    }

    #[test]
    fn conditions_of_others_stay_even_if_they_cannot_be_read() {
        let odd = json!({ "type": "Routed", "lastTransitionTime": "next week", "weight": 3 });
        assert!(told_of(&json!([odd])).contains(&odd));
    }
}
