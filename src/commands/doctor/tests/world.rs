//! A world in which all is well, and what it is broken with.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime};
use serde_json::{Value, json};

use super::super::{
    checks::findings,
    facts::{Asked, Facts, LeaseSeen, Listed, Vobiz},
    finding::{Finding, Id, Level},
    rights::{Review, Right},
};
use crate::{
    api::{PhoneNumber, VobizAccount},
    cluster::definitions::Served,
    commands::standing::for_tests::{claim, record},
    domain::Clocks,
    plan::Timeouts,
    vobiz::{Casing, Debits, ReadError, Survey, Tried},
};

pub const NOW: &str = "2026-01-02T12:00:00Z";

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn tried<T>(answer: T) -> Tried<T> {
    Tried { casings: vec![Casing::Upper, Casing::Lower], answer: Ok(answer) }
}

pub fn survey() -> Survey {
    let newest = "2026-01-02T03:00:00Z".parse().ok();
    let debits = Debits { newest, rows: 7, since: "2026-01-01T00:00:00Z".parse().ok() };
    Survey {
        listing: tried(()),
        inventory: tried(()),
        balance: tried(()),
        ledger: tried(debits),
        notices: Vec::new(),
    }
}

pub fn lease(holder: &str, renewed: &str) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(holder.into()),
        renew_time: Some(MicroTime(renewed.parse().unwrap())),
        lease_duration_seconds: Some(15),
        ..LeaseSpec::default()
    }
}

pub fn review(verb: &'static str, allowed: Result<bool, String>) -> Review {
    let right =
        Right { group: "", resource: "phonenumbers", verb, namespace: Some("team-a".into()), name: None };
    Review { right, allowed }
}

/// A world in which all is well.
pub fn well() -> Facts {
    Facts {
        now: now(),
        served: Served::Current,
        reviews: vec![review("get", Ok(true))],
        lease: LeaseSeen {
            namespace: "telephony".into(),
            name: "vobiz-operator".into(),
            expected: true,
            found: Ok(Some(lease("pod-1", "2026-01-02T11:59:58Z"))),
        },
        records: records([record("911", "office")]),
        claims: Listed::Read(vec![claim("office")]),
        declared: accounts([]),
        asked: vec![asked("MA_1")],
        clocks: Clocks { vobiz: Some(SignedDuration::ZERO), kubernetes: Some(SignedDuration::ZERO) },
        address: "https://api.vobiz.ai".into(),
        proxy: None,
        purchase_path: Casing::Lower,
        timeouts: Timeouts { purchase_timeout: Duration::from_secs(50), settle: Duration::from_mins(2) },
    }
}

/// An account of the flags that is answered.
pub fn asked(account: &str) -> Asked {
    Asked {
        name: Some(account.into()),
        account: account.parse().ok(),
        secret: None,
        vobiz: Vobiz::Asked(Box::new(survey())),
    }
}

/// Accounts that are declared, with these fields of the spec.
pub fn accounts<const N: usize>(specs: [Value; N]) -> Listed<VobizAccount> {
    let account = |(at, spec): (usize, Value)| {
        let mut account = json!({
            "metadata": { "name": format!("acme-{at}") },
            "spec": { "authId": format!("MA_{at}"), "tokenSecretRef": { "namespace": "n", "name": "s" } },
        });
        account["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(account).unwrap()
    };
    Listed::Read(specs.into_iter().enumerate().map(account).collect())
}

pub fn records<const N: usize>(records: [Value; N]) -> Listed<PhoneNumber> {
    Listed::Read(records.into_iter().map(|record| serde_json::from_value(record).unwrap()).collect())
}

/// A record in that state, opened at 10 o'clock.
pub fn in_state(state: &str) -> Value {
    let mut record = record("911", "office");
    record["spec"]["attempt"]["state"] = json!(state);
    record["spec"]["attempt"]["openedAt"] = json!("2026-01-02T10:00:00Z");
    record
}

pub fn purchased() -> Value {
    let mut record = in_state("Bound");
    record["spec"]["attempt"]["answer"] = json!({ "outcome": "Purchased", "at": "2026-01-02T10:00:01Z" });
    record
}

pub fn deleted(mut record: Value, at: &str) -> Value {
    record["metadata"]["deletionTimestamp"] = json!(at);
    record
}

/// What is found that is not well.
pub fn unwell(facts: &Facts) -> Vec<Finding> {
    findings(facts).into_iter().filter(|finding| finding.verdict.level != Level::Ok).collect()
}

/// Changes what Vobiz answers.
pub fn answered(facts: &mut Facts, change: impl FnOnce(&mut Survey)) {
    let mut survey = survey();
    change(&mut survey);
    facts.asked[0].vobiz = Vobiz::Asked(Box::new(survey));
}

pub fn all_reads(survey: &mut Survey, error: &ReadError) {
    for tried in [&mut survey.listing, &mut survey.inventory, &mut survey.balance] {
        *tried = Tried { casings: Vec::new(), answer: Err(error.clone()) };
    }
    survey.ledger = Tried { casings: Vec::new(), answer: Err(error.clone()) };
}

/// How a world is broken; what is found, how bad it is, words of it, and words of the mend.
pub type Broken = (fn(&mut Facts), Id, Level, &'static str, &'static str);
