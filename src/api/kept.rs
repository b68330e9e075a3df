//! What each kind tells for itself, so that objects of all of them are read and kept by one piece.

use std::fmt::Debug;

use kube::{Resource, core::ObjectMeta};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Later, PhoneNumber, PhoneNumberClaim, PhoneNumberClaimSpec, PhoneNumberClaimStatus, PhoneNumberSpec,
    PhoneNumberStatus, VobizAccount, VobizAccountSpec, VobizAccountStatus, raw,
};
use crate::domain::E164;

/// A kind that the API server holds.
pub trait Kept: Resource<DynamicType = ()> + Clone + Debug + Serialize {
    type Spec: DeserializeOwned;
    type Status: DeserializeOwned;

    /// The object that has these parts.
    fn of(metadata: ObjectMeta, spec: Self::Spec, status: Option<Self::Status>) -> Self;

    /// The number that the object is about, if it is about one.
    fn e164(&self) -> Option<E164>;

    /// Whether it is written back whole, so that what stands there beside what this version reads is noted. Patches name
    /// what this version knows, and leave the rest alone.
    const IS_WRITTEN_WHOLE: bool = false;

    /// Notes what stands in an object that is written whole, beside what this version reads.
    ///
    /// # Errors
    /// If it cannot be kept.
    fn note_later(&mut self, _fields: raw::Fields<'_>) -> Result<(), serde_json::Error> {
        Ok(())
    }

    /// Whether more stands in it than this version reads, and was noted.
    fn has_later(&self) -> bool {
        false
    }

    /// The object as it is written, if that is more than this version knows of it.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    fn with_later(&self) -> Result<Option<Value>, serde_json::Error> {
        Ok(None)
    }
}

/// What is stored under a kind's name, in whichever form it is held here: where the API server serves it.
macro_rules! of_its_kind {
    () => {
        type DynamicType = ();
        type Scope = K::Scope;

        fn kind((): &()) -> std::borrow::Cow<'_, str> {
            K::kind(&())
        }

        fn group((): &()) -> std::borrow::Cow<'_, str> {
            K::group(&())
        }

        fn version((): &()) -> std::borrow::Cow<'_, str> {
            K::version(&())
        }

        fn plural((): &()) -> std::borrow::Cow<'_, str> {
            K::plural(&())
        }
    };
}
pub(super) use of_its_kind;

impl Kept for PhoneNumberClaim {
    type Spec = PhoneNumberClaimSpec;
    type Status = PhoneNumberClaimStatus;

    fn of(metadata: ObjectMeta, spec: Self::Spec, status: Option<Self::Status>) -> Self {
        Self { metadata, spec, status }
    }

    fn e164(&self) -> Option<E164> {
        Some(self.number())
    }
}

impl Kept for PhoneNumber {
    type Spec = PhoneNumberSpec;
    type Status = PhoneNumberStatus;

    const IS_WRITTEN_WHOLE: bool = true;

    fn of(metadata: ObjectMeta, spec: Self::Spec, status: Option<Self::Status>) -> Self {
        Self { metadata, spec, status }
    }

    fn e164(&self) -> Option<E164> {
        Some(self.spec.e164)
    }

    fn note_later(&mut self, fields: raw::Fields<'_>) -> Result<(), serde_json::Error> {
        self.spec.later = Later::of(self, raw::body(fields)?);
        Ok(())
    }

    fn has_later(&self) -> bool {
        !self.spec.later.is_empty()
    }

    fn with_later(&self) -> Result<Option<Value>, serde_json::Error> {
        if !self.has_later() {
            return Ok(None);
        }
        let mut written = serde_json::to_value(self)?;
        self.spec.later.keep_in(&mut written);
        Ok(Some(written))
    }
}

impl Kept for VobizAccount {
    type Spec = VobizAccountSpec;
    type Status = VobizAccountStatus;

    fn of(metadata: ObjectMeta, spec: Self::Spec, status: Option<Self::Status>) -> Self {
        Self { metadata, spec, status }
    }

    fn e164(&self) -> Option<E164> {
        None
    }
}
