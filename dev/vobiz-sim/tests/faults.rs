//! Misbehaviour, as a client meets it.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod common;

use std::time::{Duration, Instant};

use common::{NUMBER, SOON, client, send, start, state};
use reqwest::Method;
use serde_json::json;
use vobiz_sim::{Answer, ErrorBody, Fault, FaultRule, HoldAt, JournalFilter, Sim, Target};

async fn armed(on: Target, fault: Fault) -> (Sim, common::Client) {
    let sim = start(state()).await;
    sim.admin().arm(FaultRule::new(on, fault).account("MA_1"));
    let me = client(&sim, "MA_1", "secret");
    (sim, me)
}

fn bought(sim: &Sim) -> (bool, u64) {
    (sim.admin().owner(NUMBER).is_some(), sim.admin().debits(NUMBER))
}

fn last_answer(sim: &Sim) -> Answer {
    sim.admin().journal(&JournalFilter::default()).requests.last().unwrap().answer
}

#[tokio::test]
async fn a_connection_can_be_dropped_before_anything_was_done() {
    let (sim, me) = armed(Target::Purchase, Fault::DropBefore).await;
    assert!(me.buy(NUMBER).await.is_err());
    assert_eq!((bought(&sim), last_answer(&sim)), ((false, 0), Answer::Dropped));
    assert_eq!(me.buy(NUMBER).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_can_be_dropped_after_the_money_is_gone() {
    let (sim, me) = armed(Target::Purchase, Fault::CommitThenDrop).await;
    assert!(me.buy(NUMBER).await.is_err());
    assert_eq!((bought(&sim), last_answer(&sim)), ((true, 1), Answer::Dropped));
    assert_eq!(sim.admin().purchase_calls(NUMBER), 1);
}

#[tokio::test]
async fn a_success_can_be_hidden_behind_a_500() {
    for (body, text) in [(ErrorBody::Html, "<html"), (ErrorBody::Json, "{"), (ErrorBody::Empty, "")] {
        let (sim, me) = armed(Target::Purchase, Fault::CommitThen500 { body }).await;
        let got = me.buy(NUMBER).await.unwrap();
        assert_eq!(got.status, 500);
        assert!(got.text.starts_with(text) && got.text.is_empty() == text.is_empty());
        assert_eq!(bought(&sim), (true, 1));
    }
}

#[tokio::test]
async fn money_can_be_taken_for_a_number_that_stays_for_sale() {
    let (sim, me) = armed(Target::Purchase, Fault::DebitWithoutAssignment).await;
    assert_eq!(me.buy(NUMBER).await.unwrap().status, 500);
    assert_eq!(bought(&sim), (false, 1));
    assert_eq!(me.get("inventory/numbers").await.json()["total"], 1);
}

#[tokio::test]
async fn any_status_can_be_answered_with_headers_and_with_or_without_effect() {
    for (code, commit) in [(429, false), (307, false), (403, true), (502, true)] {
        let headers = [("Retry-After", "7"), ("Location", "{self}")];
        let fault = Fault::Status {
            code,
            body: "<p>no</p>".to_owned(),
            content_type: "text/html".to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            commit,
        };
        let (sim, me) = armed(Target::Purchase, fault).await;
        let path = "numbers/purchase-from-inventory?x=1";
        let body = json!({"e164": NUMBER}).to_string();
        let response = me.request(Method::POST, path).body(body).send().await.unwrap();
        assert_eq!(response.status(), code);
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.headers()["location"], format!("/api/v1/account/MA_1/{path}"));
        assert_eq!(response.text().await.unwrap(), "<p>no</p>");
        assert_eq!(bought(&sim).0, commit);
    }
}

#[tokio::test]
async fn a_body_can_end_in_its_middle() {
    let (sim, me) = armed(Target::Purchase, Fault::TruncatedBody).await;
    let body = json!({"e164": NUMBER}).to_string();
    let request = me.request(Method::POST, "numbers/purchase-from-inventory").body(body);
    let mut response = request.send().await.unwrap();
    let length = response.content_length().unwrap();
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!((response.status().as_u16(), first.len() as u64), (200, length / 2));
    assert!(response.chunk().await.is_err());
    assert_eq!(bought(&sim), (true, 1));
}

#[tokio::test]
async fn a_body_can_be_huge_and_is_still_the_right_one() {
    let (_sim, me) = armed(Target::List, Fault::HugeBody { bytes: 3_000_000 }).await;
    let got = me.get("numbers").await;
    assert!(got.text.len() >= 3_000_000);
    assert_eq!(got.json()["total"], 0);
}

#[tokio::test]
async fn an_answer_can_speak_of_another_number() {
    let fault = Fault::AnswerWithOtherNumber { e164: "+911234511111".to_owned() };
    let (sim, me) = armed(Target::Purchase, fault).await;
    assert_eq!(me.buy(NUMBER).await.unwrap().json()["number"]["e164"], "+911234511111");
    assert_eq!(bought(&sim), (true, 1));
}

#[tokio::test]
async fn an_endpoint_can_be_missing_until_it_is_disarmed() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    sim.admin().arm(FaultRule::new(Target::AnyRead, Fault::MissingEndpoint).account("MA_1").forever());
    for path in ["numbers", "inventory/numbers", "balance/INR", "transactions"] {
        for _ in 0..2 {
            let got = me.get(path).await;
            assert_eq!((got.status.as_u16(), got.text.as_str()), (404, "404 page not found\n"));
        }
    }
    assert_eq!(client(&sim, "MA_2", "other").get("numbers").await.status, 200);
    assert_eq!((sim.admin().disarm(Some("MA_2")), sim.admin().disarm(Some("MA_1"))), (0, 1));
    assert_eq!(me.get("numbers").await.status, 200);
}

