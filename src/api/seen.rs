//! What the API server holds, read in such a way that no object of a later version stands in the way of the others.

use std::{fmt::Debug, sync::Arc};

use kube::{Resource, core::ObjectMeta};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Value, value::RawValue};

use super::{
    Attempt, Kept, Later, PhoneNumber, PhoneNumberSpec,
    kept::of_its_kind,
    later::attempt,
    raw::{self, Parts},
};
use crate::domain::{AccountId, E164};

/// The longest reason that is kept of why an object cannot be read, bytes.
const LONGEST_WHY: usize = 200;

/// An object as the API server holds it. Reading one never fails: kube gives up a whole list for one item that does not
/// decode, and with it the claims of all users.
#[derive(Clone, Debug)]
pub enum Seen<K> {
    Read(Arc<K>),
    /// This version cannot read it, so another one has written it: it is left alone.
    Newer(Arc<Newer>),
}

/// An object that this version cannot read.
#[derive(Clone, Debug)]
pub struct Newer {
    pub metadata: ObjectMeta,
    /// The number that it is about, if that can be read.
    pub e164: Option<E164>,
    /// What cannot be read, for people.
    pub why: String,
    /// As far as it is kept, and without its metadata.
    raw: Value,
    /// Whether that is all of it.
    whole: bool,
}

impl Newer {
    /// The account that it declares, if that can be read.
    pub fn account(&self) -> Option<AccountId> {
        self.raw["spec"]["authId"].as_str()?.parse().ok()
    }

    fn of_text(text: &str, why: serde_json::Error) -> Result<Self, serde_json::Error> {
        let fields: raw::Fields<'_> = serde_json::from_str(text)?;
        let metadata = fields.get("metadata").and_then(|raw| serde_json::from_str(raw.get()).ok());
        let metadata = metadata.and_then(|fields| raw::metadata_in_part(fields).ok());
        // Without a name it is no object of the API server's, regardless of which server has answered.
        let Some(metadata) = metadata.filter(|metadata| metadata.name.is_some()) else { return Err(why) };
        Ok(Self::of(metadata, fields, &why))
    }

    /// One that has a name.
    pub fn of(metadata: ObjectMeta, fields: raw::Fields<'_>, why: &serde_json::Error) -> Self {
        let (raw, whole) = raw::body_in_part(fields);
        let wished = raw["spec"]["e164"].as_str().and_then(|text| text.parse().ok());
        // A record is named by its number, regardless of what its spec has become.
        let named = || format!("+{}", metadata.name.as_deref()?).parse().ok();
        let e164 = if metadata.namespace.is_none() { named() } else { wished };
        let mut why = why.to_string();
        // Where in the text: nobody has that text at hand.
        why.truncate(why.rfind(" at line ").unwrap_or(why.len()));
        why.truncate(why.floor_char_boundary(LONGEST_WHY));
        Self { metadata, e164, why, raw, whole }
    }

