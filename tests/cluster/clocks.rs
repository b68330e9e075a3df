//! Clocks that do not agree.

use vobiz_sim::{Fault, FaultRule, HoldAt, Target};

use crate::{
    harness::{eventually, run},
    health::{address, readiness, samples, served},
    table::{CLOCK_SKEW, NOT_PURCHASED, OUTCOME_UNKNOWN, PURCHASED, message},
    world::state,
};

/// A quarter of an hour, in seconds.
const FAR: i64 = 900;

#[test]
fn nothing_is_bought_between_clocks_that_disagree() {
    run(async |world| {
        world.vobiz.set_clock_ahead(-FAR);
        let number = world.stocked();
        let setup = served(world.setup());
        let _operator = setup.start();
        world.claim("office", &number).await;
        let claim = world.until("office", CLOCK_SKEW).await;
        let told = message(&claim);
        for words in ["Nothing is bought", "Vobiz's is 15 min behind", "the API server's agrees"] {
            assert!(told.contains(words), "{told}");
        }
        world.event(&claim, "ClockSkew").await;
        let address = address(&setup).await;
        readiness(&address, 200, "[!] clocks: by the clock of the operator's node, Vobiz's is 15 min behind")
            .await;
        let metrics = samples(&address, &["clock_skew_seconds{peer=\"kubernetes\"} 0.0"]).await;
        let sample = metrics.lines().find(|line| line.contains("clock_skew_seconds{peer=\"vobiz\"}"));
        assert!(sample.is_some_and(|line| line.contains("} -89") || line.contains("} -90")), "{metrics}");
        let warnings = || world.log().matches("more than 2 minutes apart").count();
        assert_eq!(warnings(), 1, "once an episode");
        assert_eq!((world.spent(&number), world.record(&number).await), ((0, 0), None));

        world.vobiz.set_clock_ahead(0);
        world.until("office", PURCHASED).await;
        readiness(&address, 200, "[+] clocks: ok").await;
        assert_eq!((world.spent(&number), warnings()), ((1, 1), 1));
    });
}

#[test]
fn a_clock_that_is_a_little_off_is_said_and_holds_nothing() {
    run(async |world| {
        world.vobiz.set_clock_ahead(300);
        let number = world.stocked();
        let setup = served(world.setup());
        let _operator = setup.start();
        world.claim("office", &number).await;
        world.until("office", PURCHASED).await;
        readiness(&address(&setup).await, 200, "[!] clocks: ").await;
        assert!(world.log().contains("more than 2 minutes apart"), "{}", world.log());
    });
}

#[test]
fn an_open_attempt_is_not_settled_between_clocks_that_disagree() {
    run(async |world| {
        let (lost, late) = (world.stocked(), world.stocked());
        world.arm(FaultRule::new(Target::Purchase, Fault::DropBefore).e164(&lost));
        world.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before }).e164(&late));
        let _operator = world.operator();
        world.claim("lost", &lost).await;
        world.claim("late", &late).await;
        world.held(&late).await;
        world.until("lost", OUTCOME_UNKNOWN).await;
        world.vobiz.set_clock_ahead(FAR);
        let opened = world.record(&lost).await.unwrap()["spec"]["attempt"]["openedAt"].clone();
        let opened: jiff::Timestamp = opened.as_str().unwrap().parse().unwrap();
        let settles = opened + jiff::SignedDuration::from_secs(16);
        world.asked(|journal| journal.requests.iter().any(|request| request.received_at > settles)).await;
        assert_eq!(state(&world.record(&lost).await.unwrap()), "Open");
        eventually("the claim is told what it waits for", async || {
            let told = message(&world.get("lost").await.unwrap());
            if told.contains("cannot be settled while") { Ok(()) } else { Err(told) }
        })
        .await;
        // What is shown proves as much as ever.
        world.release();
        world.until("late", PURCHASED).await;
        world.vobiz.set_clock_ahead(0);
        world.until("lost", NOT_PURCHASED).await;
        assert_eq!((world.spent(&lost), world.spent(&late)), ((1, 0), (1, 1)));
    });
}
