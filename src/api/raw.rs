//! An object's text, read part by part: what cannot be read in one part stands in no other's way.

use std::{borrow::Cow, collections::BTreeMap, fmt, iter, marker::PhantomData};

use kube::core::ObjectMeta;
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error as _, IgnoredAny, IntoDeserializer, MapAccess, Visitor,
        value::{MapAccessDeserializer, MapDeserializer},
    },
};
use serde_json::{
    Error, Value,
    value::{RawValue, to_raw_value},
};

/// The fields of an object, each as it stands there.
pub type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// How far single parts are looked for in an object that is nested too deep: down to a field of a condition.
const LEVELS: u8 = 3;

const MANAGED_FIELDS: &str = "managedFields";

/// The metadata of an object. The API server itself writes and checks it, but for `managedFields`: a user may fill them
/// with any time, and nest them at any depth. Nothing here needs them, and a write without them leaves them as they are.
struct Metadata<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Metadata<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Metadata<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the metadata of an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(Unmanaged(fields)))
    }
}

/// The name of a field, where it stands.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// All fields but `managedFields`, which are most of an object's text: they are passed over.
struct Unmanaged<A>(A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Unmanaged<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Name(name)) = self.0.next_key()? {
            if name != MANAGED_FIELDS {
                return seed.deserialize(name.into_deserializer()).map(Some);
            }
            self.0.next_value::<IgnoredAny>()?;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.0.next_value_seed(seed)
    }
}

/// What this version reads of an object. Of what it does not know, no tree is built.
pub struct Parts<Spec, Status> {
    /// `None` if it has none.
    pub metadata: Option<ObjectMeta>,
    pub spec: Spec,
    pub status: Option<Status>,
    /// Whether there is nothing else in it, as far as that was noted.
    pub is_all: bool,
}

/// Reads an object, and notes, if that is asked for, whether this version knows all of its fields. Those of its metadata are the
/// API server's own, and noting each of them would cost more than reading them.
pub fn parts<'a, Spec, Status>(text: &'a str, notes: bool) -> Result<Parts<Spec, Status>, Error>
where
    Spec: Deserialize<'a>,
    Status: Deserialize<'a>,
{
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let parts = deserializer.deserialize_map(Object { notes, parts: PhantomData })?;
    deserializer.end()?;
    Ok(parts)
}

/// As [`parts`], of an object whose fields were told apart already.
pub fn parts_of<'a, Spec, Status>(
    fields: impl Iterator<Item = (&'a str, &'a RawValue)>,
    notes: bool,
) -> Result<Parts<Spec, Status>, Error>
where
    Spec: Deserialize<'a>,
    Status: Deserialize<'a>,
{
    Object { notes, parts: PhantomData }.visit_map(MapDeserializer::new(fields))
}

struct Object<Spec, Status> {
    notes: bool,
    parts: PhantomData<(Spec, Status)>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    ApiVersion,
    Kind,
    Metadata,
    Spec,
    Status,
    #[serde(other)]
    Other,
}

impl<'de, Spec: Deserialize<'de>, Status: Deserialize<'de>> Visitor<'de> for Object<Spec, Status> {
    type Value = Parts<Spec, Status>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let (mut metadata, mut spec, mut status, mut is_all) = (None, None, None, true);
        while let Some(field) = fields.next_key()? {
            let note = self.notes.then_some(&mut is_all);
            match field {
                Field::ApiVersion | Field::Kind => drop(fields.next_value::<IgnoredAny>()?),
                Field::Metadata => metadata = Some(fields.next_value_seed(Metadata(PhantomData))?),
                Field::Spec => spec = Some(fields.next_value_seed(Part { note, of: PhantomData })?),
                Field::Status => status = fields.next_value_seed(Part { note, of: PhantomData })?,
                Field::Other => {
                    is_all = false;
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        let spec = spec.ok_or_else(|| A::Error::missing_field("spec"))?;
        Ok(Parts { metadata, spec, status, is_all })
    }
}

/// A part of an object; and where to note that it has a field that its type does not know.
struct Part<'a, T> {
    note: Option<&'a mut bool>,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Part<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        match self.note {
            Some(is_all) => serde_ignored::deserialize(deserializer, |_| *is_all = false),
            None => T::deserialize(deserializer),
        }
    }
}

/// The fields of an object's metadata but for `managedFields`, each as it stands there.
pub struct OwnFields(BTreeMap<String, Box<RawValue>>);

impl OwnFields {
    /// The metadata; or as much of them as can be read, and then what stands there as well.
    ///
    /// # Errors
    /// If not even that can be read.
    pub fn read(self) -> Result<(ObjectMeta, Option<Box<RawValue>>), Error> {
        let fields = || self.0.iter().map(|(name, raw)| (name.clone(), &**raw));
        if let Ok(metadata) = decoded(fields()) {
            return Ok((metadata, None));
        }
        Ok((metadata_in_part(fields().collect())?, Some(to_raw_value(&self.0)?)))
    }
}

impl<'de> Deserialize<'de> for OwnFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Metadata(PhantomData)).map(Self)
    }
}

/// As much of the metadata as can be read.
pub fn metadata_in_part(mut fields: Fields<'_>) -> Result<ObjectMeta, Error> {
    fields.remove(MANAGED_FIELDS);
    fields.retain(|name, raw| decoded(iter::once((name.clone(), *raw))).is_ok());
    decoded(fields)
}

fn decoded<'a>(fields: impl IntoIterator<Item = (String, &'a RawValue)>) -> Result<ObjectMeta, Error> {
    ObjectMeta::deserialize(MapDeserializer::new(fields.into_iter()))
}

/// An object without what every object has, or an error if anything in it is nested too deep.
pub fn body(fields: Fields<'_>) -> Result<Value, Error> {
    let whole = |(name, raw): (String, &RawValue)| Ok((name, serde_json::from_str::<Value>(raw.get())?));
    without_own(fields).into_iter().map(whole).collect()
}

/// As much as can be read of an object without what every object has, and whether that is all of it.
pub fn body_in_part(fields: Fields<'_>) -> (Value, bool) {
    let mut whole = true;
    let mut part = |(name, raw): (String, &RawValue)| (name, in_part(raw, LEVELS, &mut whole));
    let body = without_own(fields).into_iter().map(&mut part).collect();
    (body, whole)
}

fn without_own(mut fields: Fields<'_>) -> Fields<'_> {
    for name in ["apiVersion", "kind", "metadata"] {
        fields.remove(name);
    }
    fields
}

/// What is nested too deep to be read becomes null.
fn in_part(raw: &RawValue, levels: u8, whole: &mut bool) -> Value {
    if let Ok(value) = serde_json::from_str(raw.get()) {
        return value;
    }
    // Each level reads the text once more: without a bound, a long text would take for ever.
    let deeper = levels.checked_sub(1);
    if let Some(levels) = deeper
        && let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get())
    {
        return fields.into_iter().map(|(name, raw)| (name, in_part(raw, levels, whole))).collect();
    }
    if let Some(levels) = deeper
        && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get())
    {
        return items.into_iter().map(|raw| in_part(raw, levels, whole)).collect();
    }
    *whole = false;
    Value::Null
}
