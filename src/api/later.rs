//! Fields of a record that this version does not know: a later version has written them, and they stay.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

/// What stands in a record beside what this version reads; nothing, in almost every record. It makes no difference
/// between two records, because nothing here depends on it.
#[derive(Clone, Debug, Default)]
pub struct Later(Option<Arc<Read>>);

/// A record as it was read, without its metadata.
#[derive(Debug)]
struct Read {
    raw: Value,
    /// What this version made of it.
    known: Value,
}

impl PartialEq for Later {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Later {
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Keeps `raw`, a record without its metadata, if this version does not know all of it.
    pub(super) fn of(record: &impl Serialize, raw: Value) -> Self {
        let Self(read) = Self::all(record, raw);
        Self(read.filter(|read| !covers(&read.known, &read.raw)))
    }

    /// Keeps `raw` in any case.
    pub(super) fn all(record: &impl Serialize, raw: Value) -> Self {
        let known = serde_json::to_value(record).ok().map(without_metadata);
        Self(known.map(|known| Arc::new(Read { raw, known })))
    }

    /// Puts what is kept into a record that is about to be written: only what this version changed is changed.
    pub(super) fn keep_in(&self, written: &mut Value) {
        let (Some(read), Value::Object(fields)) = (&self.0, &mut *written) else { return };
        let own = ["apiVersion", "kind", "metadata"].map(|name| fields.remove_entry(name));
        let mut kept = carry(&read.raw, &read.known, written);
        // What stood in one attempt says nothing about another.
        if attempt(&read.known).map(|known| &known["id"]) != attempt(written).map(|written| &written["id"])
            && let (Some(kept), Some(written)) = (kept.pointer_mut(ATTEMPT), attempt(written))
        {
            kept.clone_from(written);
        }
        if let Value::Object(fields) = &mut kept {
            fields.extend(own.into_iter().flatten());
        }
        *written = kept;
    }
}

const ATTEMPT: &str = "/spec/attempt";

pub(super) fn attempt(record: &Value) -> Option<&Value> {
    record.pointer(ATTEMPT)
}

fn without_metadata(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        for name in ["apiVersion", "kind", "metadata"] {
            fields.remove(name);
        }
    }
    object
}

/// Whether `known` has every field of `raw`.
fn covers(known: &Value, raw: &Value) -> bool {
    match (known, raw) {
        (Value::Object(known), Value::Object(raw)) => {
            raw.iter().all(|(name, raw)| known.get(name).is_some_and(|known| covers(known, raw)))
        }
        (Value::Array(known), Value::Array(raw)) => {
            known.len() == raw.len() && known.iter().zip(raw).all(|(known, raw)| covers(known, raw))
        }
        _ => true,
    }
}

/// `raw` with what differs between `old` (what this version read in it) and `new`.
fn carry(raw: &Value, old: &Value, new: &Value) -> Value {
    match (raw, old, new) {
        _ if old == new => raw.clone(),
        (Value::Object(raw), Value::Object(old), Value::Object(new)) => {
            let unknown = raw.iter().filter(|(name, _)| !old.contains_key(*name) && !new.contains_key(*name));
            let mut kept: Map<_, _> = unknown.map(|(name, value)| (name.clone(), value.clone())).collect();
            kept.extend(new.iter().map(|(name, new)| match (raw.get(name), old.get(name)) {
                (Some(raw), Some(old)) => (name.clone(), carry(raw, old, new)),
                _ => (name.clone(), new.clone()),
            }));
            Value::Object(kept)
        }
        (Value::Array(raw), Value::Array(old), Value::Array(new)) => {
            let one = |new: &Value| match (same_in(raw, new), same_in(old, new)) {
                (Some(raw), Some(old)) => carry(raw, old, new),
                _ => new.clone(),
            };
            Value::Array(new.iter().map(one).collect())
        }
        _ => new.clone(),
    }
}

/// The same condition, or the same debit.
fn same_in<'a>(list: &'a [Value], wanted: &Value) -> Option<&'a Value> {
    let name = |value: &Value| value.get("type").or(value.get("id")).cloned();
    let wanted = name(wanted)?;
    list.iter().find(|value| name(value).as_ref() == Some(&wanted))
}
