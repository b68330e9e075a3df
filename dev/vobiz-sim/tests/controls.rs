//! The controls below `/_sim/`, HTTPS, and the simulator as a process.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod common;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{Client, NUMBER, client, http, start, state};
use reqwest::Method;
use serde_json::{Value, json};
use vobiz_sim::{Config, Sim, State};

#[tokio::test]
async fn the_clock_that_it_shows_can_be_set_and_its_connections_die_in_silence() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    let manners = json!({"clock_ahead": 900, "closes": true});
    assert_eq!(me.admin(Method::PUT, "manners", &manners).await.status, 200);
    let kept = reqwest::Client::builder().no_proxy().build().unwrap();
    let list = || {
        let list = kept.get(format!("{}/api/v1/Account/MA_1/numbers", sim.url()));
        list.header("X-Auth-ID", "MA_1").header("X-Auth-Token", "secret").send()
    };
    let answer = list().await.unwrap();
    let date = answer.headers()["date"].to_str().unwrap().to_owned();
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(&date).unwrap();
    let ahead = date.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((895..=900).contains(&ahead), "{ahead}");
    assert!(!answer.headers().contains_key("connection"));
    answer.bytes().await.unwrap();
    list().await.unwrap_err();
}

#[tokio::test]
async fn everything_can_be_set_up_bought_and_read_back_over_http() {
    let sim = start(State::default()).await;
    let me = client(&sim, "MA_9", "t");
    let account = json!({"auth_id": "MA_9", "token": "t", "balances": {"INR": "100.50"}});
    assert_eq!(me.admin(Method::PUT, "accounts", &account).await.status, 200);
    let number =
        json!({"e164": NUMBER, "currency": "INR", "setup_fee": "50", "monthly_fee": 2.5, "shape": "B"});
    assert_eq!(me.admin(Method::POST, "numbers", &number).await.status, 200);
    assert_eq!(me.buy(NUMBER).await.unwrap().status, 200);

    let journal =
        me.admin(Method::GET, "journal?account=MA_9&e164=%2B911234500000", &Value::Null).await.json();
    let request = &journal["requests"][0];
    assert_eq!((&request["operation"], &request["answer"]), (&json!("purchase"), &json!(200)));
    assert_eq!((&request["e164"], &request["user_agent"]), (&json!(NUMBER), &json!("a-test/1")));
    assert_eq!(journal["debits"][0]["amount"], "52.5");
    let counts = me.admin(Method::GET, "counts?e164=+911234500000", &Value::Null).await.json();
    assert_eq!(counts, json!({"purchase_calls": {NUMBER: 1}, "debits": {NUMBER: 1}}));
    let owned = me.admin(Method::GET, "owned?account=MA_9", &Value::Null).await.json();
    assert_eq!((&owned[0]["e164"], &owned[0]["status"]), (&json!(NUMBER), &json!("active")));
    let account = me.admin(Method::GET, "accounts?account=MA_9", &Value::Null).await.json();
    assert_eq!(account["balances"]["INR"], "48.00");

    let change = json!({"e164": NUMBER, "status": "pending_release"});
    assert_eq!(me.admin(Method::PUT, "owned", &change).await.json()["status"], "pending_release");
    assert_eq!(me.admin(Method::POST, "numbers", &number).await.status, 409);
    let gone = me.admin(Method::DELETE, "owned?e164=%2B911234500000&restock=true", &Value::Null).await;
    assert_eq!(gone.status, 200);
    assert_eq!(me.get("numbers").await.json()["total"], 0);
    let row = json!({"account": "MA_9", "type": "credit", "amount": "5", "currency": "INR"});
    assert_eq!(me.admin(Method::POST, "ledger", &row).await.status, 200);
}

