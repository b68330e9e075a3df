//! What people see. All of it goes to standard output, line by line.

use std::fmt::Display;
use std::io::Write;
use std::sync::LazyLock;
use std::time::Instant;

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Prints a line. Nobody may be reading any more, which ends no test.
pub fn say(line: impl Display) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}");
    let _ = output.flush();
}

/// Begins a part of the test, and says when.
pub fn step(title: &str) {
    say(format!("\n{:5.0} s ==> {title}", BEGUN.elapsed().as_secs_f64()));
}

/// Seconds since the first step.
pub fn elapsed() -> f64 {
    BEGUN.elapsed().as_secs_f64()
}

/// Prints what a program printed, indented.
pub fn quote(text: &str) {
    text.trim_end().lines().for_each(|line| say(format!("    {line}")));
}