#[tokio::test]
async fn an_answer_can_be_late_before_or_after_the_effect() {
    for (fault, effect) in [(Fault::Delay { ms: 400 }, false), (Fault::DelayReply { ms: 400 }, true)] {
        let (sim, me) = armed(Target::Purchase, fault).await;
        let started = Instant::now();
        let buying = tokio::spawn(async move { me.buy(NUMBER).await.unwrap() });
        let received = |journal: &vobiz_sim::Journal| !journal.requests.is_empty();
        sim.admin().wait_for(&JournalFilter::e164(NUMBER), SOON, received).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(bought(&sim).0, effect);
        assert_eq!(buying.await.unwrap().status, 200);
        assert!(started.elapsed() >= Duration::from_millis(400));
        assert_eq!(bought(&sim), (true, 1));
    }
}

#[tokio::test]
async fn an_unanswered_request_is_journalled_and_takes_effect_if_so_told() {
    for commit in [false, true] {
        let (sim, me) = armed(Target::Purchase, Fault::NeverReply { commit }).await;
        let body = json!({"e164": NUMBER}).to_string();
        let request = me.request(Method::POST, "numbers/purchase-from-inventory").body(body);
        assert!(send(request.timeout(Duration::from_millis(300))).await.unwrap_err().is_timeout());
        let gone = |journal: &vobiz_sim::Journal| journal.requests[0].answer == Answer::ClientGone;
        sim.admin().wait_for(&JournalFilter::e164(NUMBER), SOON, gone).await.unwrap();
        assert_eq!(bought(&sim).0, commit);
    }
}

