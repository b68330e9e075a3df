//! Which claim is next whose price is read.

use std::{borrow::Borrow, collections::HashSet, num::NonZeroUsize, time::Duration};

use crate::{
    api::ObjectKey,
    plan::{Moment, Places, Turns},
};

/// So many prices are read side by side: all that waits for the rate limit shares it with them. For each beyond half of them at
/// which the inventory hangs, one more.
const AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// So many of one namespace: where none of its prices comes, those of the others do.
const OF_ONE_NAMESPACE: usize = 2;

/// The claims for which prices are to be read. The namespaces take turns, and within one the claim is first that came first:
/// however many prices one waits for, the others wait for one of its.
pub struct PriceLine {
    /// By when they came.
    turns: Turns<(u64, ObjectKey)>,
    standing: HashSet<ObjectKey>,
    came: u64,
    places: Places,
}

impl Default for PriceLine {
    fn default() -> Self {
        let (turns, standing) = (Turns::default(), HashSet::new());
        Self { turns, standing, came: 0, places: Places::new(AT_ONCE) }
    }
}

impl PriceLine {
    /// A claim stands in line once, however often it asks, and not while its price is being read: a second read would share the
    /// place of the first, and be counted by nothing. It joins again after the read, if that one was too old.
    pub fn join(&mut self, claim: &ObjectKey) {
        let Some(namespace) = claim.namespace() else { return };
        if !self.places.has(claim.borrow()) && self.standing.insert(claim.clone()) {
            self.came += 1;
            self.turns.insert(namespace, (self.came, claim.clone()));
        }
    }

    /// The claim whose turn it is leaves the line, and holds a place until its price is read.
    pub fn next(&mut self, now: Moment) -> Option<ObjectKey> {
        let places = &self.places;
        let may =
            |namespace: &str| places.held_by(namespace) < OF_ONE_NAMESPACE && places.is_for(namespace, now);
        let first = self.turns.next(|namespace| places.is_free(now) && may(namespace))?.clone();
        let (_, claim) = &first;
        let namespace = claim.namespace()?;
        self.turns.send_back(namespace);
        self.turns.remove(namespace, &first);
        self.standing.remove(claim);
        self.places.take(namespace, claim.borrow());
        Some(first.1)
    }

    /// The price for that claim is asked for from now on.
    pub fn asked(&mut self, claim: &ObjectKey, now: Moment) {
        self.places.send(claim.borrow(), Some(now));
    }

    /// The claim needs its place no more.
    pub fn read(&mut self, claim: &ObjectKey) {
        self.places.give_back(claim.borrow());
    }

    /// No claim stands in it any more. What is being read holds its place.
    pub fn clear(&mut self) {
        (self.turns, self.standing) = Default::default();
    }

    /// When there may be more places, if nothing else happens.
    pub fn more_after(&self, now: Moment) -> Option<Duration> {
        self.places.more_after(now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(millis: u64) -> Moment {
        let mono = Duration::from_millis(millis);
        Moment { wall: Timestamp::UNIX_EPOCH + mono, mono }
    }

    /// A line in which ten claims of each of these namespaces stand.
    fn line(namespaces: &[&str]) -> PriceLine {
        let mut line = PriceLine::default();
        for name in 0..10 {
            for namespace in namespaces {
                line.join(&ObjectKey::claim(namespace, &name.to_string()));
            }
        }
        line
    }

    /// Asks for all prices for which there are places; returns the namespaces of their claims.
    fn ask(line: &mut PriceLine, now: Moment) -> String {
        let mut asked = String::new();
        while let Some(claim) = line.next(now) {
            line.asked(&claim, now);
            asked.push_str(claim.namespace().unwrap_or_default());
        }
        asked
    }

    #[test]
    fn one_namespace_has_two_prices_read_at_a_time_and_all_have_three() {
        for (namespaces, expected) in
            [(vec!["a"], "aa"), (vec!["a", "b"], "aba"), (vec!["a", "b", "c"], "abc")]
        {
            let mut line = line(&namespaces);
            assert_eq!(ask(&mut line, at(0)), expected);
            assert_eq!(ask(&mut line, at(1999)), "", "the places are taken");
            line.read(&ObjectKey::claim("a", "0"));
            assert_eq!(ask(&mut line, at(1999)).len(), 1, "{namespaces:?}");
        }
    }

    #[test]
    fn prices_that_hang_in_two_namespaces_leave_a_place_for_a_third() {
        let mut line = line(&["a", "b"]);
        assert_eq!(
            (ask(&mut line, at(0)).as_str(), line.more_after(at(0))),
            ("aba", Some(Duration::from_secs(2)))
        );
        // Those three hang, so there are two places more, of which one is for neither.
        assert_eq!(ask(&mut line, at(2000)), "b");
        assert_eq!((ask(&mut line, at(4000)).as_str(), line.more_after(at(4000))), ("", None));
        line.join(&ObjectKey::claim("c", "0"));
        assert_eq!(ask(&mut line, at(4000)), "c");
    }

    #[test]
    fn a_claim_whose_price_is_being_read_is_not_in_line_again_before_it_was() {
        let (mut line, claim) = (PriceLine::default(), ObjectKey::claim("a", "0"));
        let ask_again = |line: &mut PriceLine, now| {
            line.join(&claim);
            ask(line, at(now))
        };
        assert_eq!(ask_again(&mut line, 0), "a");
        assert_eq!([1, 2000].map(|now| ask_again(&mut line, now)), ["", ""], "also while it hangs");
        line.clear();
        assert_eq!(ask_again(&mut line, 3000), "", "a hold ends no read");
        line.read(&claim);
        assert_eq!(ask_again(&mut line, 3000), "a");
    }

    #[test]
    fn however_many_prices_hang_twelve_are_read_at_most() {
        let names: Vec<_> = (0..26_u8).map(|index| char::from(b'a' + index).to_string()).collect();
        let mut line = line(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let rounds = [0, 1, 2, 3, 4, 5, 6].map(|round| ask(&mut line, at(round * 2000)).len());
        assert_eq!(rounds, [3, 2, 2, 2, 2, 1, 0]);
    }
}
