//! The calls that an operator makes, as either of the two APIs sees them.

use bytes::Bytes;
use http::{Method, request::Parts};
use serde_json::Value;

/// What a call is for. Whoever watches from outside can tell these apart, and a process can die at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// Whether the API server knows the kinds.
    LookForKinds,
    ListClaims,
    ListRecords,
    WatchClaims,
    WatchRecords,
    /// The intent.
    CreateRecord,
    /// A new attempt in a record that there is.
    Reopen,
    ReadClaim,
    ReadRecord,
    /// What Vobiz answered, or that nothing was sent.
    StoreOutcome,
    /// Price and balance after a failed debit.
    StoreFunds,
    /// What verification found; and whatever is written about a settled record.
    Settle,
    DeleteRecord,
    PatchStatus,
    CreateEvent,
    OtherKube,
    Listing,
    Search,
    Ledger,
    Purchase,
    Inventory,
    Balance,
    OtherVobiz,
}

impl Call {
    /// Whether it writes a record, or removes one.
    #[must_use]
    pub fn writes_record(self) -> bool {
        matches!(
            self,
            Self::CreateRecord
                | Self::Reopen
                | Self::StoreOutcome
                | Self::StoreFunds
                | Self::Settle
                | Self::DeleteRecord
        )
    }
}

/// One call, taken apart.
#[derive(Debug, Clone)]
pub struct Seen {
    pub call: Call,
    /// The digits of the number, where the call names one.
    pub digits: Option<String>,
    /// The name of the claim, where the call names one.
    pub claim: Option<String>,
    /// What a write puts into a record.
    pub write: Option<Write>,
}

/// A record as a write would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub attempt: String,
    pub state: String,
    pub origin: String,
    pub outcome: Option<String>,
    /// Whether Vobiz gave an answer at all.
    pub answered: bool,
    pub claim_uid: Option<String>,
    pub automatic_retry_used: bool,
    pub spent_tokens: Vec<String>,
}

impl Write {
    /// Reads a record; nothing if it is none.
    #[must_use]
    pub fn of(record: &Value) -> Option<Self> {
        let attempt = record["spec"]["attempt"].as_object()?;
        let text = |name: &str| Some(attempt.get(name)?.as_str()?.to_owned());
        let tokens = attempt.get("spentTokens").and_then(Value::as_array);
        Some(Self {
            attempt: text("id")?,
            state: text("state")?,
            origin: text("origin")?,
            outcome: record["spec"]["attempt"]["answer"]["outcome"].as_str().map(str::to_owned),
            answered: record["spec"]["attempt"]["answer"]["httpStatus"].is_number(),
            claim_uid: record["spec"]["claimRef"]["uid"].as_str().map(str::to_owned),
            automatic_retry_used: attempt.get("automaticRetryUsed") == Some(&Value::Bool(true)),
            spent_tokens: tokens.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// Whether it is an intent: an attempt that was just opened.
    #[must_use]
    pub fn is_intent(&self) -> bool {
        self.state == "Open" && self.outcome.is_none()
    }
}

/// A call to the API server.
#[must_use]
pub fn to_kube(parts: &Parts, body: &Bytes) -> Seen {
    let query = parts.uri.query().unwrap_or_default();
    let segments: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let bare = |call| Seen { call, digits: None, claim: None, write: None };
    let of_claim = |call, name: &str| Seen { claim: Some(name.to_owned()), ..bare(call) };
    match (&parts.method, segments.as_slice()) {
        (&Method::GET, ["apis", "telephony.vobiz.ai", _, rest @ ..]) => match rest {
            [.., "phonenumberclaims" | "phonenumbers"]
                if query.contains("limit=1&") || query.ends_with("limit=1") =>
            {
                bare(Call::LookForKinds)
            }
            [.., "phonenumberclaims"] if query.contains("watch=true") => bare(Call::WatchClaims),
            [.., "phonenumberclaims"] => bare(Call::ListClaims),
            ["phonenumbers"] if query.contains("watch=true") => bare(Call::WatchRecords),
            ["phonenumbers"] => bare(Call::ListRecords),
            ["phonenumbers", digits] => Seen { digits: Some((*digits).to_owned()), ..bare(Call::ReadRecord) },
            [.., "phonenumberclaims", name] => of_claim(Call::ReadClaim, name),
            _ => bare(Call::OtherKube),
        },
        (&Method::POST, [.., "phonenumbers"]) => to_record(Call::CreateRecord, &body),
        (&Method::PUT, [.., "phonenumbers", _]) => to_record(replacement(&body), &body),
        (&Method::DELETE, [.., "phonenumbers", digits]) => {
            Seen { digits: Some((*digits).to_owned()), ..bare(Call::DeleteRecord) }
        }
        (&Method::PATCH, [.., "phonenumberclaims", name, "status"]) => of_claim(Call::PatchStatus, name),
        (&Method::POST | &Method::PATCH, ["apis", "events.k8s.io", ..]) => {
            let about = body["regarding"]["name"].as_str().unwrap_or_default();
            of_claim(Call::CreateEvent, about)
        }
        _ => bare(Call::OtherKube),
    }
}

fn to_record(call: Call, body: &Value) -> Seen {
    let digits = body["metadata"]["name"].as_str().map(str::to_owned);
    let claim = body["spec"]["claimRef"]["name"].as_str().map(str::to_owned);
    Seen { call, digits, claim, write: Write::of(body) }
}

fn replacement(body: &Value) -> Call {
    let Some(write) = Write::of(body) else { return Call::OtherKube };
    let funds = &body["spec"]["attempt"]["answer"]["funds"];
    match (write.state.as_str(), write.outcome.as_deref()) {
        ("Open", None) => Call::Reopen,
        // The sums of a 402 are part of the answer itself.
        ("Open", Some(_)) if funds.is_string() && write.outcome.as_deref() == Some("PaymentFailed") => {
            Call::StoreFunds
        }
        ("Open", Some(_)) | ("Bound", Some("Purchased")) | ("Failed", Some("NotSent")) => Call::StoreOutcome,
        _ => Call::Settle,
    }
}

/// A call to Vobiz.
#[must_use]
pub fn to_vobiz(parts: &Parts, body: &Bytes) -> Seen {
    let query = parts.uri.query().unwrap_or_default();
    let search = query.split('&').find_map(|pair| pair.strip_prefix("search="));
    let search = search.map(|value| value.trim_start_matches("%2B").trim_start_matches('+').to_owned());
    let (call, digits) = match (&parts.method, parts.uri.path()) {
        (&Method::POST, path) if path.ends_with("/purchase-from-inventory") => {
            let body: Value = serde_json::from_slice(body).unwrap_or_default();
            (Call::Purchase, body["e164"].as_str().map(|e164| e164.trim_start_matches('+').to_owned()))
        }
        (&Method::GET, path) if path.ends_with("/inventory/numbers") => (Call::Inventory, search),
        (&Method::GET, path) if path.ends_with("/numbers") => {
            (if search.is_some() { Call::Search } else { Call::Listing }, search)
        }
        (&Method::GET, path) if path.ends_with("/transactions") => (Call::Ledger, None),
        (&Method::GET, path) if path.contains("/balance/") => (Call::Balance, None),
        _ => (Call::OtherVobiz, None),
    };
    Seen { call, digits, claim: None, write: None }
}
