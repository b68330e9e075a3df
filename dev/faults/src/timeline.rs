//! What the operators of one run called, in the order in which it was seen: the evidence, and what a failure prints.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::call::{Call, Seen, Write};

/// One call.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Since the begin of the run.
    pub at: Duration,
    /// Which of the run's processes called, counted from 1.
    pub process: usize,
    pub call: Call,
    pub digits: Option<String>,
    pub claim: Option<String>,
    pub write: Option<Write>,
    /// What the server answered, if it was asked; that is not always what the operator was told.
    pub status: Option<u16>,
    /// When the server answered.
    pub answered: Option<Duration>,
    /// The revision of a record that was written.
    pub revision: Option<u64>,
    /// What the harness did to the call.
    pub fate: String,
}

impl Entry {
    /// Whether the server has done what was asked.
    #[must_use]
    pub fn took_place(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

#[derive(Debug)]
pub struct Timeline {
    start: Instant,
    inner: Mutex<Vec<Line>>,
}

#[derive(Debug, Clone)]
enum Line {
    Call(Box<Entry>),
    /// What the harness did.
    Deed(Duration, String),
}

impl Default for Timeline {
    fn default() -> Self {
        Self { start: Instant::now(), inner: Mutex::default() }
    }
}

impl Timeline {
    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since the begin of the run.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Writes a call down, and says where.
    pub fn saw(&self, process: usize, seen: &Seen) -> usize {
        let entry = Entry {
            at: self.start.elapsed(),
            process,
            call: seen.call,
            digits: seen.digits.clone(),
            claim: seen.claim.clone(),
            write: seen.write.clone(),
            status: None,
            answered: None,
            revision: None,
            fate: String::new(),
        };
        let mut lines = self.lines();
        lines.push(Line::Call(Box::new(entry)));
        lines.len() - 1
    }

    /// Changes what stands about a call.
    pub fn note(&self, at: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(Line::Call(entry)) = self.lines().get_mut(at) {
            change(entry);
        }
    }

    pub fn answered(&self, at: usize, status: u16, revision: Option<u64>) {
        let now = self.start.elapsed();
        self.note(at, |entry| {
            (entry.status, entry.answered, entry.revision) = (Some(status), Some(now), revision);
        });
    }

    /// Writes down what the harness did.
    pub fn deed(&self, what: impl Into<String>) {
        let now = self.start.elapsed();
        self.lines().push(Line::Deed(now, what.into()));
    }

    /// Whether a purchase of this number that was sent in time was carried out later after its intent than the operator
    /// can reckon with: the machine, or the harness, took too long for anything to be concluded.
    #[must_use]
    pub fn carried_out_too_late(&self, digits: &str, sent: Duration, within: Duration) -> bool {
        let calls = self.calls();
        let ours = |call: &&Entry| call.digits.as_deref() == Some(digits);
        calls.iter().enumerate().filter(|(_, call)| call.call == Call::Purchase && ours(call)).any(
            |(at, post)| {
                let mut own = calls[..at].iter().filter(ours).filter(|call| call.process == post.process);
                let intent = own.rfind(|call| call.write.as_ref().is_some_and(Write::is_intent));
                post.answered
                    .zip(intent)
                    .is_some_and(|(done, intent)| post.at < intent.at + sent && done > intent.at + within)
            },
        )
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Entry> {
        let lines = self.lines();
        let calls = lines.iter().filter_map(|line| match line {
            Line::Call(entry) => Some(Entry::clone(entry)),
            Line::Deed(..) => None,
        });
        calls.collect()
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.lines().iter() {
            match line {
                Line::Deed(at, what) => writeln!(f, "{:>8.3}  == {what}", at.as_secs_f64())?,
                Line::Call(entry) => writeln!(f, "{entry}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>8.3}  #{} {:?}", self.at.as_secs_f64(), self.process, self.call)?;
        for word in [&self.digits, &self.claim].into_iter().flatten() {
            write!(f, " {word}")?;
        }
        if let Some(write) = &self.write {
            let outcome = write.outcome.as_deref().unwrap_or("no answer");
            write!(
                f,
                " {} {} {} ({outcome})",
                &write.attempt[..write.attempt.len().min(8)],
                write.origin,
                write.state
            )?;
        }
        match (self.status, self.answered) {
            (Some(status), Some(at)) => write!(f, " -> {status} at {:.3}", at.as_secs_f64())?,
            _ => write!(f, " -> no answer")?,
        }
        if self.fate.is_empty() { Ok(()) } else { write!(f, " [{}]", self.fate) }
    }
}