#[tokio::test]
async fn a_held_request_takes_effect_even_if_its_client_has_died_meanwhile() {
    for (at, effect) in [(HoldAt::Before, false), (HoldAt::After, true)] {
        let (sim, me) = armed(Target::Purchase, Fault::Hold { at }).await;
        let buying = tokio::spawn(async move { me.buy(NUMBER).await });
        let filter = JournalFilter::e164(NUMBER);
        let seq = sim.admin().wait_for_held(&filter, SOON).await.unwrap();
        assert_eq!((bought(&sim).0, sim.admin().purchase_calls(NUMBER)), (effect, 1));
        buying.abort();
        assert!(buying.await.unwrap_err().is_cancelled());
        // The connection's end travels through the kernel.
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(sim.admin().release(seq) && !sim.admin().release(seq));
        let over = |journal: &vobiz_sim::Journal| journal.requests[0].answer == Answer::ClientGone;
        sim.admin().wait_for(&filter, SOON, over).await.unwrap();
        assert_eq!(bought(&sim), (true, 1));
    }
}

#[tokio::test]
async fn a_held_request_is_answered_once_it_is_released() {
    let (sim, me) = armed(Target::List, Fault::Hold { at: HoldAt::After }).await;
    let listing = tokio::spawn(async move { me.get("numbers").await.status });
    sim.admin().wait_for_held(&JournalFilter::account("MA_1"), SOON).await.unwrap();
    assert_eq!((sim.admin().release_all(Some("MA_2")), sim.admin().release_all(Some("MA_1"))), (0, 1));
    assert_eq!(listing.await.unwrap(), 200);
}

#[tokio::test]
async fn reads_can_lag_behind_a_purchase_until_they_are_disarmed() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    sim.admin().arm(FaultRule::new(Target::AnyRead, Fault::Lag { ms: None }).account("MA_1").forever());
    me.buy(NUMBER).await.unwrap();
    assert_eq!(me.get("numbers").await.json()["total"], 0);
    assert_eq!(me.get("inventory/numbers").await.json()["total"], 1);
    assert_eq!(me.get("transactions").await.json()["total"], 0);
    assert_eq!(me.get("balance/INR").await.json()["available_balance"], 1000);
    sim.admin().disarm(Some("MA_1"));
    assert_eq!(me.get("numbers").await.json()["total"], 1);
    assert_eq!(me.get("inventory/numbers").await.json()["total"], 0);
    assert_eq!(me.get("transactions").await.json()["total"], 1);
    assert_eq!(me.get("balance/INR").await.json()["available_balance"], 948);
}

#[tokio::test]
async fn the_list_alone_can_lag_by_a_time() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    sim.admin().arm(FaultRule::new(Target::List, Fault::Lag { ms: Some(500) }).forever());
    me.buy(NUMBER).await.unwrap();
    assert_eq!(me.get("numbers").await.json()["total"], 0);
    assert_eq!(me.get("transactions").await.json()["total"], 1);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(me.get("numbers").await.json()["total"], 1);
}

#[tokio::test]
async fn faults_are_taken_in_their_order_and_only_by_the_number_they_are_for() {
    let sim = start(state()).await;
    let me = client(&sim, "MA_1", "secret");
    let admin = sim.admin();
    admin.arm(FaultRule::new(Target::Purchase, Fault::status(503, "")).e164("+911234599999").forever());
    admin.arm(FaultRule::new(Target::Purchase, Fault::status(500, "{}")).e164(NUMBER).times(2));
    admin.arm(FaultRule::new(Target::Any, Fault::status(429, "{}")).account("MA_1"));
    // A pace and an outcome go together.
    admin.arm(FaultRule::new(Target::Purchase, Fault::Delay { ms: 50 }).account("MA_1"));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(me.buy(NUMBER).await.unwrap().status.as_u16());
    }
    assert_eq!(statuses, [500, 500, 429, 200]);
    assert_eq!(admin.faults().len(), 1);
}

#[tokio::test]
async fn stopping_ends_the_requests_that_are_held() {
    let (sim, me) = armed(Target::Purchase, Fault::Hold { at: HoldAt::Before }).await;
    let buying = tokio::spawn(async move { me.buy(NUMBER).await.is_err() });
    sim.admin().wait_for_held(&JournalFilter::e164(NUMBER), SOON).await.unwrap();
    tokio::time::timeout(SOON, sim.stop()).await.unwrap();
    assert!(buying.await.unwrap());
}