    /// Its conditions, as they stand there.
    pub fn conditions(&self) -> &[Value] {
        self.raw["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// A record that this version cannot read, as far as it needs to be known for storing an outcome in it: the record
    /// that this process wrote, with the attempt that stands there now. `None` if not even that can be read: then it is
    /// for the newer version to find out.
    pub fn stand_in(&self, wrote: &PhoneNumber) -> Option<PhoneNumber> {
        // What is left out of it would be lost.
        if !self.whole {
            return None;
        }
        let found = attempt(&self.raw)?;
        let of = |name: &str| found.get(name).cloned().unwrap_or_default();
        let (id, state) = (serde_json::from_value(of("id")).ok()?, serde_json::from_value(of("state")).ok()?);
        let attempt = Attempt { id, state, ..wrote.spec.attempt.clone() };
        let spec = PhoneNumberSpec { attempt, ..wrote.spec.clone() };
        let mut record = PhoneNumber { metadata: self.metadata.clone(), spec, status: wrote.status.clone() };
        // Whole: what differs is what this version could not read.
        record.spec.later = Later::all(&record, self.raw.clone());
        Some(record)
    }

    /// Forgets what a cache does not need.
    pub fn trim(&mut self) {
        let conditions = self.raw["status"]["conditions"].take();
        self.raw = serde_json::json!({ "status": { "conditions": conditions } });
        self.whole = false;
        let metadata = &mut self.metadata;
        (metadata.managed_fields, metadata.annotations, metadata.labels) = (None, None, None);
    }
}

impl<K: Kept> Seen<K> {
    /// # Errors
    /// If it is no object of an API server's.
    pub fn of_text(text: &str) -> Result<Self, serde_json::Error> {
        Self::noting(text, K::IS_WRITTEN_WHOLE)
    }

    /// One that this process has written down, and knows to have nothing of a later version: it is not looked for.
    ///
    /// # Errors
    /// If it is no object of an API server's.
    pub fn of_known_text(text: &str) -> Result<Self, serde_json::Error> {
        Self::noting(text, false)
    }

    fn noting(text: &str, notes: bool) -> Result<Self, serde_json::Error> {
        match read::<K>(text, notes) {
            Ok(object) => Ok(object.into()),
            Err(why) => Ok(Self::Newer(Arc::new(Newer::of_text(text, why)?))),
        }
    }

    /// The object, if this version can read it.
    pub fn read(&self) -> Option<&Arc<K>> {
        match self {
            Self::Read(object) => Some(object),
            Self::Newer(_) => None,
        }
    }

    pub fn is_newer(&self) -> bool {
        matches!(self, Self::Newer(_))
    }

    /// The number that it is about, as far as it can be read.
    pub fn e164(&self) -> Option<E164> {
        match self {
            Self::Read(object) => object.e164(),
            Self::Newer(newer) => newer.e164,
        }
    }
}

impl<K> From<K> for Seen<K> {
    fn from(object: K) -> Self {
        Self::Read(Arc::new(object))
    }
}

impl<'de, K: Kept> Deserialize<'de> for Seen<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text is only passed over, however deeply it is nested: no item ends the reading of a list.
        let text = Box::<RawValue>::deserialize(deserializer)?;
        Self::of_text(text.get()).map_err(de::Error::custom)
    }
}

fn read<K: Kept>(text: &str, notes: bool) -> Result<K, serde_json::Error> {
    let Parts { metadata, spec, status, is_all } = raw::parts(text, notes)?;
    let metadata = metadata.ok_or_else(|| de::Error::missing_field("metadata"))?;
    let mut object = K::of(metadata, spec, status);
    // Nearly every object is known whole, and to keep it twice would cost as much as reading it.
    if !is_all {
        object.note_later(serde_json::from_str(text)?)?;
    }
    Ok(object)
}

/// The text of an object as it is written: with what a later version has added to it.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn written<K: Kept>(object: &K) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Written(object))
}

struct Written<'a, K>(&'a K);

impl<K: Kept> Serialize for Written<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.with_later().map_err(ser::Error::custom)? {
            Some(whole) => whole.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

impl<K: Kept> Serialize for Seen<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Read(object) => Written(&**object).serialize(serializer),
            Self::Newer(_) => Err(ser::Error::custom("an object of a newer version is never written")),
        }
    }
}

impl<K: Kept> Resource for Seen<K> {
    of_its_kind!();

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Read(object) => object.meta(),
            Self::Newer(newer) => &newer.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Read(object) => Arc::make_mut(object).meta_mut(),
            Self::Newer(newer) => &mut Arc::make_mut(newer).metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use serde_json::json;

    use super::*;
    use crate::api::{AttemptState, PhoneNumberClaim};

