//! One POST and one debit, whatever becomes of the answer.

use serde_json::json;
use vobiz_sim::{ErrorBody, Fault, FaultRule, Target};

use crate::{
    harness::{eventually, run},
    table::{NOT_PURCHASED, OUTCOME_UNKNOWN, PURCHASED, message},
    world::{World, state},
};

/// A fault for the purchase of a number of its own, and a claim for it.
async fn claim_with(world: &World, name: &str, fault: Fault) -> String {
    let number = world.stocked();
    world.arm(FaultRule::new(Target::Purchase, fault).e164(&number).forever());
    world.claim(name, &number).await;
    number
}

fn redirect(commit: bool) -> Fault {
    Fault::Status {
        code: 307,
        body: String::new(),
        content_type: "text/plain".into(),
        headers: [("Location".into(), "{self}".into())].into(),
        commit,
    }
}

fn page(code: u16, commit: bool) -> Fault {
    let body = "<html><body>Oops</body></html>".into();
    Fault::Status { code, body, content_type: "text/html".into(), headers: [].into(), commit }
}

#[test]
fn an_answer_lost_after_the_debit_still_ends_purchased_with_one_post() {
    run(async |world| {
        let other = world.number();
        let faults = [
            ("reply-lost", Fault::CommitThenDrop),
            ("html-500", Fault::CommitThen500 { body: ErrorBody::Html }),
            ("json-500", Fault::CommitThen500 { body: ErrorBody::Json }),
            ("empty-500", Fault::CommitThen500 { body: ErrorBody::Empty }),
            ("html-503", page(503, true)),
            ("html-404", page(404, true)),
            ("truncated", Fault::TruncatedBody),
            ("no-reply", Fault::NeverReply { commit: true }),
            ("redirect", redirect(true)),
            ("other-number", Fault::AnswerWithOtherNumber { e164: other }),
            ("huge", Fault::HugeBody { bytes: 3_000_000 }),
        ];
        let _operator = world.operator();
        let mut numbers = Vec::new();
        for (name, fault) in faults {
            numbers.push((name, claim_with(&world, name, fault).await));
        }
        for (name, number) in &numbers {
            let claim = world.until(name, PURCHASED).await;
            assert_eq!(world.spent(number), (1, 1), "{name}");
            assert_eq!(state(&world.record(number).await.unwrap()), "Bound", "{name}");
            world.event(&claim, "Purchased").await;
        }
    });
}

#[test]
fn an_unknown_outcome_is_shown_and_without_a_debit_not_purchased() {
    run(async |world| {
        let faults = [
            ("dropped", Fault::DropBefore),
            ("no-reply", Fault::NeverReply { commit: false }),
            ("html-503", page(503, false)),
            ("html-404", page(404, false)),
            ("redirect", redirect(false)),
            ("other-500", Fault::status(500, r#"{"error":"x","message":"though the balance suffices"}"#)),
        ];
        let _operator = world.unhurried().start();
        let mut numbers = Vec::new();
        for (name, fault) in faults {
            numbers.push((name, claim_with(&world, name, fault).await));
        }
        for (name, _) in &numbers {
            let claim = world.until(name, OUTCOME_UNKNOWN).await;
            world.event(&claim, "OutcomeUnknown").await;
        }
        for (name, number) in &numbers {
            let claim = world.until(name, NOT_PURCHASED).await;
            assert!(message(&claim).contains("telephony.vobiz.ai/retry"), "{name}: {}", message(&claim));
            world.event(&claim, "NotPurchased").await;
            assert_eq!(state(&world.record(number).await.unwrap()), "Failed", "{name}");
        }
        // Nothing more is sent unless somebody asks for it.
        world.served().await;
        for (name, number) in &numbers {
            assert_eq!(world.spent(number), (1, 0), "{name}");
        }
    });
}

#[test]
fn a_purchase_that_shows_late_in_the_lists_is_found_and_not_repeated() {
    run(async |world| {
        let number = world.stocked();
        world.arm(FaultRule::new(Target::Purchase, Fault::CommitThenDrop));
        world.arm(FaultRule::new(Target::AnyRead, Fault::Lag { ms: Some(6000) }).forever());
        let _operator = world.operator();
        world.claim("office", &number).await;
        world.until("office", OUTCOME_UNKNOWN).await;
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn absence_is_not_believed_before_the_attempt_has_had_its_time() {
    run(async |world| {
        let _operator = world.unhurried().start();
        // Vobiz works on it for longer than we wait for its answer; the lists do not have it meanwhile.
        let number = world.claim_held("office").await;
        world.until("office", OUTCOME_UNKNOWN).await;
        // Looked for, and not found.
        world.verified(2).await;
        assert_eq!(state(&world.record(&number).await.unwrap()), "Open");
        world.release();
        world.until("office", PURCHASED).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
fn a_hundred_claims_at_once_are_a_hundred_purchases() {
    run(async |world| {
        let _operator = world.setup().env("VOBIZ_RATE_LIMIT", "500").start();
        let numbers: Vec<_> = (0..100).map(|_| world.stocked()).collect();
        for (index, number) in numbers.iter().enumerate() {
            world.claim(&format!("office-{index}"), number).await;
        }
        for (index, number) in numbers.iter().enumerate() {
            world.until(&format!("office-{index}"), PURCHASED).await;
            assert_eq!(world.spent(number), (1, 1), "{index}");
        }
        assert_eq!(world.journal().debits.len(), numbers.len());
    });
}

#[test]
fn a_purchase_costs_three_writes_and_one_post() {
    run(async |world| {
        let number = world.stocked();
        let _operator = world.operator();
        world.claim("office", &number).await;
        let claim = world.until("office", PURCHASED).await;
        world.event(&claim, "Purchased").await;
        world.served().await;
        let writes = eventually("the audit log has all writes", async || {
            let found = writes(&world, &number, "office");
            if found.len() < 3 { Err(format!("{found:?}")) } else { Ok(found) }
        })
        .await;
        assert_eq!(writes, ["create phonenumbers", "update phonenumbers", "patch phonenumberclaims/status"]);
        assert_eq!(world.spent(&number), (1, 1));
    });
}

/// What the operator wrote for one claim and its record.
fn writes(world: &World, number: &str, claim: &str) -> Vec<String> {
    let ours = |event: &serde_json::Value| {
        let object = &event["objectRef"];
        let reads = [json!("get"), json!("list"), json!("watch")];
        event["userAgent"].as_str().is_some_and(|agent| agent.starts_with("vobiz-operator/"))
            && !reads.contains(&event["verb"])
            && (object["name"] == number[1..]
                || (object["namespace"] == world.namespace.as_str() && object["name"] == claim))
    };
    let events = world.cluster.plane.audit_events().unwrap().into_iter().filter(ours);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    events
        .map(|event| {
            let object = &event["objectRef"];
            let sub = object["subresource"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
            format!("{} {}{sub}", text(&event["verb"]), text(&object["resource"]))
        })
        .collect()
}
