//! What a user asks with to have the account looked at now for a claim: the values of two annotations, of which the one
//! that changed last counts.

use super::{Moment, bounds::LONGEST_TOKEN};
use crate::api::{LOOK_NOW_ANNOTATIONS, PhoneNumberClaim};

/// A claim's annotations that ask for a look, as this process has seen them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookAsked {
    values: [Option<String>; 2],
    /// The value that changed last.
    pub latest: String,
    /// Since when this process knows it.
    pub since: Moment,
}

impl LookAsked {
    /// What is remembered once the claim has been seen; nothing of one that does not ask.
    pub fn see(known: Option<Self>, claim: &PhoneNumberClaim, now: Moment) -> Option<Self> {
        let values = LOOK_NOW_ANNOTATIONS.map(|name| value(claim, name));
        if values.iter().all(Option::is_none) {
            return None;
        }
        let Some(known) = known else {
            // A value that is stored as handled was so before this process began, and it cannot tell whether the other one
            // came later. Nor can it of two that are new to it: they are times, as a rule.
            let status = claim.status.as_ref();
            let handled = status.and_then(|status| status.last_handled_reconcile_at.clone());
            let handled = handled.filter(|handled| values.iter().flatten().any(|value| value == handled));
            let latest = handled.or_else(|| values.iter().flatten().max().cloned())?;
            return Some(Self { values, latest, since: now });
        };
        let new = values.iter().zip(&known.values).filter(|(value, before)| value != before);
        match new.filter_map(|(value, _)| value.clone()).max() {
            Some(latest) => Some(Self { values, latest, since: now }),
            None => Some(Self { values, ..known }),
        }
    }
}

/// As much of it as is kept: users may write what they like.
fn value(claim: &PhoneNumberClaim, name: &str) -> Option<String> {
    let value = claim.metadata.annotations.as_ref()?.get(name).filter(|value| !value.is_empty())?;
    Some(value[..value.floor_char_boundary(LONGEST_TOKEN)].to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::from_secs(seconds) }
    }

    fn with(values: [Option<&str>; 2]) -> PhoneNumberClaim {
        let spec = serde_json::from_str(r#"{"e164":"+911234500000"}"#).unwrap();
        let mut claim = PhoneNumberClaim { metadata: kube::core::ObjectMeta::default(), spec, status: None };
        let set = LOOK_NOW_ANNOTATIONS.iter().zip(values);
        let set = set.filter_map(|(name, value)| Some(((*name).to_owned(), value?.to_owned())));
        claim.metadata.annotations = Some(set.collect());
        claim
    }

    #[test]
    fn the_value_that_changed_last_is_the_one_that_counts() {
        let mut known = None;
        for (now, flux, ours, expected) in [
            (1, None, None, None),
            (2, Some("1"), None, Some(("1", 2))),
            (3, Some("1"), None, Some(("1", 2))),
            (4, Some("1"), Some("0"), Some(("0", 4))),
            (5, Some("2"), Some("0"), Some(("2", 5))),
            // One that is taken away asks for nothing.
            (6, None, Some("0"), Some(("2", 5))),
            (7, None, Some(""), None),
            (8, Some("3"), Some("4"), Some(("4", 8))),
            (9, None, None, None),
            (10, Some("3"), None, Some(("3", 10))),
        ] {
            known = LookAsked::see(known, &with([flux, ours]), at(now));
            let told = known.as_ref().map(|asked| (asked.latest.as_str(), asked.since.mono.as_secs()));
            assert_eq!(told, expected, "{now}");
        }
    }

    #[test]
    fn a_restart_goes_back_to_no_look_that_was_asked_for_before() {
        for (handled, flux, ours, expected) in [
            (Some("1"), Some("1"), Some("2"), "1"),
            (Some("1"), Some("2"), Some("1"), "1"),
            (Some("2"), Some("1"), Some("2"), "2"),
            (Some("1"), Some("1"), None, "1"),
            // Neither was handled last.
            (Some("0"), Some("1"), Some("2"), "2"),
            (None, Some("1"), Some("2"), "2"),
        ] {
            let mut claim = with([flux, ours]);
            let status = serde_json::json!({ "lastHandledReconcileAt": handled });
            claim.status = serde_json::from_value(status).unwrap();
            let known = LookAsked::see(None, &claim, at(1)).unwrap();
            assert_eq!(known.latest, expected, "{handled:?} {flux:?} {ours:?}");
            // Until the other one changes.
            claim.metadata.annotations.as_mut().unwrap().insert(LOOK_NOW_ANNOTATIONS[1].into(), "0".into());
            let known = LookAsked::see(Some(known), &claim, at(2)).unwrap();
            assert_eq!((known.latest.as_str(), known.since), ("0", at(2)));
        }
    }

    #[test]
    fn of_a_long_value_no_more_is_kept_than_of_a_token() {
        for long in ["x".repeat(250_000), "é".repeat(200), "📞".repeat(60_000)] {
            let kept = LookAsked::see(None, &with([Some(&long), None]), at(1)).unwrap().latest;
            assert!(kept.len() > 249 && kept.len() <= LONGEST_TOKEN && long.starts_with(&kept));
        }
    }
}
