//! Broken worlds, and what is found of each; and that the page tells of every check.

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime};
use serde_json::{Value, json};
use strum::VariantArray;

use super::{
    checks::findings,
    facts::{Facts, LeaseSeen, Listed, Vobiz},
    finding::{Finding, Id, Level},
    render,
    rights::{Review, Right},
};
use crate::{
    cluster::definitions::Served,
    commands::standing::for_tests::{claim, record},
    domain::Clocks,
    vobiz::{Casing, Debits, Notice, ReadError, Survey, Tried},
};

const NOW: &str = "2026-01-02T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn tried<T>(answer: T) -> Tried<T> {
    Tried { casings: vec![Casing::Upper, Casing::Lower], answer: Ok(answer) }
}

fn survey() -> Survey {
    let debits =
        Debits { newest: "2026-01-02T03:00:00Z".parse().ok(), since: "2026-01-01T00:00:00Z".parse().ok() };
    Survey {
        listing: tried(()),
        inventory: tried(()),
        balance: tried(()),
        ledger: tried(debits),
        notices: Vec::new(),
    }
}

fn lease(holder: &str, renewed: &str) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(holder.into()),
        renew_time: Some(MicroTime(renewed.parse().unwrap())),
        lease_duration_seconds: Some(15),
        ..LeaseSpec::default()
    }
}

fn review(verb: &'static str, allowed: Result<bool, String>) -> Review {
    let right =
        Right { group: "", resource: "phonenumbers", verb, namespace: Some("team-a".into()), name: None };
    Review { right, allowed }
}

/// A world in which all is well.
fn well() -> Facts {
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
        account: "MA_1".parse().ok(),
        vobiz: Vobiz::Asked(Box::new(survey())),
        clocks: Clocks { vobiz: Some(SignedDuration::ZERO), kubernetes: Some(SignedDuration::ZERO) },
        address: "https://api.vobiz.ai".into(),
        proxy: None,
        purchase_path: Casing::Lower,
        until_settled: Duration::from_mins(3),
    }
}

fn records<const N: usize>(records: [Value; N]) -> Listed<crate::api::PhoneNumber> {
    Listed::Read(records.into_iter().map(|record| serde_json::from_value(record).unwrap()).collect())
}

/// A record in that state, opened at 10 o'clock.
fn in_state(state: &str) -> Value {
    let mut record = record("911", "office");
    record["spec"]["attempt"]["state"] = json!(state);
    record["spec"]["attempt"]["openedAt"] = json!("2026-01-02T10:00:00Z");
    record
}

fn purchased() -> Value {
    let mut record = in_state("Bound");
    record["spec"]["attempt"]["answer"] = json!({ "outcome": "Purchased", "at": "2026-01-02T10:00:01Z" });
    record
}

fn deleted(mut record: Value, at: &str) -> Value {
    record["metadata"]["deletionTimestamp"] = json!(at);
    record
}

/// What is found that is not well.
fn unwell(facts: &Facts) -> Vec<Finding> {
    findings(facts).into_iter().filter(|finding| finding.verdict.level != Level::Ok).collect()
}

/// Changes what Vobiz answers.
fn answered(facts: &mut Facts, change: impl FnOnce(&mut Survey)) {
    let mut survey = survey();
    change(&mut survey);
    facts.vobiz = Vobiz::Asked(Box::new(survey));
}

fn all_reads(survey: &mut Survey, error: &ReadError) {
    for tried in [&mut survey.listing, &mut survey.inventory, &mut survey.balance] {
        *tried = Tried { casings: Vec::new(), answer: Err(error.clone()) };
    }
    survey.ledger = Tried { casings: Vec::new(), answer: Err(error.clone()) };
}

/// How a world is broken; what is found, how bad it is, words of it, and words of the mend.
type Broken = (fn(&mut Facts), Id, Level, &'static str, &'static str);

