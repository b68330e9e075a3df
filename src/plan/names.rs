//! The accounts that the rows of a ledger, and balances, say they are of.

use crate::domain::AccountId;

/// So many ids are remembered of those that stand in one account's rows: few, and always the same few, so that two
/// accounts with one ledger remember the same.
const NAMES: usize = 16;

/// The ids that stand in the rows of an account's ledger and at its balances: master accounts first, and then in the order
/// of the alphabet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Names(Vec<AccountId>);

impl Names {
    pub fn add(&mut self, id: &AccountId) {
        if !self.0.contains(id) {
            self.0.push(id.clone());
            self.0.sort_by_cached_key(|id| (!id.is_master(), id.as_str().to_ascii_lowercase()));
            self.0.truncate(NAMES);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &AccountId> {
        self.0.iter()
    }

    /// The master accounts among them: two are one too many for a family.
    pub fn masters(&self) -> impl Iterator<Item = &AccountId> {
        self.0.iter().take_while(|id| id.is_master())
    }

    /// The one master account among them.
    pub fn master(&self) -> Option<&AccountId> {
        let mut masters = self.masters();
        masters.next().filter(|_| masters.next().is_none())
    }

    pub fn has_one_in_common(&self, other: &Self) -> bool {
        self.0.iter().any(|id| other.0.contains(id))
    }
}

impl<'a> Extend<&'a AccountId> for Names {
    fn extend<I: IntoIterator<Item = &'a AccountId>>(&mut self, ids: I) {
        for id in ids {
            self.add(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_names_the_same_few_are_kept_in_whichever_order_they_come() {
        let ids = (0..100).map(|index| format!("SA_{index:03}")).chain(["MA_9".to_owned()]);
        let ids: Vec<AccountId> = ids.map(|id| id.parse().unwrap()).collect();
        let mut kept = [Names::default(), Names::default()];
        kept[0].extend(&ids);
        kept[1].extend(ids.iter().rev());
        assert_eq!(kept[0], kept[1]);
        assert_eq!(kept[0].iter().count(), NAMES);
        assert_eq!(kept[0].master().map(AccountId::as_str), Some("MA_9"));
    }
}
