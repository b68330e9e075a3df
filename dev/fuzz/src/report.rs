//! What a run counts and prints.

use std::{collections::BTreeMap, fmt, time::Duration};

/// What came of the inputs.
#[derive(Debug, Default)]
pub struct Report {
    targets: BTreeMap<&'static str, Figures>,
    pub took: Duration,
}

#[derive(Debug, Default)]
struct Figures {
    outcomes: BTreeMap<&'static str, u64>,
    bytes: usize,
    longest: usize,
    /// With the making of the input and the check of the outcome.
    spent: Duration,
    slowest: Duration,
}

impl Report {
    pub fn count(&mut self, target: &'static str, outcome: &'static str, took: Duration, bytes: usize) {
        let figures = self.targets.entry(target).or_default();
        *figures.outcomes.entry(outcome).or_default() += 1;
        figures.bytes += bytes;
        figures.longest = figures.longest.max(bytes);
        figures.spent += took;
        figures.slowest = figures.slowest.max(took);
    }

    pub fn add(&mut self, other: &Self) {
        for (target, theirs) in &other.targets {
            let ours = self.targets.entry(target).or_default();
            for (outcome, count) in &theirs.outcomes {
                *ours.outcomes.entry(outcome).or_default() += count;
            }
            ours.bytes += theirs.bytes;
            ours.longest = ours.longest.max(theirs.longest);
            ours.spent += theirs.spent;
            ours.slowest = ours.slowest.max(theirs.slowest);
        }
    }

    pub fn inputs(&self) -> u64 {
        self.targets.values().flat_map(|figures| figures.outcomes.values()).sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:13} {:>8} {:>8} {:>11} {:>10}  outcomes",
            "reader", "inputs", "seconds", "longest", "slowest"
        )?;
        for (target, figures) in &self.targets {
            let inputs: u64 = figures.outcomes.values().sum();
            let outcomes: Vec<_> =
                figures.outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
            writeln!(
                f,
                "{target:13} {inputs:8} {:8.1} {:9} B {:7.1} ms  {}",
                figures.spent.as_secs_f64(),
                figures.longest,
                figures.slowest.as_secs_f64() * 1000.0,
                outcomes.join(", ")
            )?;
        }
        let bytes: usize = self.targets.values().map(|figures| figures.bytes).sum();
        writeln!(
            f,
            "{} inputs, {} MB, {:.1} s: no panic, no hang, no outcome more definite than its input",
            self.inputs(),
            bytes / 1_000_000,
            self.took.as_secs_f64()
        )
    }
}