const CLUSTER: [Broken; 17] = [
    (
        |facts| (facts.records, facts.claims) = (Listed::NotServed, Listed::NotServed),
        Id::DefinitionsServed,
        Level::Error,
        "does not know claims or records",
        "vobiz-operator crd",
    ),
    (
        |facts| facts.served = Served::Older("PhoneNumber.spec.x".into()),
        Id::DefinitionsVersion,
        Level::Error,
        "do not know PhoneNumber.spec.x",
        "vobiz-operator crd",
    ),
    (
        |facts| facts.served = Served::Newer("PhoneNumber.spec.y".into()),
        Id::DefinitionsVersion,
        Level::Warning,
        "PhoneNumber.spec.y",
        "--version",
    ),
    (
        |facts| facts.served = Served::Unknown("no answer".into()),
        Id::DefinitionsVersion,
        Level::Warning,
        "no answer",
        "get --raw /openapi",
    ),
    (
        |facts| facts.reviews.extend([review("list", Ok(false)), review("watch", Err("late".into()))]),
        Id::Rights,
        Level::Error,
        "lack what the operator needs: list phonenumbers in team-a.",
        "kubectl exec",
    ),
    (
        |facts| facts.reviews.push(review("watch", Err("late".into()))),
        Id::Rights,
        Level::Warning,
        "late",
        "can-i",
    ),
    (
        |facts| facts.lease.found = Ok(None),
        Id::Lease,
        Level::Error,
        "telephony/vobiz-operator",
        "kubectl get pods",
    ),
    (
        |facts| (facts.lease.found, facts.lease.expected) = (Ok(None), false),
        Id::Lease,
        Level::Warning,
        "not seen from here",
        "--leader-election-namespace",
    ),
    (
        |facts| facts.lease.found = Err("forbidden".into()),
        Id::Lease,
        Level::Warning,
        "forbidden",
        "can-i get leases",
    ),
    (
        |facts| facts.lease.found = Ok(Some(lease("pod-1", "2026-01-02T11:57:44Z"))),
        Id::Lease,
        Level::Error,
        "2026-01-02T11:57:44Z. No operator works",
        "kubectl get pods",
    ),
    (
        |facts| facts.lease.found = Ok(Some(lease("", "2026-01-02T11:59:58Z"))),
        Id::Lease,
        Level::Error,
        "no operator works",
        "kubectl get pods",
    ),
    (
        |facts| facts.claims = Listed::Failed("you may not".into()),
        Id::Objects,
        Level::Error,
        "you may not",
        "can-i list",
    ),
    (
        |facts| facts.records = records([in_state("Releasing")]),
        Id::Objects,
        Level::Warning,
        "phonenumbers/911",
        "Upgrade",
    ),
    (
        |facts| facts.records = records([in_state("Open")]),
        Id::OpenAttempts,
        Level::Error,
        "+911 for team-a/office (since 2026-01-02T10:00:00Z)",
        "kubectl vobiz why",
    ),
    (
        |facts| facts.records = records([in_state("NeedsDecision")]),
        Id::Decisions,
        Level::Error,
        "+911 for team-a/office",
        "kubectl vobiz retry",
    ),
    (
        |facts| facts.records = records([deleted(record("911", "office"), "2026-01-02T11:49:59Z")]),
        Id::Finalizers,
        Level::Warning,
        "phonenumbers/911",
        "forget=true",
    ),
    (
        |facts| {
            let claim = serde_json::to_value(claim("office")).unwrap();
            let claim = deleted(claim, "2026-01-02T11:00:00Z");
            facts.claims = Listed::Read(vec![serde_json::from_value(claim).unwrap()]);
        },
        Id::Finalizers,
        Level::Warning,
        "phonenumberclaims/office in team-a",
        "-o yaml",
    ),
];

