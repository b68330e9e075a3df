//! `VobizAccount`: an account of Vobiz's that numbers are bought in, and the namespaces that may buy in it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use super::{
    ACCOUNT_FINALIZER,
    reason::{Progress, Status},
};
use crate::domain::{AccountId, Currency, Money, Rate};

/// An account of Vobiz's in which claims buy. Written by administrators; the operator reports in the status.
#[derive(CustomResource, Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[kube(
    group = "telephony.vobiz.ai",
    version = "v1alpha1",
    kind = "VobizAccount",
    plural = "vobizaccounts",
    shortname = "va",
    category = "telephony",
    status = "VobizAccountStatus",
    doc = "An account of Vobiz's in which claims buy: its credentials, and the namespaces that it is open to. Written by administrators; the operator reports in the status.",
    selectable = ".spec.authId",
    printcolumn = r#"{"name":"Account","type":"string","jsonPath":".spec.authId","description":"The account's auth id at Vobiz"}"#,
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"Whether claims can buy in it"}"#,
    printcolumn = r#"{"name":"Reason","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"Why it is, or is not, ready"}"#,
    printcolumn = r#"{"name":"Numbers","type":"integer","jsonPath":".status.numbers.owned","description":"Numbers that it owned when it was last listed"}"#,
    printcolumn = r#"{"name":"Monthly","type":"string","jsonPath":".status.monthlyCost[0].amount","description":"Recurring fees a month of all that it owns"}"#,
    printcolumn = r#"{"name":"Balance","type":"string","jsonPath":".status.balances[0].available","description":"What was available when it was last listed"}"#,
    printcolumn = r#"{"name":"Default","type":"boolean","priority":1,"jsonPath":".spec.default","description":"Whether it serves the claims that name no account"}"#,
    printcolumn = r#"{"name":"Currency","type":"string","priority":1,"jsonPath":".status.monthlyCost[0].currency","description":"ISO 4217 code of the fees"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct VobizAccountSpec {
    /// The auth id of the account, MA_… or SA_…. Immutable: another account is another VobizAccount.
    #[schemars(extend("x-kubernetes-validations" = [{
        "rule": "self == oldSelf",
        "message": "spec.authId is immutable: another account is another VobizAccount"
    }]))]
    pub auth_id: AccountId,

    /// The Secret that holds the auth token. It is read again every 30 s, so that a token may be changed at any time.
    pub token_secret_ref: TokenSecretRef,

    /// Whether it serves the claims that name no account. At most one may: where there are two, those claims wait.
    #[serde(default)]
    pub default: bool,

    /// With true, no purchase or adoption is begun. What was sent is verified, and what was bought is looked after.
    #[serde(default)]
    pub suspend: bool,

    /// Whose claims may buy in it. Left out, nobody's.
    #[serde(default)]
    pub allowed_namespaces: AllowedNamespaces,

    /// Calls a second, and optionally the burst (default: twice as many): "20" or "20/40". Left out, that of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<Rate>,
}

/// A key of a Secret.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq, Hash)]
#[schemars(inline)]
pub struct TokenSecretRef {
    /// Namespace of the Secret. The operator needs the right to get this Secret.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the Secret. White space around the token is no part of it.
    #[serde(default = "auth_token")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn auth_token() -> String {
    "auth-token".into()
}

/// The namespaces whose claims may buy in an account.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[schemars(inline)]
pub struct AllowedNamespaces {
    /// Which of these counts: Names (those named), Selector (those whose labels match), or All.
    #[serde(default)]
    pub from: AllowedFrom,
    /// The namespaces, with from: Names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Labels of the namespaces, with from: Selector. The operator needs the right to get, list and watch namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// How namespaces are chosen.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[schemars(inline)]
pub enum AllowedFrom {
    #[default]
    Names,
    Selector,
    All,
}

/// What is known of the account.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct VobizAccountStatus {
    /// The generation of the spec that this status speaks of. -1 until the operator has seen the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Ready (claims can buy in it), and, only while true, Reconciling (it passes by itself) or Stalled (it waits for a
    /// person).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The account that pays, as its ledger and balances say: a sub-account's is its master.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_account: Option<AccountId>,

    /// What was available when the account was last listed, in each currency in use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balances: Vec<AvailableBalance>,

    /// The numbers of the account's last listing, and of the records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberCounts>,

    /// Recurring fees a month of all that the account owns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monthly_cost: Vec<MonthlyCost>,
}

/// What is available in one currency.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[schemars(inline)]
pub struct AvailableBalance {
    /// ISO 4217 code.
    pub currency: Currency,
    /// The sum.
    pub available: Money,
}

/// How many numbers there are.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[schemars(inline)]
pub struct NumberCounts {
    /// Listed under the account's own id.
    pub owned: i64,
    /// Of those, the ones that have a PhoneNumber.
    pub recorded: i64,
    /// Of those, the ones that have none.
    pub unrecorded: i64,
    /// Records of the account behind which no claim stands.
    pub unclaimed: i64,
}

/// Fees in one currency.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[schemars(inline)]
pub struct MonthlyCost {
    /// ISO 4217 code.
    pub currency: Currency,
    /// The sum.
    pub amount: Money,
}

/// Why an account is, or is not, ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(const_into_str)]
pub enum AccountReason {
    Accepted,
    Checking,
    Deleting,
    InvalidCredentials,
    SecretNotFound,
    RateLimited,
    VobizUnavailable,
    DuplicateAuthId,
    Suspended,
    NamespacesUnreadable,
}

impl VobizAccount {
    /// Whether its deletion is held back.
    pub(crate) fn is_held(&self) -> bool {
        self.finalizers().iter().any(|finalizer| finalizer == ACCOUNT_FINALIZER)
    }
}

impl AccountReason {
    /// How `Ready` stands, and which side has to act.
    pub(crate) fn row(self) -> (Status, Progress) {
        match self {
            Self::Accepted => (Status::True, Progress::Done),
            Self::Suspended => (Status::False, Progress::Done),
            Self::Checking | Self::Deleting | Self::RateLimited | Self::VobizUnavailable => {
                (Status::False, Progress::Reconciling)
            }
            Self::InvalidCredentials
            | Self::SecretNotFound
            | Self::DuplicateAuthId
            | Self::NamespacesUnreadable => (Status::False, Progress::Stalled),
        }
    }
}
