//! What a watch brings, of which the metadata are read: the rest only if it is news.

use std::{collections::BTreeMap, fmt, marker::PhantomData, sync::Arc};

use kube::{Resource, core::ObjectMeta};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Kept, Newer, Seen, kept::of_its_kind, raw};

const METADATA: &str = "metadata";

/// An object as the API server wrote it. Every list after a gap brings all of them, and most are known in that version.
#[derive(Clone, Debug)]
pub struct Unread<K> {
    metadata: ObjectMeta,
    /// The other fields, as they stand there; and the metadata, where not all of them can be read.
    fields: BTreeMap<String, Box<RawValue>>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kept> Unread<K> {
    /// How long its text is, bytes, without its metadata.
    pub fn length(&self) -> u32 {
        let length: usize = self.fields.values().map(|text| text.get().len()).sum();
        u32::try_from(length).unwrap_or(u32::MAX)
    }

    pub fn read(self) -> Seen<K> {
        let fields = || self.fields.iter().map(|(name, text)| (name, &**text));
        let all = || fields().map(|(name, text)| (name.clone(), text)).collect();
        let newer = |metadata, why| Seen::Newer(Arc::new(Newer::of(metadata, all(), &why)));
        let parts = raw::parts_of(fields().map(|(name, text)| (name.as_str(), text)), K::IS_WRITTEN_WHOLE);
        let raw::Parts { spec, status, is_all, .. } = match parts {
            Ok(parts) => parts,
            Err(why) => return newer(self.metadata, why),
        };
        let mut object = K::of(self.metadata, spec, status);
        let noted = if is_all { Ok(()) } else { object.note_later(all()) };
        match noted {
            Ok(()) => object.into(),
            Err(why) => newer(object.meta().clone(), why),
        }
    }
}

impl<'de, K: Kept> Deserialize<'de> for Unread<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfText(PhantomData))
    }
}

struct OfText<K>(PhantomData<fn() -> K>);

impl<'de, K: Kept> Visitor<'de> for OfText<K> {
    type Value = Unread<K>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    /// In one pass. The fields are only passed over, however deeply they are nested: no item ends the reading of a list.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unread<K>, A::Error> {
        let (mut metadata, mut fields) = (None, BTreeMap::new());
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA {
                metadata = Some(map.next_value::<raw::OwnFields>()?);
            } else {
                fields.insert(name, map.next_value()?);
            }
        }
        let metadata = metadata.ok_or_else(|| de::Error::missing_field(METADATA))?;
        let (metadata, unreadable) = metadata.read().map_err(de::Error::custom)?;
        fields.extend(unreadable.map(|text| (METADATA.to_owned(), text)));
        // It is no object of the API server's, regardless of which server has answered.
        if metadata.name.is_none() {
            return Err(de::Error::custom("an object without a name"));
        }
        Ok(Unread { metadata, fields, kind: PhantomData })
    }
}

impl<K: Kept> Resource for Unread<K> {
    of_its_kind!();

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
    fn its_metadata_are_known_before_it_is_read() {
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
    fn what_it_is_does_not_depend_on_when_it_is_read() {
        let attempt = json!({
            "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05Z", "state": "Open",
            "origin": "Purchase",
        });
        let spec = json!({ "e164": "+911234500000", "account": "MA_1", "attempt": attempt });
        let deep = "[".repeat(500) + &"]".repeat(500);
        for (metadata, spec, more) in [
            (r#""name":"911234500000""#, spec.to_string(), ""),
            (r#""name":"911234500000""#, spec.to_string(), r#","later":{"a":[1]}"#),
            (r#""name":"911234500000""#, spec.to_string(), &format!(r#","later":{deep}"#)),
            (r#""name":"911234500000","generation":"one","uid":"u""#, spec.to_string(), ""),
            (r#""name":"911234500000""#, format!(r#"{{"e164":{deep}}}"#), ""),
            (r#""name":"911234500000""#, "5".to_owned(), r#","status":{"conditions":[{"type":"Ready"}]}"#),
        ] {
            let text = format!(r#"{{"kind":"PhoneNumber","metadata":{{{metadata}}},"spec":{spec}{more}}}"#);
            let object: Unread<PhoneNumber> = serde_json::from_str(&text).unwrap();
            let (then, now) = (object.read(), Seen::<PhoneNumber>::of_text(&text).unwrap());
            assert_eq!(format!("{then:?}"), format!("{now:?}"), "{text}");
        }
    }

    #[test]
    fn what_has_no_name_is_no_object() {
        for raw in [
            json!({}),
            json!({ "metadata": {} }),
            json!({ "metadata": { "name": 1 } }),
            json!({ "metadata": [] }),
            json!([]),
        ] {
            assert!(unread(raw.clone()).is_err(), "{raw}");
        }
    }
}
