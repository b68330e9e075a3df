//! What a claim is told of what keeps its purchase back.

use std::borrow::Cow;

use crate::api::{ConditionType, PhoneNumberClaim, Reason};

/// What a claim is told, and is not to be told of anything else meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub reason: Reason,
    pub message: Cow<'static, str>,
}

impl Told {
    pub fn new(reason: Reason, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, message: message.into() }
    }

    /// What the claim was told last, if that was one of these reasons, and about what it says today. While its ground is read
    /// anew, to say anything else would make news of the same reason.
    pub fn already(claim: &PhoneNumberClaim, reasons: &[Reason]) -> Option<Self> {
        let status = claim.status.as_ref();
        let status = status.filter(|status| status.observed_generation == claim.metadata.generation)?;
        let ready = status.condition(ConditionType::Ready)?;
        let reason = *reasons.iter().find(|reason| reason.into_str() == ready.reason)?;
        Some(Self { reason, message: ready.message.clone().into() })
    }
}
