//! The simulator's controls over HTTP, for everybody else.

use bytes::Bytes;
use hyper::http::request::Parts;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{JournalFilter, Operation, SimAdmin, SimError, params::Params, reply::Reply};

/// Which held requests to release: one, those of an account, or, with neither, all.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Release {
    seq: Option<u64>,
    account: Option<String>,
}

/// How the server itself behaves: seconds by which its clock is ahead, and whether it closes each connection after its
/// answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Manners {
    clock_ahead: i64,
    closes: bool,
}

pub(crate) fn answer(admin: &SimAdmin, parts: &Parts, body: &Bytes) -> Reply {
    let params = Params::parse(parts.uri.query());
    let path = parts.uri.path().trim_start_matches("/_sim/");
    let outcome = match (parts.method.as_str(), path) {
        ("GET", path) => read(admin, path, &params),
        ("POST" | "PUT", path) => write(admin, path, body),
        ("DELETE", path) => delete(admin, path, &params),
        _ => Err(Reply::json(405, &json!({"error": "no such method"}))),
    };
    outcome.unwrap_or_else(|refusal| refusal)
}

fn read(admin: &SimAdmin, path: &str, params: &Params) -> Result<Reply, Reply> {
    let account = params.get("account");
    match path {
        "journal" => Ok(ok(&admin.journal(&filter(params)?))),
        "counts" => Ok(ok(&admin.counts(&filter(params)?))),
        "owned" => Ok(ok(&admin.owned(account))),
        "numbers" => Ok(ok(&admin.inventory())),
        "faults" => Ok(ok(&admin.faults())),
        "accounts" => {
            let found = account.and_then(|id| admin.account(id));
            found.map(|account| ok(&account)).ok_or_else(|| missing("accounts?account=…"))
        }
        _ => Err(missing(path)),
    }
}

fn write(admin: &SimAdmin, path: &str, body: &Bytes) -> Result<Reply, Reply> {
    match path {
        "accounts" => settle(admin.patch_account(parse(body)?)),
        "numbers" => settle(admin.put_number(parse(body)?)),
        "owned" => settle(admin.put_owned(parse(body)?)),
        "ledger" => settle(admin.put_ledger(parse(body)?)),
        "manners" => {
            let Manners { clock_ahead, closes } = parse(body)?;
            admin.set_clock_ahead(clock_ahead);
            admin.close_after_each_answer(closes);
            Ok(ok(&json!({})))
        }
        "faults" => Ok(ok(&json!({"id": admin.arm(parse(body)?)}))),
        "release" => {
            let wanted: Release = if body.is_empty() { Release::default() } else { parse(body)? };
            let released = match wanted.seq {
                Some(seq) => usize::from(admin.release(seq)),
                None => admin.release_all(wanted.account.as_deref()),
            };
            Ok(ok(&json!({"released": released})))
        }
        _ => Err(missing(path)),
    }
}

fn delete(admin: &SimAdmin, path: &str, params: &Params) -> Result<Reply, Reply> {
    match path {
        "faults" => {
            let disarmed = match params.number("id") {
                Some(id) => usize::from(admin.disarm_one(id)),
                None => admin.disarm(params.get("account")),
            };
            Ok(ok(&json!({"disarmed": disarmed})))
        }
        "numbers" | "owned" => {
            let e164 = params.e164().ok_or_else(|| missing("e164"))?;
            settle(admin.remove_number(&e164, params.number("restock").unwrap_or(false)))
        }
        _ => Err(missing(path)),
    }
}

fn filter(params: &Params) -> Result<JournalFilter, Reply> {
    let operation: Option<Operation> = match params.get("operation") {
        None => None,
        Some(word) => Some(parse(&Bytes::from(format!("\"{word}\"")))?),
    };
    Ok(JournalFilter { account: params.get("account").map(str::to_owned), e164: params.e164(), operation })
}

fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, Reply> {
    serde_json::from_slice(body).map_err(|error| Reply::json(400, &json!({"error": error.to_string()})))
}

fn ok(body: &impl Serialize) -> Reply {
    Reply::json(200, body)
}

fn settle<T: Serialize>(outcome: Result<T, SimError>) -> Result<Reply, Reply> {
    outcome.map(|body| ok(&body)).map_err(|error| {
        let status = match error {
            SimError::UnknownAccount(_) | SimError::UnknownNumber(_) => 404,
            SimError::Owned { .. } => 409,
            _ => 400,
        };
        Reply::json(status, &json!({"error": error.to_string()}))
    })
}

fn missing(what: &str) -> Reply {
    Reply::json(404, &json!({"error": format!("there is no {what}")}))
}
