//! A resync of the account: its reads, its memory, and a new claim's latency meanwhile.

use std::time::Duration;

use testbed::Error;
use tokio::time::sleep;

use crate::{
    bench::Bench,
    figures::{Figures, float},
    latency,
    process::{Usage, forget_peak, settled},
};

/// The operator lists the account once in each interval, so any interval has one resync.
pub async fn measure(bench: &mut Bench, seconds: u64, figures: &mut Figures) -> Result<(), Error> {
    let interval = Duration::from_secs(seconds);
    bench.restart(Some(interval)).await?;
    settled(&bench.operator).await?;
    forget_peak(&bench.operator)?;
    let (calls, before) = (bench.calls(), Usage::of(&bench.operator)?);
    sleep(interval).await;
    let after = Usage::of(&bench.operator)?;
    figures.add("resync: reads of Vobiz", float(bench.calls_since(calls).len() as u64));
    figures.add("resync: CPU, s", float(after.cpu_ms - before.cpu_ms) / 1000.0);
    figures.add("resync: memory at its peak, MB", float(after.peak_kb) / 1024.0);
    let resync = async {
        sleep(interval).await;
        Ok(())
    };
    let ((), latencies) = latency::meanwhile(bench, resync).await?;
    figures.add_latencies(["resync: a new claim: p50, ms", "resync: a new claim: p95, ms"], latencies);
    Ok(())
}