const ACCOUNT: [Broken; 16] = [
    (
        |facts| facts.vobiz = Vobiz::NoCredentials("VOBIZ_AUTH_ID is not set".into()),
        Id::Credentials,
        Level::Error,
        "VOBIZ_AUTH_ID is not set",
        "VOBIZ_AUTH_TOKEN_FILE",
    ),
    (
        |facts| answered(facts, |survey| all_reads(survey, &ReadError::Unauthorized)),
        Id::Credentials,
        Level::Error,
        "refuses the credentials (401)",
        "VOBIZ_AUTH_TOKEN",
    ),
    (
        |facts| facts.vobiz = Vobiz::NoClient("VOBIZ_API_URL is not a URL".into()),
        Id::Connection,
        Level::Error,
        "is not a URL",
        "VOBIZ_API_URL",
    ),
    (
        |facts| answered(facts, |survey| all_reads(survey, &ReadError::Failed("no answer in time".into()))),
        Id::Connection,
        Level::Error,
        "no answer in time",
        "curl -sSI https://api.vobiz.ai",
    ),
    (
        |facts| answered(facts, |survey| survey.listing.answer = Err(ReadError::Forbidden)),
        Id::Listing,
        Level::Error,
        "it is forbidden (403)",
        "Ask Vobiz",
    ),
    (
        |facts| answered(facts, |survey| survey.inventory.answer = Err(ReadError::NoSuchEndpoint)),
        Id::Inventory,
        Level::Warning,
        "prices are not known",
        "VOBIZ_API_URL",
    ),
    (
        |facts| answered(facts, |survey| survey.balance.answer = Err(ReadError::Failed("500".into()))),
        Id::Balance,
        Level::Warning,
        "500",
        "Try again",
    ),
    (
        |facts| answered(facts, |survey| survey.ledger.answer = Err(ReadError::Unauthorized)),
        Id::Ledger,
        Level::Error,
        "asks for a decision",
        "Ask Vobiz",
    ),
    (
        |facts| {
            let limited = Err(ReadError::RateLimited { retry_after: None });
            answered(facts, |survey| survey.ledger.answer = limited);
        },
        Id::Ledger,
        Level::Warning,
        "too many calls",
        "VOBIZ_RATE_LIMIT",
    ),
    (
        |facts| facts.records = records([purchased()]),
        Id::NewestDebit,
        Level::Warning,
        "is of 2026-01-02T03:00:00Z, 9 h ago, though +911 was bought at 2026-01-02T10:00:00Z",
        "VOBIZ_SETTLE_TIME",
    ),
    (
        |facts| {
            answered(facts, |survey| {
                let casings = vec![Casing::Upper];
                for tried in [&mut survey.listing, &mut survey.inventory, &mut survey.balance] {
                    tried.casings = casings.clone();
                }
                survey.ledger.casings = casings;
            });
        },
        Id::PurchasePath,
        Level::Warning,
        "Purchases go to /account/, and reads are answered under /Account/ alone",
        "VOBIZ_PURCHASE_PATH=Account",
    ),
    (
        |facts| {
            let (path, value) = ("/Account/…/numbers".into(), "Sat, 31 Oct 2026 00:00:00 GMT".into());
            answered(facts, |survey| survey.notices = vec![Notice { path, header: "Sunset", value }]);
        },
        Id::Deprecation,
        Level::Warning,
        "/Account/…/numbers (Sunset: Sat, 31 Oct 2026 00:00:00 GMT)",
        "CHANGELOG.md",
    ),
    (
        |facts| facts.clocks.vobiz = Some(SignedDuration::from_mins(-15)),
        Id::Clocks,
        Level::Error,
        "Vobiz's clock is 15 min behind.",
        "timedatectl",
    ),
    (
        |facts| facts.clocks.kubernetes = Some(SignedDuration::from_mins(3)),
        Id::Clocks,
        Level::Warning,
        "the API server's clock is 3 min ahead.",
        "timedatectl",
    ),
    (
        |facts| facts.proxy = Some("proxy:3128".into()),
        Id::Proxies,
        Level::Warning,
        "the proxy proxy:3128 before https://api.vobiz.ai",
        "NO_PROXY",
    ),
    (
        |facts| answered(facts, |survey| survey.listing.answer = Err(ReadError::Failed("HTML".into()))),
        Id::Listing,
        Level::Error,
        "nothing is bought or verified",
        "Try again",
    ),
];

#[test]
fn each_broken_world_has_its_finding_with_a_mend_and_no_other() {
    for (break_it, id, level, words, mend) in CLUSTER.into_iter().chain(ACCOUNT) {
        let mut facts = well();
        break_it(&mut facts);
        let found = unwell(&facts);
        let [Finding { id: told, verdict }] = found.as_slice() else { panic!("{id:?}: {found:?}") };
        assert_eq!((told, verdict.level), (&id, level), "{verdict:?}");
        let told = verdict.mend.as_deref().unwrap_or_default();
        assert!(verdict.message.contains(words) && told.contains(mend), "{verdict:?}");
        assert!(!verdict.message.contains('\n'), "{verdict:?}");
    }
}

