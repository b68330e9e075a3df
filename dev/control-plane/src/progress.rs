//! What is told of a build: lines, and how far it is.

use std::fmt::{self, Display, Formatter};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One thing to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Said once.
    Said(&'a str),
    /// Told again and again, as it grows.
    Building(Building<'a>),
}

/// A build that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Building<'a> {
    /// What is built.
    pub title: &'a str,
    /// How many parts of it are done.
    pub done: usize,
    /// How many there are, as far as that is known.
    pub total: Option<usize>,
    /// For how long.
    pub so_far: Duration,
}

impl Building<'_> {
    /// How many parts are done, and of how many.
    #[must_use]
    pub fn parts(&self) -> String {
        match self.total {
            Some(total) => format!("{}/{total}", self.done.min(total)),
            None => self.done.to_string(),
        }
    }

    /// About how much longer it takes, once enough of it is done to tell.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let total = self.total.filter(|total| self.done * 20 >= *total && self.done > 0)?;
        let left = u32::try_from(total.saturating_sub(self.done)).ok()?;
        Some(self.so_far * left / u32::try_from(self.done).ok()?)
    }
}

impl Display for Building<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} packages, {} s so far", self.title, self.parts(), self.so_far.as_secs())?;
        self.remaining().map_or(Ok(()), |left| write!(formatter, ", about {} s more", left.as_secs()))
    }
}

impl Display for Progress<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said(line) => formatter.write_str(line),
            Self::Building(building) => building.fmt(formatter),
        }
    }
}

/// Where there is no terminal, a build is told of so often.
const EVERY: Duration = Duration::from_secs(30);

/// Tells by lines, of which there are few.
pub fn in_lines(print: impl Fn(&str) + Send + Sync) -> impl Fn(Progress<'_>) + Send + Sync {
    let told = Mutex::new(Instant::now());
    move |progress| {
        if matches!(progress, Progress::Building(_)) {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.elapsed() < EVERY {
                return;
            }
            *told = Instant::now();
        }
        print(&progress.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_build_is_and_how_long_it_takes_is_told_as_far_as_known() {
        let of = |done, total, seconds| {
            let so_far = Duration::from_secs(seconds);
            Building { title: "etcd (3 of 3)", done, total, so_far }.to_string()
        };
        assert_eq!(of(7, None, 2), "etcd (3 of 3): 7 packages, 2 s so far");
        assert_eq!(of(1, Some(400), 2), "etcd (3 of 3): 1/400 packages, 2 s so far");
        assert_eq!(of(100, Some(400), 20), "etcd (3 of 3): 100/400 packages, 20 s so far, about 60 s more");
        assert_eq!(of(401, Some(400), 20), "etcd (3 of 3): 400/400 packages, 20 s so far, about 0 s more");
    }
}
