//! `PhoneNumberClaim`: the request for one number, as users write it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{PAUSED_ANNOTATION, reason::ConditionType, record::ClaimRef};
use crate::domain::{Currency, E164, MaxPrice, Number, Quote};

/// A request for one phone number. The operator buys it from Vobiz's inventory, once, and reports in the status.
/// Deleting the claim keeps the number and its record.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[kube(
    group = "telephony.vobiz.ai",
    version = "v1alpha1",
    kind = "PhoneNumberClaim",
    plural = "phonenumberclaims",
    shortname = "pnc",
    category = "telephony",
    namespaced,
    status = "PhoneNumberClaimStatus",
    doc = "A request for one phone number. The operator buys it from Vobiz's inventory, once, and reports in the status. Deleting the claim keeps the number and its record (PhoneNumber).",
    selectable = ".spec.e164",
    selectable = ".spec.deletionPolicy",
    selectable = ".status.phoneNumberRef.name",
    printcolumn = r#"{"name":"Number","type":"string","jsonPath":".spec.e164","description":"The number wished for, E.164"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"Whether the number is bought and usable"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"Why it is, or is not, ready"}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.number.status","description":"The number's status at Vobiz"}"#,
    printcolumn = r#"{"name":"Monthly","type":"string","jsonPath":".status.number.monthlyFee","description":"Recurring fee a month"}"#,
    printcolumn = r#"{"name":"Currency","type":"string","jsonPath":".status.number.currency","description":"ISO 4217 code of the fees"}"#,
    printcolumn = r#"{"name":"ID","type":"string","priority":1,"jsonPath":".status.number.id","description":"Vobiz's id of the number"}"#,
    printcolumn = r#"{"name":"Setup","type":"string","priority":1,"jsonPath":".status.number.setupFee","description":"Fee debited once, at the purchase"}"#,
    printcolumn = r#"{"name":"Purchased","type":"string","priority":1,"jsonPath":".status.number.purchasedAt","description":"When Vobiz says it was purchased"}"#,
    printcolumn = r#"{"name":"Record","type":"string","priority":1,"jsonPath":".status.phoneNumberRef.name","description":"The PhoneNumber that records the purchase"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNumberClaimSpec {
    /// The number to buy, in E.164: a plus sign, the country code and the subscriber number, 7 to 15 digits
    /// in all, e.g. "+919876543210". Immutable: another number is another claim.
    #[schemars(extend("x-kubernetes-validations" = [
        {
            "rule": "self.matches('^\\\\+[1-9][0-9]{6,14}$')",
            "message": "spec.e164 must be an E.164 number: a plus sign, then 7 to 15 digits of which the first is not 0, e.g. +919876543210 (no spaces, no dashes)"
        },
        {
            "rule": "self == oldSelf",
            "message": "spec.e164 is immutable: to buy another number, create another claim"
        }
    ]))]
    pub e164: E164,

    /// ISO 4217 code of the currency to be billed in, three capital letters, e.g. "INR". Left out, Vobiz bills in
    /// the number's own currency. Fixed once the number is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [
        {
            "rule": "self.matches('^[A-Z]{3}$')",
            "message": "spec.currency must be an ISO 4217 code: three capital letters, e.g. INR"
        }
    ]))]
    pub currency: Option<Currency>,

    /// The most that the number may cost. Left out, it is bought at whatever Vobiz asks. What the account owns already is
    /// adopted at any price. May be changed at any time: it concerns the next purchase, and nothing that is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = [
        {
            "rule": "has(self.setupFee) || has(self.monthlyFee)",
            "message": "spec.maxPrice must name at least one fee: setupFee, monthlyFee, or both"
        }
    ]))]
    pub max_price: Option<MaxPrice>,

    /// What happens to the number when the claim is deleted. "Retain" keeps it (and its monthly fee), recorded
    /// in a PhoneNumber; a claim for it in the same namespace binds again at no cost. "Release" is not available yet.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-validations" = [
        {
            "rule": "self != 'Release'",
            "message": "spec.deletionPolicy: Release is not available yet; use Retain (the default) and release the number in Vobiz's console"
        }
    ]))]
    pub deletion_policy: DeletionPolicy,

    /// Whether the number may be bought. "Purchase" buys it, unless the account owns it already. With the other word, the
    /// claim takes over what the account owns, and never buys. May be changed at any time.
    #[serde(default)]
    pub acquire: Acquire,

    /// The account to buy in. Left out, the one whose spec.default is true; without such a one, the operator's own. Fixed
    /// once the number is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_ref: Option<AccountRef>,
}

