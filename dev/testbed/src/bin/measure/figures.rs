//! What was measured, and the table of it.

use std::time::Duration;

use testbed::terminal::{say, table};

/// What was measured of one program at one size, in the order of the table. What cannot be read of a program is left out.
#[derive(Default)]
pub struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    pub fn add(&mut self, name: &'static str, value: f64) {
        say(format!("    {name}: {}", shown(Some(value))));
        self.0.push((name, value));
    }

    /// The median of many latencies, and what 95 of 100 do not exceed; milliseconds.
    pub fn add_latencies(&mut self, names: [&'static str; 2], mut latencies: Vec<Duration>) {
        latencies.sort();
        for (name, percent) in names.into_iter().zip([50, 95]) {
            let at = (latencies.len().saturating_sub(1) * percent).div_ceil(100);
            if let Some(latency) = latencies.get(at) {
                self.add(name, latency.as_secs_f64() * 1000.0);
            }
        }
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }
}

/// One size: how many claims, the operator's figures, and those of the other program.
pub type Column = (u64, Figures, Option<Figures>);

pub fn print(columns: &[Column]) {
    let mut heading = vec![String::new()];
    for (claims, _, other) in columns {
        heading.push(format!("{claims} claims"));
        if other.is_some() {
            heading.extend(["the other".to_owned(), "ratio".to_owned()]);
        }
    }
    let names =
        columns.first().map(|(_, ours, _)| ours.0.iter().map(|(name, _)| *name)).into_iter().flatten();
    let rows = names.map(|name| {
        let cells = columns.iter().flat_map(|(_, ours, other)| cells(name, ours, other.as_ref()));
        std::iter::once(name.to_owned()).chain(cells).collect()
    });
    say("");
    table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>());
}

fn cells(name: &str, ours: &Figures, other: Option<&Figures>) -> Vec<String> {
    let ours = ours.get(name);
    let mut cells = vec![shown(ours)];
    if let Some(other) = other {
        let theirs = other.get(name);
        let ratio = ours.zip(theirs).filter(|(_, theirs)| *theirs > 0.0).map(|(ours, theirs)| ours / theirs);
        cells.extend([shown(theirs), shown(ratio)]);
    }
    cells
}

/// A count, of which none here is so large that a digit is lost.
#[expect(clippy::cast_precision_loss, reason = "see above")]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// Three digits or more.
fn shown(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    })
}
