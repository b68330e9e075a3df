//! A Vobiz that refuses the credentials, limits calls, or cannot be asked.

use vobiz_sim::{Answer, Fault, FaultRule, HoldAt, Journal, Operation, OwnedNumber, Target};

use crate::{
    harness::run,
    table::{
        ADOPTED, INSUFFICIENT_BALANCE, NUMBER_NOT_FOUND, OUTCOME_UNKNOWN, PURCHASED, RATE_LIMITED,
        VOBIZ_UNAVAILABLE, message,
    },
    world::{World, state},
};

/// Claims so many stocked numbers.
pub async fn claim_many(world: &World, count: usize) -> Vec<(String, String)> {
    let mut claims = Vec::new();
    for index in 0..count {
        let (name, number) = (format!("office-{index}"), world.stocked());
        world.claim(&name, &number).await;
        claims.push((name, number));
    }
    claims
}

pub async fn all_bought(world: &World, claims: &[(String, String)], calls: u64) {
    for (name, number) in claims {
        world.until(name, PURCHASED).await;
        assert_eq!(world.spent(number), (calls, 1), "{name}");
    }
}

fn slow_down(seconds: u32) -> Fault {
    Fault::Status {
        code: 429,
        body: r#"{"error":"too many requests"}"#.into(),
        content_type: "application/json".into(),
        headers: [("Retry-After".into(), seconds.to_string())].into(),
        commit: false,
    }
}

#[test]
fn retry_after_is_honoured_for_the_whole_account() {
    run(async |world| {
        world.arm(FaultRule::new(Target::List, slow_down(15)));
        let claims = claim_many(&world, 3).await;
        let _operator = world.operator();
        for (name, _) in &claims {
            let claim = world.until(name, RATE_LIMITED).await;
            world.event(&claim, "RateLimited").await;
        }
        all_bought(&world, &claims, 1).await;
        let requests = world.journal().requests;
        let limited = requests.iter().position(|request| request.answer == Answer::Status(429)).unwrap();
        let asked = requests[limited].finished_at.unwrap();
        // What was asked side by side with it may arrive a moment later.
        let pauses = requests[limited + 1..].iter().map(|request| request.received_at.duration_since(asked));
        let pause = pauses.into_iter().find(|pause| pause.as_secs() >= 1).unwrap();
        assert!(pause.as_secs() >= 14, "{pause}");
    });
}

#[test]
fn a_failed_debit_is_told_though_its_sums_cannot_be_read_for_long() {
    run(async |world| {
        let number = world.stocked();
        let failed = r#"{"error":"internal server error","message":"failed to purchase number"}"#;
        world.arm(FaultRule::new(Target::Purchase, Fault::status(500, failed.to_owned())));
        world.arm(FaultRule::new(Target::Inventory, slow_down(600)));
        let _operator = world.patient().start();
        world.claim("office", &number).await;
        world.until("office", INSUFFICIENT_BALANCE).await;
        let record = world.record(&number).await.unwrap();
        assert_eq!(record["spec"]["attempt"]["answer"].get("funds"), None, "the sums were read after all");
    });
}

#[test]
fn a_rate_limited_purchase_is_verified_and_tried_again() {
    run(async |world| {
        world.arm(FaultRule::new(Target::Purchase, slow_down(2)));
        let _operator = world.operator();
        let claims = claim_many(&world, 1).await;
        world.until("office-0", RATE_LIMITED).await;
        all_bought(&world, &claims, 2).await;
    });
}

#[test]
fn a_limit_on_purchases_holds_them_alone_and_what_was_sent_is_verified() {
    run(async |world| {
        let (limited, missing, waiting) = (world.stocked(), world.number(), world.stocked());
        world.arm(FaultRule::new(Target::Purchase, slow_down(3600)).e164(&limited));
        let _operator = world.unhurried().start();
        world.claim("missing", &missing).await;
        world.until("missing", NUMBER_NOT_FOUND).await;
        world.claim("limited", &limited).await;
        world.until("limited", RATE_LIMITED).await;
        world.claim("waiting", &waiting).await;
        let claim = world.until("waiting", RATE_LIMITED).await;
        assert!(message(&claim).contains("answered a purchase with 429"), "{}", message(&claim));
        // What is owned already is no purchase.
        let owned = world.number();
        world.vobiz.put_owned(OwnedNumber::new(&owned, &world.account)).unwrap();
        world.claim("owned", &owned).await;
        world.until("owned", ADOPTED).await;

        // Both attempts settle while nothing may be sent.
        world.until("missing", NUMBER_NOT_FOUND.settled()).await;
        world.until_record(&limited, |record| state(record) == "Failed").await;
        let claim = world.until("limited", RATE_LIMITED).await;
        assert!(message(&claim).contains("answered a purchase with 429"), "{}", message(&claim));
        world.until("waiting", RATE_LIMITED).await;
        let spent = [&limited, &missing, &waiting].map(|number| world.spent(number));
        assert_eq!(spent, [(1, 0), (1, 0), (0, 0)]);
    });
}

