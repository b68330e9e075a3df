//! Which debits an administrator has answered for.

use std::collections::{HashMap, HashSet};

use super::bounds::{MARKED, marked};
use crate::domain::LedgerRow;

/// Answers by the names that they have for debits. Hundreds of them are held against each row of a ledger, so each is looked up.
pub struct Answers<'a> {
    /// For how many rows without an id each is left.
    left: HashMap<&'a str, usize>,
    has_marks: bool,
}

impl<'a> Answers<'a> {
    pub fn of(answered: &'a [String]) -> Self {
        let mut left = HashMap::new();
        for answer in answered {
            *left.entry(answer.as_str()).or_default() += 1;
        }
        Self { left, has_marks: have_marks(answered) }
    }

    /// Whether an answer for the row is left, if there is one for it at all. Rows without an id may be alike: as many of them
    /// are answered for as there were answers.
    pub fn take(&mut self, row: &LedgerRow) -> Option<bool> {
        if self.left.is_empty() {
            return None;
        }
        let mut found = None;
        for name in names(row, self.has_marks) {
            let Some(left) = self.left.get_mut(&*name) else { continue };
            if *left > 0 {
                *left -= usize::from(row.id.is_empty());
                return Some(true);
            }
            found = Some(false);
        }
        found
    }
}

/// Whether each answer is for one of those rows.
pub fn are_in_sight<'a>(answered: &[String], rows: impl Iterator<Item = &'a LedgerRow>) -> bool {
    let mut unseen: HashSet<&str> =
        answered.iter().map(String::as_str).filter(|answer| !answer.is_empty()).collect();
    let has_marks = have_marks(answered);
    for row in rows {
        if unseen.is_empty() {
            break;
        }
        for name in names(row, has_marks) {
            unseen.remove(&*name);
        }
    }
    unseen.is_empty()
}

fn have_marks(answered: &[String]) -> bool {
    answered.iter().any(|answer| answer.starts_with(MARKED))
}

/// What answers for a row's debit may be called: its identity ([`crate::domain::Debit::identity`]), or the mark that is left of it.
fn names(row: &LedgerRow, has_marks: bool) -> impl Iterator<Item = String> {
    let identity = if row.id.is_empty() { row.debit().identity() } else { row.id.to_string() };
    let mark = has_marks.then(|| marked(&identity));
    std::iter::once(identity).chain(mark)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::domain::mark;

    fn row(id: &str) -> LedgerRow {
        LedgerRow::for_tests(&format!(r#"{{"id":"{id}","type":"debit","amount":52}}"#))
    }

    fn answers(answers: &[&str]) -> Vec<String> {
        answers.iter().map(|answer| (*answer).to_owned()).collect()
    }

    #[test]
    fn a_row_with_an_id_is_answered_for_as_often_as_it_comes() {
        let marked = format!("~{}", mark("t2"));
        let answered = answers(&["t1", &marked]);
        let mut left = Answers::of(&answered);
        for (id, expected) in [("t1", Some(true)), ("t1", Some(true)), ("t2", Some(true)), ("t3", None)] {
            assert_eq!(left.take(&row(id)), expected, "{id}");
        }
        assert_eq!(Answers::of(&[]).take(&row("t1")), None);
    }

    #[test]
    fn of_rows_without_an_id_as_many_are_answered_for_as_there_were_answers() {
        let unnumbered = row("");
        let identity = unnumbered.debit().identity();
        let answered = answers(&[&identity, &format!("~{}", mark(&identity))]);
        let mut left = Answers::of(&answered);
        let taken: Vec<_> = (0..3).map(|_| left.take(&unnumbered)).collect();
        assert_eq!(taken, [Some(true), Some(true), Some(false)]);
    }

    #[test]
    fn an_answer_is_out_of_sight_where_no_row_is_its_own() {
        let rows = [row("t1"), row("t2")];
        for (answered, expected) in [
            (answers(&[]), true),
            (answers(&["t1", &format!("~{}", mark("t2")), ""]), true),
            (answers(&["t1", "t3"]), false),
            (answers(&["t1", &format!("~{}", mark("t3"))]), false),
        ] {
            assert_eq!(are_in_sight(&answered, rows.iter()), expected, "{answered:?}");
        }
    }

    #[test]
    fn six_hundred_answers_and_a_long_ledger_take_no_longer_than_the_ledger() {
        let answered: Vec<_> = (0..600).map(|id| format!("~{}", mark(&format!("a{id}")))).collect();
        let rows: Vec<_> = (0..20_000).map(|id| row(&format!("t{id}"))).collect();
        let begun = Instant::now();
        let mut left = Answers::of(&answered);
        assert!(rows.iter().all(|row| left.take(row).is_none()) && !are_in_sight(&answered, rows.iter()));
        // A twentieth of a second; each row held against each answer takes several.
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
