//! When each part of the test began.

use std::sync::LazyLock;
use std::time::Instant;

use testbed::terminal::say;

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Begins a part of the test, and says when.
pub fn step(title: &str) {
    say(format!("\n{:5.0} s ==> {title}", elapsed()));
}

/// Seconds since the first step.
pub fn elapsed() -> f64 {
    BEGUN.elapsed().as_secs_f64()
}