#[test]
fn a_list_that_cannot_be_read_delays_the_purchase_and_decides_nothing() {
    for fault in [
        Fault::status(500, r#"{"error":"internal server error"}"#),
        Fault::Status {
            code: 200,
            body: "<html>maintenance</html>".into(),
            content_type: "text/html".into(),
            headers: [].into(),
            commit: false,
        },
        Fault::status(200, r#"{"items":[{"nonsense":1}],"page":1,"per_page":100,"total":1}"#),
        Fault::DropBefore,
    ] {
        run(async |world| {
            world.arm(FaultRule::new(Target::List, fault).forever());
            let _operator = world.operator();
            let claims = claim_many(&world, 3).await;
            for (name, number) in &claims {
                let claim = world.until(name, VOBIZ_UNAVAILABLE).await;
                world.event(&claim, "VobizUnavailable").await;
                assert_eq!(world.spent(number), (0, 0));
            }
            world.vobiz.disarm(None);
            all_bought(&world, &claims, 1).await;
        });
    }
}

#[test]
fn an_outage_costs_each_claim_one_write_and_one_event() {
    run(async |world| {
        // Two more than are waited for: the last ones must not end the outage.
        for code in [502, 503, 502, 429, 503, 502, 500, 503] {
            world.arm(FaultRule::new(Target::List, Fault::status(code, "")));
        }
        let _operator = world.operator();
        let claims = claim_many(&world, 3).await;
        let mut before = Vec::new();
        for (name, _) in &claims {
            before.push(world.until(name, VOBIZ_UNAVAILABLE).await);
        }
        let lists = |journal: &Journal| {
            journal.requests.iter().filter(|request| request.operation == Operation::List).count()
        };
        world.asked(|journal| lists(journal) >= 6).await;
        for ((name, _), before) in claims.iter().zip(&before) {
            assert_eq!(world.get(name).await.as_ref(), Some(before), "{name}");
        }
        world.vobiz.disarm(None);
        all_bought(&world, &claims, 1).await;
    });
}

#[test]
fn an_unreadable_list_keeps_an_attempt_open_beyond_its_time() {
    run(async |world| {
        let (bought, missing) = (world.stocked(), world.number());
        world.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before }).e164(&bought));
        let _operator = world.operator();
        world.claim("office", &bought).await;
        world.claim("missing", &missing).await;
        world.held(&bought).await;
        world.until("missing", NUMBER_NOT_FOUND).await;
        world.arm(FaultRule::new(Target::List, Fault::status(500, "")).forever());
        world.until("office", OUTCOME_UNKNOWN).await;
        world.release();

        let opened =
            |record: &serde_json::Value| record["spec"]["attempt"]["openedAt"].as_str().unwrap().to_owned();
        let opened: jiff::Timestamp = opened(&world.record(&bought).await.unwrap()).parse().unwrap();
        let settles = opened + jiff::SignedDuration::from_secs(14);
        world.asked(|journal| journal.requests.iter().any(|request| request.received_at > settles)).await;
        world.until("office", OUTCOME_UNKNOWN).await;
        world.until("missing", NUMBER_NOT_FOUND).await;
        for number in [&bought, &missing] {
            assert_eq!(state(&world.record(number).await.unwrap()), "Open");
        }
        world.vobiz.disarm(None);
        world.until("office", PURCHASED).await;
        world.until("missing", NUMBER_NOT_FOUND.settled()).await;
        assert_eq!((world.spent(&bought), world.spent(&missing)), ((1, 1), (1, 0)));
    });
}
