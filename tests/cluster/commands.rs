//! `owned`, `export`, `why`, `retry`, `pause` and `resume`, as people type them.

use serde_json::{Value, json};
use vobiz_sim::{Account, Fault, FaultRule, OwnedNumber, Target};

use crate::{
    harness::{complaints, run},
    table::{NUMBER_NOT_FOUND, PURCHASED, message},
    world::{World, token},
};

/// What a command that succeeds writes, and what it says beside that.
async fn typed(world: &World, arguments: &[&str]) -> (String, String) {
    let (success, output, said) = world.setup().run_to_end(arguments).await;
    assert!(success, "{arguments:?}: {said}");
    (output, said)
}

async fn refused(world: &World, arguments: &[&str]) -> String {
    let (success, output, complaint) = world.setup().run_to_end(arguments).await;
    assert!(!success && output.is_empty(), "{arguments:?}: {output}");
    assert_eq!(complaints(&complaint).len(), 1, "{complaint}");
    complaint
}

#[test]
fn what_is_owned_is_listed_with_its_claim_and_what_it_costs() {
    run(async |world| {
        let (bought, stray, lent) = (world.stocked(), world.number(), world.number());
        let sub = world.account.replace("MA_", "SA_");
        world.vobiz.put_account(Account::new(&sub, token(&sub)).with_parent(&world.account));
        let owned = |number: &str, account: &str| OwnedNumber {
            currency: Some("INR".into()),
            monthly_fee: Some("300.5".parse().unwrap()),
            next_billing_date: Some("2026-02-03T04:05:06Z".parse().unwrap()),
            ..OwnedNumber::new(number, account)
        };
        world.vobiz.put_owned(owned(&stray, &world.account)).unwrap();
        world.vobiz.put_owned(owned(&lent, &sub)).unwrap();
        let _operator = world.operator();
        world.claim("office", &bought).await;
        world.until("office", PURCHASED).await;

        let (output, _) = typed(&world, &["owned", "-o", "json"]).await;
        let document: Value = serde_json::from_str(&output).unwrap();
        let [first, second, third] = document["numbers"].as_array().unwrap().as_slice() else {
            panic!("{output}")
        };
        assert_eq!((&first["e164"], &first["record"]), (&json!(bought), &json!(bought[1..])));
        assert_eq!(first["claim"], json!({ "namespace": world.namespace, "name": "office" }));
        assert_eq!((&second["nextBilling"], &second["claim"]), (&json!("2026-02-03"), &Value::Null));
        assert_eq!((&third["owner"], &third["monthlyFee"]), (&json!(sub), &json!("300.5")));
        let sums = json!([
            { "currency": "INR", "namespace": null, "monthly": "601.0", "numbers": 2 },
            { "currency": "INR", "namespace": world.namespace, "monthly": "2", "numbers": 1 },
        ]);
        assert_eq!(document["sums"], sums);

        let (csv, _) = typed(&world, &["owned", "--unrecorded", "-o", "csv"]).await;
        assert_eq!(
            csv,
            format!(
                "e164,status,claim,monthlyFee,currency\n{stray},active,,300.5,INR\n{lent},active,,300.5,INR\n"
            )
        );
        let (table, _) = typed(&world, &["owned"]).await;
        assert!(
            table.contains(&format!("{}/office", world.namespace)) && !table.contains('\u{1b}'),
            "{table}"
        );
        let (manifests, _) = typed(&world, &["export", "--unrecorded", "-n", "elsewhere"]).await;
        assert_eq!(manifests.matches("acquire: AdoptOnly").count(), 2, "{manifests}");
        assert!(manifests.contains(&format!("under the account {sub}")), "{manifests}");
        assert_eq!(world.writes(), 1, "the operator's purchase");
    });
}

#[test]
fn what_goes_wrong_is_one_sentence_that_names_the_mend() {
    run(async |world| {
        for (name, value, words) in [
            ("KUBECONFIG", "/does/not/exist", "KUBECONFIG"),
            ("VOBIZ_AUTH_TOKEN", "wrong", "VOBIZ_AUTH_TOKEN right"),
            ("VOBIZ_API_URL", "http://127.0.0.1:1", "VOBIZ_API_URL"),
            ("VOBIZ_AUTH_ID", "", "VOBIZ_AUTH_ID"),
        ] {
            let (success, output, complaint) = world.setup().env(name, value).run_to_end(&["owned"]).await;
            assert!(!success && output.is_empty(), "{name}: {output}");
            let said = complaints(&complaint);
            assert!(said.len() == 1 && said[0].contains(words), "{complaint}");
        }
        let bare = world.setup().without("VOBIZ_AUTH_ID").without("VOBIZ_AUTH_TOKEN");
        let (_, _, complaint) = bare.run_to_end(&["owned"]).await;
        assert!(complaint.contains("VOBIZ_AUTH_ID is not set"), "nothing is declared, either: {complaint}");
        let complaint = refused(&world, &["why", "nothing", "-n", &world.namespace]).await;
        assert!(complaint.contains("there is no claim nothing"), "{complaint}");
        world.claim("office", &world.number()).await;
        for (name, value, words) in
            [("VOBIZ_AUTH_TOKEN", "wrong", "(401)"), ("VOBIZ_API_URL", "http://127.0.0.1:1", "VOBIZ_API_URL")]
        {
            let why = ["why", "office", "-n", &world.namespace];
            let (code, output, complaint) = world.setup().env(name, value).end_of(&why).await;
            assert_eq!((code, output.as_str()), (Some(1), ""), "{name}: {complaint}");
            let said = complaints(&complaint);
            assert!(said.len() == 1 && said[0].contains(words), "{complaint}");
        }
    });
}

