//! `PhoneNumber`: the record of one number in one account, and of the attempts to buy it.

#![expect(clippy::doc_markdown, reason = "these comments are what users read: `kubectl explain`")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{answer::Answer, later::Later};
use crate::domain::{AccountId, AttemptId, Currency, Debit, E164, Number, Quote, Time};

/// The record of one phone number: what was sent to Vobiz for it, and what was bought. Written by the operator alone.
///
/// What safety needs stands in the spec, because backups keep the spec and drop the status.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[kube(
    group = "telephony.vobiz.ai",
    version = "v1alpha1",
    kind = "PhoneNumber",
    plural = "phonenumbers",
    shortname = "pn",
    category = "telephony",
    status = "PhoneNumberStatus",
    doc = "The record of one phone number: what was sent to Vobiz for it, and what was bought, by whom, for how much. Written by the operator alone; its name is the digits of the number.",
    selectable = ".spec.e164",
    selectable = ".spec.account",
    selectable = ".spec.claimRef.namespace",
    selectable = ".spec.claimRef.name",
    selectable = ".spec.attempt.state",
    printcolumn = r#"{"name":"Number","type":"string","jsonPath":".spec.e164","description":"The number, E.164"}"#,
    printcolumn = r#"{"name":"State","type":"string","jsonPath":".spec.attempt.state","description":"Where the last attempt to obtain it stands"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"Whether the number is bought and usable"}"#,
    printcolumn = r#"{"name":"Claimed","type":"string","jsonPath":".status.conditions[?(@.type==\"Claimed\")].status","description":"Whether a claim stands behind it"}"#,
    printcolumn = r#"{"name":"Namespace","type":"string","jsonPath":".spec.claimRef.namespace","description":"Namespace of the claim"}"#,
    printcolumn = r#"{"name":"Claim","type":"string","jsonPath":".spec.claimRef.name","description":"Name of the claim"}"#,
    printcolumn = r#"{"name":"Monthly","type":"string","jsonPath":".status.number.monthlyFee","description":"Recurring fee a month"}"#,
    printcolumn = r#"{"name":"Currency","type":"string","jsonPath":".status.number.currency","description":"ISO 4217 code of the fees"}"#,
    printcolumn = r#"{"name":"Account","type":"string","priority":1,"jsonPath":".spec.account","description":"The Vobiz account that calls were made with"}"#,
    printcolumn = r#"{"name":"Origin","type":"string","priority":1,"jsonPath":".spec.attempt.origin","description":"Bought by this operator, or owned already"}"#,
    printcolumn = r#"{"name":"ID","type":"string","priority":1,"jsonPath":".status.number.id","description":"Vobiz's id of the number"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNumberSpec {
    /// The number, E.164.
    pub e164: E164,

    /// The Vobiz account (auth id) that calls for this number are made with.
    pub account: AccountId,

    /// The claim that the number is bought for. Once that claim is gone, an administrator may name another one, of any
    /// namespace, which then takes the number over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_ref: Option<ClaimRef>,

    /// The last attempt to obtain the number.
    pub attempt: Attempt,

    /// What else stands in the record.
    #[serde(skip)]
    pub later: Later,
}

impl PhoneNumber {
    /// The number, as far as Vobiz has described it.
    pub(crate) fn described(&self) -> Option<&Number> {
        self.status.as_ref()?.number.as_ref()
    }

    pub(crate) fn verification(&self) -> Option<&Verification> {
        self.status.as_ref()?.verification.as_ref()
    }

    pub(crate) fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
    }
}

/// A claim, by identity: a claim re-created under the same name is another one.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[schemars(inline)]
pub struct ClaimRef {
    /// Namespace of the claim.
    pub namespace: String,
    /// Name of the claim.
    pub name: String,
    /// UID of the claim.
    pub uid: String,
}

/// One attempt to obtain the number. At most one POST is ever sent for it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Attempt {
    /// Identity of the attempt.
    pub id: AttemptId,

    /// When the intent was written: before anything was sent.
    pub opened_at: Time,

    /// Open (may have been sent; being verified), Bound (owned), Failed (settled, not bought), or NeedsDecision
    /// (the evidence does not decide; see the claim's conditions for what to type).
    pub state: AttemptState,

    /// Purchase (this attempt may send a purchase), or Adoption (found owned or debited already; never sends).
    pub origin: Origin,

    /// Currency sent with the purchase, ISO 4217; absent if the number's own was left to apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,

    /// The price that the attempt was permitted at; absent if the claim had no ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,

    /// What Vobiz answered, as far as it is needed after a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,

    /// When the attempt left the state Open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Time>,

    /// The retry tokens that were used up last for this number's claim, 64 at most. Each works once, ever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent_tokens: Vec<String>,

    /// Marks (64-bit FNV-1a) of up to 500 retry tokens that were used up before those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older_spent_tokens: Vec<String>,

    /// How many retry tokens were used up in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spent_tokens_count: Option<i64>,

    /// From when on the ledger was looked at for debits before the attempt was opened: those since then that name the
    /// number count for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debits_from: Option<Time>,

    /// Whether the one attempt that is made unasked, after a process died without storing an answer, was used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic_retry_used: bool,

    /// Debits that no owned number explains: what NeedsDecision asks about, and, while an adoption is open, what it
    /// was opened for. If there are more than 50, the latest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unexplained_debits: Vec<Debit>,

    /// Marks (64-bit FNV-1a of the id) of up to 500 further such debits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_debits: Vec<String>,

    /// How many such debits there are in all, if that is more than are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unexplained_debits_count: Option<i64>,

    /// Ids of ledger rows that an administrator has answered for, so that they are not asked about again; time and sum
    /// of those that have no id; of older ones, marks of either ("~" and 16 digits).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered_debits: Vec<String>,

    /// UIDs of the claims, the last 64, whose failed attempts at this number gave way to another claim's. Each has to ask
    /// before it makes another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_claims: Vec<String>,
}

/// Where an attempt stands.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[schemars(inline)]
pub enum AttemptState {
    Open,
    Bound,
    Failed,
    NeedsDecision,
}

/// How the number was to be obtained.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[schemars(inline)]
pub enum Origin {
    Purchase,
    Adoption,
}

/// The bought number and the evidence for it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNumberStatus {
    /// Ready (bought and usable) and Claimed (a claim stands behind it).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The number, as Vobiz described it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,

    /// Evidence of the last verification that changed anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

/// What a verification found.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[schemars(inline)]
pub struct Verification {
    /// When the reads were begun.
    pub at: Time,
    /// Owned (listed under our account), Absent (not listed under it), Unverifiable (Vobiz serves no such listing or
    /// ledger), or Undecided (listed in a way that proves neither).
    pub ownership: Ownership,
    /// Which other account of the same family has the number, where ours has it no more.
    // No word of its own for ownership: a version that does not know this field takes the number for lost, and buys it
    // as little.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<AccountId>,
}

/// What the account's listing says about the number.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[schemars(inline)]
pub enum Ownership {
    Owned,
    Absent,
    Unverifiable,
    Undecided,
}
