//! Events about claims, published within what the API server takes.

use jiff::Timestamp;
use k8s_openapi::{
    api::events::v1::Event,
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Resource, ResourceExt, api::PostParams};
use kube_runtime::events::Reporter;

use super::{NAME, Store, StoreError, requests};
use crate::api::EventKind;

/// The longest name of an object, bytes.
const LONGEST_NAME: usize = 253;

/// The longest note that an event may carry, bytes.
const LONGEST_NOTE: usize = 1024;

impl Store {
    /// Publishes an event about a claim. Best effort: the conditions say the same, and stay.
    pub async fn event(
        &self,
        claim: &impl Resource<DynamicType = ()>,
        kind: EventKind,
        reason: &'static str,
        message: &str,
    ) -> Result<(), StoreError> {
        let type_ = match kind {
            EventKind::None => return Ok(()),
            EventKind::Normal => "Normal",
            EventKind::Warning => "Warning",
        };
        let mut note = message.to_owned();
        note.truncate(note.floor_char_boundary(LONGEST_NOTE));
        let now = Timestamp::now();
        let namespace = claim.namespace().unwrap_or_default();
        let reporter = Reporter::from(NAME);
        let event = Event {
            action: Some("Purchase".into()),
            event_time: Some(MicroTime(now)),
            metadata: ObjectMeta {
                name: Some(event_name(&claim.name_any(), now)),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            note: Some(note),
            reason: Some(reason.into()),
            regarding: Some(claim.object_ref(&())),
            reporting_instance: Some(reporter.instance.unwrap_or_else(|| NAME.into())),
            reporting_controller: Some(reporter.controller),
            type_: Some(type_.into()),
            ..Event::default()
        };
        let event = serde_json::to_vec(&event).map_err(kube::Error::SerdeError)?;
        self.perform(requests::<Event>(Some(&namespace)).create(&PostParams::default(), event)).await
    }
}

/// The claim's name and the moment, as event recorders name events, within what a name may have: kube's own recorder
/// cuts nothing off, and the API server refuses an event about a claim with a long name.
fn event_name(claim: &str, now: Timestamp) -> String {
    let moment = format!(".{:x}", now.as_nanosecond());
    let stem = &claim[..claim.floor_char_boundary(LONGEST_NAME.saturating_sub(moment.len()))];
    // What a name is cut off at may be no end of a name.
    format!("{}{moment}", stem.trim_end_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_like_its_claim_as_far_as_a_name_may_be_long() {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(event_name("office", now), "office.1886caf21c963200");
        let (dots, dashes) = ("a.".repeat(126) + "b", "a-".repeat(126) + "b");
        for name in ["a".repeat(253), "a".repeat(237), "a".repeat(236), dots, dashes] {
            let named = event_name(&name, now);
            assert!((200..=253).contains(&named.len()), "{named}");
            let is_label = |label: &str| {
                let ends = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                ends(label.chars().next()) && ends(label.chars().last())
            };
            assert!(named.split('.').all(is_label), "{named}");
        }
    }
}
