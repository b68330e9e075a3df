//! The runs: small mixes and every switched-off guard with the tests, all mixes with `make model`.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use stateright::{Checker, Model, Path};

use super::{
    Operators,
    bounds::Mix,
    bypass::Bypasses,
    explore::explore,
    invariants::Invariant,
    mixes,
    mutations::{MUTATIONS, SPARE},
    report::{self, Progress},
    step::Step,
    world::World,
};
use crate::plan::guard::Guards;

/// What a run over one mix has shown.
struct Run {
    mix: &'static str,
    worlds: usize,
    steps: usize,
    settled: usize,
    took: Duration,
    problems: Vec<String>,
}

impl Run {
    fn row(&self) -> String {
        let result = if self.problems.is_empty() { "holds" } else { "FAILS" };
        let Self { mix, worlds, steps, settled, took, .. } = self;
        format!("{mix:<48} {worlds:>11} {steps:>12} {settled:>10} {:>6}  {result}", took.as_secs())
    }
}

/// Safety by stateright, liveness by our own walk, and both must have seen the same worlds.
fn run(mix: &Mix, told: bool) -> Run {
    let start = Instant::now();
    let checker = Operators::guarded(mix).checker().spawn_bfs();
    let checker = if told { checker.report(&mut Progress::new(mix.name)) } else { checker.join() };
    let mut problems: Vec<_> = checker
        .discoveries()
        .into_iter()
        .map(|(name, path)| format!("{}: broken: {name}\n{}", mix.name, report::path(&of_stateright(path))))
        .collect();
    let model = Operators::guarded(mix);
    let mut progress = Progress::new(mix.name);
    let explored = explore(&model, false, |known, seen| {
        if told {
            progress.walked(known, seen);
        }
    });
    if let Some(path) = explored.stuck(&model) {
        problems.push(format!("{}: no way to a settled world\n{}", mix.name, report::path(&path)));
    }
    if explored.worlds() != checker.unique_state_count() {
        let (ours, theirs) = (explored.worlds(), checker.unique_state_count());
        problems.push(format!("{}: {ours} worlds by our count, {theirs} by stateright's", mix.name));
    }
    Run {
        mix: mix.name,
        worlds: explored.worlds(),
        steps: explored.steps,
        settled: explored.settled,
        took: start.elapsed(),
        problems,
    }
}

fn of_stateright(path: Path<World, Step>) -> Vec<(Step, World)> {
    let (worlds, steps): (Vec<_>, Vec<_>) = path.into_vec().into_iter().unzip();
    steps.into_iter().flatten().zip(worlds.into_iter().skip(1)).collect()
}

/// As many at once as there are cores, the largest first, because the last one to end is waited for by all.
fn run_all(mixes: &[&Mix], told: bool) -> Vec<Run> {
    let (queue, runs) = (Mutex::new(mixes.iter()), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(mix) = { queue.lock().unwrap().next() } {
                    let run = run(mix, told);
                    if told {
                        println!("{}", run.row());
                    }
                    runs.lock().unwrap().push(run);
                }
            });
        }
    });
    runs.into_inner().unwrap()
}

fn judge(runs: &[Run]) {
    println!("\n{:<48} {:>11} {:>12} {:>10} {:>6}  result", "mix", "worlds", "steps", "settled", "s");
    for run in runs {
        println!("{}", run.row());
    }
    println!("{:<48} {:>11}", "all", runs.iter().map(|run| run.worlds).sum::<usize>());
    let problems: Vec<_> = runs.iter().flat_map(|run| run.problems.iter().map(String::as_str)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn any_small_mix_of_faults_breaks_nothing_and_every_world_can_settle() {
    judge(&run_all(&mixes::FAST.iter().collect::<Vec<_>>(), false));
}

#[test]
#[ignore = "minutes: make model"]
fn nothing_is_broken_in_any_mix_of_faults_and_every_world_can_settle() {
    // `make model MIX=lost` for those with that word in their names.
    let word = std::env::var("MIX").unwrap_or_default();
    let wanted = mixes::FULL.iter().chain(mixes::FAST).filter(|mix| mix.name.contains(&word));
    let wanted: Vec<_> = wanted.collect();
    assert!(!wanted.is_empty(), "there is no mix like {word}");
    judge(&run_all(&wanted, true));
}

#[test]
fn each_guard_prevents_what_the_table_says() {
    let mut survivors = Vec::new();
    for mutation in MUTATIONS {
        let mix = mixes::named(mutation.mix);
        let (off, bypassed) = (Guards::of(mutation.off), Bypasses::of(mutation.bypassed));
        let model = Operators::without(mix, off, bypassed, Some(mutation.breaks));
        let explored = explore(&model, true, |_, _| {});
        let names = format!("{:?}{:?}", mutation.off, mutation.bypassed).replace("[]", "");
        match explored.broken(&model) {
            Some(path) => println!(
                "{names:<52} {:<36} {}, after {} steps",
                mutation.mix,
                mutation.breaks.says(),
                path.len()
            ),
            None => survivors.push(format!("{names} in {}: {} holds", mutation.mix, mutation.breaks.says())),
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

/// Otherwise the table would show nothing about the guard that is left standing.
#[test]
fn guards_that_are_switched_off_together_are_all_needed_for_it() {
    let mut idle = Vec::new();
    for mutation in MUTATIONS.iter().filter(|mutation| mutation.off.len() > 1) {
        for stands in mutation.off {
            let off: Vec<_> = mutation.off.iter().copied().filter(|guard| guard != stands).collect();
            let mix = mixes::named(mutation.mix);
            let model = Operators::without(mix, Guards::of(&off), Bypasses::default(), Some(mutation.breaks));
            if explore(&model, true, |_, _| {}).broken(&model).is_some() {
                idle.push(format!("{off:?} suffice in {}, without {stands:?}", mutation.mix));
            }
        }
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}

/// What `docs/exactly-once.md` says of it must be true as well.
#[test]
fn a_machine_that_sleeps_while_its_clock_is_set_back_can_send_too_late() {
    let watched = Some(Invariant::NoPaidNumberForgotten);
    let model = Operators::without(&mixes::BEYOND, Guards::of(&[]), Bypasses::default(), watched);
    assert!(explore(&model, true, |_, _| {}).broken(&model).is_some());
}

#[test]
#[ignore = "minutes: make model"]
fn what_the_table_calls_spare_breaks_nothing_when_off_alone() {
    for (guard, _) in SPARE {
        for mix in mixes::FAST {
            let model = Operators::without(mix, Guards::of(&[*guard]), Bypasses::default(), None);
            let explored = explore(&model, true, |_, _| {});
            let path = explored.broken(&model).map(|path| report::path(&path)).unwrap_or_default();
            assert!(path.is_empty(), "{guard:?} in {}: it is no spare\n{path}", mix.name);
        }
        println!("{guard:?}: a spare");
    }
}
