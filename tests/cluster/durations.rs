//! How long the commands take: the figures of `docs/cli.md`, which this prints.

use std::time::{Duration, Instant};

use serde_json::json;
use vobiz_sim::{InventoryNumber, OwnedNumber};

use crate::{harness::run, operator::Setup, plan::stream, table::PURCHASED, world::World};

/// Runs after the first one.
const WARM: usize = 5;

async fn once(setup: &Setup, input: &str, arguments: &[&str]) -> Duration {
    let begun = Instant::now();
    let (code, _, said) = setup.run_with(input, arguments).await;
    assert!(code == 0 || code == 3, "{code}: {said}");
    begun.elapsed()
}

async fn row(world: &World, what: &str, input: &str, arguments: &[&str]) {
    // The limit is Vobiz's, and what is beyond it waits: it is not what is measured.
    let setup = world.setup().env("VOBIZ_RATE_LIMIT", "2000");
    let before = world.journal().requests.len();
    let first = once(&setup, input, arguments).await;
    let calls = world.journal().requests.len() - before;
    let mut others = Vec::new();
    for _ in 0..WARM {
        others.push(once(&setup, input, arguments).await);
    }
    others.sort();
    println!("| {what} | {calls} | {} ms | {} ms |", first.as_millis(), others[WARM / 2].as_millis());
}

#[test]
#[ignore = "measures, and holds nothing"]
fn how_long_each_command_takes() {
    run(async |world| {
        let numbers: Vec<_> = (0..1000).map(|_| world.number()).collect();
        for number in &numbers {
            world.vobiz.put_number(InventoryNumber::new(number, "INR", 1, 1)).unwrap();
        }
        for _ in 0..500 {
            world.vobiz.put_owned(OwnedNumber::new(world.number(), &world.account)).unwrap();
        }
        let names: Vec<_> = (0..1000).map(|claim| format!("claim-{claim:03}")).collect();
        let claims =
            names.iter().zip(&numbers).map(|(name, number)| (name.as_str(), json!({ "e164": number })));
        let claims: Vec<_> = claims.collect();
        let operator = world.operator();
        world.claim("office", &world.stocked()).await;
        world.until("office", PURCHASED).await;
        operator.stop().await;
        world.claim("new", &world.stocked()).await;
        println!("| Command | Calls to Vobiz | First | Median of the next {WARM} |\n|---|--:|--:|--:|");
        row(&world, "`plan`, 1 claim", &stream(&world.namespace, &claims[..1]), &["plan", "-f", "-"]).await;
        row(&world, "`plan`, 1,000 claims", &stream(&world.namespace, &claims), &["plan", "-f", "-"]).await;
        row(&world, "`owned`, 500 numbers", "", &["owned"]).await;
        row(&world, "`export`, 500 numbers", "", &["export"]).await;
        row(&world, "`why`", "", &["why", "new", "-n", &world.namespace]).await;
        row(&world, "`doctor`", "", &["doctor"]).await;
    });
}
