//! What the operator says of itself: whether it is ready, and its metrics.

use std::time::Duration;

use reqwest::Client;
use serde_json::json;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};
use vobiz_sim::{Fault, FaultRule, HoldAt, Operation, OwnedNumber, Target};

use crate::{
    harness::{PATIENCE, eventually, run},
    leader::replica,
    operator::Setup,
    table::{INVALID_CREDENTIALS, PURCHASED},
    world::{World, token},
};

/// Serves on a port that the operator chooses and logs.
pub fn served(setup: Setup) -> Setup {
    setup.env("HTTP_ADDR", "127.0.0.1:0")
}

/// One of several replicas, which serves.
fn elected(world: &World, log: &str) -> Setup {
    served(replica(world, log))
}

/// Where the operator that logs there serves.
pub async fn address(setup: &Setup) -> String {
    eventually("it serves", async || {
        let log = std::fs::read_to_string(&setup.log).unwrap_or_default();
        let line = log.lines().rfind(|line| line.contains("serving /healthz")).ok_or(log.clone())?;
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        Ok(entry["address"].as_str().unwrap().to_owned())
    })
    .await
}

/// One answer: its status and its body.
pub async fn get(address: &str, path: &str) -> (u16, String) {
    let client = Client::builder().no_proxy().tls_certs_only([]).timeout(PATIENCE).build().unwrap();
    let answer = client.get(format!("http://{address}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Waits until it is ready, or not ready, in those words.
pub async fn readiness(address: &str, status: u16, words: &str) {
    eventually(&format!("/readyz: {status} {words}"), async || {
        let answer = get(address, "/readyz").await;
        if answer.0 == status && answer.1.contains(words) { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
}

/// Waits until all those samples are served.
pub async fn samples(address: &str, wanted: &[&str]) -> String {
    eventually(&format!("{wanted:?}"), async || {
        let (_, served) = get(address, "/metrics").await;
        let all = wanted.iter().all(|wanted| {
            let wanted = format!("vobiz_operator_{wanted}");
            served.lines().any(|line| line == wanted)
        });
        if all { Ok(served) } else { Err(served) }
    })
    .await
}

#[test]
fn a_port_that_is_in_use_or_no_address_ends_it_at_once() {
    run(async |world| {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for address in [taken.local_addr().unwrap().to_string(), "nonsense".into(), ":http".into()] {
            let setup = world.setup().env("HTTP_ADDR", &address);
            let (success, _, complaint) = setup.run_to_end(&["run"]).await;
            assert!(!success && complaint.contains(&format!("HTTP_ADDR {address}")), "{complaint}");
        }
        assert_eq!(world.journal().requests, []);
    });
}

#[test]
fn strangers_on_its_port_keep_no_probe_waiting() {
    run(async |world| {
        let setup = served(world.setup());
        let _operator = setup.start();
        let address = address(&setup).await;
        let mut strangers = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let address = address.clone();
            strangers.spawn(async move {
                loop {
                    let mut stream = TcpStream::connect(&address).await.unwrap();
                    let _ = stream.read(&mut [0]).await;
                }
            });
        }
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let answer = tokio::time::timeout(Duration::from_secs(1), get(&address, "/healthz")).await;
            assert_eq!(answer.expect("no answer within a second").0, 200);
        }
    });
}

#[test]
fn more_idle_connections_than_its_port_has_places_keep_no_probe_out() {
    run(async |world| {
        let setup = served(world.setup());
        let _operator = setup.start();
        let address = address(&setup).await;
        for _ in 0..5 {
            let mut idle = Vec::new();
            for _ in 0..300 {
                idle.push(TcpStream::connect(&address).await.unwrap());
            }
            assert_eq!(get(&address, "/healthz").await.0, 200);
        }
    });
}

#[test]
fn it_is_ready_once_vobiz_has_accepted_the_credentials_and_stays_so() {
    run(async |world| {
        let file = world.folder.path().join("token");
        std::fs::write(&file, "wrong").unwrap();
        let setup = served(world.setup().without("VOBIZ_AUTH_TOKEN"))
            .env("VOBIZ_AUTH_TOKEN_FILE", file.display().to_string());
        let operator = setup.start();
        let address = address(&setup).await;
        assert_eq!(get(&address, "/healthz").await, (200, "ok\n".to_owned()));
        let account = &world.account;
        let words = format!("[-] credentials: {account}: Vobiz refuses the credentials (401)");
        readiness(&address, 503, &words).await;
        let of_credentials = |accepted: &str, held: &str| {
            let accepted = format!(r#"credentials_accepted{{account="{account}"}} {accepted}"#);
            let reason = "InvalidCredentials";
            [accepted, format!(r#"account_held{{account="{account}",reason="{reason}"}} {held}"#)]
        };
        let refused = of_credentials("0.0", "1.0");
        samples(&address, &refused.each_ref().map(String::as_str)).await;

        std::fs::write(&file, token(&world.account)).unwrap();
        readiness(&address, 200, "[+] credentials: ok").await;
        let accepted = of_credentials("1.0", "0.0");
        samples(&address, &accepted.each_ref().map(String::as_str)).await;

        world.vobiz.set_token(&world.account, "another").unwrap();
        world.claim("office", &world.stocked()).await;
        world.until("office", INVALID_CREDENTIALS).await;
        samples(&address, &refused.each_ref().map(String::as_str)).await;
        assert_eq!(get(&address, "/readyz").await.0, 200);
        for (path, status) in [("/", 404), ("/metrics/", 404)] {
            assert_eq!(get(&address, path).await.0, status, "{path}");
        }
        operator.stop().await;
    });
}

#[test]
fn a_replica_that_waits_is_ready_and_one_that_stops_is_not() {
    run(async |world| {
        let (first, second) =
            (elected(&world, "first.log").env("VOBIZ_PURCHASE_TIMEOUT", "5m"), elected(&world, "second.log"));
        let first = first.env("VOBIZ_SETTLE_TIME", "5m");
        let mut leads = first.start();
        let leader = address(&first).await;
        samples(&leader, &["leader 1.0"]).await;
        let waits = second.start();
        let other = address(&second).await;
        readiness(&other, 200, "ready").await;
        let waiting = samples(&other, &["leader 0.0"]).await;
        assert!(!waiting.contains("vobiz_operator_account_held"), "{waiting}");

        let number = world.claim_held("office").await;
        samples(&other, &[r#"unresolved_attempts{state="Open"} 1.0"#]).await;
        leads.terminate().await;
        readiness(&leader, 503, "[-] running: the process stops").await;
        world.release();
        assert!(leads.ended().await.success());
        samples(&other, &["leader 1.0"]).await;
        world.until("office", PURCHASED).await;
        waits.stop().await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_standby_with_a_wrong_token_is_not_ready_before_it_is_put_right() {
    run(async |world| {
        let file = world.folder.path().join("token");
        std::fs::write(&file, "wrong").unwrap();
        let (first, second) =
            (elected(&world, "first.log"), elected(&world, "second.log").without("VOBIZ_AUTH_TOKEN"));
        let second = second.env("VOBIZ_AUTH_TOKEN_FILE", file.display().to_string());
        let leads = first.start();
        samples(&address(&first).await, &["leader 1.0"]).await;
        let waits = second.start();
        let other = address(&second).await;
        let words = format!("[-] credentials: {}: Vobiz refuses the credentials (401)", world.account);
        readiness(&other, 503, &words).await;
        std::fs::write(&file, token(&world.account)).unwrap();
        readiness(&other, 200, "[+] credentials: ok").await;
        samples(&other, &["leader 0.0"]).await;
        waits.stop().await;
        leads.stop().await;
    });
}

/// A sample of the world's account.
fn sample(world: &World, name: &str, labels: &str, value: &str) -> String {
    format!(r#"{name}{{account="{}"{labels}}} {value}"#, world.account)
}

#[test]
fn metrics_follow_claims_numbers_and_money_and_name_none_of_them() {
    run(async |world| {
        let (bought, held) = (world.stocked(), world.stocked());
        let setup = served(world.patient()).env("VOBIZ_RESYNC_INTERVAL", "1s");
        world.vobiz.put_owned(OwnedNumber::new(world.number(), &world.account)).unwrap();
        let _operator = setup.start();
        let address = address(&setup).await;
        world.claim("office", &bought).await;
        world.until("office", PURCHASED).await;
        world.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before }));
        world.claim("held", &held).await;
        world.held(&held).await;
        let served = samples(
            &address,
            &[
                r#"claims{reason="Purchased"} 1.0"#,
                r#"purchases_total{outcome="Purchased"} 1"#,
                r#"vobiz_requests_total{operation="purchase",outcome="ok"} 1"#,
                r#"unresolved_attempts{state="Open"} 1.0"#,
                &sample(&world, "numbers", r#",claimed="true""#, "1.0"),
                &sample(&world, "monthly_cost", r#",claimed="true",currency="INR""#, "2.0"),
                &sample(&world, "account_balance", r#",currency="INR""#, "9948.0"),
                "unrecorded_numbers 1.0",
                "purchase_queue_depth 0",
                "leader 1.0",
            ],
        )
        .await;
        // Another account of this Vobiz, and of this cluster, has dollars; this one's numbers cost none.
        assert!(!served.contains(r#"currency="USD""#), "{served}");
        for secret in [&bought[1..], &held[1..], "office", world.namespace.as_str()] {
            assert!(!served.contains(secret), "{secret}: {served}");
        }
        world.release();
        world.until("held", PURCHASED).await;
        world.delete("office").await;
        let served = samples(
            &address,
            &[
                r#"claims{reason="Purchased"} 1.0"#,
                &sample(&world, "numbers", r#",claimed="false""#, "1.0"),
                &sample(&world, "monthly_cost", r#",claimed="false",currency="INR""#, "2.0"),
            ],
        )
        .await;
        assert!(!served.contains("unresolved_attempts{"), "settled attempts are gone: {served}");
        world.delete("held").await;
        samples(&address, &[&sample(&world, "numbers", r#",claimed="false""#, "2.0")]).await;
        let (_, served) = get(&address, "/metrics").await;
        assert!(!served.contains("vobiz_operator_claims{"), "there are no claims: {served}");
    });
}

#[test]
fn the_balance_is_read_only_for_metrics_and_never_where_there_is_none() {
    run(async |world| {
        let balances = |world: &World| {
            let journal = world.journal();
            journal.requests.iter().filter(|request| request.operation == Operation::Balance).count()
        };
        let quiet = world.setup().env("VOBIZ_RESYNC_INTERVAL", "1s");
        let operator = quiet.start();
        world.claim_in(&world.namespace, "office", &in_rupees(&world.stocked()), &json!({})).await;
        world.until("office", PURCHASED).await;
        let listings = world.journal().requests.len();
        world.asked(|journal| journal.requests.len() >= listings + 3).await;
        operator.stop().await;
        assert_eq!(balances(&world), 0);

        world.arm(FaultRule::new(Target::Balance, Fault::MissingEndpoint).forever());
        let operator = served(quiet).start();
        let listings = world.journal().requests.len();
        world.asked(|journal| journal.requests.len() >= listings + 8).await;
        operator.stop().await;
        // Once, in each casing.
        assert_eq!(balances(&world), 2);
    });
}

fn in_rupees(number: &str) -> serde_json::Value {
    json!({ "e164": number, "currency": "INR" })
}
