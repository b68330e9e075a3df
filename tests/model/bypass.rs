//! Guards that the executor and the API server keep, and that no plan function decides: switched off in the model's own
//! mirror of them.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bypass {
    /// Updates are guarded by the resource version.
    CompareAndSwap,
    /// A create fails if the record exists.
    CreateIsExclusive,
    /// After a lost reply to the intent, the record is read.
    RereadIntent,
    /// That a claim is gone, only a live read says.
    LiveHolder,
    /// R1 once more: only the task that wrote an attempt sends it. Off, a process that reads one does so, too.
    WriterSends,
    /// An attempt is verified with the account of its record. Off, with the one that its claim names by now.
    VerifiedWhereSent,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bypasses(u8);

impl Bypasses {
    pub fn of(bypasses: &[Bypass]) -> Self {
        Self(bypasses.iter().fold(0, |bits, bypass| bits | 1 << *bypass as u8))
    }

    pub fn has(self, bypass: Bypass) -> bool {
        self.0 & (1 << bypass as u8) != 0
    }
}
