//! Many runs at the same time, against one control plane.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use futures::{FutureExt, StreamExt, stream};

use crate::{
    bench::Bench,
    choice::{Choice, deeds, kills, pick},
    evidence::Evidence,
    run::{Outcome, run},
};

/// All runs of a seed: the kills in the order in which they are picked, and behind them the other deeds. A run is named
/// by its place here.
#[must_use]
pub fn all(seed: u64) -> Vec<Choice> {
    let mut all = pick(kills(), usize::MAX, seed);
    all.extend(pick(deeds(), usize::MAX, seed));
    all
}

/// The places of the first so many kills and the first so many other deeds.
#[must_use]
pub fn first(kills_wanted: usize, deeds_wanted: usize) -> Vec<usize> {
    let (kills, deeds) = (kills().len(), deeds().len());
    (0..kills_wanted.min(kills)).chain(kills..kills + deeds_wanted.min(deeds)).collect()
}

/// One run and what became of it.
pub struct Done {
    pub place: usize,
    pub choice: Choice,
    pub result: Result<Outcome, String>,
    pub evidence: Evidence,
    /// How often it said nothing before.
    pub repeats: usize,
}

/// Performs runs, so many at a time, and tells of each when it is done.
pub async fn perform(
    bench: &Arc<Bench>,
    seed: u64,
    places: &[usize],
    parallel: usize,
    mut tell: impl FnMut(&Done, usize),
) -> Vec<Done> {
    let all = all(seed);
    let runs = places.iter().filter_map(|place| Some((*place, *all.get(*place)?)));
    let runs = runs.map(|(place, choice)| one(bench, seed, place, choice));
    let mut runs = stream::iter(runs).buffer_unordered(parallel);
    let mut done = Vec::new();
    while let Some(one) = runs.next().await {
        tell(&one, done.len() + 1);
        done.push(one);
    }
    done
}

/// A run that says nothing is repeated so often.
const REPEATS: usize = 3;

async fn one(bench: &Arc<Bench>, seed: u64, place: usize, choice: Choice) -> Done {
    let timing = seed ^ (place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut repeats = 0;
    loop {
        let evidence = Evidence::new().expect("no temporary folder");
        let run = AssertUnwindSafe(run(bench, choice, timing, evidence.clone()));
        let result = match run.catch_unwind().await.unwrap_or_else(|panic| Err(words(&*panic))) {
            Ok(None) if repeats < REPEATS => {
                repeats += 1;
                continue;
            }
            Ok(None) => Err("the machine is too busy: purchases are carried out after their time".into()),
            Ok(Some(outcome)) => Ok(outcome),
            Err(why) => Err(why),
        };
        return Done { place, choice, result, evidence, repeats };
    }
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic".into())
}

/// Keeps panics of runs from being printed in the midst of others: they are reported with their run.
pub fn be_quiet() {
    panic::set_hook(Box::new(|_| {}));
}
