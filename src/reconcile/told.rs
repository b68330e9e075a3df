//! What this process has told claims and not seen come back yet. Until then, a claim stands as it was told: what the watch
//! shows is older, and a claim that is held against that would be told the same anew.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use kube::ResourceExt;
use parking_lot::Mutex;

use crate::api::{ObjectKey, PhoneNumberClaim, PhoneNumberClaimStatus};

/// Of a claim whose statuses stay away, the newest are remembered.
const MOST: usize = 8;

/// By the claim's uid.
#[derive(Default)]
pub struct Told(Mutex<HashMap<String, OnItsWay>>);

struct OnItsWay {
    claim: ObjectKey,
    /// In the order in which they were told: they come back in it.
    statuses: VecDeque<PhoneNumberClaimStatus>,
}

impl Told {
    /// Before it is written: it may come back before the answer does.
    pub fn tell(&self, claim: &PhoneNumberClaim, status: &PhoneNumberClaimStatus) {
        let mut told = self.0.lock();
        let entry = || OnItsWay { claim: ObjectKey::of(claim), statuses: VecDeque::new() };
        let statuses = &mut told.entry(claim.uid().unwrap_or_default()).or_insert_with(entry).statuses;
        statuses.push_back(status.clone());
        if statuses.len() > MOST {
            statuses.pop_front();
        }
    }

    /// The claim with the status that it was told last.
    pub fn as_told(&self, claim: Arc<PhoneNumberClaim>) -> Arc<PhoneNumberClaim> {
        let told = self.0.lock();
        let last = told.get(claim.metadata.uid.as_deref().unwrap_or_default());
        match last.and_then(|told| told.statuses.back()) {
            Some(last) => Arc::new(PhoneNumberClaim { status: Some(last.clone()), ..(*claim).clone() }),
            None => claim,
        }
    }

    /// The watch shows the claim. Returns whether it shows what this process has told it. A status that is as it was before
    /// is older than what was told; any other is another writer's, and what was told says nothing any more.
    pub fn shown(&self, before: Option<&PhoneNumberClaim>, now: &PhoneNumberClaim) -> bool {
        let (uid, mut told) = (now.uid().unwrap_or_default(), self.0.lock());
        let Some(OnItsWay { statuses, .. }) = told.get_mut(&uid) else { return false };
        let place = statuses.iter().position(|told| Some(told) == now.status.as_ref());
        match place {
            Some(place) => drop(statuses.drain(..=place)),
            None if before.is_some_and(|before| before.status == now.status) => {}
            None => statuses.clear(),
        }
        if statuses.is_empty() {
            told.remove(&uid);
        }
        place.is_some()
    }

    /// The claims of a namespace, or all, were listed after a gap: what was told and is not shown may have been lost, and is
    /// forgotten. Returns the claims that it was told.
    pub fn listed(&self, namespace: Option<&str>) -> Vec<ObjectKey> {
        let is_in = |claim: &ObjectKey| namespace.is_none() || claim.namespace() == namespace;
        self.0.lock().extract_if(|_, told| is_in(&told.claim)).map(|(_, told)| told.claim).collect()
    }

    /// It was not written, or the claim is gone.
    pub fn forget(&self, uid: &str) {
        self.0.lock().remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A claim with a status like that; with none, it was never told anything.
    fn claim(status: &str) -> PhoneNumberClaim {
        let status = (!status.is_empty()).then(|| json!({ "lastHandledReconcileAt": status }));
        let claim = json!({
            "metadata": { "namespace": "a", "name": "b", "uid": "u" }, "spec": { "e164": "+911234500000" },
            "status": status,
        });
        serde_json::from_value(claim).unwrap()
    }

    /// How the claim stands that the watch shows like that.
    fn stands(told: &Told, shown: &str) -> Option<PhoneNumberClaimStatus> {
        told.as_told(Arc::new(claim(shown))).status.clone()
    }

    #[test]
    fn a_claim_stands_as_it_was_told_until_the_watch_shows_that_or_more() {
        // What it is told, what the watch then shows one after the other, and how it stands after that.
        for (tells, shows, is_told, stands_as) in [
            (&[][..], &[""][..], false, ""),
            (&["1"], &[], false, "1"),
            (&["1"], &["1"], true, "1"),
            (&["1", "2"], &["1"], true, "2"),
            (&["1", "2"], &["1", "2"], true, "2"),
            // A gap may pass over one.
            (&["1", "2"], &["2"], true, "2"),
            // Its user has changed it before it was told.
            (&["1"], &[""], false, "1"),
            (&["1"], &["", "1"], true, "1"),
            // Another writer.
            (&["1"], &["x"], false, "x"),
            (&["1"], &["1", "x"], false, "x"),
            (&["1"], &["1", ""], false, ""),
            (&["1"], &["x", "1"], false, "1"),
            (&["1", "2"], &["x", "1"], false, "1"),
        ] {
            let told = Told::default();
            for status in tells {
                told.tell(&claim(""), &claim(status).status.unwrap());
            }
            let (mut before, mut last) = ("", false);
            for now in shows {
                last = told.shown(Some(&claim(before)), &claim(now));
                before = now;
            }
            assert_eq!(last, is_told, "{tells:?} {shows:?}");
            assert_eq!(stands(&told, before), claim(stands_as).status, "{tells:?} {shows:?}");
        }
    }

    #[test]
    fn what_a_list_does_not_show_is_forgotten_and_looked_at() {
        let told = Told::default();
        let tell = || told.tell(&claim(""), &claim("1").status.unwrap());
        tell();
        assert_eq!(told.listed(Some("b")), []);
        assert_eq!(stands(&told, ""), claim("1").status);
        for place in [Some("a"), None] {
            tell();
            assert_eq!(told.listed(place), [ObjectKey::claim("a", "b")]);
            assert_eq!(stands(&told, ""), None);
        }
    }

    #[test]
    fn of_statuses_that_stay_away_the_newest_are_remembered() {
        let told = Told::default();
        for status in 0..=MOST {
            told.tell(&claim(""), &claim(&status.to_string()).status.unwrap());
        }
        assert_eq!(told.0.lock()["u"].statuses.len(), MOST);
        assert_eq!(stands(&told, ""), claim(&MOST.to_string()).status);
        told.forget("u");
        assert_eq!(stands(&told, ""), None);
    }
}
