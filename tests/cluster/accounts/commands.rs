//! The commands for people, where there is more than one account: which they ask, and that they ask no other.

use serde_json::{Value, json};
use vobiz_sim::OwnedNumber;

use super::{alone, without_flags};
use crate::{
    harness::{complaints, eventually},
    operator::Setup,
    plan::{planned, stream},
    table::ADOPTED,
    world::World,
};

/// What a command that succeeds writes.
async fn typed(setup: &Setup, arguments: &[&str]) -> String {
    let (success, output, said) = setup.run_to_end(arguments).await;
    assert!(success, "{arguments:?}: {said}");
    output
}

/// What a command says that does nothing.
async fn refused(setup: &Setup, arguments: &[&str]) -> String {
    let (code, output, said) = setup.end_of(arguments).await;
    assert_eq!((code, output.as_str()), (Some(1), ""), "{arguments:?}: {said}");
    assert_eq!(complaints(&said).len(), 1, "{said}");
    said
}

async fn two_accounts(world: &World) {
    world.account("red", json!({})).await;
    world.account("blue", json!({ "default": true })).await;
}

/// The account of a name owns a number.
fn own(world: &World, name: &str) -> String {
    let number = world.number();
    world.vobiz.put_owned(OwnedNumber::new(&number, world.account_id(name))).unwrap();
    number
}

/// Performs something that calls these accounts, and none of the others.
async fn calling(world: &World, called: &[&str], act: impl AsyncFnOnce()) {
    let names = ["red", "blue"];
    let before = names.map(|name| world.calls(name));
    act().await;
    for (name, before) in names.iter().zip(before) {
        assert_eq!(world.calls(name) > before, called.contains(name), "{name} is called");
    }
}

#[test]
fn the_account_that_is_meant_is_asked_and_no_other() {
    alone(async |world| {
        two_accounts(world).await;
        let (of_red, of_blue) = (own(world, "red"), own(world, "blue"));
        let (setup, red_id) = (without_flags(world), world.account_id("red"));
        for (flags, account, number) in [
            (&["--account", "red"][..], "red", &of_red),
            (&["--account", &red_id], "red", &of_red),
            (&["--account", "blue"], "blue", &of_blue),
            (&[], "blue", &of_blue),
        ] {
            calling(world, &[account], async || {
                let owned = typed(&setup, &[&["owned", "-o", "csv"], flags].concat()).await;
                assert!(owned.contains(number) && owned.lines().count() == 2, "{flags:?}: {owned}");
            })
            .await;
        }
    });
}

#[test]
fn each_claim_is_planned_with_its_account_and_others_are_left_out() {
    alone(async |world| {
        two_accounts(world).await;
        let (of_red, setup, red_id) = (own(world, "red"), without_flags(world), world.account_id("red"));
        let claims = [
            ("red-owned", json!({ "e164": of_red, "accountRef": { "name": "red" } })),
            ("red-buys", json!({ "e164": world.stocked(), "accountRef": { "name": "red" } })),
            ("blue-buys", json!({ "e164": world.stocked() })),
            ("nowhere", json!({ "e164": world.number(), "accountRef": { "name": "grey" } })),
        ];
        let input = stream(&world.namespace, &claims);
        let told = |plan: &Value| -> Vec<(String, String, String)> {
            let text = |claim: &Value, field: &str| claim[field].as_str().unwrap_or_default().to_owned();
            let claims = plan["claims"].as_array().unwrap().iter();
            claims.map(|claim| (text(claim, "name"), text(claim, "action"), text(claim, "account"))).collect()
        };
        let line = |name: &str, action: &str, account: &str| {
            let account = if account.is_empty() { String::new() } else { world.account_id(account) };
            (name.to_owned(), action.to_owned(), account)
        };
        let [adopts, buys] = [line("red-owned", "Adopt", "red"), line("red-buys", "Buy", "red")];
        let [other, lost] = [line("blue-buys", "Buy", "blue"), line("nowhere", "Blocked", "")];
        calling(world, &["red", "blue"], async || {
            let plan = planned(&setup, &input).await;
            assert_eq!(told(&plan), [adopts.clone(), buys.clone(), other, lost.clone()]);
            let payers: Vec<_> =
                plan["balances"].as_array().unwrap().iter().map(|one| &one["account"]).collect();
            assert_eq!(payers, [&json!(world.account_id("blue")), &json!(red_id)]);
        })
        .await;
        calling(world, &["red"], async || {
            let arguments = ["plan", "-f", "-", "-o", "json", "--account", "red"];
            let (code, plan, said) = setup.run_with(&input, &arguments).await;
            assert_eq!((code, told(&serde_json::from_str(&plan).unwrap())), (3, vec![adopts, buys, lost]));
            let left_out = format!("not planned: {}/blue-buys", world.namespace);
            assert!(said.contains(&left_out), "{said}");
        })
        .await;
    });
}

#[test]
fn why_asks_the_account_of_the_claim_or_none() {
    alone(async |world| {
        two_accounts(world).await;
        let (setup, red_id) = (without_flags(world), world.account_id("red"));
        world.claim_with("office", &world.stocked(), "red").await;
        let why = ["why", "office", "-n", &world.namespace];
        calling(world, &["red"], async || {
            let why = typed(&setup, &why).await;
            assert!(why.contains("Next: the purchase"), "{why}");
        })
        .await;
        calling(world, &[], async || {
            let said = refused(&setup, &[&why[..], &["--account", "blue"]].concat()).await;
            assert!(said.contains(&format!("is served by the account {red_id}")), "{said}");
        })
        .await;
    });
}