#[test]
fn retry_says_what_it_permits_and_permits_one_attempt() {
    run(async |world| {
        let number = world.number();
        let claim = ["office", "-n", &world.namespace];
        let retry = |more: &[&'static str]| [&["retry"], &claim[..], more].concat();
        world.claim("office", &number).await;
        let complaint = refused(&world, &retry(&["--yes"])).await;
        assert!(complaint.contains("no attempt has been made"), "{complaint}");
        let _operator = world.operator();
        let failed = world.until("office", NUMBER_NOT_FOUND.settled()).await;
        world.stock(&number);

        let (success, _, said) = world.setup().run_to_end(&retry(&[])).await;
        assert!(!success && said.contains("add --yes") && said.contains(&message(&failed)), "{said}");
        assert_eq!(world.spent(&number), (1, 0));
        let (why, _) = typed(&world, &[&["why"], &claim[..]].concat()).await;
        assert!(why.contains("kubectl vobiz retry office"), "{why}");

        let (_, said) = typed(&world, &retry(&["--yes"])).await;
        assert!(said.contains("one more purchase"), "{said}");
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (2, 1));
        let complaint = refused(&world, &retry(&["--yes"])).await;
        assert!(complaint.contains("has its number"), "{complaint}");
    });
}

#[test]
fn why_asks_what_the_operator_asks_and_spends_nothing() {
    run(async |world| {
        let (stocked, owned) = (world.stocked(), world.number());
        world.vobiz.put_owned(OwnedNumber::new(&owned, &world.account)).unwrap();
        world.claim("new", &stocked).await;
        world.claim("known", &owned).await;
        for (name, words) in [("new", "Next: the purchase"), ("known", "Next: the number is adopted")] {
            let (why, _) = typed(&world, &["why", name, "-n", &world.namespace]).await;
            assert!(why.contains(words), "{why}");
        }
        assert_eq!(world.writes(), 0);
        let elsewhere = world.setup().env("WATCH_NAMESPACES", "team-a,team-b");
        let (_, why, said) = elsewhere.end_of(&["why", "new", "-n", &world.namespace]).await;
        assert!(why.contains("Nothing comes of it: WATCH_NAMESPACES names team-a, team-b"), "{why}{said}");
    });
}

#[test]
fn kubectl_finds_the_program_by_its_other_name() {
    run(async |world| {
        world.claim("office", &world.number()).await;
        let program = world.folder.path().join("kubectl-vobiz");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_vobiz-operator"), &program).unwrap();
        let failed = std::process::Command::new(&program).arg("owned").env_clear().output().unwrap();
        let said = String::from_utf8(failed.stderr).unwrap();
        assert!(said.starts_with("kubectl vobiz: cannot find the cluster"), "{said}");
        let folder = world.folder.path().display();
        let line = format!("PATH=\"$PATH:{folder}\" kubectl vobiz pause office -n {}", world.namespace);
        world.cluster.type_command(&line).await;
        let annotations = &world.get("office").await.unwrap()["metadata"]["annotations"];
        assert_eq!(annotations["telephony.vobiz.ai/paused"], "true");
    });
}

#[test]
fn arguments_that_are_wrong_end_it_with_1() {
    for arguments in [&["owned", "-o", "yaml"][..], &["nothing"], &["why"], &["run", "--no-such-flag"]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_vobiz-operator"))
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}");
    }
}

#[test]
fn a_read_that_takes_long_is_spoken_of() {
    run(async |world| {
        world.arm(FaultRule::new(Target::List, Fault::DelayReply { ms: 1_500 }));
        let (_, said) = typed(&world, &["owned"]).await;
        assert!(said.contains("Reading the owned numbers"), "{said}");
    });
}

#[test]
fn pause_and_resume_set_and_remove_one_annotation() {
    run(async |world| {
        world
            .claim_in(
                &world.namespace,
                "office",
                &json!({ "e164": world.number() }),
                &json!({ "other": "x" }),
            )
            .await;
        let claim = ["office", "-n", &world.namespace];
        for (command, expected) in [
            ("pause", json!({ "other": "x", "telephony.vobiz.ai/paused": "true" })),
            ("pause", json!({ "other": "x", "telephony.vobiz.ai/paused": "true" })),
            ("resume", json!({ "other": "x" })),
            ("resume", json!({ "other": "x" })),
        ] {
            typed(&world, &[&[command], &claim[..]].concat()).await;
            assert_eq!(world.get("office").await.unwrap()["metadata"]["annotations"], expected, "{command}");
        }
    });
}
