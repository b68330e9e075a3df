//! The key of a claim or record, under which it is kept, is reconciled, and waits.

use std::{borrow::Borrow, sync::Arc};

use kube::Resource;

use crate::domain::E164;

/// The identity of an object of one of the two kinds, as long as it exists: `namespace/name` of a claim, the name of a
/// record. Shared text, because each stands in several places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<str>);

impl ObjectKey {
    pub fn claim(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}").into())
    }

    /// A record, by its name.
    pub fn record(name: &str) -> Self {
        Self(name.into())
    }

    /// The record of that number.
    pub fn number(e164: E164) -> Self {
        Self(e164.digits().into())
    }

    /// Claims have a namespace, records have none.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        let metadata = object.meta();
        let name = metadata.name.as_deref().unwrap_or_default();
        match &metadata.namespace {
            Some(namespace) => Self::claim(namespace, name),
            None => Self::record(name),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The namespace of a claim.
    pub fn namespace(&self) -> Option<&str> {
        self.0.split_once('/').map(|(namespace, _)| namespace)
    }
}

impl Borrow<str> for ObjectKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}
