//! The claims that are watched, and how far they are known in each namespace.

use std::{collections::BTreeMap, sync::Arc};

use kube::runtime::reflector::{ObjectRef, Store as Cache};
use tokio::sync::watch;

use crate::api::{PhoneNumberClaim, Seen};

/// The claims that are watched: one cache for all namespaces, or one for each that was named.
#[derive(Clone)]
pub struct Claims {
    /// By namespace; `None` stands for all.
    pub caches: Vec<(Option<String>, Cache<Seen<PhoneNumberClaim>>)>,
    pub listed: Arc<Listed>,
}

impl Claims {
    fn cache(&self, namespace: &str) -> Option<&Cache<Seen<PhoneNumberClaim>>> {
        let watched = |name: &Option<String>| name.as_deref().is_none_or(|name| name == namespace);
        let (name, cache) = self.caches.iter().find(|(name, _)| watched(name))?;
        self.listed.is_known(name.as_deref()).then_some(cache)
    }

    /// Whether the claims of that namespace are watched, and known as they stand.
    #[must_use]
    pub fn knows(&self, namespace: &str) -> bool {
        self.cache(namespace).is_some()
    }

    /// The claim, as far as it has been seen.
    #[must_use]
    pub fn seen(&self, namespace: &str, name: &str) -> Option<Arc<Seen<PhoneNumberClaim>>> {
        self.cache(namespace)?.get(&ObjectRef::new(name).within(namespace))
    }

    /// The claim, as far as it has been seen, and this version can read it.
    #[must_use]
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<PhoneNumberClaim>> {
        self.seen(namespace, name)?.read().cloned()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Arc<Seen<PhoneNumberClaim>>> {
        self.caches.iter().flat_map(|(_, cache)| cache.state())
    }
}

/// How far the claims of each watched namespace are known. Each is served on its own: one that was deleted, or whose
/// role is gone, holds nobody else up.
pub struct Listed {
    /// By namespace; `None` stands for all.
    places: watch::Sender<BTreeMap<Option<String>, Place>>,
}

/// The claims of one namespace, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    /// They were listed to the end, once.
    known: bool,
    /// Why they cannot be listed or watched now.
    trouble: Option<String>,
}

impl Listed {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(namespaces: impl IntoIterator<Item = Option<String>>) -> Self {
        let places = namespaces.into_iter().map(|namespace| (namespace, Place::default()));
        Self { places: watch::Sender::new(places.collect()) }
    }

    fn change(&self, namespace: Option<&str>, change: impl FnOnce(&mut Place) -> bool) {
        let namespace = namespace.map(str::to_owned);
        self.places.send_if_modified(|places| change(places.entry(namespace).or_default()));
    }

    /// The namespace was listed to the end.
    pub fn filled(&self, namespace: Option<&str>) {
        self.change(namespace, |place| {
            let was = std::mem::replace(place, Place { known: true, trouble: None });
            was != *place
        });
    }

    /// It cannot be listed or watched.
    pub fn refused(&self, namespace: Option<&str>, why: String) {
        self.change(namespace, |place| place.trouble.replace(why) != place.trouble);
    }

    /// The watch goes on.
    pub fn goes_on(&self, namespace: Option<&str>) {
        self.change(namespace, |place| place.known && place.trouble.take().is_some());
    }

    fn is_known(&self, namespace: Option<&str>) -> bool {
        let places = self.places.borrow();
        places.iter().any(|(name, place)| name.as_deref() == namespace && place.known)
    }

    /// Waits until there is a namespace whose claims are known.
    pub async fn any(&self) {
        // The sender lives as long as `self`.
        let _ = self.places.subscribe().wait_for(|places| places.values().any(|place| place.known)).await;
    }

    /// The namespaces that are not served, or not as they should be, and why.
    #[must_use]
    pub fn missing(&self) -> Vec<(Option<String>, String)> {
        let places = self.places.borrow();
        let missing = places.iter().filter(|(_, place)| !place.known || place.trouble.is_some());
        let why = |place: &Place| place.trouble.clone().unwrap_or_else(|| "not listed yet".to_owned());
        missing.map(|(name, place)| (name.clone(), why(place))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Listed {
        Listed::new(["c", "d"].map(|name| Some(name.to_owned())))
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
        assert_eq!(listed.missing(), missing("not listed yet"));
        listed.refused(Some("c"), "forbidden".into());
        // An event before the end of its list proves nothing.
        listed.goes_on(Some("c"));
        assert_eq!(listed.missing(), missing("forbidden"));
        listed.filled(Some("c"));
        assert_eq!(listed.missing(), []);
        listed.refused(Some("c"), "forbidden".into());
        assert!(listed.is_known(Some("c")) && listed.missing() == missing("forbidden"));
        listed.goes_on(Some("c"));
        assert_eq!(listed.missing(), []);
    }

    #[tokio::test]
    async fn one_namespace_is_enough_to_begin_with() {
        let listed = listed();
        assert!(futures::FutureExt::now_or_never(listed.any()).is_none());
        listed.refused(Some("c"), "forbidden".into());
        assert!(futures::FutureExt::now_or_never(listed.any()).is_none());
        listed.filled(Some("d"));
        listed.any().await;
    }
}
