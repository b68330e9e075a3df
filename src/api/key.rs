//! The key of a claim or record, under which it is reconciled and waits.

use kube::{Resource, ResourceExt};

/// The identity of an object of one of the two kinds, as long as it exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ObjectKey {
    Claim {
        namespace: String,
        name: String,
    },
    /// A record, by its name.
    Record(String),
}

impl ObjectKey {
    /// Claims have a namespace, records have none.
    pub fn of<K: Resource<DynamicType = ()>>(object: &K) -> Self {
        match object.namespace() {
            Some(namespace) => Self::Claim { namespace, name: object.name_any() },
            None => Self::Record(object.name_any()),
        }
    }
}
