//! Whose turn is next: the namespaces take turns, and within one the oldest claim is first. So a namespace with ten
//! thousand claims keeps a claim of another one waiting no longer than one with a single claim does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

/// The claims that wait, by uid, in the order of their turns. Nothing is kept of a namespace of which none waits.
#[derive(Debug, Default)]
pub struct Turns {
    /// The namespaces, in the order in which their turns come.
    order: BTreeMap<u64, String>,
    lines: HashMap<String, Line>,
    came: u64,
}

#[derive(Debug, Default)]
struct Line {
    /// Its place in the order of namespaces.
    place: u64,
    /// By creation, then by uid.
    claims: BTreeSet<(Timestamp, String)>,
}

impl Turns {
    /// A claim comes. The first of its namespace waits for the others that are there to have had their turn.
    pub fn insert(&mut self, namespace: &str, created: Timestamp, uid: &str) {
        let line = self.lines.entry(namespace.to_owned()).or_default();
        line.claims.insert((created, uid.to_owned()));
        if line.claims.len() == 1 {
            self.send_back(namespace);
        }
    }

    /// A claim waits no longer.
    pub fn remove(&mut self, namespace: &str, created: Timestamp, uid: &str) {
        let Some(line) = self.lines.get_mut(namespace) else { return };
        line.claims.remove(&(created, uid.to_owned()));
        if line.claims.is_empty() {
            self.order.remove(&line.place);
            self.lines.remove(namespace);
        }
    }

    /// The claim whose turn is next, of the namespaces that may have one.
    pub fn next(&self, may: impl Fn(&str) -> bool) -> Option<&str> {
        let namespace = self.order.values().find(|namespace| may(namespace))?;
        let (_, uid) = self.lines.get(namespace)?.claims.first()?;
        Some(uid)
    }

    /// The namespace has had its turn: the others come first now.
    pub fn send_back(&mut self, namespace: &str) {
        let Some(line) = self.lines.get_mut(namespace) else { return };
        self.came += 1;
        self.order.remove(&line.place);
        self.order.insert(self.came, namespace.to_owned());
        line.place = self.came;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The claims in the order of their turns.
    fn turns(mut claims: Vec<(String, i64, String)>) -> Vec<String> {
        let mut turns = Turns::default();
        for (namespace, second, uid) in &claims {
            turns.insert(namespace, created(*second), uid);
        }
        claims.sort_by(|one, other| one.2.cmp(&other.2));
        let mut order = Vec::new();
        while let Some(uid) = turns.next(|_| true).map(str::to_owned) {
            let at = claims.binary_search_by(|claim| claim.2.cmp(&uid)).unwrap();
            let (namespace, second, _) = &claims[at];
            turns.send_back(namespace);
            turns.remove(namespace, created(*second), &uid);
            order.push(uid);
        }
        assert!(turns.order.is_empty() && turns.lines.is_empty());
        order
    }

    #[test]
    fn namespaces_take_turns_and_the_oldest_claim_of_each_is_first() {
        let claims = [
            ("a", 3, "a3"),
            ("a", 1, "a1"),
            ("a", 2, "a2-y"),
            ("a", 2, "a2-x"),
            ("b", 9, "b9"),
            ("c", 5, "c5"),
            ("c", 4, "c4"),
        ];
        let claims = claims.map(|(namespace, second, uid)| (namespace.to_owned(), second, uid.to_owned()));
        assert_eq!(turns(claims.to_vec()), ["a1", "b9", "c4", "a2-x", "c5", "a2-y", "a3"]);
    }

    #[test]
    fn a_namespace_that_has_had_its_turn_gains_nothing_by_coming_again() {
        let mut turns = Turns::default();
        for namespace in ["a", "b"] {
            turns.insert(namespace, created(0), namespace);
        }
        turns.send_back("a");
        turns.remove("a", created(0), "a");
        turns.insert("a", created(0), "a");
        assert_eq!(turns.next(|_| true), Some("b"));
        assert_eq!(turns.next(|namespace| namespace != "b"), Some("a"));
        assert_eq!(turns.next(|_| false), None);
    }

    #[test]
    fn ten_thousand_claims_of_one_namespace_keep_no_other_waiting() {
        let of = |namespace: usize, claims: usize| {
            (0..claims).map(move |claim| (namespace.to_string(), 0, format!("{namespace}/{claim:05}")))
        };
        let waits = |first: usize| {
            let others = (1..1000).flat_map(|namespace| of(namespace, 20));
            let order = turns(of(0, first).chain(others).collect());
            let waits = order.into_iter().enumerate().map(|(turn, uid)| (uid, turn));
            waits.filter(|(uid, _)| !uid.starts_with("0/")).collect::<HashMap<_, _>>()
        };
        let (without, with) = (waits(20), waits(10_000));
        assert_eq!((without.len(), with.len()), (999 * 20, 999 * 20));
        for (uid, wait) in with {
            assert!(wait <= 2 * without[&uid], "{uid}: {wait} turns, and {} without them", without[&uid]);
        }
    }
}
