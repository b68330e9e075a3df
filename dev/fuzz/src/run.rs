//! Runs the inputs on every core, and watches that none of them hangs.

use std::{
    cell::Cell,
    fmt,
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;

use crate::{
    report::Report,
    targets::{TARGETS, Verdict},
};

/// An input that takes longer hangs: the slowest takes a few milliseconds.
const HANG: Duration = Duration::from_secs(30);

/// An input that was read wrongly.
#[derive(Debug)]
pub struct Failure {
    seed: u64,
    index: u64,
    why: String,
    input: Vec<u8>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = target(self.index).name;
        let shown: String = self.input.escape_ascii().take(4000).map(char::from).collect();
        writeln!(f, "{name}: {}\ninput of {} bytes: {shown}", self.why, self.input.len())?;
        write!(f, "{}", replay(self.seed, self.index))
    }
}

fn replay(seed: u64, index: u64) -> String {
    format!("to see it again: make fuzz SEED={seed} INPUT={index}")
}

fn target(index: u64) -> &'static crate::targets::Target {
    let at = index % TARGETS.len() as u64;
    &TARGETS[usize::try_from(at).unwrap_or_default()]
}

/// The input follows from both, and from nothing else.
fn input(seed: u64, index: u64, shown: &mut Vec<u8>) -> Verdict {
    let mut rng =
        Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03));
    // The first number of neighbouring seeds is alike.
    rng.u64(..);
    (target(index).run)(&mut rng, shown)
}

thread_local! {
    static CURRENT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Says which input it was before the panic takes the process down.
fn announce_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let (seed, index) = CURRENT.get();
        eprintln!("{}: panicked; {}", target(index).name, replay(seed, index));
        before(info);
    }));
}

pub fn one(seed: u64, index: u64) -> ExitCode {
    announce_panics();
    CURRENT.set((seed, index));
    let mut shown = Vec::new();
    let verdict = input(seed, index, &mut shown);
    println!("{}\n{}", target(index).name, shown.escape_ascii());
    match verdict {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("WRONG: {why}");
            ExitCode::FAILURE
        }
    }
}

/// What one worker does now, for the watch.
#[derive(Default)]
struct Worker {
    index: AtomicU64,
    /// Milliseconds since the start, at which it took that input up.
    since: AtomicU64,
    done: AtomicBool,
}

/// Tells the watch that a worker has ended, be it in a panic.
struct Done<'a>(&'a Worker);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Relaxed);
    }
}

/// # Errors
/// The first input that was read wrongly.
pub fn all(seed: u64, inputs: u64) -> Result<Report, Box<Failure>> {
    announce_panics();
    let started = Instant::now();
    let count = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers: Vec<_> = (0..count).map(|_| Worker::default()).collect();
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        let running: Vec<_> = (0u64..)
            .zip(&workers)
            .map(|(first, worker)| {
                let indices = (first..inputs).step_by(count);
                let failed = &failed;
                scope.spawn(move || {
                    let _done = Done(worker);
                    work(seed, indices, worker, started, failed)
                })
            })
            .collect();
        scope.spawn(|| watch(seed, &workers, started));
        let mut all = Report::default();
        for worker in running {
            let report = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.add(&report?);
        }
        all.took = started.elapsed();
        Ok(all)
    })
}

fn work(
    seed: u64,
    indices: impl Iterator<Item = u64>,
    worker: &Worker,
    started: Instant,
    failed: &AtomicBool,
) -> Result<Report, Box<Failure>> {
    let mut report = Report::default();
    let mut shown = Vec::new();
    for index in indices.take_while(|_| !failed.load(Ordering::Relaxed)) {
        CURRENT.set((seed, index));
        worker.index.store(index, Ordering::Relaxed);
        worker.since.store(millis(started), Ordering::Relaxed);
        shown.clear();
        let begun = Instant::now();
        match input(seed, index, &mut shown) {
            Ok(outcome) => report.count(target(index).name, outcome, begun.elapsed(), shown.len()),
            Err(why) => {
                failed.store(true, Ordering::Relaxed);
                return Err(Box::new(Failure { seed, index, why, input: shown }));
            }
        }
    }
    Ok(report)
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A thread that hangs cannot be ended, so the process is.
fn watch(seed: u64, workers: &[Worker], started: Instant) {
    while !workers.iter().all(|worker| worker.done.load(Ordering::Relaxed)) {
        thread::park_timeout(Duration::from_millis(50));
        for worker in workers.iter().filter(|worker| !worker.done.load(Ordering::Relaxed)) {
            let since = Duration::from_millis(worker.since.load(Ordering::Relaxed));
            if started.elapsed().saturating_sub(since) > HANG {
                let index = worker.index.load(Ordering::Relaxed);
                eprintln!("{}: hangs; {}", target(index).name, replay(seed, index));
                std::process::abort();
            }
        }
    }
}