    fn raw() -> Value {
        json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumber",
            "metadata": { "name": "911234500000", "resourceVersion": "7" },
            "spec": {
                "e164": "+911234500000", "account": "MA_1",
                "claimRef": { "namespace": "a", "name": "b", "uid": "c" },
                "attempt": {
                    "id": "00000000-0000-4000-8000-000000000000", "openedAt": "2026-01-02T03:04:05+05:30",
                    "state": "Failed", "origin": "Purchase",
                    "answer": { "outcome": "NotFound", "at": "2026-01-02T03:04:06Z" },
                    "unexplainedDebits": [{ "id": "t1" }],
                },
            },
            "status": { "verification": { "at": "2026-01-02T03:04:06Z", "ownership": "Absent" } },
        })
    }

    /// The record as it goes to the API server.
    fn written(record: &PhoneNumber) -> Value {
        serde_json::to_value(Written(record)).unwrap()
    }

    fn seen(raw: &Value) -> Seen<PhoneNumber> {
        serde_json::from_value(raw.clone()).unwrap()
    }

    #[test]
    fn an_object_with_a_word_or_time_of_a_later_version_is_newer() {
        for (pointer, value) in [
            ("/spec/attempt/state", json!("Releasing")),
            ("/spec/attempt/origin", json!("Port")),
            ("/spec/attempt/answer/outcome", json!("Postponed")),
            ("/spec/attempt/openedAt", json!("2026-W01-5T03:04:05Z")),
            ("/spec/account", json!({ "id": "MA_1" })),
            ("/spec/e164", json!("short:100")),
            ("/status/verification/ownership", json!("Leased")),
        ] {
            let mut raw = raw();
            *raw.pointer_mut(pointer).unwrap() = value;
            let Seen::Newer(newer) = seen(&raw) else { panic!("{pointer} was read") };
            assert_eq!(newer.e164, "+911234500000".parse().ok(), "{pointer}");
            assert_eq!(newer.metadata.resource_version.as_deref(), Some("7"), "{pointer}");
            assert!(!newer.why.is_empty() && newer.why.len() <= LONGEST_WHY, "{pointer}");
        }
    }

    #[test]
    fn a_claim_with_a_word_of_a_later_version_is_newer() {
        for (field, word, newer) in [
            ("acquire", "AdoptOnly", false),
            ("acquire", "Lease", true),
            ("deletionPolicy", "Hibernate", true),
        ] {
            let raw = json!({
                "metadata": { "namespace": "a", "name": "b" },
                "spec": { "e164": "+911234500000", field: word },
            });
            let seen: Seen<PhoneNumberClaim> = serde_json::from_value(raw).unwrap();
            assert_eq!((seen.is_newer(), seen.e164()), (newer, "+911234500000".parse().ok()), "{word}");
        }
    }

    #[test]
    fn one_that_cannot_be_read_costs_a_list_no_other() {
        let mut later = raw();
        later["spec"]["attempt"]["state"] = json!("Releasing");
        let list = json!([raw(), later, raw()]);
        let list: Vec<Seen<PhoneNumber>> = serde_json::from_value(list).unwrap();
        assert_eq!(list.iter().map(Seen::is_newer).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn what_a_later_version_added_at_any_level_is_written_again() {
        let mut later = raw();
        for pointer in ["/spec", "/spec/claimRef", "/spec/attempt", "/spec/attempt/answer", "/status"] {
            later.pointer_mut(pointer).unwrap()["laterField"] = json!({ "deep": [1, { "x": "y" }] });
        }
        later.pointer_mut("/status/verification").unwrap()["laterField"] = json!(false);
        later["spec"]["attempt"]["unexplainedDebits"][0]["laterField"] = json!("kept");
        later["status"]["conditions"] = json!([{
            "type": "Ready", "status": "False", "reason": "NumberNotFound", "message": "gone",
            "lastTransitionTime": "2026-01-02T03:04:05Z", "laterField": ["of", "a", "condition"],
        }]);
        later["laterSection"] = json!({ "a": 1 });
        let Seen::Read(record) = seen(&later) else { panic!("it was not read") };
        // What is left alone keeps even its spelling.
        assert_eq!(written(&record), later);

        let mut changed = (*record).clone();
        changed.spec.attempt.state = AttemptState::Bound;
        changed.spec.attempt.spent_tokens = vec!["t".into()];
        changed.spec.attempt.answer = None;
        let mut expected = later;
        expected["spec"]["attempt"]["state"] = json!("Bound");
        expected["spec"]["attempt"]["spentTokens"] = json!(["t"]);
        expected["spec"]["attempt"].as_object_mut().unwrap().remove("answer");
        assert_eq!(written(&changed), expected);
    }

    #[test]
    fn conditions_and_debits_keep_what_was_added_to_each() {
        let mut later = raw();
        later["status"]["conditions"] = json!([
            { "type": "Ready", "status": "False", "reason": "A", "message": "m",
              "lastTransitionTime": "2026-01-02T03:04:05Z", "severity": "Low" },
        ]);
        let Seen::Read(record) = seen(&later) else { panic!("it was not read") };
        let mut changed = (*record).clone();
        let conditions = &mut changed.status.as_mut().unwrap().conditions;
        conditions[0].reason = "B".into();
        conditions.insert(
            0,
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition {
                type_: "Claimed".into(),
                ..conditions[0].clone()
            },
        );
        let written = written(&changed);
        let conditions = &written["status"]["conditions"];
        assert_eq!((&conditions[1]["reason"], &conditions[1]["severity"]), (&json!("B"), &json!("Low")));
        assert_eq!(conditions[0].get("severity"), None);
    }

    #[test]
    fn an_outcome_goes_into_an_unreadable_record_if_its_attempt_is_open() {
        let Seen::Read(wrote) = seen(&raw()) else { panic!("it was not read") };
        let mut later = raw();
        later["metadata"]["resourceVersion"] = json!("8");
        later["spec"]["account"] = json!({ "id": "MA_1", "pool": 3 });
        later["spec"]["attempt"]["state"] = json!("Open");
        later["spec"]["attempt"]["openedAt"] = json!("2026-W01-5T03:04:05Z");
        let Seen::Newer(newer) = seen(&later) else { panic!("it was read") };
        let mut record = newer.stand_in(&wrote).unwrap();
        assert_eq!(record.spec.attempt.state, AttemptState::Open);
        record.spec.attempt.state = AttemptState::Bound;
        record.spec.attempt.spent_tokens = vec!["t".into()];
        let mut expected = later.clone();
        expected["spec"]["attempt"]["state"] = json!("Bound");
        expected["spec"]["attempt"]["spentTokens"] = json!(["t"]);
        assert_eq!(written(&record), expected);

        later["spec"]["attempt"]["state"] = json!("Releasing");
        let Seen::Newer(newer) = seen(&later) else { panic!("it was read") };
        assert!(newer.stand_in(&wrote).is_none());
    }

    /// `[[[…]]]`
    fn nested(levels: usize) -> String {
        "[".repeat(levels) + &"]".repeat(levels)
    }

    /// A list and an event, as kube reads them from the API server's text.
    fn sent<K: Kept>(objects: &[&str]) -> (Vec<Seen<K>>, Vec<Seen<K>>) {
        use kube::core::{ObjectList, WatchEvent};
        let list = format!(
            r#"{{"kind":"L","apiVersion":"v1","metadata":{{"resourceVersion":"9"}},"items":[{}]}}"#,
            objects.join(",")
        );
        let list: ObjectList<Seen<K>> = serde_json::from_str(&list).unwrap();
        let events = objects.iter().map(|object| {
            match serde_json::from_str(&format!(r#"{{"type":"MODIFIED","object":{object}}}"#)).unwrap() {
                WatchEvent::Modified(object) => object,
                event => panic!("{event:?}"),
            }
        });
        (list.items, events.collect())
    }

    #[test]
    fn what_users_can_write_into_metadata_stops_no_object() {
        let entry = |time: &str, fields: &str| {
            format!(
                r#"[{{"manager":"x","operation":"Update","apiVersion":"telephony.vobiz.ai/v1alpha1","time":"{time}","fieldsType":"FieldsV1","fieldsV1":{fields}}}]"#
            )
        };
        let late = entry("9999-12-31T23:59:59Z", r#"{"f:spec":{"f:e164":{}}}"#);
        let deep = entry("2026-01-02T03:04:05Z", &format!(r#"{{"f:spec":{}}}"#, nested(300)));
        let claim = |managed: &str| {
            format!(
                r#"{{"metadata":{{"namespace":"a","name":"b","uid":"u","managedFields":{managed},"annotations":{{"k":"v"}},"finalizers":["f"]}},"spec":{{"e164":"+911234500000"}}}}"#
            )
        };
        let objects = [claim(&late), claim(&deep), claim("[]")];
        let (listed, told) = sent::<PhoneNumberClaim>(&objects.each_ref().map(String::as_str));
        for seen in listed.iter().chain(&told) {
            let claim = seen.read().unwrap();
            assert_eq!((claim.metadata.uid.as_deref(), &claim.metadata.managed_fields), (Some("u"), &None));
            assert_eq!(
                (claim.annotations()["k"].as_str(), claim.finalizers()),
                ("v", ["f".to_owned()].as_slice())
            );
        }
        for managed in [late, deep] {
            let record = raw().to_string().replacen(
                '{',
                &format!(r#"{{"metadata":{{"name":"911234500000","managedFields":{managed}}},"#),
                1,
            );
            let record =
                record.replacen(r#""metadata":{"name":"911234500000","resourceVersion":"7"},"#, "", 1);
            let Seen::Read(record) = serde_json::from_str::<Seen<PhoneNumber>>(&record).unwrap() else {
                panic!("{record} was not read")
            };
            assert!(record.spec.later.is_empty());
        }
    }

    #[test]
    fn metadata_that_cannot_be_read_costs_its_object_and_no_other() {
        let claim = |field: &str| {
            format!(
                r#"{{"metadata":{{"namespace":"a","name":"b","uid":"u","resourceVersion":"7","generation":3,{field}}},"spec":{{"e164":"+911234500000"}}}}"#
            )
        };
        let late = r#""creationTimestamp":"9999-12-31T23:59:59Z""#;
        let objects = [claim(late), claim(r#""labels":[1]"#), claim(r#""labels":{"a":"b"}"#)];
        let (listed, told) = sent::<PhoneNumberClaim>(&objects.each_ref().map(String::as_str));
        assert_eq!(listed.iter().map(Seen::is_newer).collect::<Vec<_>>(), [true, true, false]);
        for seen in listed.iter().chain(&told).filter(|seen| seen.is_newer()) {
            let metadata = seen.meta();
            assert_eq!((metadata.name.as_deref(), metadata.namespace.as_deref()), (Some("b"), Some("a")));
            assert_eq!(
                (metadata.uid.as_deref(), metadata.resource_version.as_deref()),
                (Some("u"), Some("7"))
            );
            assert_eq!((metadata.generation, &metadata.labels), (Some(3), &None));
            assert_eq!(seen.e164(), "+911234500000".parse().ok());
        }
    }

    #[test]
    fn a_field_that_is_nested_too_deep_costs_its_record_and_no_claim() {
        let deep = nested(300);
        let claim = format!(
            r#"{{"metadata":{{"namespace":"a","name":"b"}},"spec":{{"e164":"+911234500000"}},"status":{{"x":{deep}}}}}"#
        );
        let (listed, told) = sent::<PhoneNumberClaim>(&[&claim, &claim]);
        assert!(listed.iter().chain(&told).all(|seen| !seen.is_newer()));

        let mut condition = json!({ "type": "Ready", "status": "True", "x": 0 });
        condition["x"] = json!("DEEP");
        let mut record = raw();
        record["status"]["conditions"] = json!([condition]);
        record["spec"]["attempt"]["x"] = json!("DEEP");
        let record = record.to_string().replace("\"DEEP\"", &deep);
        let (listed, told) = sent::<PhoneNumber>(&[&record, &raw().to_string()]);
        assert_eq!(listed.iter().map(Seen::is_newer).collect::<Vec<_>>(), [true, false]);
        let Seen::Newer(newer) = &told[0] else { panic!("it was read") };
        assert_eq!(newer.e164, "+911234500000".parse().ok());
        let shown = json!([{ "type": "Ready", "status": "True", "x": null }]);
        assert_eq!(json!(newer.conditions()), shown);
        // What cannot be kept whole is not written.
        let Seen::Read(wrote) = seen(&raw()) else { panic!("it was not read") };
        assert!(newer.stand_in(&wrote).is_none());
    }

    #[test]
    fn fields_of_an_earlier_attempt_stay_with_it() {
        let mut later = raw();
        for pointer in ["/spec", "/spec/claimRef", "/spec/attempt", "/spec/attempt/answer", "/status"] {
            later.pointer_mut(pointer).unwrap()["laterField"] = json!(1);
        }
        let Seen::Read(record) = seen(&later) else { panic!("it was not read") };
        let mut changed = (*record).clone();
        changed.spec.attempt.id = crate::domain::AttemptId::from_random([1; 16]);
        let written = written(&changed);
        assert_eq!(written["spec"]["attempt"], json!(changed.spec.attempt));
        for pointer in ["/spec/laterField", "/spec/claimRef/laterField", "/status/laterField"] {
            assert_eq!(written.pointer(pointer), Some(&json!(1)), "{pointer}");
        }
    }

    #[test]
    fn a_record_without_anything_later_keeps_no_second_copy() {
        let Seen::Read(record) = seen(&raw()) else { panic!("it was not read") };
        assert!(record.spec.later.is_empty());
    }
}
