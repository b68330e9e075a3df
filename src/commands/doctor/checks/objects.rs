//! Whether claims and records can be read, and whether their deletion is held back.

use std::sync::Arc;

use jiff::SignedDuration;
use kube::{Resource, ResourceExt};

use super::super::{
    facts::{Facts, Listed},
    finding::{Verdict, some},
};
use crate::api::{AttemptState, Kept, PhoneNumber, Seen};

/// A deletion that lasts longer is held back by something.
const DELETED_WITHIN: SignedDuration = SignedDuration::from_mins(10);

pub fn objects(facts: &Facts) -> Option<Verdict> {
    let (claims, records) = match (&facts.claims, &facts.records) {
        (Listed::Read(claims), Listed::Read(records)) => (claims, records),
        (Listed::Failed(why), _) | (_, Listed::Failed(why)) => {
            return Some(Verdict::error(
                format!("Claims or records cannot be read, so nothing is said of them here: {why}"),
                "kubectl auth can-i list phonenumbers; kubectl auth can-i list phonenumberclaims -A",
            ));
        }
        (Listed::NotServed, _) | (_, Listed::NotServed) => return None,
    };
    let newer = newer(claims).chain(newer(records));
    Some(match some(newer) {
        Some(names) => Verdict::warning(
            format!("A newer version has written what this one cannot read and leaves alone: {names}."),
            "Upgrade to that version; see kubectl get pods -A -l app.kubernetes.io/name=vobiz-operator",
        ),
        None => Verdict::ok(format!("{} claims and {} records can be read.", claims.len(), records.len())),
    })
}

fn newer<K: Kept>(objects: &[Seen<K>]) -> impl Iterator<Item = String> {
    objects.iter().filter(|object| object.is_newer()).map(named)
}

/// As kubectl takes it.
fn named<K: Resource<DynamicType = ()>>(object: &K) -> String {
    let name = format!("{}/{}", K::plural(&()), object.name_any());
    object.namespace().map_or_else(|| name.clone(), |namespace| format!("{name} in {namespace}"))
}

/// A record outlives its deletion while money may be at stake; a claim, while others hold it.
pub fn finalizers(facts: &Facts) -> Option<Verdict> {
    let is_held = |meta: &kube::core::ObjectMeta| {
        let since = meta.deletion_timestamp.as_ref().map(|deleted| facts.now.duration_since(deleted.0));
        since.is_some_and(|since| since > DELETED_WITHIN)
    };
    let records: Vec<_> = facts.own_records()?.filter(|record| is_held(record.meta())).collect();
    let claims = facts.claims.readable()?.filter(|claim| is_held(claim.meta()));
    let names = records.iter().map(|record| named(&***record)).chain(claims.map(|claim| named(&**claim)));
    let left_out = facts.left_out();
    let Some(names) = some(names) else {
        let well = format!("No finalizer holds the deletion of a claim or record back.{left_out}");
        return Some(Verdict::ok(well));
    };
    let is_unsettled = |record: &&Arc<PhoneNumber>| {
        matches!(record.spec.attempt.state, AttemptState::Open | AttemptState::NeedsDecision)
    };
    let mend = if records.iter().any(is_unsettled) {
        "Let a running operator settle the attempts first; one that needs a decision says so in its claim"
    } else if records.is_empty() {
        "See which finalizers they have, and what removes them: kubectl get phonenumberclaim NAME -n NAMESPACE -o yaml"
    } else {
        "If the number is to be given up: kubectl annotate phonenumber/DIGITS telephony.vobiz.ai/forget=true"
    };
    Some(Verdict::warning(
        format!(
            "Deleted more than {} min ago, and held back by finalizers: {names}.{left_out}",
            DELETED_WITHIN.as_mins()
        ),
        mend,
    ))
}
