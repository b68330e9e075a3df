//! Crash after crash, and claims that go at the wrong moment.

use serde_json::Value;
use vobiz_sim::{Fault, FaultRule, HoldAt, Operation, Target};

use crate::{
    harness::{eventually, run},
    table::{NOT_PURCHASED, PURCHASED, Row},
    world::{claimed, state},
};

#[test]
fn an_operator_that_is_killed_again_and_again_buys_every_number_once() {
    run(async |world| {
        let numbers: Vec<_> = (0..30).map(|_| world.stocked()).collect();
        for (index, number) in numbers.iter().enumerate() {
            world.claim(&format!("office-{index}"), number).await;
        }
        let mut operator = world.operator();
        // Each time as soon as some more purchases have reached Vobiz; others are between intent and call then.
        for reached in [1, 4, 9, 16] {
            world
                .asked(|journal| {
                    let calls = journal.requests.iter().filter(|it| it.operation == Operation::Purchase);
                    calls.count() >= reached
                })
                .await;
            operator = operator.kill9().await.start();
        }
        for (index, number) in numbers.iter().enumerate() {
            let name = format!("office-{index}");
            // Whoever was hit twice in a row waits to be asked for.
            let unlucky = eventually("it is bought, or has settled", async || {
                let claim = world.get(&name).await.unwrap();
                let is = |row: Row| row.describes(&claim);
                if is(PURCHASED) || is(NOT_PURCHASED) {
                    Ok(is(NOT_PURCHASED))
                } else {
                    Err(claim.to_string())
                }
            });
            if unlucky.await {
                world.retry(&name, "again").await;
            }
            world.until(&name, PURCHASED).await;
            assert_eq!(world.vobiz.debits(number), 1, "{index}");
        }
        assert_eq!(world.journal().debits.len(), numbers.len());
        drop(operator);
    });
}

#[test]
fn a_claim_that_is_deleted_before_its_purchase_costs_nothing() {
    run(async |world| {
        let number = world.stocked();
        world.arm(FaultRule::new(Target::Ledger, Fault::Hold { at: HoldAt::Before }));
        let _operator = world.operator();
        world.claim("office", &number).await;
        // The operator looks, and cannot send before it has seen.
        world
            .vobiz
            .wait_for_held(&vobiz_sim::JournalFilter::default(), crate::harness::PATIENCE)
            .await
            .unwrap();
        world.delete("office").await;
        world.release();
        world.served().await;
        assert_eq!(world.spent(&number), (0, 0));
        assert_eq!(world.record(&number).await, None);
    });
}

#[test]
fn a_claim_recreated_during_its_purchase_binds_without_a_second_one() {
    run(async |world| {
        let _operator = world.patient().start();
        let number = world.claim_held("office").await;
        world.delete("office").await;
        let again = world.claim("office", &number).await;
        world.release();
        world.until("office", PURCHASED).await;
        let bound = |record: &Value| {
            state(record) == "Bound"
                && claimed(record) == Some("True")
                && record["spec"]["claimRef"]["uid"] == again["metadata"]["uid"]
        };
        world.until_record(&number, bound).await;
        assert_eq!(world.spent(&number), (1, 1));
    });
}
