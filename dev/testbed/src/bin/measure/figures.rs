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

    /// Of several runs.
    pub fn median(runs: &[Self]) -> Self {
        let names = runs.first().into_iter().flat_map(|run| run.0.iter().map(|(name, _)| *name));
        let median = |name| {
            let mut values: Vec<f64> = runs.iter().filter_map(|run| run.get(name)).collect();
            values.sort_by(f64::total_cmp);
            Some((name, *values.get(values.len() / 2)?))
        };
        Self(names.filter_map(median).collect())
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }
}

/// One size: how many claims, the operator's figures, and those of the other program.
pub type Column = (u64, Figures, Figures);

/// `of` says what the operator was measured with, `beside` what it was measured beside, if it was.
pub fn print(columns: &[Column], of: &str, beside: Option<&str>) {
    let shown_columns = if beside.is_some() { 3 } else { 1 };
    let headings = columns.iter().flat_map(|(claims, ..)| {
        let beside = beside.unwrap_or_default().to_owned();
        let headings = [format!("{claims} claims{of}"), beside, "ratio".to_owned()];
        headings.into_iter().take(shown_columns)
    });
    let mut rows: Vec<Vec<String>> = vec![std::iter::once(String::new()).chain(headings).collect()];
    for (name, _) in columns.iter().take(1).flat_map(|(_, ours, _)| &ours.0) {
        let cells = columns.iter().flat_map(|(_, ours, theirs)| {
            cells(ours.get(name), theirs.get(name)).into_iter().take(shown_columns)
        });
        rows.push(std::iter::once((*name).to_owned()).chain(cells).collect());
    }
    say("");
    table(&rows);
}

fn cells(ours: Option<f64>, theirs: Option<f64>) -> [String; 3] {
    let ratio = ours.zip(theirs).filter(|(_, theirs)| *theirs > 0.0).map(|(ours, theirs)| ours / theirs);
    [ours, theirs, ratio].map(shown)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stays_blank_and_has_no_ratio() {
        assert_eq!(cells(Some(3.0), Some(4.0)), ["3.00", "4.00", "0.75"]);
        assert_eq!(cells(Some(3.0), None), ["3.00", "", ""]);
        assert_eq!(cells(Some(3.0), Some(0.0)), ["3.00", "0.00", ""]);
    }

    #[test]
    fn of_several_runs_the_median_is_shown() {
        let runs = [30.0, 10.0, 20.0].map(|value| Figures(vec![("CPU", value)]));
        assert_eq!(Figures::median(&runs).get("CPU"), Some(20.0));
    }
}
