//! `doctor`: worlds that are broken in one thing each, what is found of them, and that nothing was changed to find it.

use std::{collections::BTreeMap, fs};

use control_plane::Options;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};
use testbed::objects::API;
use vobiz_sim::{Fault, FaultRule, Target};

use crate::{
    harness::{Cluster, complaints, crds, eventually, run},
    operator::Setup,
    world::World,
};

const DEFINITIONS: &str = "telephony.vobiz.ai.yaml";

/// What doctor ends with, and its findings that are not well: level, and message.
struct Told {
    code: Option<i32>,
    unwell: BTreeMap<String, (String, String)>,
}

async fn doctor(setup: &Setup) -> Told {
    let (code, output, said) = setup.end_of(&["doctor", "-o", "json"]).await;
    let document: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{said}"));
    assert_eq!(document["schemaVersion"], 1);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut unwell = BTreeMap::new();
    for finding in document["findings"].as_array().unwrap() {
        let is_ok = finding["level"] == "ok";
        assert_eq!(finding["mend"].is_null(), is_ok, "{finding}");
        if !is_ok {
            unwell.insert(text(&finding["id"]), (text(&finding["level"]), text(&finding["message"])));
        }
    }
    Told { code, unwell }
}

impl Told {
    /// That is found, beside what is known; and the program ends accordingly.
    fn found(&self, case: &str, id: &str, level: &str, words: &str) {
        let found = self.unwell.get(id);
        let is_told = found.is_some_and(|(told, message)| told == level && message.contains(words));
        assert!(is_told, "{case}: {:#?}", self.unwell);
        let has_errors = self.unwell.values().any(|(level, _)| level == "error");
        assert_eq!(self.code, Some(if has_errors { 3 } else { 0 }), "{case}");
    }
}

/// Doctor in the name of a user that nobody else is.
fn setup(world: &World, user: &str, group: Option<&str>) -> Setup {
    let kubeconfig = world.cluster.plane.kubeconfig_for(user, group).unwrap();
    world.setup().env("KUBECONFIG", kubeconfig.display().to_string())
}

/// What that user has asked of the API server, beside reads and reviews of its own rights.
fn writes(world: &World, user: &str) -> Vec<String> {
    let events = world.cluster.plane.audit_events().unwrap();
    let own = events.iter().filter(|event| event["user"]["username"] == user);
    let own: Vec<_> =
        own.map(|event| (event["verb"].clone(), event["objectRef"]["resource"].clone())).collect();
    assert!(own.len() > 10, "the audit log has what doctor asks: {own:?}");
    let is_read = |verb: &Value, resource: &Value| {
        verb == "get" || verb == "list" || (verb == "create" && resource == "selfsubjectaccessreviews")
    };
    own.iter().filter(|(verb, resource)| !is_read(verb, resource)).map(|event| format!("{event:?}")).collect()
}

fn assert_only_read(world: &World, user: &str) {
    assert_eq!(writes(world, user), Vec::<String>::new());
    assert_eq!(world.writes(), 0, "requests to Vobiz that are no reads");
}

