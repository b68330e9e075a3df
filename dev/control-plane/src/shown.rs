//! What people see of builds: lines, and below them, on a terminal, one that says how far all of them are.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use control_plane::{Building, Progress};

/// Where there is no terminal, it is told so often how far the builds are.
const EVERY: Duration = Duration::from_secs(30);

/// Longer lines would be broken, and a broken line is not rewritten.
const WIDTH: usize = 79;

/// Standard error, and what is built.
pub(crate) struct Shown {
    is_terminal: bool,
    state: Mutex<State>,
}

struct State {
    /// By title.
    builds: BTreeMap<String, HowFar>,
    begun: Instant,
    told: Instant,
}

/// How far a build is, and about how much longer it takes.
struct HowFar {
    parts: String,
    remaining: Option<Duration>,
}

impl Shown {
    pub(crate) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self {
            is_terminal,
            state: Mutex::new(State { builds: BTreeMap::new(), begun: Instant::now(), told: Instant::now() }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self, progress: Progress<'_>) {
        match progress {
            Progress::Said(line) => {
                self.state().builds.retain(|title, _| !line.starts_with(title.as_str()));
                self.say(&format!("control-plane: {line}"));
            }
            Progress::Building(building) => self.building(building),
        }
    }

    /// Prints a line above the one that is rewritten.
    pub(crate) fn say(&self, line: &str) {
        let state = self.state();
        write(&format!("{}{line}\n{}", self.cleared(), self.line(&state)));
    }

    pub(crate) fn building(&self, building: Building<'_>) {
        let mut state = self.state();
        let how_far = HowFar { parts: building.parts(), remaining: building.remaining() };
        state.builds.insert(building.title.to_owned(), how_far);
        self.refresh(&mut state);
    }

    /// Time goes on, although no build tells of itself: one crate alone may take minutes.
    pub(crate) fn tick(&self) {
        let mut state = self.state();
        if !state.builds.is_empty() {
            self.refresh(&mut state);
        }
    }

    fn refresh(&self, state: &mut State) {
        if self.is_terminal {
            write(&format!("{}{}", self.cleared(), self.line(state)));
        } else if state.told.elapsed() >= EVERY {
            state.told = Instant::now();
            write(&format!("{}\n", joined(state)));
        }
    }

    /// The end: no line is left that would be taken for news.
    pub(crate) fn clear(&self) {
        self.state().builds.clear();
        write(self.cleared());
    }

    fn cleared(&self) -> &'static str {
        if self.is_terminal { "\r\x1b[K" } else { "" }
    }

    fn line(&self, state: &State) -> String {
        if self.is_terminal { joined(state).chars().take(WIDTH).collect() } else { String::new() }
    }
}

/// Nobody may be reading any more, which ends nothing.
fn write(text: &str) {
    let mut output = std::io::stderr().lock();
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
}

/// All builds, for how long, and how much longer the longest takes.
fn joined(state: &State) -> String {
    if state.builds.is_empty() {
        return String::new();
    }
    let one = |(title, how_far): (&String, &HowFar)| {
        let name = title.split(' ').next().unwrap_or_default();
        format!("{name} {} | ", how_far.parts)
    };
    let builds: String = state.builds.iter().map(one).collect();
    let so_far = state.begun.elapsed().as_secs();
    let remaining = state.builds.values().filter_map(|how_far| how_far.remaining).max();
    let remaining = remaining.map(|left| format!(", about {} s more", left.as_secs())).unwrap_or_default();
    format!("{builds}{so_far} s so far{remaining}")
}
