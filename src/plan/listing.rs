//! The rows of a list of numbers, found by number.

use std::{iter::Map, ops::Range, slice, sync::Arc};

use crate::domain::{AccountId, E164, ListedNumber};

/// Rows in the order of their numbers, or those of one number among them: of a long list there is one copy.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    listed: Arc<[Box<ListedNumber>]>,
    range: Range<usize>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.range.len()
    }

    /// Those that carry one number.
    pub fn of(&self, e164: E164) -> Self {
        let first = self.listed.partition_point(|row| row.e164 < e164);
        let end = self.listed.partition_point(|row| row.e164 <= e164);
        Self { listed: self.listed.clone(), range: first..end }
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = &'a ListedNumber;
    type IntoIter = Map<slice::Iter<'a, Box<ListedNumber>>, fn(&'a Box<ListedNumber>) -> &'a ListedNumber>;

    fn into_iter(self) -> Self::IntoIter {
        self.listed[self.range.clone()].iter().map(|row| row)
    }
}

impl From<Vec<Box<ListedNumber>>> for Rows {
    fn from(mut rows: Vec<Box<ListedNumber>>) -> Self {
        rows.sort_unstable_by_key(|row| row.e164);
        // Nearly all have the same owner: its id is kept once.
        let mut last: Option<AccountId> = None;
        for row in &mut rows {
            match (&last, &mut row.owner) {
                (Some(last), Some(owner)) if last.as_str() == owner.as_str() => *owner = last.clone(),
                (_, owner) => last.clone_from(owner),
            }
        }
        let range = 0..rows.len();
        Self { listed: rows.into(), range }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Number;

    #[test]
    fn a_number_is_found_with_all_its_rows_and_no_others() {
        let row = |index: u64| {
            let (e164, owner) = (format!("+91{index:010}").parse().unwrap(), "MA_1".parse().ok());
            Box::new(ListedNumber { e164, owner, number: Number::default() })
        };
        let rows = &Rows::from([5, 1, 3, 1, 7].map(row).to_vec());
        for (index, found) in [(0, 0), (1, 2), (2, 0), (3, 1), (7, 1), (8, 0)] {
            let e164 = row(index).e164;
            let of = &rows.of(e164);
            assert_eq!(
                (of.len(), of.into_iter().filter(|row| row.e164 == e164).count()),
                (found, found),
                "{index}"
            );
        }
        assert_eq!((rows.len(), rows.into_iter().count()), (5, 5));
    }
}
