//! Follows claims and records: fills their caches, and tells what changes.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Instant};

use futures::StreamExt;
use kube::Api;

use super::{
    follow::Follower,
    interruption::Interruptions,
    list_watch::{Event, list_watch},
    triggers::Triggers,
};
use crate::{
    api::{PhoneNumber, PhoneNumberClaim, Seen, Unread},
    reconcile::{Claims, Listed, Records, trim_claim},
};

/// The namespaces that are watched, each on its own; `None` stands for all of them.
pub fn namespaces(named: &[String]) -> BTreeSet<Option<String>> {
    if named.is_empty() { [None].into() } else { named.iter().cloned().map(Some).collect() }
}

/// Records are written back whole, so only what the API server keeps by itself is left out.
fn trim_record(record: &mut Seen<PhoneNumber>) {
    match record {
        Seen::Newer(newer) => Arc::make_mut(newer).trim(),
        Seen::Read(record) => Arc::make_mut(record).metadata.managed_fields = None,
    }
}

/// Follows the claims of a namespace, or of all: fills their cache, and has them and the records of their numbers looked
/// at.
pub async fn claims(
    namespace: Option<String>,
    api: Api<Unread<PhoneNumberClaim>>,
    Claims { cache, listed }: Claims,
    triggers: Arc<Triggers>,
    watches: usize,
) {
    let place = namespace.as_deref();
    let what = place.map_or_else(|| "claims".to_owned(), |name| format!("claims in namespace {name}"));
    let mut follower = Follower::new(cache, trim_claim, namespace.clone());
    let mut interruptions = Interruptions::default();
    let mut events = pin!(list_watch(api, Some(PhoneNumberClaim::UNRECORDED), watches));
    while let Some(event) = events.next().await {
        // A list goes on though its watch may not be begun.
        let is_watched = matches!(event, Ok(Event::Apply(_) | Event::Delete(_)));
        let listed_anew = match event {
            Ok(event) => follower.apply(event, |changed| triggers.claim_changed(changed)),
            Err(error) => {
                if let Some(why) = interruptions.warn(&what, &error) {
                    listed.refused(place, why, Instant::now());
                }
                continue;
            }
        };
        if listed_anew {
            triggers.claims_listed(place, listed.filled(place));
        } else if is_watched {
            listed.goes_on(place);
        }
    }
}

/// Follows the records: fills their cache, and has them and the claims for their numbers looked at.
pub async fn records(
    api: Api<Unread<PhoneNumber>>,
    cache: Records,
    listed: Arc<Listed>,
    triggers: Arc<Triggers>,
    watches: usize,
) {
    let mut follower = Follower::new(cache, trim_record, None);
    let mut interruptions = Interruptions::default();
    let mut events = pin!(list_watch(api, None, watches));
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if follower.apply(event, |changed| triggers.record_changed(changed)) {
                    listed.filled(None);
                }
            }
            Err(error) => drop(interruptions.warn("records", &error)),
        }
    }
}