#[test]
fn what_is_wrong_with_the_credentials_and_the_way_to_vobiz_is_found() {
    run(async |world| {
        let user = format!("doctor-{}", world.namespace);
        let well = setup(&world, &user, Some("system:masters"));
        // The API server describes the kinds a moment after it knows them.
        let told = eventually("all is well but that there is no Lease", async || {
            let told = doctor(&well).await;
            if told.unwell.len() == 1 { Ok(told) } else { Err(format!("{:#?}", told.unwell)) }
        })
        .await;
        told.found("a world that is well", "lease", "warning", "not seen from here");

        let env = |pairs: &[(&str, &str)]| {
            pairs.iter().fold(well.clone(), |setup, (name, value)| setup.env(name, *value))
        };
        let tls = ("VOBIZ_API_URL", "https://127.0.0.1:1");
        let proxy = [("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "127.0.0.1")];
        for (variables, id, level, words) in [
            (&[("VOBIZ_AUTH_TOKEN", "wrong")][..], "credentials", "error", "(401)"),
            (&[("VOBIZ_AUTH_ID", "")], "credentials", "error", "VOBIZ_AUTH_ID is not set"),
            (&[("VOBIZ_API_URL", "http://127.0.0.1:1")], "connection", "error", "http://127.0.0.1:1"),
            (&[("VOBIZ_API_URL", "nowhere")], "connection", "error", "is not a URL"),
            (&[tls, ("VOBIZ_CA_FILE", "/does/not/exist")], "connection", "error", "/does/not/exist"),
            (
                &[("VOBIZ_API_URL", "https://vobiz.invalid"), proxy[0], proxy[1]],
                "proxies",
                "warning",
                "127.0.0.1:9",
            ),
        ] {
            doctor(&env(variables)).await.found(&format!("{variables:?}"), id, level, words);
        }
        assert_only_read(&world, &user);
    });
}

#[test]
fn what_is_wrong_with_vobizs_answers_is_found() {
    run(async |world| {
        let user = format!("doctor-{}", world.namespace);
        let well = setup(&world, &user, Some("system:masters"));
        let sunset = Fault::Status {
            code: 200,
            body: json!({ "items": [], "page": 1, "total": 0 }).to_string(),
            content_type: "application/json".into(),
            headers: [("Sunset".into(), "Sat, 31 Oct 2026 00:00:00 GMT".into())].into(),
            commit: false,
        };
        for (target, fault, id, level, words) in [
            (Target::List, Fault::MissingEndpoint, "listing", "error", "(404)"),
            (Target::List, Fault::status(429, "{}"), "listing", "warning", "(429)"),
            (Target::Inventory, Fault::status(500, "{}"), "inventory", "warning", "500"),
            (Target::Balance, Fault::status(403, "{}"), "balance", "warning", "(403)"),
            (Target::Ledger, Fault::MissingEndpoint, "ledger", "error", "(404)"),
            (Target::Ledger, Fault::status(200, "<html>"), "ledger", "error", "cannot be read"),
            (Target::List, sunset, "deprecation", "warning", "Sat, 31 Oct 2026"),
        ] {
            world.arm(FaultRule::new(target, fault.clone()).forever());
            doctor(&well).await.found(&format!("{fault:?}"), id, level, words);
            world.vobiz.disarm(None);
        }
        for (ahead, level, words) in [(-900, "error", "15 min behind"), (300, "warning", "min ahead")] {
            world.vobiz.set_clock_ahead(ahead);
            doctor(&well).await.found("clocks", "clocks", level, words);
        }
        assert_only_read(&world, &user);
    });
}

/// The record of a number that this world's operator would have written two hours ago.
async fn recorded(world: &World, state: &str, more: Value) -> String {
    let number = world.number();
    let opened = (Timestamp::now() - 2.hours()).to_string();
    let mut attempt = json!({
        "id": "3f1c0000-0000-4000-8000-00000000000a", "openedAt": opened, "state": state, "origin": "Purchase",
    });
    attempt.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    let record = json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumber",
        "metadata": { "name": number[1..] },
        "spec": { "e164": number, "account": world.account, "attempt": attempt },
    });
    world.cluster.create(&format!("{API}/phonenumbers"), &record).await;
    number[1..].to_owned()
}

