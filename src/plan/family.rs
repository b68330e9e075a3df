//! Which of the accounts that are served share a ledger: a master account and its sub-accounts are billed as one family.

use std::{collections::HashMap, sync::Arc};

use super::{Moment, names::Names, rows::LedgerRows};
use crate::domain::AccountId;

/// What was read of an account that is served.
#[derive(Debug, Clone)]
pub struct Served {
    pub account: AccountId,
    /// What its rows and balances name.
    pub names: Names,
    /// Its ledger as it was read last, and since when that is; no rows where there is no such endpoint.
    pub ledger: Option<(Moment, Arc<LedgerRows>)>,
}

impl Served {
    pub(super) fn read(&self) -> Option<Moment> {
        self.ledger.as_ref().map(|(begun, _)| *begun)
    }

    /// Whether something else is known of the account than before, apart from when it was read.
    pub(super) fn says_else(&self, before: &Self) -> bool {
        let same = match (&self.ledger, &before.ledger) {
            (Some((_, now)), Some((_, before))) => Arc::ptr_eq(now, before),
            (now, before) => now.is_none() && before.is_none(),
        };
        !same || self.names != before.names
    }

    /// Whether both have one ledger for certain: a row of the one stands in the other, or both name the same account.
    pub(super) fn shares_its_ledger(&self, other: &Self) -> bool {
        let of_two_masters =
            self.names.master().zip(other.names.master()).is_some_and(|(one, two)| one != two);
        let is_clear = |served: &Self| served.names.masters().count() <= 1;
        let named = is_clear(self) && is_clear(other) && self.names.has_one_in_common(&other.names);
        let shown = || {
            let ledgers = self.ledger.as_ref().zip(other.ledger.as_ref());
            ledgers.is_some_and(|((_, one), (_, two))| one.has_a_row_in_common(two))
        };
        !of_two_masters && (named || shown())
    }
}

/// How another account stands to one: what its purchases may mean for the debits in that one's ledger.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kinship {
    /// Its debits stand in the same ledger.
    Family,
    /// They stand in another one.
    Stranger,
    /// Nothing shows it yet. Its own ledger was read last from then on, if it was.
    Unknown(Option<Moment>),
}

/// The accounts that are served, by family.
#[derive(Debug, Default)]
pub struct Families(HashMap<AccountId, Member>);

#[derive(Debug)]
struct Member {
    read: Option<Moment>,
    /// The place of the first member of its family.
    family: usize,
    /// What all of the family name.
    names: Names,
}

impl Member {
    /// How it stands to an account of which nothing but the id is known: one without a token, or one that is gone and has left
    /// records.
    fn kinship_by_id(&self, other: &AccountId) -> Kinship {
        match self.names.masters().count() {
            0 | 1 if self.names.iter().any(|id| id == other) => Kinship::Family,
            1 if other.is_master() => Kinship::Stranger,
            _ => Kinship::Unknown(None),
        }
    }
}

impl Families {
    /// Of these accounts, each named by itself as well; by the places of two it is asked whether these share their ledger.
    pub(super) fn of(served: &[Served], share: impl Fn(usize, usize) -> bool) -> Self {
        let mut family: Vec<usize> = (0..served.len()).collect();
        for at in 0..served.len() {
            for before in 0..at {
                if family[at] != family[before] && share(at, before) {
                    let (first, second) = (family[at].min(family[before]), family[at].max(family[before]));
                    family.iter_mut().filter(|family| **family == second).for_each(|family| *family = first);
                }
            }
        }
        let mut names = vec![Names::default(); served.len()];
        for (one, family) in served.iter().zip(&family) {
            names[*family].extend(one.names.iter());
        }
        let member = |(one, family): (&Served, usize)| {
            (one.account.clone(), Member { read: one.read(), family, names: names[family].clone() })
        };
        Self(served.iter().zip(family).map(member).collect())
    }

