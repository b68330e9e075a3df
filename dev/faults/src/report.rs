//! Figures, and what is printed about a run that failed.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    campaign::Done,
    choice::Deed,
    trap::{Moment, Trap},
};

/// What is printed about a run that failed: why, what replays it, and everything that was called.
#[must_use]
pub fn failure(seed: u64, done: &Done) -> Option<String> {
    let why = done.result.as_ref().err()?;
    Some(format!(
        "FAILED: run {} of seed {seed} ({}): {why}\nreplay it: make faults SEED={seed} RUN={}\n{}",
        done.place,
        done.choice,
        done.place,
        done.evidence.describe()
    ))
}

/// Says so if too many runs never came to the call that they are about: they prove little, and what recognises calls may
/// be out of date.
#[must_use]
pub fn missed(done: &[Done]) -> Option<String> {
    let missed =
        done.iter().filter(|done| done.result.as_ref().is_ok_and(|outcome| !outcome.reached)).count();
    (missed * 10 > done.len()).then(|| format!("{missed} of {} runs never came to their call", done.len()))
}

/// Counts of the runs that kept every promise.
#[must_use]
pub fn figures(done: &[Done]) -> String {
    let mut text = String::new();
    let reached = |one: &&Done| one.result.as_ref().is_ok_and(|outcome| outcome.reached);
    let mut deeds: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    for one in done {
        let counts = deeds.entry(deed(one.choice.deed)).or_default();
        match &one.result {
            Ok(outcome) if outcome.reached => counts.0 += 1,
            Ok(_) => counts.1 += 1,
            Err(_) => counts.2 += 1,
        }
    }
    let _ = writeln!(text, "{:<44} {:>8} {:>12} {:>8}", "runs", "reached", "not reached", "failed");
    for (name, (reached, not, failed)) in &deeds {
        let _ = writeln!(text, "  {name:<42} {reached:>8} {not:>12} {failed:>8}");
    }
    let kills: Vec<&Done> = done.iter().filter(reached).filter(|one| one.choice.deed == Deed::Kill).collect();
    points(&mut text, &kills);
    let mut behaviours: BTreeMap<String, usize> = BTreeMap::new();
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for one in done.iter().filter(reached) {
        *behaviours.entry(format!("{:?}", one.choice.behaviour)).or_default() += 1;
        if let Ok(outcome) = &one.result {
            *ends.entry(&outcome.end.reason).or_default() += 1;
        }
    }
    let repeats: usize = done.iter().map(|one| one.repeats).sum();
    let _ = writeln!(text, "repeated, because the machine was too busy {repeats:>11}");
    let _ = writeln!(text, "behaviours of Vobiz (all deeds)");
    for (name, count) in &behaviours {
        let _ = writeln!(text, "  {name:<42} {count:>8}");
    }
    let _ = writeln!(text, "ends");
    for (name, count) in &ends {
        let _ = writeln!(text, "  {name:<42} {count:>8}");
    }
    money(&mut text, done);
    text
}

fn deed(deed: Deed) -> &'static str {
    match deed {
        Deed::Kill => "kill -9, and a new process",
        Deed::Disconnect => "the connection is closed",
        Deed::DeleteClaim => "the claim is deleted by force",
        Deed::ChangeClaim => "the claim's currency is changed",
        Deed::HoldClaim => "the claim is paused for a while",
        Deed::StripStatuses => "the statuses are removed",
        Deed::Sicken(_) => "the API server is not well",
        Deed::Pause => "the process stands still (SIGSTOP)",
    }
}

fn points(text: &mut String, kills: &[&Done]) {
    let mut points: BTreeMap<(String, u32), [usize; 4]> = BTreeMap::new();
    for one in kills {
        let Trap { call, nth, moment } = one.choice.trap;
        let column = match moment {
            Moment::Before => 0,
            Moment::Late => 1,
            Moment::Withheld => 2,
            Moment::After => 3,
        };
        points.entry((format!("{call:?}"), nth)).or_default()[column] += 1;
    }
    let _ = writeln!(
        text,
        "{:<24} {:>8} {:>14} {:>10} {:>8}",
        "killed at the call", "before", "arrives later", "withheld", "after"
    );
    for ((call, nth), [before, late, withheld, after]) in &points {
        let name = format!("{call} {nth}");
        let _ = writeln!(text, "  {name:<22} {before:>8} {late:>14} {withheld:>10} {after:>8}");
    }
}

fn money(text: &mut String, done: &[Done]) {
    let ends: Vec<_> =
        done.iter().filter_map(|one| one.result.as_ref().ok()).map(|outcome| &outcome.end).collect();
    let _ = writeln!(
        text,
        "attempts {}, purchase calls {}, debits {}, double debits {}",
        ends.iter().map(|end| end.attempts).sum::<usize>(),
        ends.iter().map(|end| end.posts).sum::<u64>(),
        ends.iter().map(|end| end.debits).sum::<u64>(),
        ends.iter().filter(|end| end.debits > 1).count(),
    );
}
