//! A restart with all claims there.

use testbed::Error;

use crate::{
    bench::Bench,
    figures::{Figures, float},
    process::settled,
};

pub async fn measure(bench: &mut Bench, figures: &mut Figures) -> Result<(), Error> {
    let calls = bench.calls();
    bench.restart(None).await?;
    let usage = settled(&bench.operator).await?;
    figures.add("restart: CPU, s", float(usage.cpu_ms) / 1000.0);
    figures.add("restart: memory at its peak, MB", float(usage.peak_kb) / 1024.0);
    figures.add("restart: memory at rest, MB", float(usage.rss_kb) / 1024.0);
    figures.add("restart: reads of Vobiz", float(bench.calls_since(calls).len() as u64));
    Ok(())
}
