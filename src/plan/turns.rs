//! Whose turn is next: the namespaces take turns, and within one the oldest claim is first. So a namespace with ten
//! thousand claims keeps a claim of another one waiting no longer than one with a single claim does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The claims that wait, in the order of their turns. Nothing is kept of a namespace of which none waits.
#[derive(Debug)]
pub struct Turns<Claim> {
    /// The namespaces, in the order in which their turns come.
    order: BTreeMap<u64, String>,
    lines: HashMap<String, Line<Claim>>,
    came: u64,
}

#[derive(Debug)]
struct Line<Claim> {
    /// Its place in the order of namespaces.
    place: u64,
    /// The oldest first.
    claims: BTreeSet<Claim>,
}

impl<Claim> Default for Turns<Claim> {
    fn default() -> Self {
        Self { order: BTreeMap::new(), lines: HashMap::new(), came: 0 }
    }
}

impl<Claim: Ord> Turns<Claim> {
    /// A claim comes. The first of its namespace waits for the others that are there to have had their turn.
    pub fn insert(&mut self, namespace: &str, claim: Claim) {
        let new = || Line { place: 0, claims: BTreeSet::new() };
        let line = self.lines.entry(namespace.to_owned()).or_insert_with(new);
        line.claims.insert(claim);
        if line.claims.len() == 1 {
            self.send_back(namespace);
        }
    }

    /// A claim waits no longer.
    pub fn remove(&mut self, namespace: &str, claim: &Claim) {
        let Some(line) = self.lines.get_mut(namespace) else { return };
        line.claims.remove(claim);
        if line.claims.is_empty() {
            self.order.remove(&line.place);
            self.lines.remove(namespace);
        }
    }

    /// The claim whose turn is next, of the namespaces that may have one.
    pub fn next(&self, may: impl Fn(&str) -> bool) -> Option<&Claim> {
        let namespace = self.order.values().find(|namespace| may(namespace))?;
        self.lines.get(namespace)?.claims.first()
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
    use jiff::Timestamp;

    use super::*;

    fn created(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// The claims in the order of their turns.
    fn turns(mut claims: Vec<(String, i64, String)>) -> Vec<String> {
        let mut turns = Turns::default();
        for (namespace, second, uid) in &claims {
            turns.insert(namespace, (created(*second), uid.to_owned()));
        }
        claims.sort_by(|one, other| one.2.cmp(&other.2));
        let mut order = Vec::new();
        while let Some(claim) = turns.next(|_| true).cloned() {
            let at = claims.binary_search_by(|(.., uid)| uid.cmp(&claim.1)).unwrap();
            let (namespace, ..) = &claims[at];
            turns.send_back(namespace);
            turns.remove(namespace, &claim);
            order.push(claim.1);
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
            turns.insert(namespace, namespace);
        }
        turns.send_back("a");
        turns.remove("a", &"a");
        turns.insert("a", "a");
        assert_eq!(turns.next(|_| true), Some(&"b"));
        assert_eq!(turns.next(|namespace| namespace != "b"), Some(&"a"));
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
