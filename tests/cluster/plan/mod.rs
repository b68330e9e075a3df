//! `plan`, as a pipeline runs it: what it ends with, what it reads, and that nothing is spent or written.

mod arrivals;
mod examples;
mod reality;

use serde_json::{Value, json};
use testbed::objects;
use vobiz_sim::{Fault, FaultRule, InventoryNumber, Operation, OwnedNumber, Target};

use crate::{
    harness::{complaints, run},
    operator::Setup,
    table::PURCHASED,
};

/// Claims as a stream of manifests, in this order.
pub fn stream(namespace: &str, claims: &[(&str, Value)]) -> String {
    let claim = |(name, spec): &(&str, Value)| objects::claim(namespace, name, spec, &json!({})).to_string();
    claims.iter().map(claim).collect::<Vec<_>>().join("\n---\n")
}

/// The plan for what stands on standard input.
pub async fn planned(setup: &Setup, input: &str) -> Value {
    let (code, output, said) = setup.run_with(input, &["plan", "-f", "-", "-o", "json"]).await;
    assert!(code == 0 || code == 3, "{code}: {said}");
    serde_json::from_str(&output).unwrap()
}

#[test]
fn a_plan_ends_as_its_flags_say_and_writes_nothing() {
    run(async |world| {
        let (stocked, missing, owned) = (world.stocked(), world.number(), world.number());
        world.vobiz.put_owned(OwnedNumber::new(&owned, &world.account)).unwrap();
        let claim = |name, number: &str| (name, json!({ "e164": number }));
        let buys = [claim("buys", &stocked)];
        let adopts = [claim("adopts", &owned)];
        let both = [claim("buys", &stocked), claim("waits", &missing)];
        let broken = [("broken", json!({ "e164": 911_234_500_000_u64 }))];
        for (claims, flags, expected) in [
            (&adopts[..], &["--detailed-exitcode"][..], 0),
            (&buys, &[], 0),
            (&buys, &["--detailed-exitcode"], 2),
            (&buys, &["--fail-on", "blocked,monthly>INR:2"], 0),
            (&buys, &["--fail-on", "monthly>INR:1.99"], 3),
            (&buys, &["--fail-on", "buy", "--detailed-exitcode"], 3),
            (&both, &["--detailed-exitcode"], 3),
            (&both, &["--offline"], 3),
            (&broken, &["--detailed-exitcode", "--fail-on", "buy"], 1),
            (&buys, &["--fail-on", "much"], 1),
            (&buys, &["--output", "yaml"], 1),
        ] {
            let input = stream(&world.namespace, claims);
            let arguments = [&["plan", "-f", "-"][..], flags].concat();
            let (code, output, said) = world.setup().run_with(&input, &arguments).await;
            assert_eq!(code, expected, "{flags:?}: {output}{said}");
            assert_eq!(output.is_empty(), code == 1, "{flags:?}: {output}");
        }
        assert_eq!(world.writes(), 0);
        let claims = world.cluster.get(&objects::claims_path(&world.namespace)).await.unwrap();
        assert_eq!(claims["items"], json!([]));
        assert_eq!(world.record(&stocked).await, None);
    });
}

#[test]
fn what_goes_wrong_is_one_sentence_and_no_plan() {
    run(async |world| {
        let input = stream(&world.namespace, &[("a", json!({ "e164": world.stocked() }))]);
        let plan = ["plan", "-f", "-", "-o", "json"];
        for (name, value, words) in [
            ("KUBECONFIG", "/does/not/exist", "KUBECONFIG"),
            ("VOBIZ_AUTH_TOKEN", "wrong", "VOBIZ_AUTH_TOKEN right"),
            ("VOBIZ_API_URL", "http://127.0.0.1:1", "VOBIZ_API_URL"),
        ] {
            let (code, output, complaint) = world.setup().env(name, value).run_with(&input, &plan).await;
            assert_eq!((code, output.as_str()), (1, ""), "{name}: {complaint}");
            let said = complaints(&complaint);
            assert!(said.len() == 1 && said[0].contains(words), "{complaint}");
        }
        let offline = [&plan[..], &["--offline"]].concat();
        let (code, ..) = world.setup().env("KUBECONFIG", "/does/not/exist").run_with(&input, &offline).await;
        assert_eq!(code, 0, "no cluster is needed");
        let changed = stream(&world.namespace, &[("held", json!({ "e164": world.stocked() }))]);
        world.claim("held", &world.number()).await;
        let (code, output, complaint) = world.setup().run_with(&changed, &plan).await;
        assert_eq!((code, output.as_str()), (1, ""), "{complaint}");
        assert!(complaint.contains("standard input:1: spec.e164 is immutable"), "{complaint}");
    });
}

