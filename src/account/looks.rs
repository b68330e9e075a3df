//! What waits for a listing without having it read, and the looks at the account that users ask for: one full listing serves
//! all that were asked for before it began, and listings for them keep a distance, because every user of a claim may ask as
//! often as they like.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::api::ObjectKey;

/// Between the end of the last listing and one for looks. After a listing that took longer it is as long as that: looks take
/// half of the account's reads at most.
const BETWEEN: Duration = Duration::from_secs(15);

/// Times are monotonic.
#[derive(Debug, Default)]
pub struct Looks {
    /// What is to be looked at again after a listing that begins then or later.
    asked: HashMap<ObjectKey, Duration>,
    /// When the last full listing was begun, for whichever reason, and when it ended.
    listed: Option<(Duration, Duration)>,
    /// What is to be looked at again after the next listing for drift.
    waiting: HashSet<ObjectKey>,
    /// What has its listing, until it is taken.
    served: HashSet<ObjectKey>,
}

impl Looks {
    /// The next listing for drift is waited for, whenever it comes.
    pub fn wait(&mut self, key: ObjectKey) {
        self.waiting.insert(key);
    }

    /// A listing that begins at that moment or later is asked for. Returns whether there has been one.
    pub fn ask(&mut self, keys: [ObjectKey; 2], at: Duration) -> bool {
        let listed = self.listed.is_some_and(|(begun, _)| begun >= at);
        if !listed {
            for key in keys {
                // One that asks again and again is looked at after each listing all the same.
                self.asked.entry(key).or_insert(at);
            }
        }
        listed
    }

    /// From when on the account is to be listed for what was asked for, if anything was.
    pub fn due(&self) -> Option<Duration> {
        let again = |(begun, ended): (Duration, Duration)| ended + BETWEEN.max(ended.saturating_sub(begun));
        (!self.asked.is_empty()).then(|| self.listed.map(again).unwrap_or_default())
    }

    /// The account was listed, for drift or for another reason.
    pub fn listed(&mut self, begun: Duration, ended: Duration, resync: bool) {
        self.listed = Some((begun, ended));
        self.served.extend(self.asked.extract_if(|_, at| *at <= begun).map(|(key, _)| key));
        if resync {
            self.served.extend(self.waiting.drain());
        }
    }

    /// What has its listing now; what waits for one waits again if it finds nothing new in it.
    pub fn take_served(&mut self) -> HashSet<ObjectKey> {
        std::mem::take(&mut self.served)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(claim: &str) -> [ObjectKey; 2] {
        [ObjectKey::claim("a", claim), ObjectKey::record(claim)]
    }

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_thousand_looks_in_a_minute_are_four_listings_or_fewer_long_ones() {
        // How long a listing takes, and how many there are.
        for (lasts, most) in [(0, 4), (1_000, 4), (10_000, 2), (30_000, 1)] {
            let (mut looks, mut listing, mut listings) = (Looks::default(), None, 0);
            for tick in 0..1000 {
                let now = at(tick * 60);
                looks.ask(keys("1"), now);
                if let Some(begun) = listing.take_if(|begun| now >= *begun + at(lasts)) {
                    looks.listed(begun, now, false);
                    listings += 1;
                }
                if listing.is_none() && looks.due().is_some_and(|due| now >= due) {
                    listing = Some(now);
                }
            }
            assert_eq!(listings, most, "{lasts}");
        }
    }

    #[test]
    fn a_look_is_served_by_a_listing_that_begins_after_it_was_asked_for() {
        let mut looks = Looks::default();
        looks.listed(at(1_000), at(2_000), false);
        assert!(looks.ask(keys("1"), at(900)) && looks.due().is_none());
        assert!(!looks.ask(keys("1"), at(3_000)));
        assert_eq!(looks.due(), Some(at(17_000)));
        // Another one was asked for while the account was being listed, and the first one once more.
        assert!(!looks.ask(keys("2"), at(18_000)) && !looks.ask(keys("1"), at(18_000)));
        looks.listed(at(17_000), at(40_000), false);
        assert_eq!(looks.take_served(), keys("1").into());
        assert!(looks.ask(keys("1"), at(3_000)) && !looks.ask(keys("1"), at(18_000)));
        assert_eq!(looks.due(), Some(at(63_000)), "as long after it as it took");
        looks.listed(at(70_000), at(70_000), false);
        assert!(looks.due().is_none());
        assert_eq!(looks.take_served().len(), 4);
        assert!(looks.take_served().is_empty());
    }

    #[test]
    fn what_waits_for_a_listing_for_drift_is_not_woken_by_one_for_looks() {
        let mut looks = Looks::default();
        let held_back = ObjectKey::claim("b", "held back");
        looks.wait(held_back.clone());
        assert!(!looks.ask(keys("1"), at(1)));
        looks.listed(at(2), at(3), false);
        assert_eq!(looks.take_served(), keys("1").into());
        looks.listed(at(4), at(5), true);
        assert_eq!(looks.take_served(), [held_back].into());
    }
}
