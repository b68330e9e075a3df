//! What is found of broken worlds; and that the page tells of every check.

mod account;
mod cluster;
mod world;

use serde_json::{Value, json};
use strum::VariantArray;

use super::{
    checks::findings,
    facts::{Facts, Listed, Vobiz},
    finding::{Finding, Id, Level},
    render,
};
use crate::{commands::standing::for_tests::record, domain::Clocks, vobiz::Debits};
use account::ACCOUNT;
use cluster::CLUSTER;
use world::{answered, asked, deleted, in_state, purchased, records, tried, unwell, well};

#[test]
fn each_broken_world_has_its_finding_with_a_mend_and_no_other() {
    for (break_it, id, level, words, mend) in CLUSTER.into_iter().chain(ACCOUNT) {
        let mut facts = well();
        break_it(&mut facts);
        let found = unwell(&facts);
        let [Finding { id: told, verdict, .. }] = found.as_slice() else { panic!("{id:?}: {found:?}") };
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
    for Finding { id, verdict, .. } in &all {
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
fn nothing_is_said_to_be_well_that_was_not_seen() {
    use Id::{
        Decisions, DefinitionsVersion, Finalizers, Inventory, Ledger, Listing, NewestDebit, Objects,
        OpenAttempts,
    };
    let ids = |break_it: fn(&mut Facts)| {
        let mut facts = well();
        break_it(&mut facts);
        findings(&facts).into_iter().map(|finding| finding.id).collect::<Vec<_>>()
    };
    let blind = ids(|facts| facts.records = Listed::Failed("no".into()));
    assert!(
        ![NewestDebit, OpenAttempts, Decisions, Finalizers].iter().any(|id| blind.contains(id)),
        "{blind:?}"
    );
    let bare = ids(|facts| (facts.records, facts.claims) = (Listed::NotServed, Listed::NotServed));
    assert!(![DefinitionsVersion, Objects, Decisions].iter().any(|id| bare.contains(id)), "{bare:?}");
    let unasked = ids(|facts| facts.asked[0].vobiz = Vobiz::NoCredentials("no".into()));
    assert!(![Listing, Inventory, Ledger, NewestDebit].iter().any(|id| unasked.contains(id)), "{unasked:?}");
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
        answered(&mut facts, |survey| survey.ledger = tried(Debits { newest, rows: 7, since }));
        assert_eq!(unwell(&facts).len(), usize::from(missed), "{newest:?} {since:?}");
    }
}

fn told(facts: &Facts, id: Id) -> String {
    findings(facts).into_iter().find(|finding| finding.id == id).unwrap().verdict.message
}

#[test]
fn what_was_read_of_the_ledger_is_said_and_no_more() {
    let (at, since) = (|| "2026-01-02T09:00:00Z".parse().ok(), || "2026-01-02T00:00:00Z".parse().ok());
    for (newest, since, expected) in [
        (
            at(),
            since(),
            "7 rows were read, all since 2026-01-02T00:00:00Z: the newest debit for a number among them is",
        ),
        (
            at(),
            None,
            "one page of 7 rows was read, and there are more: the newest debit for a number among them is of",
        ),
        (None, since(), "all since 2026-01-02T00:00:00Z: none of them is a debit for a number."),
        (None, None, "and there are more: none of them is a debit for a number."),
    ] {
        let mut facts = well();
        answered(&mut facts, |survey| survey.ledger = tried(Debits { newest, rows: 7, since }));
        let told = told(&facts, Id::NewestDebit);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_clock_that_was_not_seen_is_not_said_to_agree() {
    for (vobiz, kubernetes, expected) in [
        (true, true, "Vobiz's clock agrees, and the API server's agrees."),
        (true, false, "Vobiz's clock agrees, and the API server's was not seen."),
        (false, true, "Vobiz's clock was not seen, and the API server's agrees."),
    ] {
        let mut facts = well();
        let seen = |is_seen: bool| is_seen.then_some(jiff::SignedDuration::ZERO);
        facts.clocks = Clocks { vobiz: seen(vobiz), kubernetes: seen(kubernetes) };
        let told = told(&facts, Id::Clocks);
        assert!(told.ends_with(expected), "{told}");
        assert_eq!(unwell(&facts), []);
    }
}

#[test]
fn records_that_are_not_looked_at_are_counted() {
    let mut facts = well();
    assert_eq!(told(&facts, Id::OpenAttempts), "No attempt stays open.");
    let mut of_another = in_state("Open");
    of_another["spec"]["account"] = json!("MA_2");
    facts.records = records([of_another, in_state("Leased"), in_state("Leased"), in_state("Bound")]);
    for id in [Id::OpenAttempts, Id::Decisions, Id::Finalizers] {
        let told = told(&facts, id);
        let expected = " Records left out: 1 of other accounts, 2 of a newer version.";
        assert!(told.ends_with(expected), "{told}");
    }
    facts.asked[0].account = None;
    assert!(
        !told(&facts, Id::Decisions).contains("other accounts"),
        "without credentials, all are looked at"
    );
}

#[test]
fn each_account_is_told_apart_and_its_own_secret_named() {
    let mut facts = well();
    let mut red = asked("MA_2");
    (red.name, red.secret) = (Some("red".into()), Some("team/vobiz".into()));
    red.vobiz = Vobiz::NoCredentials("you may not".into());
    facts.asked.push(red);
    let mut of_red = in_state("NeedsDecision");
    of_red["spec"]["account"] = json!("MA_2");
    facts.records = records([of_red]);
    let found = unwell(&facts);
    let [credentials, decisions] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((credentials.id, credentials.account.as_deref()), (Id::Credentials, Some("red")));
    assert!(credentials.verdict.mend.as_ref().unwrap().contains("Secret team/vobiz"), "{credentials:?}");
    assert_eq!((decisions.id, &decisions.account), (Id::Decisions, &None), "of all accounts that are asked");
    let table = anstream::adapter::strip_str(&render::as_table(&findings(&facts))).to_string();
    assert!(table.contains("credentials (red) ") && table.contains("listing (MA_1) "), "{table}");
    facts.asked.truncate(1);
    let table = render::as_table(&findings(&facts));
    assert!(
        !table.contains("listing (") && told(&facts, Id::Decisions).contains("1 of other accounts"),
        "{table}"
    );
}

#[test]
fn a_debit_is_looked_for_in_the_ledger_of_its_own_account() {
    let mut facts = well();
    facts.asked.push(asked("MA_2"));
    let mut of_red = purchased();
    of_red["spec"]["account"] = json!("MA_2");
    facts.records = records([of_red]);
    let found = unwell(&facts);
    let [lags] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((lags.id, lags.account.as_deref()), (Id::NewestDebit, Some("MA_2")));
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
    assert_eq!(document["findings"][20]["mend"].as_str().map(|mend| mend.contains("NO_PROXY")), Some(true));
}

#[test]
fn the_page_tells_of_every_check() {
    let page = include_str!("../../../docs/cli.md");
    let section = page.split("\n## doctor").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let told: Vec<_> = rows.map(|(id, rest)| (id, rest.matches(" | ").count())).collect();
    let expected: Vec<_> = Id::VARIANTS.iter().map(|id| (id.into_str(), 1)).collect();
    assert_eq!(told, expected, "each id, what it means, and what mends it");
}
