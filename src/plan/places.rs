//! How many turns to purchase may be taken at the same time. A purchase at which Vobiz hangs gives its place to another in
//! time, so that such purchases never hold more than half of the places.

use std::{
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    time::Duration,
};

use super::Moment;

/// Vobiz hangs at a purchase that it has not answered for so long.
const HANGS_AFTER: Duration = Duration::from_secs(2);

/// There are never more than so many times the places that are configured: each costs a connection.
const AT_MOST: usize = 4;

/// The places, and the turns that hold one.
#[derive(Debug)]
pub struct Places {
    configured: usize,
    /// By the uid of the claim.
    held: HashMap<String, Held>,
}

#[derive(Debug)]
struct Held {
    namespace: String,
    /// Since when its purchase is out, if it is.
    sent: Option<Moment>,
}

impl Held {
    fn hangs(&self, now: Moment) -> bool {
        self.sent.is_some_and(|sent| now.waited(sent.plus(HANGS_AFTER)))
    }
}

impl Places {
    pub fn new(configured: NonZeroUsize) -> Self {
        Self { configured: configured.get(), held: HashMap::new() }
    }

    pub fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    /// How many there ever are.
    fn most(&self) -> usize {
        self.configured.saturating_mul(AT_MOST)
    }

    /// How many there are now: for each at which Vobiz hangs, beyond half of those that are configured, there is one more.
    fn count(&self, now: Moment) -> usize {
        let hanging = self.held.values().filter(|held| held.hangs(now)).count();
        (self.configured + hanging.saturating_sub(self.configured / 2)).min(self.most())
    }

    /// Whether there is one left.
    pub fn is_free(&self, now: Moment) -> bool {
        self.held.len() < self.count(now)
    }

    /// Whether a free one is for that namespace. The last half of those that are configured is kept for the namespaces at
    /// whose numbers Vobiz does not hang.
    pub fn is_for(&self, namespace: &str, now: Moment) -> bool {
        let hanging = self.held.values().filter(|held| held.hangs(now));
        let hanging: HashSet<_> = hanging.map(|held| held.namespace.as_str()).collect();
        let held = self.held.values().filter(|held| hanging.contains(held.namespace.as_str())).count();
        !hanging.contains(namespace) || held < self.most() - self.configured.div_ceil(2)
    }

    /// How many that namespace holds.
    pub fn held_by(&self, namespace: &str) -> usize {
        self.held.values().filter(|held| held.namespace == namespace).count()
    }

    /// When there may be more of them, if nothing else happens.
    pub fn more_after(&self, now: Moment) -> Option<Duration> {
        let sent = self.held.values().filter(|held| !held.hangs(now)).filter_map(|held| held.sent);
        sent.map(|sent| sent.plus(HANGS_AFTER).mono.saturating_sub(now.mono)).min()
    }

    /// Whether the claim's turn holds one.
    pub fn has(&self, uid: &str) -> bool {
        self.held.contains_key(uid)
    }

    /// A claim's turn begins.
    pub fn take(&mut self, namespace: &str, uid: &str) {
        self.held.insert(uid.to_owned(), Held { namespace: namespace.to_owned(), sent: None });
    }

    /// The purchase of that turn is sent; or, with nothing, it is answered.
    pub fn send(&mut self, uid: &str, sent: Option<Moment>) {
        if let Some(held) = self.held.get_mut(uid) {
            held.sent = sent;
        }
    }

    /// The turn is over.
    pub fn give_back(&mut self, uid: &str) {
        self.held.remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        let start = Moment { wall: "2026-01-02T03:04:05Z".parse().unwrap(), mono: Duration::ZERO };
        start.plus(Duration::from_millis(millis))
    }

    fn places(configured: usize) -> Places {
        Places::new(NonZeroUsize::new(configured).unwrap())
    }

    /// Takes so many places, with purchases that are sent at that moment.
    fn sent(places: &mut Places, namespace: &str, count: usize, when: Moment) {
        for number in 0..count {
            let uid = format!("{namespace}-{number}-{:?}", when.mono);
            places.take(namespace, &uid);
            places.send(&uid, Some(when));
        }
    }

    #[test]
    fn purchases_that_hang_hold_no_more_than_half_of_the_places() {
        for (configured, hanging, answered_soon, count) in [
            (8, 0, 0, 8),
            (8, 0, 8, 8),
            (8, 4, 4, 8),
            (8, 5, 3, 9),
            (8, 8, 0, 12),
            (8, 27, 0, 31),
            (8, 28, 4, 32),
            (8, 32, 0, 32),
            (1, 0, 1, 1),
            (1, 1, 0, 2),
            (1, 3, 1, 4),
            (3, 2, 1, 4),
        ] {
            let mut places = places(configured);
            sent(&mut places, "hangs", hanging, at(0));
            sent(&mut places, "others", answered_soon, at(1));
            assert_eq!(places.count(at(2000)), count, "{configured} {hanging} {answered_soon}");
            assert_eq!(places.is_free(at(2000)), hanging + answered_soon < count);
        }
    }

    #[test]
    fn a_purchase_hangs_from_two_seconds_on_until_it_is_answered() {
        let mut places = places(1);
        places.take("n", "u");
        assert_eq!((places.is_free(at(9000)), places.more_after(at(9000))), (false, None), "it is not sent");
        places.send("u", Some(at(0)));
        assert_eq!(places.more_after(at(500)), Some(Duration::from_millis(1500)));
        assert!(!places.is_free(at(1999)) && places.is_free(at(2000)));
        assert_eq!(places.more_after(at(2000)), None);
        places.send("u", None);
        assert!(!places.is_free(at(2000)) && places.has("u"));
        places.give_back("u");
        assert!(places.is_free(at(0)) && !places.has("u"));
    }

    #[test]
    fn one_namespaces_numbers_never_take_the_last_half_of_the_places() {
        let mut places = places(8);
        let mut now = 0;
        for round in 0..100 {
            while places.is_free(at(now)) && places.is_for("hangs", at(now)) {
                sent(&mut places, "hangs", 1, at(now));
                now += 1;
            }
            now += 2000;
            let held = places.held.len();
            let free = places.count(at(now)) - held;
            assert!(free >= 4 && places.is_for("others", at(now)), "{round}: {held} held, {free} free");
        }
        assert_eq!(places.held.len(), 28);
    }
}
