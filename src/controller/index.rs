//! Which claims ask for a number, and which records name a claim of a namespace.

use std::collections::{BTreeMap, BTreeSet};

use crate::{api::ObjectKey, domain::E164};

/// Sorted, so that each look takes as long as what it finds.
#[derive(Default)]
pub struct Index {
    /// The number of each claim, and its key; no number where this version cannot read it.
    claims: BTreeSet<(Option<E164>, ObjectKey)>,
    /// By namespace, the numbers whose records name a claim of it.
    named: BTreeMap<String, BTreeSet<E164>>,
}

impl Index {
    pub fn insert(&mut self, e164: Option<E164>, claim: ObjectKey) {
        self.claims.insert((e164, claim));
    }

    pub fn remove(&mut self, e164: Option<E164>, claim: ObjectKey) {
        self.claims.remove(&(e164, claim));
    }

    /// The record of that number names a claim of that namespace.
    pub fn names(&mut self, e164: E164, namespace: &str) {
        self.named.entry(namespace.to_owned()).or_default().insert(e164);
    }

    /// It does no longer.
    pub fn names_no_more(&mut self, e164: E164, namespace: &str) {
        if let Some(numbers) = self.named.get_mut(namespace) {
            numbers.remove(&e164);
            if numbers.is_empty() {
                self.named.remove(namespace);
            }
        }
    }

    /// Every claim.
    pub fn all(&self) -> impl Iterator<Item = &ObjectKey> {
        self.claims.iter().map(|(_, claim)| claim)
    }

    /// Each claim for that number.
    pub fn of(&self, e164: E164) -> impl Iterator<Item = &ObjectKey> {
        let first = (Some(e164), ObjectKey::record(""));
        let claims = self.claims.range(first..).take_while(move |(number, _)| *number == Some(e164));
        claims.map(|(_, claim)| claim)
    }

    /// The numbers whose records name a claim of that namespace, or of any.
    pub fn named_in(&self, namespace: Option<&str>) -> impl Iterator<Item = E164> {
        let one = namespace.and_then(|namespace| self.named.get(namespace));
        let all = self.named.values().filter(move |_| namespace.is_none());
        one.into_iter().chain(all).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(id: u32) -> E164 {
        format!("+9112345{id:05}").parse().unwrap()
    }

    fn claim(id: u32) -> ObjectKey {
        ObjectKey::claim("a", &id.to_string())
    }

    #[test]
    fn nothing_is_kept_of_claims_and_records_that_are_gone() {
        let mut index = Index::default();
        let readable = |id: u32| (!id.is_multiple_of(7)).then(|| number(id));
        (0..1000).for_each(|id| index.insert(readable(id), claim(id)));
        (0..1000).for_each(|id| index.names(number(id), "a"));
        assert_eq!((index.all().count(), index.named_in(None).count()), (1000, 1000));
        (0..1000).for_each(|id| index.remove(readable(id), claim(id)));
        (0..1000).for_each(|id| index.names_no_more(number(id), "a"));
        assert!(index.claims.is_empty() && index.named.is_empty());
    }

    #[test]
    fn only_what_concerns_a_number_or_a_namespace_is_found() {
        let mut index = Index::default();
        for (namespace, name, id) in [("a", "x", 1), ("b", "y", 1), ("a", "z", 2)] {
            index.insert(Some(number(id)), ObjectKey::claim(namespace, name));
        }
        index.insert(None, ObjectKey::claim("a", "unreadable"));
        assert_eq!(
            index.of(number(1)).collect::<Vec<_>>(),
            [&ObjectKey::claim("a", "x"), &ObjectKey::claim("b", "y")]
        );
        assert_eq!(index.of(number(3)).count(), 0);
        for (namespace, id) in [("a", 1), ("ab", 2), ("b", 3)] {
            index.names(number(id), namespace);
        }
        for (namespace, found) in
            [(Some("a"), vec![1]), (Some("b"), vec![3]), (Some("c"), vec![]), (None, vec![1, 2, 3])]
        {
            let found: Vec<_> = found.into_iter().map(number).collect();
            assert_eq!(index.named_in(namespace).collect::<Vec<_>>(), found, "{namespace:?}");
        }
    }
}