#[test]
fn a_limit_is_waited_for_and_no_price_is_taken_for_unknown() {
    run(async |world| {
        let priced = json!({
            "e164": world.stocked(), "maxPrice": { "currency": "INR", "setupFee": "50", "monthlyFee": "2" },
        });
        let input = stream(&world.namespace, &[("a", priced)]);
        let limited = |seconds: &str| Fault::Status {
            code: 429,
            body: "{}".into(),
            content_type: "application/json".into(),
            headers: [("Retry-After".into(), seconds.into())].into(),
            commit: false,
        };
        world.arm(FaultRule::new(Target::Inventory, limited("1")));
        let plan = planned(&world.setup(), &input).await;
        assert_eq!(plan["claims"][0]["action"], "Buy", "{plan}");
        world.arm(FaultRule::new(Target::Inventory, limited("600")).forever());
        let (code, output, said) = world.setup().run_with(&input, &["plan", "-f", "-"]).await;
        assert_eq!((code, output.as_str()), (1, ""), "{said}");
        let said = complaints(&said);
        assert!(said.len() == 1 && said[0].contains("(429): try again in 600 s"), "{said:?}");
    });
}

#[test]
fn the_same_manifests_give_the_same_bytes_wherever_they_stand() {
    run(async |world| {
        let (first, second) = (world.stocked(), world.stocked());
        let claims = [("a", json!({ "e164": first })), ("b", json!({ "e164": second }))];
        let folder = world.folder.path().join("manifests");
        std::fs::create_dir_all(folder.join("team")).unwrap();
        std::fs::write(folder.join("a.json"), stream(&world.namespace, &claims[..1])).unwrap();
        std::fs::write(folder.join("team/b.yml"), stream(&world.namespace, &claims[1..])).unwrap();
        std::fs::write(folder.join("notes.txt"), "{{").unwrap();
        let items: Vec<Value> = claims
            .iter()
            .map(|(name, spec)| objects::claim(&world.namespace, name, spec, &json!({})))
            .collect();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string();
        for format in ["json", "markdown"] {
            let plan = |from| ["plan", "-f", from, "-o", format, "-n", &world.namespace];
            let (_, stream, _) = world.setup().run_with(&stream(&world.namespace, &claims), &plan("-")).await;
            let (_, list, _) = world.setup().run_with(&list, &plan("-")).await;
            let (_, files, _) = world.setup().run_with("", &plan(folder.to_str().unwrap())).await;
            assert!(stream.contains(&first) && stream.contains(&second), "{stream}");
            assert_eq!((&list, &files), (&stream, &stream));
        }
    });
}

#[test]
fn a_claim_that_the_manifests_lack_is_told_of() {
    run(async |world| {
        let (kept, new) = (world.stocked(), world.stocked());
        let operator = world.operator();
        world.claim("kept", &kept).await;
        world.until("kept", PURCHASED).await;
        operator.stop().await;
        let plan =
            planned(&world.setup(), &stream(&world.namespace, &[("new", json!({ "e164": new }))])).await;
        let absent = json!([{
            "namespace": world.namespace, "name": "kept", "e164": kept, "monthlyFee": "2", "currency": "INR",
        }]);
        assert_eq!(plan["absent"], absent);
        let both =
            stream(&world.namespace, &[("kept", json!({ "e164": kept })), ("new", json!({ "e164": new }))]);
        let plan = planned(&world.setup(), &both).await;
        assert_eq!((&plan["absent"], &plan["claims"][0]["action"]), (&json!([]), &json!("None")));
    });
}

/// Reads of the owned list, the ledger and the balance do not grow with the claims.
#[test]
fn a_thousand_claims_cost_a_read_of_each_row_and_few_more() {
    run(async |world| {
        let numbers: Vec<_> = (0..1000).map(|_| world.number()).collect();
        let names: Vec<_> = (0..1000).map(|claim| format!("claim-{claim:03}")).collect();
        for number in &numbers[..900] {
            world.vobiz.put_number(InventoryNumber::new(number, "INR", 1, 1)).unwrap();
        }
        for number in &numbers[900..] {
            world.vobiz.put_owned(OwnedNumber::new(number, &world.account)).unwrap();
        }
        let claims: Vec<_> = names
            .iter()
            .zip(&numbers)
            .map(|(name, number)| (name.as_str(), json!({ "e164": number })))
            .collect();
        let setup = world.setup().env("VOBIZ_RATE_LIMIT", "2000");
        let plan = planned(&setup, &stream(&world.namespace, &claims)).await;
        let count = |action: &str| {
            plan["claims"].as_array().unwrap().iter().filter(|claim| claim["action"] == action).count()
        };
        assert_eq!((count("Buy"), count("Adopt")), (900, 100));
        assert_eq!(plan["totals"][0]["dueNow"], "1800");
        let requests = world.journal().requests;
        let rows = requests.iter().filter(|request| request.operation == Operation::Inventory).count();
        assert_eq!(rows, 900);
        assert!(requests.len() - rows <= 30, "{}", requests.len());
        println!("1,000 claims: {rows} rows, {} other reads", requests.len() - rows);
    });
}