    /// How the one account stands to the other.
    pub fn kinship(&self, one: &AccountId, other: &AccountId) -> Kinship {
        if one == other {
            return Kinship::Family;
        }
        let Some(one) = self.member(one) else { return Kinship::Unknown(None) };
        let Some(other) = self.member(other) else { return one.kinship_by_id(other) };
        let masters = [one, other].map(|member| member.names.masters().count());
        match (one.family == other.family, masters) {
            (true, [0 | 1, _]) => Kinship::Family,
            (false, [1, 1]) => Kinship::Stranger,
            // With two masters, something that was read is not what it seems.
            _ => Kinship::Unknown(other.read),
        }
    }

    /// The master account that pays for that one, where it is known.
    pub fn billed(&self, account: &AccountId) -> Option<&AccountId> {
        self.member(account)?.names.master()
    }

    fn member(&self, account: &AccountId) -> Option<&Member> {
        self.0.get(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::LedgerRow, plan::Relatives};

    /// What was read of an account: what its rows name, and their ids.
    fn served(account: &str, names: &[&str], rows: &[&str]) -> Served {
        let mut found = Names::default();
        for id in names {
            found.add(&id.parse().unwrap());
        }
        let row = |id: &&str| {
            LedgerRow::for_tests(&format!(
                r#"{{"id":"{id}","type":"debit","amount":52,"created_at":"2026-01-02T03:04:05Z"}}"#
            ))
        };
        let begun = Moment { wall: jiff::Timestamp::UNIX_EPOCH, mono: std::time::Duration::from_secs(7) };
        let rows = Arc::new(rows.iter().map(row).collect());
        Served { account: account.parse().unwrap(), names: found, ledger: Some((begun, rows)) }
    }

    fn told(served: &[Served]) -> (&'static str, Vec<Option<String>>) {
        let families = Relatives::default().families(served.to_vec());
        let (one, other) = (&served[0].account, &served[1].account);
        let kinship = |one, other| match families.kinship(one, other) {
            Kinship::Family => "family",
            Kinship::Stranger => "stranger",
            Kinship::Unknown(read) => {
                assert_eq!(read.unwrap().mono.as_secs(), 7);
                "unknown"
            }
        };
        assert_eq!(kinship(one, other), kinship(other, one));
        let billed = |served: &Served| families.billed(&served.account).map(ToString::to_string);
        (kinship(one, other), served.iter().map(billed).collect())
    }

    /// An account, what its rows name, and their ids.
    type Of<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

    #[test]
    fn a_family_is_known_by_what_its_rows_name_or_share_and_by_nothing_else() {
        let pairs: [(Of<'_>, Of<'_>, &str, [&str; 2]); 15] = [
            // Nothing was read: two masters are two families, and of a sub-account nothing is known.
            (("MA_1", &[], &[]), ("MA_2", &[], &[]), "stranger", ["MA_1", "MA_2"]),
            (("MA_1", &[], &[]), ("SA_1", &[], &[]), "unknown", ["MA_1", ""]),
            (("SA_1", &[], &[]), ("SA_2", &[], &[]), "unknown", ["", ""]),
            // Rows or balances name the master account, or the one that buys, in whichever case.
            (("MA_1", &[], &[]), ("SA_1", &["ma_1"], &[]), "family", ["MA_1", "MA_1"]),
            (("SA_1", &["MA_1"], &[]), ("SA_2", &["MA_1"], &[]), "family", ["MA_1", "MA_1"]),
            (("MA_1", &["SA_1"], &[]), ("SA_1", &[], &[]), "family", ["MA_1", "MA_1"]),
            (("SA_1", &["SA_3"], &[]), ("SA_2", &["SA_3"], &[]), "family", ["", ""]),
            (("SA_1", &["MA_1"], &[]), ("SA_2", &["MA_2"], &[]), "stranger", ["MA_1", "MA_2"]),
            (("SA_1", &["MA_1"], &[]), ("SA_2", &["SA_2"], &[]), "unknown", ["MA_1", ""]),
            // One row in two ledgers.
            (("SA_1", &[], &["a", "b"]), ("SA_2", &[], &["b"]), "family", ["", ""]),
            (("MA_1", &[], &["a"]), ("SA_2", &[], &["a"]), "family", ["MA_1", "MA_1"]),
            (("SA_1", &[], &["a"]), ("SA_2", &[], &["b"]), "unknown", ["", ""]),
            (("SA_1", &[], &[""]), ("SA_2", &[], &[""]), "unknown", ["", ""]),
            // Two masters in one ledger cannot be: nothing follows from it.
            (("MA_1", &["MA_2"], &[]), ("MA_2", &[], &[]), "unknown", ["", "MA_2"]),
            (("SA_1", &["MA_1", "MA_2"], &[]), ("MA_2", &[], &[]), "unknown", ["", "MA_2"]),
        ];
        for (one, other, kinship, billed) in pairs {
            let accounts = [one, other].map(|(account, names, rows)| served(account, names, rows));
            let billed = billed.map(|id| Some(id.to_owned()).filter(|id| !id.is_empty()));
            assert_eq!(told(&accounts), (kinship, billed.to_vec()), "{accounts:?}");
        }
    }

    #[test]
    fn who_is_family_of_one_is_family_of_all_of_its_family() {
        let third = served("SA_3", &["MA_1"], &["b"]);
        let (one, two) = (served("SA_1", &["MA_1"], &[]), served("SA_2", &[], &["b"]));
        let master = || Some("MA_1".to_owned());
        assert_eq!(told(&[one, two, third]), ("family", vec![master(), master(), master()]));
        // Where that leads to two masters, nothing is known of any of them.
        let third = served("SA_3", &["MA_2"], &["a", "b"]);
        let (one, two) = (served("SA_1", &["MA_1"], &["x"]), served("SA_2", &[], &["b", "x"]));
        assert_eq!(told(&[one, two, third]), ("unknown", vec![None, None, None]));
    }

    #[test]
    fn an_account_is_its_own_family_and_one_without_a_token_may_be_of_it() {
        let families = Relatives::default().families(vec![served("MA_1", &[], &[])]);
        let (ours, other) = ("MA_1".parse().unwrap(), "SA_1".parse().unwrap());
        assert_eq!(families.kinship(&ours, &ours), Kinship::Family);
        assert_eq!(families.kinship(&ours, &other), Kinship::Unknown(None));
        assert_eq!(families.kinship(&other, &ours), Kinship::Unknown(None));
        assert_eq!(Families::default().kinship(&other, &other), Kinship::Family);
        assert_eq!(families.billed(&other), None);
    }

    #[test]
    fn of_an_account_without_a_token_its_id_tells_what_it_can() {
        for ((account, names), other, expected) in [
            (("MA_1", &[][..]), "SA_1", Kinship::Unknown(None)),
            (("SA_1", &[]), "MA_1", Kinship::Unknown(None)),
            (("SA_1", &[]), "SA_2", Kinship::Unknown(None)),
            (("SA_1", &["MA_1"]), "SA_2", Kinship::Unknown(None)),
            // What our own rows name is of one ledger with them.
            (("MA_1", &["SA_1"]), "sa_1", Kinship::Family),
            (("SA_1", &["MA_1"]), "MA_1", Kinship::Family),
            // Two master accounts are two families.
            (("MA_1", &[]), "MA_2", Kinship::Stranger),
            (("SA_1", &["MA_1"]), "MA_2", Kinship::Stranger),
            (("SA_1", &["MA_1", "MA_2"]), "MA_2", Kinship::Unknown(None)),
        ] {
            let families = Relatives::default().families(vec![served(account, names, &[])]);
            let kinship = families.kinship(&account.parse().unwrap(), &other.parse().unwrap());
            assert_eq!(kinship, expected, "{account} {names:?} {other}");
        }
    }
}
