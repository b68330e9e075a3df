//! What a claim is told of what keeps its purchase back.

use std::borrow::Cow;

use crate::api::Reason;

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
}
