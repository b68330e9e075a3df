//! How long a claim takes from its create to Ready: alone, in bursts, and while something else is going on.

use std::{cell::Cell, time::Duration};

use testbed::Error;
use tokio::time::sleep;

use crate::{
    bench::{Bench, PROBES},
    figures::Figures,
    ready::Ready,
};

/// What a burst finds has come to rest.
const REST: Duration = Duration::from_secs(1);

/// How long the next claim of a load, or of a burst, may take.
pub const PATIENCE: Duration = Duration::from_mins(3);
/// A claim among others may wait for all of them.
const LONG: Duration = Duration::from_hours(2);

/// What the four figures are called.
pub type Names = [[&'static str; 2]; 2];

/// In an account that is all but empty.
pub const BEFORE: Names = [
    ["one claim, before the load: p50, ms", "one claim, before the load: p95, ms"],
    ["bursts of 20, before the load: p50, ms", "bursts of 20, before the load: p95, ms"],
];
pub const AFTER: Names = [
    ["one claim, with all there: p50, ms", "one claim, with all there: p95, ms"],
    ["bursts of 20, with all there: p50, ms", "bursts of 20, with all there: p95, ms"],
];

pub async fn measure(bench: &Bench, names: Names, figures: &mut Figures) -> Result<(), Error> {
    let [one, many] = names;
    figures.add_latencies(one, bursts(bench, 20, 1).await?);
    figures.add_latencies(many, bursts(bench, 10, 20).await?);
    Ok(())
}

/// So many bursts of so many claims, one after the other.
pub async fn bursts(bench: &Bench, bursts: u64, claims: u64) -> Result<Vec<Duration>, Error> {
    let mut ready = Ready::watch(bench, PROBES).await;
    let mut latencies = Vec::new();
    for _ in 0..bursts {
        latencies.extend(burst(bench, &mut ready, claims, PATIENCE).await?);
    }
    Ok(latencies)
}

/// One claim after the other, for as long as the work takes.
pub async fn meanwhile<T>(
    bench: &Bench,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<(T, Vec<Duration>), Error> {
    let mut ready = Ready::watch(bench, PROBES).await;
    let done = Cell::new(false);
    let work = async {
        let result = work.await;
        done.set(true);
        result
    };
    let probes = async {
        let mut latencies = Vec::new();
        while !done.get() {
            latencies.extend(burst(bench, &mut ready, 1, LONG).await?);
        }
        Ok(latencies)
    };
    tokio::try_join!(work, probes)
}

async fn burst(
    bench: &Bench,
    ready: &mut Ready,
    claims: u64,
    patience: Duration,
) -> Result<Vec<Duration>, Error> {
    sleep(REST).await;
    let before = ready.count();
    let created = bench.create(PROBES, claims).await;
    ready.until(before + created.len(), patience).await?;
    Ok(ready.latencies(&created))
}