#[test]
fn what_is_exported_of_an_account_adopts_from_it() {
    alone(async |world| {
        two_accounts(world).await;
        let setup = without_flags(world);
        let file = world.folder.path().join("numbers.yaml");
        for (flags, name) in [(&["--account", "red"][..], "red"), (&[], "blue")] {
            let number = own(world, name);
            let manifests = typed(&setup, &[&["export", "-n", &world.namespace], flags].concat()).await;
            assert_eq!(manifests.contains("accountRef:\n    name: red\n"), name == "red", "{manifests}");
            std::fs::write(&file, &manifests).unwrap();
            world.cluster.kubectl(&["apply", "-f", &file.display().to_string()]).await;
            let operator = without_flags(world).start();
            world.until(&format!("pn-{}", &number[1..]), ADOPTED).await;
            assert_eq!(
                world.record(&number).await.unwrap()["spec"]["account"],
                world.account_id(name).as_str()
            );
            operator.stop().await;
        }
    });
}

#[test]
fn an_account_that_cannot_be_asked_is_told_of_in_one_sentence() {
    alone(async |world| {
        world.account("red", json!({})).await;
        world.open_account("wrong");
        world.keep_token("wrong", "nonsense").await;
        world.declare("wrong", json!({})).await;
        world.open_account("missing");
        world.declare("missing", json!({})).await;
        let secret = json!({ "namespace": world.namespace, "name": "red", "key": "other" });
        world.declare("keyless", json!({ "tokenSecretRef": secret })).await;
        let setup = without_flags(world);
        for (name, words) in [
            ("grey", "there is no VobizAccount grey, and none with that auth id"),
            ("wrong", "refuses the token of VobizAccount wrong (401): put right what the Secret"),
            ("missing", "VobizAccount missing has no token: There is no Secret"),
            ("keyless", "has no key other. Put it there"),
        ] {
            let said = refused(&setup, &["owned", "--account", name]).await;
            assert!(said.contains(words), "{said}");
        }
        let said = refused(&setup, &["export"]).await;
        assert!(said.contains("choose with --account NAME. There is keyless (MA_"), "{said}");

        let chosen = json!({ "from": "Selector", "selector": { "matchLabels": { "tier": "paid" } } });
        world.account("chosen", json!({ "allowedNamespaces": chosen })).await;
        let of_chosen = ("office", json!({ "e164": world.stocked(), "accountRef": { "name": "chosen" } }));
        let input = stream(&world.namespace, &[of_chosen]);
        let plan = planned(&setup, &input).await;
        assert_eq!(plan["claims"][0]["reason"], "AccountNotAllowed", "{plan}");
        let kubeconfig = world.cluster.plane.kubeconfig_for("reader", None).unwrap();
        let reader = setup.env("KUBECONFIG", kubeconfig.display().to_string());
        let said = refused(&reader, &["owned", "--account", "red"]).await;
        assert!(
            said.contains("ask for a role that may get and list") && said.contains("vobizaccounts"),
            "{said}"
        );
        let kinds = ["phonenumberclaims", "phonenumbers", "vobizaccounts"];
        let all = format!("--resource={}", kinds.map(|kind| format!("{kind}.telephony.vobiz.ai")).join(","));
        world.cluster.kubectl(&["create", "clusterrole", "reader", "--verb=get,list", &all]).await;
        let role = ["create", "clusterrolebinding", "reader", "--clusterrole=reader", "--user=reader"];
        world.cluster.kubectl(&role).await;
        eventually("the role counts", async || {
            let (_, _, said) = reader.end_of(&["owned", "--account", "red"]).await;
            let words =
                "which VobizAccount red names, cannot be read (403): ask for a role that may get this Secret";
            if said.contains(words) { Ok(()) } else { Err(said) }
        })
        .await;
        let (code, _, said) = reader.run_with(&input, &["plan", "-f", "-"]).await;
        assert!(code == 1 && said.contains("(403): ask for a role that may get namespaces"), "{said}");
    });
}

#[test]
fn doctor_asks_every_account_and_tells_them_apart() {
    alone(async |world| {
        two_accounts(world).await;
        world.open_account("wrong");
        world.keep_token("wrong", "nonsense").await;
        world.declare("wrong", json!({})).await;
        let credentials = async |flags: &[&str]| -> Vec<(String, String)> {
            let (_, output, said) = world.setup().end_of(&[&["doctor", "-o", "json"], flags].concat()).await;
            let found: Value = serde_json::from_str(&output).unwrap_or_else(|_| panic!("{said}"));
            let found = found["findings"].as_array().unwrap().iter();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let told = found.filter(|one| one["id"] == "credentials");
            told.map(|one| (text(&one["account"]), text(&one["level"]))).collect()
        };
        let told = |account: &str, level: &str| (account.to_owned(), level.to_owned());
        calling(world, &["red", "blue"], async || {
            let all =
                [told(&world.account, "ok"), told("blue", "ok"), told("red", "ok"), told("wrong", "error")];
            assert_eq!(credentials(&[]).await, all);
        })
        .await;
        calling(world, &["red"], async || {
            assert_eq!(credentials(&["--account", "red"]).await, [told("red", "ok")]);
        })
        .await;
    });
}
