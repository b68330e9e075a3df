//! From nothing to ready: CPU, memory and calls for each claim.

use std::time::Instant;

use testbed::Error;
use vobiz_sim::{Operation, RequestEntry};

use crate::{
    audit::Audit,
    bench::{Bench, LOAD},
    figures::{Figures, float},
    latency,
    metrics::reconciles,
    process::{Usage, forget_peak, settled},
    ready::Ready,
};

/// `empty` is what was used when there was no claim yet.
pub async fn measure(bench: &Bench, claims: u64, empty: &Usage, figures: &mut Figures) -> Result<(), Error> {
    bench.have_refused(claims).await;
    let idle = settled(&bench.operator).await?;
    forget_peak(&bench.operator)?;
    let (audit, calls) = (Audit::from_now_on(&bench.cluster.plane)?, bench.calls());
    let (reconciled, created) = (reconciles(&bench.operator).await, bench.claims());
    buy(bench, claims, figures).await?;
    let busy = settled(&bench.operator).await?;

    let per_claim = |count: u64| float(count) / float(bench.claims() - created);
    figures.add("CPU, ms a claim", per_claim(busy.cpu_ms - idle.cpu_ms));
    figures.add("memory without claims, MB", float(empty.rss_kb) / 1024.0);
    figures.add("memory at its peak, MB", float(busy.peak_kb) / 1024.0);
    figures.add("memory at rest, MB", float(busy.rss_kb) / 1024.0);
    let more = busy.rss_kb.saturating_sub(empty.rss_kb);
    figures.add("memory a claim, kB", float(more) / float(bench.claims()));
    if let Some((before, after)) = reconciled.zip(reconciles(&bench.operator).await) {
        figures.add("reconciles a claim", per_claim(after - before));
    }
    let counts = audit.counts()?;
    figures.add("API writes a claim", per_claim(counts.writes));
    figures.add("live reads a claim", per_claim(counts.reads));
    figures.add("events a claim", per_claim(counts.events));
    let calls = bench.calls_since(calls);
    let (posts, reads): (Vec<_>, Vec<_>) =
        calls.iter().partition(|call| call.operation == Operation::Purchase);
    figures.add("POSTs a claim", per_claim(posts.len() as u64));
    figures.add("reads of Vobiz a claim", per_claim(reads.len() as u64));
    figures.add("bought a second", a_second(&posts));
    Ok(())
}

/// Creates all, and waits until all are ready.
async fn buy(bench: &Bench, claims: u64, figures: &mut Figures) -> Result<(), Error> {
    let mut ready = Ready::watch(bench, LOAD).await;
    let started = Instant::now();
    let load = async {
        let created = bench.create(LOAD, claims).await;
        let loaded = started.elapsed();
        ready.until(created.len(), latency::PATIENCE).await?;
        Ok((loaded, started.elapsed()))
    };
    let ((loaded, took), latencies) = latency::meanwhile(bench, load).await?;
    figures.add("seconds until all were created", loaded.as_secs_f64());
    figures.add("seconds until all were ready", took.as_secs_f64());
    figures.add_latencies(["a new claim meanwhile: p50, ms", "a new claim meanwhile: p95, ms"], latencies);
    Ok(())
}

/// Purchases a second, from the first to the last.
fn a_second(posts: &[&RequestEntry]) -> f64 {
    let [first, .., last] = posts else { return 0.0 };
    let seconds = last.received_at.duration_since(first.received_at).as_secs_f64();
    float(posts.len() as u64 - 1) / seconds
}