#[test]
fn every_check_can_find_something_and_says_so_where_all_is_well() {
    let broken: Vec<_> = CLUSTER.iter().chain(&ACCOUNT).map(|(_, id, ..)| *id).collect();
    let all = findings(&well());
    assert_eq!(all.iter().map(|finding| finding.id).collect::<Vec<_>>(), Id::VARIANTS);
    for Finding { id, verdict } in &all {
        assert!(verdict.level == Level::Ok && verdict.mend.is_none() && broken.contains(id), "{verdict:?}");
    }
}

#[test]
fn what_has_its_time_still_or_is_anothers_is_no_finding() {
    let young = |mut record: Value| {
        record["spec"]["attempt"]["openedAt"] = json!("2026-01-02T11:28:00Z");
        record
    };
    let of_another = |state: &str| {
        let mut record = in_state(state);
        record["spec"]["account"] = json!("MA_2");
        record
    };
    for record in [
        young(in_state("Open")),
        of_another("Open"),
        of_another("NeedsDecision"),
        in_state("Failed"),
        in_state("Bound"),
        deleted(record("911", "office"), "2026-01-02T11:50:00Z"),
    ] {
        let mut facts = well();
        facts.records = records([record.clone()]);
        assert_eq!(unwell(&facts), [], "{record}");
    }
}

#[test]
fn a_debit_is_missed_only_where_the_ledger_would_show_it() {
    let (at, shown) = (|text: &str| text.parse().ok(), |text: &str| text.parse().ok());
    for (newest, since, missed) in [
        (None, shown("2026-01-01T00:00:00Z"), true),
        (at("2026-01-02T09:49:00Z"), shown("2026-01-01T00:00:00Z"), true),
        (at("2026-01-02T09:51:00Z"), shown("2026-01-01T00:00:00Z"), false),
        (at("2026-01-02T10:00:05Z"), shown("2026-01-01T00:00:00Z"), false),
        (None, shown("2026-01-02T10:30:00Z"), false),
        (None, None, false),
    ] {
        let mut facts = well();
        facts.records = records([purchased()]);
        answered(&mut facts, |survey| survey.ledger = tried(Debits { newest, since }));
        assert_eq!(unwell(&facts).len(), usize::from(missed), "{newest:?} {since:?}");
    }
}

#[test]
fn no_more_than_five_are_named() {
    let mut facts = well();
    let many = (0..7).map(|at| {
        let mut record = in_state("NeedsDecision");
        record["spec"]["e164"] = json!(format!("+91{at}"));
        serde_json::from_value(record).unwrap()
    });
    facts.records = Listed::Read(many.collect());
    let [Finding { verdict, .. }] = &unwell(&facts)[..] else { panic!() };
    assert!(verdict.message.contains("+914") && verdict.message.contains("and 2 more"), "{verdict:?}");
    assert!(!verdict.message.contains("+915"), "{verdict:?}");
}

#[test]
fn the_table_fits_100_columns_and_the_document_has_its_schema() {
    let mut facts = well();
    facts.proxy = Some("proxy:3128".into());
    let all = findings(&facts);
    let text = render::as_table(&all);
    assert!(text.contains("\u{1b}[33mwarning\u{1b}[0m"), "{text:?}");
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(
        text.contains("Mend: ") && text.lines().any(|line| line.starts_with("warning  proxies")),
        "{text}"
    );
    let document: Value = serde_json::from_str(&render::as_json(&all).unwrap()).unwrap();
    assert_eq!(document["schemaVersion"], 1);
    let first = json!({
        "id": "definitions-served", "level": "ok", "message": "The API server knows claims and records.", "mend": null,
    });
    assert_eq!(document["findings"][0], first);
    assert_eq!(document["findings"][18]["mend"].as_str().map(|mend| mend.contains("NO_PROXY")), Some(true));
}

#[test]
fn the_page_tells_of_every_check() {
    let page = include_str!("../../../docs/cli.md");
    let section = page.split("\n## doctor").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let told: Vec<_> = rows.map(|(id, rest)| (id, rest.matches(" | ").count())).collect();
    let expected: Vec<_> = Id::VARIANTS.iter().map(|id| (id.into_str(), 1)).collect();
    assert_eq!(told, expected, "each id, what it means, and what mends it");
    assert_eq!(expected.iter().collect::<BTreeSet<_>>().len(), expected.len());
}
