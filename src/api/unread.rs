//! What a watch brings, of which the place and the version are read: the rest only if it is news.

use std::{borrow::Cow, marker::PhantomData, sync::Arc};

use kube::{Resource, core::ObjectMeta};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use super::{Kept, Newer, Seen, raw};

/// An object as the API server wrote it. Every list after a gap brings all of them, and most are known in that version.
#[derive(Clone, Debug)]
pub struct Unread<K> {
    /// Its namespace, name, uid and version, and nothing else.
    metadata: ObjectMeta,
    text: Box<RawValue>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kept> Unread<K> {
    pub fn read(self) -> Seen<K> {
        let newer = |why| Seen::Newer(Arc::new(Newer::without_parts(self.metadata, &why)));
        Seen::of_text(self.text.get()).unwrap_or_else(newer)
    }
}

impl<'de, K: Kept> Deserialize<'de> for Unread<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text is only passed over, however deeply it is nested: no item ends the reading of a list.
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let metadata = raw::place_and_version(text.get()).map_err(de::Error::custom)?;
        Ok(Self { metadata, text, kind: PhantomData })
    }
}

impl<K: Kept> Resource for Unread<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::PhoneNumber;

    fn unread(raw: Value) -> Result<Unread<PhoneNumber>, serde_json::Error> {
        serde_json::from_value(raw)
    }

    #[test]
    fn its_place_and_version_are_known_before_it_is_read() {
        let raw = json!({
            "metadata": {
                "namespace": "a", "name": "b", "uid": "c", "resourceVersion": "7", "labels": { "x": "y" },
                "managedFields": [{ "time": "never" }],
            },
            "spec": { "e164": 5 },
        });
        let object = unread(raw).unwrap();
        let place = (object.namespace(), object.name_any(), object.uid(), object.resource_version());
        assert_eq!(place, (Some("a".into()), "b".into(), Some("c".into()), Some("7".into())));
        let Seen::Newer(newer) = object.read() else { panic!("a number was read as a text") };
        assert_eq!(newer.metadata.labels.as_ref().map(|labels| labels["x"].as_str()), Some("y"));
    }

    #[test]
    fn what_has_no_name_is_no_object() {
        for raw in [json!({}), json!({ "metadata": {} }), json!({ "metadata": { "name": 1 } }), json!([])] {
            assert!(unread(raw.clone()).is_err(), "{raw}");
        }
    }
}