#[tokio::test]
async fn faults_are_armed_listed_disarmed_and_released_over_http() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    for fault in [
        json!({"on": "any-read", "fault": {"delay": {"ms": 1}}}),
        json!({"on": "list", "times": "forever", "fault": {"lag": {}}}),
        json!({"on": "purchase", "e164": NUMBER, "times": 3, "fault": "drop_before"}),
        json!({"on": "purchase", "fault": "commit_then_drop"}),
        json!({"on": "purchase", "fault": {"commit_then_500": {"body": "html"}}}),
        json!({"on": "any", "fault": {"status": {"code": 429, "headers": {"Retry-After": "1"}}}}),
        json!({"on": "any", "fault": {"never_reply": {}}}),
        json!({"on": "any", "fault": {"huge_body": {}}}),
        json!({"on": "any", "fault": {"answer_with_other_number": {}}}),
    ] {
        let got = me.admin(Method::POST, "faults", &fault).await;
        assert_eq!(got.status, 200, "{fault}: {}", got.text);
    }
    assert_eq!(me.admin(Method::GET, "faults", &Value::Null).await.json().as_array().unwrap().len(), 9);
    assert_eq!(me.admin(Method::DELETE, "faults?id=1", &Value::Null).await.json()["disarmed"], 1);
    assert_eq!(me.admin(Method::DELETE, "faults?account=MA_1", &Value::Null).await.json()["disarmed"], 0);
    assert_eq!(me.admin(Method::DELETE, "faults", &Value::Null).await.json()["disarmed"], 8);

    let hold = json!({"on": "purchase", "account": "MA_1", "fault": {"hold": {"at": "after"}}});
    me.admin(Method::POST, "faults", &hold).await;
    let buyer = me.clone();
    let buying = tokio::spawn(async move { buyer.buy(NUMBER).await.unwrap().status });
    let seq = held(&me).await;
    assert_eq!(me.admin(Method::POST, "release", &json!({"seq": seq})).await.json()["released"], 1);
    assert_eq!(buying.await.unwrap(), 200);
    assert_eq!(me.admin(Method::POST, "release", &Value::Null).await.json()["released"], 0);
}

async fn held(me: &Client) -> u64 {
    loop {
        let journal = me.admin(Method::GET, "journal?operation=purchase", &Value::Null).await.json();
        if journal["requests"][0]["answer"] == "held" {
            return journal["requests"][0]["seq"].as_u64().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn mistakes_in_the_controls_are_refused() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    for (path, body, status) in [
        ("accounts", json!({"auth_id": "MA_NEW"}), 400),
        ("faults", json!({"on": "purchase", "fault": "explode"}), 400),
        ("faults", json!({"on": "purchase", "fualt": "drop_before"}), 400),
        ("owned", json!({"e164": NUMBER, "account": "MA_NOBODY"}), 404),
        ("nothing", json!({}), 404),
    ] {
        assert_eq!(me.admin(Method::POST, path, &body).await.status, status, "{path} {body}");
    }
}

#[tokio::test]
async fn https_works_only_for_a_client_that_trusts_the_fresh_authority() {
    let sim = Sim::start(Config { tls: true, state: state(), ..Config::default() }).await.unwrap();
    let url = sim.url();
    assert!(url.starts_with("https://127.0.0.1:"));
    assert!(client(&sim, "MA_1", "secret").try_get("numbers").await.is_err());
    let ca = reqwest::Certificate::from_pem(sim.ca_pem().unwrap().as_bytes()).unwrap();
    let trusting = reqwest::Client::builder().no_proxy().tls_certs_only([ca]).build().unwrap();
    let me = Client { http: trusting, url, id: "MA_1".to_owned(), token: "secret".to_owned() };
    assert_eq!(me.buy(NUMBER).await.unwrap().status, 200);
}

fn process(arguments: &[&str]) -> (Child, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.yaml");
    std::fs::write(&state, "accounts: [{auth_id: MA_1, token: secret, balances: {INR: 7}}]").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_vobiz-sim"))
        .current_dir(folder.path())
        .args(["--state", "state.yaml", "--ready-file", "ready"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let url = url.trim().to_owned();
    assert_eq!(std::fs::read_to_string(folder.path().join("ready")).unwrap(), url);
    (child, url, folder)
}

async fn ended(mut child: Child) -> bool {
    let started = Instant::now();
    while started.elapsed() < common::SOON {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().unwrap();
    false
}

#[tokio::test]
async fn the_process_prints_its_url_serves_and_ends_on_a_signal() {
    let (child, url, _folder) = process(&["--exit-with-parent"]);
    let me = Client { http: http(), url, id: "MA_1".to_owned(), token: "secret".to_owned() };
    assert_eq!(me.get("balance/INR").await.json()["balance"], 7);
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success() && ended(child).await);
}

#[tokio::test]
async fn the_process_ends_with_its_parent_and_writes_its_authority_to_a_file() {
    let (mut child, url, folder) = process(&["--exit-with-parent", "--tls", "--ca-out", "ca.pem"]);
    assert!(url.starts_with("https://"));
    let pem = std::fs::read_to_string(folder.path().join("ca.pem")).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    drop(child.stdin.take());
    assert!(ended(child).await);
}
