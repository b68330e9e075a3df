//! The API server restarts: everything is listed again, or watched from where it ended.

use testbed::Error;

use crate::{
    bench::Bench,
    figures::{Figures, float},
    latency,
    process::{Usage, forget_peak, settled},
};

pub async fn measure(bench: &mut Bench, figures: &mut Figures) -> Result<(), Error> {
    let before = Usage::of(&bench.operator)?;
    forget_peak(&bench.operator)?;
    bench.cluster.plane.restart_apiserver().await?;
    let latencies = latency::bursts(bench, 10, 1).await?;
    let after = settled(&bench.operator).await?;
    figures.add("relist: CPU, s", float(after.cpu_ms - before.cpu_ms) / 1000.0);
    figures.add("relist: memory at its peak, MB", float(after.peak_kb) / 1024.0);
    figures.add_latencies(["relist: a new claim: p50, ms", "relist: a new claim: p95, ms"], latencies);
    Ok(())
}
