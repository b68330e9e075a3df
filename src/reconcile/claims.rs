//! The claims that are watched, and how far they are known in each namespace.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use kube::ResourceExt;
use tokio::sync::watch;

use crate::{
    api::{
        ClaimRef, LOOK_NOW_ANNOTATIONS, ObjectKey, PAUSED_ANNOTATION, PhoneNumberClaim, RETRY_ANNOTATION,
        Seen,
    },
    cache::Cache,
    domain::Id,
    plan::{self, ClaimBrief},
};

/// The annotations of a claim that something depends on.
const READ_ANNOTATIONS: [&str; 4] =
    [RETRY_ANNOTATION, PAUSED_ANNOTATION, LOOK_NOW_ANNOTATIONS[0], LOOK_NOW_ANNOTATIONS[1]];

/// What the cache of claims does not need, it does not keep: claims are never written back whole.
pub fn trim_claim(claim: &mut Seen<PhoneNumberClaim>) {
    match claim {
        Seen::Newer(newer) => Arc::make_mut(newer).trim(),
        Seen::Read(claim) => {
            let claim = Arc::make_mut(claim);
            claim.metadata.managed_fields = None;
            claim.metadata.labels = None;
            claim.metadata.owner_references = None;
            claim.metadata.finalizers = None;
            claim.annotations_mut().retain(|name, _| READ_ANNOTATIONS.contains(&name.as_str()));
            // All reconciles share the cache: of a value that is ignored, it keeps only that it is too long.
            claim.annotations_mut().values_mut().for_each(plan::cut_token);
        }
    }
}

/// The claims that are watched, of the namespaces that were named, or of all.
#[derive(Clone)]
pub struct Claims {
    pub cache: Cache<PhoneNumberClaim, ClaimBrief>,
    pub listed: Arc<Listed>,
}

impl Claims {
    /// A claim of that namespace was read live, or may not be.
    pub fn read(&self, namespace: &str, refused: Option<String>) {
        self.listed.where_watched(namespace, |place| self.listed.read(place, refused, Instant::now()));
    }

    /// Whether the claims of that namespace could not be listed, watched or read lately.
    pub fn is_in_trouble(&self, namespace: &str) -> bool {
        let is_in_trouble = |place: Option<&str>| self.listed.is_in_trouble(place, Instant::now());
        self.listed.where_watched(namespace, is_in_trouble).unwrap_or_default()
    }

    pub fn knows(&self, namespace: &str) -> bool {
        self.listed.where_watched(namespace, |place| self.listed.is_known(place)).unwrap_or_default()
    }

    /// The claim of that name, if it was seen. That it was not says something only of a namespace that is known.
    pub fn seen(&self, namespace: &str, name: &str) -> Option<Arc<Seen<PhoneNumberClaim>>> {
        self.cache.get(&ObjectKey::claim(namespace, name))
    }

    /// Puts the claim right that was read live in the version that was seen, and has more to say: see [`Cache::correct`].
    /// One that says less was read from an API server that has not been given the definitions yet.
    pub fn correct(&self, live: &Seen<PhoneNumberClaim>) -> bool {
        let says_more = |seen: &Seen<PhoneNumberClaim>| match (seen, live) {
            (Seen::Read(seen), Seen::Read(live)) => live.says_more_than(seen),
            (seen, live) => live.is_newer() && !seen.is_newer(),
        };
        let trimmed = || {
            let mut kept = live.clone();
            trim_claim(&mut kept);
            kept
        };
        self.cache.correct(live, |seen| says_more(seen).then(trimmed))
    }

    /// Whether that very claim was seen.
    pub fn has_seen(&self, claim: &ClaimRef) -> bool {
        let (key, uid) = (ObjectKey::claim(&claim.namespace, &claim.name), Id::from(&*claim.uid));
        self.cache.brief(&key, |brief| brief.uid == uid).unwrap_or_default()
    }
}

/// How far the claims of each watched namespace are known. Each is served on its own: one that was deleted, or whose
/// role is gone, does not hold the others up.
pub struct Listed {
    /// By namespace; `None` stands for all.
    places: watch::Sender<BTreeMap<Option<String>, Place>>,
}

/// The claims of one namespace, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    /// They were listed to the end, once.
    known: bool,
    /// Why they cannot be listed or watched.
    watch: Option<Trouble>,
    /// Why one of them could not be read. A watch goes on for minutes after its role has gone, so its events do not prove
    /// the contrary.
    read: Option<Trouble>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Trouble {
    why: String,
    /// When it was last met.
    met: Instant,
}

/// A trouble that has not been met again for so long is over: a watch is tried at least once in half that time, and one
/// that begins again in a quiet namespace says nothing.
const TROUBLE_LASTS: Duration = Duration::from_mins(2);

