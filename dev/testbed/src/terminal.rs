//! What people see. All of it goes to standard output, line by line.

use std::{
    fmt::Display,
    future::Future,
    io::Write,
    time::{Duration, Instant},
};

/// How long something may take before it says that it is still at it.
const PATIENCE: Duration = Duration::from_secs(5);

const WIDTH: usize = 110;

/// Prints a line. Nobody may be reading any more, which ends nothing.
pub fn say(line: impl Display) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}");
    let _ = output.flush();
}

/// Begins a part of what is shown.
pub fn step(title: &str) {
    say(format!("\n==> {title}"));
}

/// Says every few seconds that something is still going on.
pub async fn with_progress<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(PATIENCE);
    ticks.tick().await; // the first one comes at once
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return result,
            _ = ticks.tick() => say(format!("    … {what}, {} s", begun.elapsed().as_secs())),
        }
    }
}

/// Prints what a program printed, indented.
pub fn quote(text: &str) {
    text.trim_end().lines().for_each(|line| say(format!("    {line}")));
}

/// Prints words in lines of a bounded width, indented.
pub fn paragraph(indent: usize, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            say(format!("{:indent$}{line}", ""));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    say(format!("{:indent$}{line}", ""));
}

/// Prints rows in aligned columns, the first of them as headings.
pub fn table(rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        say(cells.collect::<Vec<_>>().join("   ").trim_end());
    }
}