#[test]
fn what_is_wrong_in_the_cluster_is_found() {
    run(async |world| {
        let user = format!("doctor-{}", world.namespace);
        let well = setup(&world, &user, Some("system:masters"));
        let elects =
            well.clone().env("LEADER_ELECT", "true").env("LEADER_ELECTION_NAMESPACE", &world.namespace);
        doctor(&elects).await.found("no Lease", "lease", "error", "There is no Lease");
        let lease = |renewed: Timestamp| {
            let spec = json!({
                "holderIdentity": "pod-1", "leaseDurationSeconds": 15,
                "renewTime": format!("{:.6}", renewed),
            });
            json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": { "name": "vobiz-operator" }, "spec": spec,
            })
        };
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", world.namespace);
        world.cluster.create(&path, &lease(Timestamp::now() - 1.hours())).await;
        doctor(&elects).await.found("an old Lease", "lease", "error", "pod-1 holds");
        world.cluster.merge(&format!("{path}/vobiz-operator"), &lease(Timestamp::now())).await;

        let answer = json!({ "outcome": "Purchased", "at": Timestamp::now().to_string() });
        recorded(&world, "Bound", json!({ "answer": answer })).await;
        doctor(&elects).await.found("no debit", "newest-debit", "warning", "was bought");
        let open = recorded(&world, "Open", json!({})).await;
        doctor(&elects).await.found("open", "open-attempts", "error", &open);
        let undecided = recorded(&world, "NeedsDecision", json!({})).await;
        let told = doctor(&elects).await;
        told.found("undecided", "decisions", "error", &undecided);
        let found: Vec<_> = told.unwell.keys().map(String::as_str).collect();
        assert!(
            ["decisions", "newest-debit", "open-attempts"].iter().all(|id| found.contains(id)),
            "{found:?}"
        );
        assert_only_read(&world, &user);

        let table = elects.end_of(&["doctor"]).await;
        assert!(table.0 == Some(3) && table.1.contains("error    decisions"), "{table:?}");
        let nobody = setup(&world, "nobody", None);
        let told = doctor(&nobody).await;
        told.found("nobody", "rights", "error", "list phonenumbers");
        told.found("nobody", "objects", "error", "cannot be read");
        told.found("nobody", "lease", "warning", "cannot be read");
    });
}

#[test]
fn without_a_way_to_an_api_server_it_says_that_it_could_not_look() {
    run(async |world| {
        let (code, output, said) =
            world.setup().env("KUBECONFIG", "/does/not/exist").end_of(&["doctor"]).await;
        assert!(code == Some(1) && output.is_empty() && said.contains("KUBECONFIG"), "{said}");
        let kubeconfig = fs::read_to_string(world.cluster.plane.kubeconfig()).unwrap();
        let gone = world.folder.path().join("gone.kubeconfig");
        fs::write(&gone, kubeconfig.replace(&world.cluster.plane.url(), "https://127.0.0.1:1")).unwrap();
        let (code, output, said) =
            world.setup().env("KUBECONFIG", gone.display().to_string()).end_of(&["doctor"]).await;
        assert!(code == Some(1) && output.is_empty(), "{code:?} {output}{said}");
        assert_eq!(complaints(&said).len(), 1, "{said}");
        assert!(said.contains("cannot be reached: Connection refused"), "{said}");
        fs::write(&gone, "clusters: [").unwrap();
        let (_, _, said) =
            world.setup().env("KUBECONFIG", gone.display().to_string()).end_of(&["doctor"]).await;
        assert!(complaints(&said).len() == 1 && said.contains("; set KUBECONFIG"), "{said}");
    });
}

#[test]
fn definitions_that_are_missing_older_or_newer_are_found() {
    testbed::run(async {
        let cluster = Box::leak(Box::new(Cluster::start(Options::default()).await));
        let world = World::within(cluster).await;
        let user = "doctor";
        let setup = setup(&world, user, Some("system:masters"));
        doctor(&setup).await.found("none", "definitions-served", "error", "does not know claims");
        let (code, _, said) = setup.end_of(&["why", "office"]).await;
        let is_told = complaints(&said)[0].contains("does not know claims or records: install them with");
        assert!(code == Some(1) && is_told, "{said}");

        let today = fs::read_to_string(crds().join(DEFINITIONS)).unwrap();
        let field = "\n                  settledAt:\n";
        let later = field.replace("settledAt", "settledLater");
        assert!(today.contains(field));
        let folder = world.folder.path().join("crds");
        fs::create_dir(&folder).unwrap();
        for (fields, words, level) in [
            (later.clone(), "not know PhoneNumber.spec.attempt.settledAt", "error"),
            (format!("{later}                    type: string{field}"), "attempt.settledLater", "warning"),
        ] {
            fs::write(folder.join(DEFINITIONS), today.replace(field, &fields)).unwrap();
            cluster.plane.apply_crds(&folder).await.unwrap();
            eventually(words, async || {
                let told = doctor(&setup).await;
                let found = told.unwell.get("definitions-version");
                let is_found = found.is_some_and(|(told, message)| told == level && message.contains(words));
                if is_found { Ok(()) } else { Err(format!("{:#?}", told.unwell)) }
            })
            .await;
        }
        assert_only_read(&world, user);
    });
}
