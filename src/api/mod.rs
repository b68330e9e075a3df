//! The kinds that the API server keeps: the request ([`PhoneNumberClaim`]) and the record of what was sent and bought
//! ([`PhoneNumber`]), related like a `PersistentVolumeClaim` and a `PersistentVolume`; and the accounts that claims buy in
//! ([`VobizAccount`]).

mod account;
mod answer;
mod claim;
mod kept;
mod key;
mod later;
mod raw;
mod reason;
mod record;
mod schema;
mod seen;
mod unread;

pub use account::{
    AccountReason, AllowedFrom, AllowedNamespaces, AvailableBalance, MonthlyCost, NumberCounts,
    TokenSecretRef, VobizAccount, VobizAccountSpec, VobizAccountStatus,
};
pub use answer::{Answer, Funds, WITHHELD};
pub use claim::{
    AccountRef, Acquire, DeletionPolicy, PhoneNumberClaim, PhoneNumberClaimSpec, PhoneNumberClaimStatus,
    PhoneNumberRef,
};
pub(crate) use kept::Kept;
pub(crate) use key::ObjectKey;
pub(crate) use later::Later;
pub use reason::{ConditionType, EventKind, PriceReason, Progress, Reason, Row, Status};
pub use record::{
    Attempt, AttemptState, ClaimRef, Origin, Ownership, PhoneNumber, PhoneNumberSpec, PhoneNumberStatus,
    Verification,
};
pub use schema::crds;
pub(crate) use seen::{Newer, Seen, written};
pub(crate) use unread::Unread;

pub use crate::domain::{Capabilities, Debit, MaxPrice, Number, NumberStatus, Outcome, Quote};

/// API group of the kinds.
pub const GROUP: &str = "telephony.vobiz.ai";

/// On a claim: a new value permits one more attempt after a failure; each value works once, ever.
pub const RETRY_ANNOTATION: &str = "telephony.vobiz.ai/retry";

/// On a claim, with the value `true`: no new attempt is made for it.
pub const PAUSED_ANNOTATION: &str = "telephony.vobiz.ai/paused";

/// On a claim: a new value has the account looked at now. The first is what Flux sets; both mean the same.
pub const LOOK_NOW_ANNOTATIONS: [&str; 2] =
    ["reconcile.fluxcd.io/requestedAt", "telephony.vobiz.ai/requested-at"];

/// On a record, with the value `true`: an administrator gives the record up, regardless of its contents.
pub const FORGET_ANNOTATION: &str = "telephony.vobiz.ai/forget";

/// On every record: holds a deletion back while money may be at stake.
pub const RECORD_FINALIZER: &str = "telephony.vobiz.ai/record";

/// On every account: holds its deletion back while an attempt of it is open.
pub const ACCOUNT_FINALIZER: &str = "telephony.vobiz.ai/account";

/// The custom resource definitions as one YAML stream, for `kubectl apply -f -`.
///
/// # Errors
/// If the definitions cannot be derived or written as YAML.
pub fn crds_yaml() -> Result<String, CrdError> {
    let mut text = String::new();
    for crd in crds()? {
        text.push_str("---\n");
        text.push_str(&serde_yaml::to_string(&crd)?);
    }
    Ok(text)
}

/// Why the definitions could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CrdError {
    /// The derived schema is not as expected.
    #[error("cannot derive the custom resource definitions: {0}")]
    Schema(#[from] serde_json::Error),
    #[error("cannot write the custom resource definitions as YAML: {0}")]
    Yaml(#[from] serde_yaml::ser::Error),
}