/// The name of a VobizAccount.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[schemars(inline)]
pub struct AccountRef {
    /// Name of the VobizAccount.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

impl PhoneNumberClaim {
    /// A field selector of the claims that have no record yet.
    pub(crate) const UNRECORDED: &str = "status.phoneNumberRef.name=";

    pub(crate) fn reference(&self) -> ClaimRef {
        ClaimRef {
            namespace: self.namespace().unwrap_or_default(),
            name: self.name_any(),
            uid: self.uid().unwrap_or_default(),
        }
    }

    /// The number that the claim is for. A claim that comes to its number in another way will say so here alone.
    pub(crate) fn number(&self) -> E164 {
        self.spec.e164
    }

    /// Whether the claim says all that another reading of it says, and more: what differs is left out there.
    pub(crate) fn says_more_than(&self, other: &Self) -> bool {
        if self.spec == other.spec || self.spec.e164 != other.spec.e164 {
            return false;
        }
        let plain = PhoneNumberClaimSpec {
            e164: other.spec.e164,
            currency: None,
            max_price: None,
            deletion_policy: DeletionPolicy::default(),
            acquire: Acquire::default(),
            account_ref: None,
        };
        let [this, other, plain] = [&self.spec, &other.spec, &plain].map(|spec| json!(spec));
        says_all(&this, &other, &plain)
    }

    /// The account that the claim names.
    pub(crate) fn account_name(&self) -> Option<&str> {
        self.spec.account_ref.as_ref().map(|account| account.name.as_str())
    }

    /// The claim, as kubectl is told of it.
    pub(crate) fn for_kubectl(&self) -> String {
        let of = |word: &Option<String>| word.clone().unwrap_or_default();
        format!("-n {} phonenumberclaim/{}", of(&self.metadata.namespace), of(&self.metadata.name))
    }

    /// Whether no new attempt is to be made for it.
    pub(crate) fn is_paused(&self) -> bool {
        let annotations = self.metadata.annotations.as_ref();
        annotations.and_then(|all| all.get(PAUSED_ANNOTATION)).is_some_and(|value| value == "true")
    }
}

/// Whether `this` has all of `other` but for what is as in `plain` there, which has nothing that could be left out.
fn says_all(this: &Value, other: &Value, plain: &Value) -> bool {
    match (this, other) {
        _ if this == other || other == plain => true,
        (Value::Object(these), Value::Object(others)) => {
            let mut names = these.keys().chain(others.keys());
            names.all(|name| says_all(&this[name], &other[name], &plain[name]))
        }
        _ => false,
    }
}

/// What happens to the number when its claim is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum DeletionPolicy {
    #[default]
    Retain,
    Release,
}

/// How a claim may come to its number.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum Acquire {
    #[default]
    Purchase,
    AdoptOnly,
}

/// What is known about the claim: a projection of its PhoneNumber, safe to lose.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PhoneNumberClaimStatus {
    /// The generation of the spec that this status speaks of. -1 until the operator has seen the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Purchased (the outcome of the purchase), Ready (the summary), and, only while true, Reconciling (it is being
    /// worked on) or Stalled (it waits for a person).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The PhoneNumber that records what was sent and bought for this claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_ref: Option<PhoneNumberRef>,

    /// The number that was bought, as Vobiz described it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Number>,

    /// The price at which the number was last offered, or bought. Read only for a claim with a spec.maxPrice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,

    /// The value of the annotation reconcile.fluxcd.io/requestedAt or telephony.vobiz.ai/requested-at that was handled
    /// last: the account was listed after it was set. Of a value of more than 253 bytes, its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

impl PhoneNumberClaimStatus {
    pub(crate) fn condition(&self, type_: ConditionType) -> Option<&Condition> {
        type_.of(&self.conditions)
    }
}

/// The name of a PhoneNumber.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumberRef {
    /// The digits of the number.
    pub name: String,
}
