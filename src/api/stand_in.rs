//! What an outcome is stored in where a newer version has written the record meanwhile.

use super::{
    later::{Later, attempt},
    record::{Attempt, PhoneNumber, PhoneNumberSpec},
    seen::Newer,
};

impl Newer {
    /// A record that this version cannot read, as far as it needs to be known for storing an outcome in it: the record
    /// that this process wrote, with the attempt that stands there now. `None` if not even that can be read: then it is
    /// for the newer version to find out.
    #[must_use]
    pub fn stand_in(&self, wrote: &PhoneNumber) -> Option<PhoneNumber> {
        // What is left out of it would be lost.
        if !self.whole {
            return None;
        }
        let found = attempt(&self.raw)?;
        let of = |name: &str| found.get(name).cloned().unwrap_or_default();
        let (id, state) = (serde_json::from_value(of("id")).ok()?, serde_json::from_value(of("state")).ok()?);
        let attempt = Attempt { id, state, ..wrote.spec.attempt.clone() };
        let spec = PhoneNumberSpec { attempt, ..wrote.spec.clone() };
        let mut record = PhoneNumber { metadata: self.metadata.clone(), spec, status: wrote.status.clone() };
        // Whole: what differs is what this version could not read.
        record.spec.later = Later::all(&record, self.raw.clone());
        Some(record)
    }
}
