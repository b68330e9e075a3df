//! A request to the vendor's API, taken apart.

use bytes::Bytes;
use hyper::{HeaderMap, Method, http::request::Parts};
use serde_json::Value;

use crate::{
    envelopes,
    journal::Operation,
    params::{Params, segment},
    reply::Reply,
    world::World,
};

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) params: Params,
    /// The account of the path.
    pub(crate) account: Option<String>,
    /// The currency at the end of a balance's path.
    pub(crate) currency: Option<String>,
    /// What a purchase asks for, as far as its body says.
    pub(crate) purchase: Option<PurchaseBody>,
    pub(crate) user_agent: Option<String>,
    auth_id: Option<String>,
    auth_token: Option<String>,
}

/// The body of a purchase. Unknown fields are ignored, and wrong ones are left for the answer to refuse:
/// the journal wants the number in any case.
#[derive(Debug, Default)]
pub(crate) struct PurchaseBody {
    pub(crate) e164: Option<String>,
    pub(crate) currency: Option<String>,
    /// Whether it is a JSON object with strings in the right places.
    pub(crate) well_formed: bool,
}

impl PurchaseBody {
    fn parse(body: &[u8]) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
            return Self::default();
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let is_text = |name: &str| fields.get(name).is_none_or(|value| value.is_string() || value.is_null());
        Self {
            e164: text("e164"),
            currency: text("currency").filter(|currency| !currency.is_empty()),
            well_formed: is_text("e164") && is_text("currency"),
        }
    }
}

impl Call {
    pub(crate) fn parse(parts: &Parts, body: &Bytes) -> Self {
        let path = parts.uri.path().to_owned();
        let segments: Vec<String> = path.split('/').skip(1).map(segment).collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (operation, account, currency) = route(&parts.method, &segments);
        let header = |name: &str| text(&parts.headers, name);
        Self {
            operation,
            method: parts.method.clone(),
            query: parts.uri.query().map(str::to_owned),
            params: Params::parse(parts.uri.query()),
            account: account.map(str::to_owned),
            currency: currency.map(str::to_owned),
            purchase: (operation == Operation::Purchase).then(|| PurchaseBody::parse(body)),
            user_agent: header("user-agent"),
            auth_id: header("x-auth-id"),
            auth_token: header("x-auth-token"),
            path,
        }
    }

    /// Whether the request is about this number: it asks to buy it, or searches for it.
    pub(crate) fn concerns(&self, e164: &str) -> bool {
        match &self.purchase {
            Some(purchase) => purchase.e164.as_deref() == Some(e164),
            None => self.params.get("search").is_some_and(|search| e164.contains(search)),
        }
    }

    /// The path and query, as sent.
    pub(crate) fn target(&self) -> String {
        self.query.as_ref().map_or_else(|| self.path.clone(), |query| format!("{}?{query}", self.path))
    }

    /// The account that asks, if it is who it says and asks about itself.
    pub(crate) fn authenticate<'a>(&'a self, world: &World) -> Result<&'a str, Reply> {
        let (Some(id), Some(token)) = (&self.auth_id, &self.auth_token) else {
            return Err(envelopes::unauthorized("missing X-Auth-ID or X-Auth-Token"));
        };
        if world.accounts.get(id).is_none_or(|account| account.token != *token) {
            return Err(envelopes::unauthorized("invalid credentials"));
        }
        match &self.account {
            None => Err(envelopes::no_such_path()),
            Some(account) if account != id => {
                Err(envelopes::plain(403, "forbidden", "account does not match the credentials"))
            }
            Some(account) => Ok(account),
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// What a path means. Its casing is significant, and for `account` two casings are right.
fn route<'a>(method: &Method, segments: &[&'a str]) -> (Operation, Option<&'a str>, Option<&'a str>) {
    let ["api", "v1", "account" | "Account", account, rest @ ..] = segments else {
        return (Operation::Other, None, None);
    };
    let operation = match (method.as_str(), rest) {
        ("POST", ["numbers", "purchase-from-inventory"]) => Operation::Purchase,
        ("GET", ["numbers"]) => Operation::List,
        ("GET", ["inventory", "numbers"]) => Operation::Inventory,
        ("GET", ["transactions"]) => Operation::Ledger,
        ("GET", ["balance", currency]) => return (Operation::Balance, Some(account), Some(currency)),
        _ => Operation::Other,
    };
    (operation, Some(account), None)
}