impl Place {
    fn trouble(&self, now: Instant) -> Option<&str> {
        let troubles = self.watch.iter().chain(&self.read);
        let mut lasting = troubles.filter(|trouble| now.duration_since(trouble.met) < TROUBLE_LASTS);
        lasting.next().map(|trouble| trouble.why.as_str())
    }
}

impl Listed {
    pub fn new(namespaces: impl IntoIterator<Item = Option<String>>) -> Self {
        let places = namespaces.into_iter().map(|namespace| (namespace, Place::default()));
        Self { places: watch::Sender::new(places.collect()) }
    }

    /// By namespace; `None` stands for all.
    pub fn places(&self) -> Vec<Option<String>> {
        self.places.borrow().keys().cloned().collect()
    }

    /// Looks at where the claims of that namespace are watched: on their own, or with all.
    fn where_watched<T>(&self, namespace: &str, look: impl FnOnce(Option<&str>) -> T) -> Option<T> {
        let is_place = |place: Option<&str>| self.places.borrow().contains_key(&place.map(str::to_owned));
        let place = [Some(namespace), None].into_iter().find(|place| is_place(*place));
        place.map(look)
    }

    fn change(&self, namespace: Option<&str>, change: impl FnOnce(&mut Place) -> bool) {
        let namespace = namespace.map(str::to_owned);
        self.places.send_if_modified(|places| change(places.entry(namespace).or_default()));
    }

    /// Its claims were listed to the end; returns whether that was the first time.
    pub fn filled(&self, namespace: Option<&str>) -> bool {
        let mut is_first = false;
        self.change(namespace, |place| {
            let was = std::mem::replace(place, Place { known: true, ..Place::default() });
            is_first = !was.known;
            was != *place
        });
        is_first
    }

    pub fn refused(&self, namespace: Option<&str>, why: String, met: Instant) {
        // Waiters wait for the namespace to be known: this wakes none of them.
        self.change(namespace, |place| {
            place.watch = Some(Trouble { why, met });
            false
        });
    }

    fn read(&self, namespace: Option<&str>, refused: Option<String>, met: Instant) {
        self.change(namespace, |place| {
            place.read = refused.map(|why| Trouble { why, met });
            false
        });
    }

    fn is_in_trouble(&self, namespace: Option<&str>, now: Instant) -> bool {
        self.is(namespace, |place| place.trouble(now).is_some())
    }

    pub fn goes_on(&self, namespace: Option<&str>) {
        self.change(namespace, |place| place.known && place.watch.take().is_some());
    }

    fn is_known(&self, namespace: Option<&str>) -> bool {
        self.is(namespace, |place| place.known)
    }

    fn is(&self, namespace: Option<&str>, it: impl FnOnce(&Place) -> bool) -> bool {
        self.places.borrow().get(&namespace.map(str::to_owned)).is_some_and(it)
    }

    /// Waits until there is a namespace whose claims are known.
    pub async fn any(&self) {
        // The sender lives as long as `self`.
        let _ = self.places.subscribe().wait_for(|places| places.values().any(|place| place.known)).await;
    }

    /// The namespaces that are not served, or not as they should be, and why.
    pub fn missing(&self, now: Instant) -> Vec<(Option<String>, String)> {
        let places = self.places.borrow();
        let missing = places.iter().filter_map(|(name, place)| match (place.trouble(now), place.known) {
            (Some(why), _) => Some((name.clone(), why.to_owned())),
            (None, false) => Some((name.clone(), "not listed yet".to_owned())),
            (None, true) => None,
        });
        missing.collect()
    }
}

#[cfg(test)]
mod tests {
    use kube::Resource;

    use super::*;
    use crate::cache::Shown;

    fn listed() -> Listed {
        Listed::new(["c", "d"].map(|name| Some(name.to_owned())))
    }

