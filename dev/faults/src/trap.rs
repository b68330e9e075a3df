//! Where a call is caught, and what is done to it there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::call::{Call, Seen};

/// When a call is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Moment {
    /// Seen, and not passed on, unless it is let pass.
    Before,
    /// Seen, and passed on only when its caller is gone.
    Late,
    /// Done, and the answer is not delivered.
    Withheld,
    /// Done, and the answer is delivered.
    After,
}

/// Catches one call: the `nth` of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Trap {
    pub call: Call,
    pub nth: u32,
    pub moment: Moment,
}

/// What happens to a call that was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It goes on.
    Pass,
    /// Its connection is closed.
    Drop,
}

/// A call that was caught.
#[derive(Debug)]
pub struct Caught {
    /// Says what becomes of it.
    pub release: oneshot::Sender<Release>,
    /// Ends when nothing more comes of it.
    pub done: oneshot::Receiver<()>,
}

/// The end of [`Caught`] that the proxy holds.
#[derive(Debug)]
pub struct Held {
    pub moment: Moment,
    pub caught: oneshot::Sender<Caught>,
}

/// An API server that is not well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sickness {
    /// It answers this, and does nothing.
    Refuses(u16),
    /// The same, and only to writes of records; it reads, and it stores everything else.
    RefusesRecords(u16),
    /// It does what is asked, and answers this.
    DoesAndSays(u16),
    /// It does nothing and says nothing.
    Silent,
    /// It does what is asked, and says nothing.
    DoesAndIsSilent,
}

impl Sickness {
    /// Whether such a call suffers from it.
    #[must_use]
    pub fn concerns(self, call: Call) -> bool {
        match self {
            Self::RefusesRecords(_) => call.writes_record(),
            Self::Refuses(_) | Self::DoesAndSays(_) | Self::Silent | Self::DoesAndIsSilent => true,
        }
    }
}

/// What is done to the calls of one process.
#[derive(Debug, Default)]
pub struct Rules {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    trap: Option<(Trap, u32, oneshot::Sender<Caught>)>,
    /// Whose calls the trap is for; calls that name nobody are everybody's.
    digits: String,
    claim: String,
    sick: Option<Sickness>,
    closes: bool,
}

impl Rules {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a trap for the calls about one number and its claim.
    pub fn set(&self, trap: Trap, digits: &str, claim: &str) -> oneshot::Receiver<Caught> {
        let (sender, receiver) = oneshot::channel();
        let mut inner = self.inner();
        inner.trap = Some((trap, 0, sender));
        digits.clone_into(&mut inner.digits);
        claim.clone_into(&mut inner.claim);
        receiver
    }

    pub fn disarm(&self) {
        self.inner().trap = None;
    }

    /// Makes the API server sick, or well.
    pub fn sicken(&self, sickness: Option<Sickness>) {
        self.inner().sick = sickness;
    }

    #[must_use]
    pub fn sickness(&self) -> Option<Sickness> {
        self.inner().sick
    }

    /// Has each connection to Vobiz closed after its answer, without saying so.
    pub fn close_after_answers(&self, closes: bool) {
        self.inner().closes = closes;
    }

    #[must_use]
    pub fn closes_after_answers(&self) -> bool {
        self.inner().closes
    }

    /// Whether this call is to be caught.
    pub fn catches(&self, seen: &Seen) -> Option<Held> {
        let mut inner = self.inner();
        let (digits, claim) = (inner.digits.clone(), inner.claim.clone());
        let (trap, count, _) = inner.trap.as_mut()?;
        let about = |named: &Option<String>, ours: &String| named.as_ref().is_none_or(|named| named == ours);
        if seen.call != trap.call || !about(&seen.digits, &digits) || !about(&seen.claim, &claim) {
            return None;
        }
        *count += 1;
        if *count < trap.nth {
            return None;
        }
        let (trap, _, caught) = inner.trap.take()?;
        Some(Held { moment: trap.moment, caught })
    }
}
