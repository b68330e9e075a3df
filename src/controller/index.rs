//! Which claims ask for a number.

use std::collections::HashMap;

use crate::domain::E164;

/// Which claims wish for a number: almost always one.
#[derive(Default)]
pub struct Index {
    /// `None`: for numbers that this version cannot read.
    claims: HashMap<Option<E164>, Vec<(String, String)>>,
}

impl Index {
    pub fn insert(&mut self, e164: Option<E164>, namespace: &str, name: &str) {
        let claims = self.claims.entry(e164).or_default();
        if !claims.iter().any(|known| known.0 == namespace && known.1 == name) {
            claims.push((namespace.to_owned(), name.to_owned()));
        }
    }

    pub fn remove(&mut self, e164: Option<E164>, namespace: &str, name: &str) {
        if let Some(claims) = self.claims.get_mut(&e164) {
            claims.retain(|known| known.0 != namespace || known.1 != name);
            if claims.is_empty() {
                self.claims.remove(&e164);
            }
        }
    }

    /// Namespace and name of every claim.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.claims.values().flatten().map(|(namespace, name)| (namespace.as_str(), name.as_str()))
    }

    /// Namespace and name of each.
    pub fn get(&self, e164: E164) -> Vec<(String, String)> {
        self.claims.get(&Some(e164)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_kept_of_claims_that_are_gone() {
        let mut index = Index::default();
        let number = |id: u32| (!id.is_multiple_of(7)).then(|| format!("+9112345{id:05}").parse().unwrap());
        (0..1000).for_each(|id| index.insert(number(id), "a", &id.to_string()));
        assert_eq!(index.all().count(), 1000);
        (0..1000).for_each(|id| index.remove(number(id), "a", &id.to_string()));
        assert!(index.claims.is_empty());
    }
}