    #[test]
    fn a_claim_that_was_shown_without_a_field_is_put_right_by_a_live_read() {
        let claim = |version: &str, spec: serde_json::Value| -> Seen<PhoneNumberClaim> {
            let metadata = serde_json::json!({
                "namespace": "a", "name": "b", "uid": "c", "resourceVersion": version, "labels": { "x": "y" },
            });
            serde_json::from_value(serde_json::json!({ "metadata": metadata, "spec": spec })).unwrap()
        };
        let plain = serde_json::json!({ "e164": "+911234500000" });
        let with = |field: &str, value: &str| {
            let mut spec = plain.clone();
            spec[field] = value.into();
            spec
        };
        let (adopts, hibernates) = (with("acquire", "AdoptOnly"), with("deletionPolicy", "Hibernate"));
        let ceiling = |fees: &[&str]| {
            let mut spec = plain.clone();
            spec["maxPrice"] = serde_json::json!({ "currency": "INR" });
            for fee in fees {
                spec["maxPrice"][fee] = "52".into();
            }
            spec
        };
        let (monthly, both) = (ceiling(&["monthlyFee"]), ceiling(&["monthlyFee", "setupFee"]));
        let other = serde_json::json!({ "e164": "+911234500001", "acquire": "AdoptOnly" });
        for (shown, version, live, corrected) in [
            (&plain, "7", &plain, false),
            (&plain, "7", &adopts, true),
            (&plain, "7", &with("currency", "INR"), true),
            (&plain, "7", &hibernates, true),
            (&plain, "7", &both, true),
            (&monthly, "7", &both, true),
            (&plain, "8", &adopts, false),
            (&plain, "7", &other, false),
            (&both, "7", &monthly, false),
            // Another API server, which has not been given the definitions yet.
            (&adopts, "7", &plain, false),
            (&adopts, "7", &with("currency", "INR"), false),
            (&hibernates, "7", &plain, false),
        ] {
            let claims = Claims { cache: Cache::new(ClaimBrief::of), listed: Arc::new(listed()) };
            let mut shown = claim("7", shown.clone());
            trim_claim(&mut shown);
            claims.cache.put(ObjectKey::of(&shown), shown.clone(), Shown::default());
            let live = claim(version, live.clone());
            assert_eq!(claims.correct(&live), corrected, "{shown:?} {live:?}");
            let spec = |seen: &Seen<PhoneNumberClaim>| seen.read().map(|claim| claim.spec.clone());
            let stands = claims.seen("a", "b").unwrap();
            assert_eq!(spec(&stands), spec(if corrected { &live } else { &shown }));
            assert_eq!(stands.meta().labels, None, "what the cache does not need");
            assert!(!claims.correct(&live), "once");
        }
    }

    #[test]
    fn a_namespace_is_known_when_it_was_listed_itself() {
        let listed = listed();
        listed.filled(Some("d"));
        assert!(listed.is_known(Some("d")) && !listed.is_known(Some("c")) && !listed.is_known(None));
    }

    #[test]
    fn one_that_cannot_be_listed_is_named_until_it_can() {
        let listed = listed();
        let missing = |why: &str| vec![(Some("c".to_owned()), why.to_owned())];
        listed.filled(Some("d"));
        assert_eq!(listed.missing(Instant::now()), missing("not listed yet"));
        listed.refused(Some("c"), "forbidden".into(), Instant::now());
        // An event before the end of its list proves nothing.
        listed.goes_on(Some("c"));
        assert_eq!(listed.missing(Instant::now()), missing("forbidden"));
        listed.filled(Some("c"));
        assert_eq!(listed.missing(Instant::now()), []);
        listed.refused(Some("c"), "forbidden".into(), Instant::now());
        assert!(listed.is_known(Some("c")) && listed.missing(Instant::now()) == missing("forbidden"));
        listed.goes_on(Some("c"));
        assert_eq!(listed.missing(Instant::now()), []);
    }

    #[test]
    fn a_trouble_that_is_not_met_again_is_over_without_a_word_of_the_watch() {
        let (listed, now) = (listed(), Instant::now());
        listed.filled(Some("c"));
        listed.filled(Some("d"));
        listed.refused(Some("c"), "forbidden".into(), now);
        for (seconds, troubled) in [(0, true), (119, true), (120, false)] {
            let then = now + Duration::from_secs(seconds);
            assert_eq!(listed.is_in_trouble(Some("c"), then), troubled, "{seconds}");
            assert_eq!(listed.missing(then).len(), usize::from(troubled), "{seconds}");
            assert!(!listed.is_in_trouble(Some("d"), then));
        }
        assert!(listed.is_known(Some("c")));
    }

    #[test]
    fn what_may_not_be_read_is_so_until_it_is_read_whatever_a_watch_brings() {
        let (listed, now) = (listed(), Instant::now());
        let troubled = |listed: &Listed| listed.is_in_trouble(Some("c"), now);
        listed.filled(Some("c"));
        listed.read(Some("c"), Some("forbidden".into()), now);
        listed.goes_on(Some("c"));
        assert!(troubled(&listed));
        listed.read(Some("c"), None, now);
        assert!(!troubled(&listed));
        listed.read(Some("c"), Some("forbidden".into()), now);
        listed.filled(Some("c"));
        assert!(!troubled(&listed));
    }

    #[tokio::test]
    async fn one_namespace_is_enough_to_begin_with() {
        let listed = listed();
        assert!(futures::FutureExt::now_or_never(listed.any()).is_none());
        listed.refused(Some("c"), "forbidden".into(), Instant::now());
        assert!(futures::FutureExt::now_or_never(listed.any()).is_none());
        listed.filled(Some("d"));
        listed.any().await;
    }
}
