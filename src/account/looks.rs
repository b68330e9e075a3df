//! What waits for a listing without having it read, and the looks at the account that users ask for: one full listing serves all that were asked for before it began, and listings
//! for them keep a distance, because every user of a claim may ask as often as they like.

use std::{collections::HashSet, time::Duration};

use crate::api::ObjectKey;

/// Between the last listing and one for looks.
const BETWEEN: Duration = Duration::from_secs(15);

/// Times are monotonic.
#[derive(Debug, Default)]
pub struct Looks {
    /// When the latest was asked for.
    asked: Option<Duration>,
    /// When the last full listing was begun, for whichever reason.
    listed: Option<Duration>,
    /// What is to be looked at again after the next listing for drift, or for looks.
    waiting: HashSet<ObjectKey>,
}

impl Looks {
    /// A listing is waited for, whenever it comes.
    pub fn wait(&mut self, key: ObjectKey) {
        self.waiting.insert(key);
    }

    /// What waits for a listing; it waits again if it finds nothing new in it.
    pub fn take_waiting(&mut self) -> HashSet<ObjectKey> {
        std::mem::take(&mut self.waiting)
    }

    /// A listing that begins at that moment or later is asked for. Returns whether there has been one.
    pub fn ask(&mut self, key: ObjectKey, at: Duration) -> bool {
        let listed = self.listed >= Some(at);
        if !listed {
            self.asked = self.asked.max(Some(at));
            self.wait(key);
        }
        listed
    }

    /// When the account is to be listed for what was asked for, if it is.
    pub fn due(&self) -> Option<Duration> {
        let asked = self.asked.filter(|asked| self.listed < Some(*asked))?;
        Some(self.listed.map_or(asked, |listed| asked.max(listed + BETWEEN)))
    }

    /// The account was listed. Returns whether a look waited for that.
    pub fn listed(&mut self, begun: Duration) -> bool {
        let waited = self.due().is_some();
        self.listed = Some(begun);
        waited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ObjectKey {
        ObjectKey::record("1")
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_thousand_looks_in_a_minute_are_four_listings() {
        let (mut looks, mut listings) = (Looks::default(), 0);
        for tick in 0..1000 {
            let now = at(tick * 60);
            looks.ask(key(), now);
            if looks.due().is_some_and(|due| now >= due) {
                listings += 1;
                assert!(looks.listed(now));
            }
        }
        assert_eq!(listings, 4);
    }

    #[test]
    fn a_look_is_served_by_a_listing_that_begins_after_it_was_asked_for() {
        let mut looks = Looks::default();
        assert!(!looks.listed(at(1_000)) && looks.due().is_none());
        assert!(looks.ask(key(), at(900)) && looks.due().is_none());
        assert!(!looks.ask(key(), at(2_000)));
        assert_eq!(looks.due(), Some(at(16_000)));
        // Another one was asked for while the account was being listed.
        assert!(!looks.ask(key(), at(17_000)));
        assert!(looks.listed(at(16_000)) && looks.ask(key(), at(2_000)) && !looks.ask(key(), at(17_000)));
        assert_eq!(looks.due(), Some(at(31_000)));
        assert!(looks.listed(at(60_000)) && looks.due().is_none());
        assert!(!looks.ask(key(), at(80_000)));
        assert_eq!(looks.due(), Some(at(80_000)), "nothing was listed lately");
    }
}
