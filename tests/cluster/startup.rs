//! How the program begins and ends, and what it says.

use serde_json::Value;

use crate::{
    harness::{crds, eventually, run},
    operator::Setup,
    table::{NUMBER_NOT_FOUND, PURCHASED},
    world::{World, record_path, state, token},
};

/// The complaint of a controller that must not start, which must not give the token away.
async fn complaint(world: &World, setup: Setup) -> String {
    let (success, _, complaint) = setup.run_to_end(&["run"]).await;
    assert!(!success, "it ended well: {complaint}");
    assert!(!complaint.contains(&token(&world.account)), "{complaint}");
    complaint
}

#[test]
fn missing_credentials_end_it_at_once_and_are_named() {
    run(async |world| {
        let file = |name: &str, text: &str| {
            let path = world.folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        for name in ["VOBIZ_AUTH_ID", "VOBIZ_AUTH_TOKEN"] {
            let from_file = format!("{name}_FILE");
            let setups = [
                world.setup().without(name),
                world.setup().env(name, ""),
                world.setup().env(name, "  "),
                world.setup().without(name).env(&from_file, file("empty", "")),
                world.setup().without(name).env(&from_file, "/does/not/exist"),
                world.setup().env(&from_file, file("full", "x")),
            ];
            for setup in setups {
                let complaint = complaint(&world, setup).await;
                assert!(complaint.contains(name), "{name}: {complaint}");
            }
        }
        let complaint = complaint(&world, world.setup().env("VOBIZ_AUTH_TOKEN", "two\nlines")).await;
        assert!(complaint.contains("VOBIZ_AUTH_TOKEN") && !complaint.contains("two"), "{complaint}");
        assert_eq!(world.journal().requests, []);
    });
}

#[test]
fn settings_that_cannot_be_meant_are_refused_at_once() {
    run(async |world| {
        for (name, value, words) in [
            ("VOBIZ_API_URL", "http://api.vobiz.ai", "https"),
            ("VOBIZ_API_URL", "nonsense", "VOBIZ_API_URL"),
            ("VOBIZ_API_URL", "http://user:hush@10.0.0.1", "write http://10.0.0.1,"),
            ("HTTPS_PROXY", "http://user:hush@h h", "HTTPS_PROXY is not the URL of a proxy"),
            ("VOBIZ_PURCHASE_TIMEOUT", "3s", "VOBIZ_SETTLE_TIME"),
            ("VOBIZ_PURCHASE_TIMEOUT", "3", "90s"),
            ("VOBIZ_SETTLE_TIME", "0s", "longer than nothing"),
            ("VOBIZ_RATE_LIMIT", "0", "calls a second"),
            ("PURCHASE_CONCURRENCY", "0", "purchase-concurrency"),
            ("KUBECONFIG", "/does/not/exist", "KUBECONFIG"),
            ("HTTPS_PROXY", "no url", "HTTPS_PROXY is not the URL of a proxy"),
            ("https_proxy", "socks5://127.0.0.1:1080", "the scheme socks5, which is not supported"),
        ] {
            let complaint = complaint(&world, world.setup().env(name, value)).await;
            assert!(complaint.contains(words) && !complaint.contains("hush"), "{name}={value}: {complaint}");
        }
        let https =
            world.setup().env("VOBIZ_API_URL", "https://127.0.0.1:1").env("VOBIZ_CA_FILE", "/does/not/exist");
        let complaint = complaint(&world, https).await;
        assert!(complaint.contains("VOBIZ_CA_FILE"), "{complaint}");
    });
}

#[test]
fn the_help_names_every_setting_and_no_secret() {
    run(async |world| {
        let secret = "https://user:in-a-url@127.0.0.1";
        let setup = world.setup().env("VOBIZ_API_URL", secret).env("OTLP_ENDPOINT", secret);
        let (success, help, _) = setup.run_to_end(&["run", "--help"]).await;
        assert!(success);
        for name in [
            "VOBIZ_AUTH_ID",
            "VOBIZ_AUTH_TOKEN",
            "VOBIZ_AUTH_ID_FILE",
            "VOBIZ_AUTH_TOKEN_FILE",
            "VOBIZ_API_URL",
            "https://api.vobiz.ai",
            "VOBIZ_PURCHASE_TIMEOUT",
            "VOBIZ_SETTLE_TIME",
            "VOBIZ_RESYNC_INTERVAL",
            "VOBIZ_RATE_LIMIT",
            "VOBIZ_CA_FILE",
            "PURCHASE_CONCURRENCY",
            "WATCH_NAMESPACES",
            "HOLD_PURCHASES",
            "LEADER_ELECT",
            "LEADER_ELECTION_NAME",
            "LEADER_ELECTION_NAMESPACE",
            "POD_NAMESPACE",
            "HTTP_ADDR",
            "OTLP_ENDPOINT",
            "30s",
            "2m",
            "10m",
            "KUBECONFIG",
        ] {
            assert!(help.contains(name), "{name} is missing:\n{help}");
        }
        assert!(!help.contains(&token(&world.account)) && !help.contains("in-a-url"), "{help}");
        let (success, help, _) = world.setup().run_to_end(&["--help"]).await;
        assert!(success && help.contains("crd") && help.contains("exactly once"), "{help}");
        let (success, _, complaint) = world.setup().run_to_end(&["bye"]).await;
        assert!(!success && complaint.contains("bye"), "{complaint}");
    });
}

#[test]
fn it_prints_the_definitions_that_the_repository_holds() {
    run(async |world| {
        let (success, printed, _) = world.setup().run_to_end(&["crd"]).await;
        assert!(success);
        let held = std::fs::read_to_string(crds().join("telephony.vobiz.ai.yaml")).unwrap();
        assert!(printed == held, "crds/ is out of date");
    });
}

#[test]
fn a_stop_during_a_purchase_waits_for_it_and_stores_its_outcome() {
    run(async |world| {
        let mut operator = world.patient().env("PURCHASE_CONCURRENCY", "1").start();
        let number = world.claim_held("office").await;
        // These take the places that the first one, which is not answered, gives up; what comes next has to wait.
        world.claim_held("second").await;
        world.claim_held("third").await;
        let queued = world.stocked();
        world.claim("queued", &queued).await;
        operator.terminate().await;
        eventually("it has heard of it", async || {
            if world.log().contains("stopping") { Ok(()) } else { Err(world.log()) }
        })
        .await;
        assert!(operator.is_running());
        assert_eq!(world.vobiz.release_all(None), 3);
        let status = operator.ended().await;
        assert!(status.success(), "{status}");
        // Nobody runs any more, and it is all written down.
        let record = world.cluster.get(&record_path(&number)).await.unwrap();
        assert_eq!(
            (state(&record), &record["spec"]["attempt"]["answer"]["outcome"]),
            ("Bound", &Value::from("Purchased"))
        );
        assert_eq!(world.spent(&number), (1, 1));
        assert_eq!(world.spent(&queued), (0, 0), "a purchase was begun during the stop");

        let _operator = world.operator();
        world.until("office", PURCHASED).await;
        world.until("queued", PURCHASED).await;
        assert_eq!((world.spent(&number), world.spent(&queued)), ((1, 1), (1, 1)));
    });
}

/// One purchase, one failure, and a refused token, with this verbosity.
async fn log_of_a_life(world: &World, setup: Setup) -> (String, [String; 2]) {
    let (bought, missing) = (world.stocked(), world.number());
    let operator = setup.start();
    world.claim("bought", &bought).await;
    world.claim("missing", &missing).await;
    world.until("bought", PURCHASED).await;
    world.until("missing", NUMBER_NOT_FOUND.settled()).await;
    world.vobiz.set_token(&world.account, "another").unwrap();
    world.claim("refused", &world.stocked()).await;
    world.until("refused", crate::table::INVALID_CREDENTIALS).await;
    operator.stop().await;
    (world.log(), [bought, missing])
}

#[test]
fn the_token_is_in_no_log_at_any_level() {
    run(async |world| {
        let (log, _) = log_of_a_life(&world, world.setup().env("RUST_LOG", "trace")).await;
        assert!(log.contains("TRACE"), "this is not the most that it can say");
        assert!(!log.contains(&token(&world.account)), "the token was logged");
    });
}

#[test]
fn the_log_of_an_ordinary_day_names_claims_and_no_numbers() {
    run(async |world| {
        let (log, numbers) = log_of_a_life(&world, world.setup()).await;
        assert!(log.contains(&format!("{}/bought", world.namespace)), "{log}");
        for number in numbers {
            assert!(!log.contains(&number[1..]), "a number was logged: {log}");
        }
        for line in log.lines() {
            let entry: Value = serde_json::from_str(line).expect("not a terminal, so JSON");
            assert!(entry["level"].is_string() && entry["timestamp"].is_string(), "{line}");
        }
    });
}
