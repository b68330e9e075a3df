//! The families of the accounts, kept from one question to the next: a hundred accounts are five thousand pairs, of which only
//! those are compared anew in which something else was read of an account.

use std::sync::Arc;

use super::family::{Families, Served};

/// What was found last, and of what.
#[derive(Debug, Default)]
pub struct Relatives {
    served: Vec<Served>,
    /// By the place of each account: with which of those before it it shares a ledger.
    shares: Vec<Vec<bool>>,
    families: Arc<Families>,
}

impl Relatives {
    /// By what was read of each of the accounts.
    pub fn families(&mut self, mut served: Vec<Served>) -> Arc<Families> {
        for one in &mut served {
            one.names.add(&one.account);
        }
        served.sort_unstable_by(|one, other| one.account.as_str().cmp(other.account.as_str()));
        let known = served.len() == self.served.len()
            && served.iter().zip(&self.served).all(|(now, before)| now.account == before.account);
        if !known {
            self.shares = (0..served.len()).map(|at| vec![false; at]).collect();
        }
        let differs = |(at, now): (usize, &Served)| !known || now.says_else(&self.served[at]);
        let differs: Vec<bool> = served.iter().enumerate().map(differs).collect();
        for (at, shares) in self.shares.iter_mut().enumerate() {
            for (before, shares) in shares.iter_mut().enumerate() {
                if differs[at] || differs[before] {
                    *shares = served[at].shares_its_ledger(&served[before]);
                }
            }
        }
        let read_again = |(now, before): (&Served, &Served)| now.read() != before.read();
        if differs.contains(&true) || served.iter().zip(&self.served).any(read_again) {
            self.families = Arc::new(Families::of(&served, |at, before| self.shares[at][before]));
        }
        self.served = served;
        self.families.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{AccountId, LedgerRow, Moment},
        plan::{Kinship, LedgerRows, Names},
    };

    fn rows(ids: &[usize]) -> Arc<LedgerRows> {
        let row = |id: &usize| {
            let text = format!(r#"{{"id":"r{id}","type":"debit","created_at":"2026-01-02T03:04:05Z"}}"#);
            LedgerRow::for_tests(&text)
        };
        Arc::new(ids.iter().map(row).collect())
    }

    fn at(second: usize) -> Moment {
        let mono = std::time::Duration::from_secs(second as u64);
        Moment { wall: jiff::Timestamp::UNIX_EPOCH, mono }
    }

    fn told(families: &Families, all: &[Served]) -> Vec<(Kinship, Option<AccountId>)> {
        let pairs = all.iter().flat_map(|one| all.iter().map(move |other| (&one.account, &other.account)));
        pairs.map(|(one, other)| (families.kinship(one, other), families.billed(one).cloned())).collect()
    }

    #[test]
    fn what_is_remembered_says_what_is_found_anew_whatever_is_read_or_comes() {
        let (mut relatives, mut all) = (Relatives::default(), Vec::<Served>::new());
        let mut said = std::collections::HashSet::new();
        // The same numbers each time, and no order in them.
        let mut random = 7_usize;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for step in 0..2000 {
            let id = format!("{}_{}", ["MA", "SA"][next(2)], next(6));
            let (account, named) = (id.parse::<AccountId>().unwrap(), ["MA_0", "MA_1", "SA_7"][next(3)]);
            let place = all.iter().position(|one| one.account == account).unwrap_or_else(|| {
                all.push(Served { account, names: Names::default(), ledger: None });
                all.len() - 1
            });
            match next(5) {
                0 => drop(all.swap_remove(place)),
                1 => all[place].names.add(&named.parse().unwrap()),
                2 => all[place].names = Names::default(),
                3 => all[place].ledger = Some((at(step), rows(&[next(4), 10 + next(9)]))),
                // It was read again, and has not changed.
                _ => drop(all[place].ledger.as_mut().map(|(begun, _)| *begun = at(step))),
            }
            let anew = Relatives::default().families(all.clone());
            let remembered = told(&relatives.families(all.clone()), &all);
            assert_eq!(remembered, told(&anew, &all), "{step}: {all:?}");
            said.extend(remembered.iter().map(|(kinship, _)| format!("{kinship:?}").chars().next()));
        }
        assert_eq!(said.len(), 3, "each kinship was met");
    }

    #[test]
    fn of_what_has_not_changed_nothing_is_found_anew() {
        let served = |id: &str, rows: &Arc<LedgerRows>, read| Served {
            account: id.parse().unwrap(),
            names: Names::default(),
            ledger: Some((at(read), rows.clone())),
        };
        let (one, other, mut relatives) = (rows(&[1]), rows(&[1]), Relatives::default());
        let first = relatives.families(vec![served("SA_1", &one, 1), served("SA_2", &other, 1)]);
        let again = relatives.families(vec![served("SA_2", &other, 1), served("SA_1", &one, 1)]);
        assert!(Arc::ptr_eq(&first, &again));
        let read = relatives.families(vec![served("SA_1", &one, 2), served("SA_2", &other, 1)]);
        assert!(!Arc::ptr_eq(&first, &read));
    }
}
