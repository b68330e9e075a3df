//! What a claim is told of what keeps its purchase back.

use std::borrow::Cow;

use crate::api::{AttemptState, ConditionType, FORGET_ANNOTATION, PhoneNumber, PhoneNumberClaim, Reason};

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

/// What an administrator types to forget a record.
pub fn forget(name: &str) -> String {
    format!(
        "kubectl annotate phonenumber/{name} {FORGET_ANNOTATION}=true && kubectl delete phonenumber/{name}"
    )
}

/// How a purchase comes about after all where the record needs a decision, and another account than its own serves the claim:
/// that decision would be taken by nothing, because it asks for a purchase in the account of the record.
pub(super) fn way_out(record: &PhoneNumber) -> String {
    if record.spec.attempt.state != AttemptState::NeedsDecision {
        return String::new();
    }
    format!(
        " The decision that phonenumber/{name} needs counts once {account} serves the claim again: name its VobizAccount in \
         spec.accountRef. To buy in the other account instead, once Vobiz has said that {account} did not buy, an \
         administrator gives the record up: {forget}",
        name = record.spec.e164.digits(),
        account = record.spec.account,
        forget = forget(&record.spec.e164.digits()),
    )
}
