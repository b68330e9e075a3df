//! Which debits of the ledger speak for a purchase of one number: what refunds, answers and other purchases leave over.

use jiff::Timestamp;

use super::{
    answers::are_in_sight,
    evidence::earlier,
    neighbours::Neighbours,
    rows::LedgerRows,
    taken::{Taken, is_sum_of, meet_by_id, taken},
};
use crate::domain::{Debit, E164, LedgerRow};

/// The ledger, as it is read for one number.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    pub rows: &'a LedgerRows,
    pub e164: E164,
    /// Earlier debits (less the clocks' difference) mean something else.
    pub since: Timestamp,
    /// What an administrator has answered for ([`Debit::identity`]).
    pub answered: &'a [String],
}

impl<'a> Ledger<'a> {
    /// Debits that name the number, and that are neither given back nor answered for.
    pub fn named(&self) -> Vec<Debit> {
        let mut taken: Vec<_> = if self.answered.is_empty() {
            self.rows.debits_naming(self.e164).map(Taken::of).collect()
        } else {
            taken(self.rows, self.answered, |row| row.names(self.e164))
        };
        if !taken.is_empty() {
            let credits = meet_by_id(self.rows, &mut taken);
            self.meet_by_number(&mut taken, &credits);
        }
        let ours = taken.iter().filter(|taken| self.stands(taken) && taken.row.names(self.e164));
        ours.map(|taken| taken.row.debit()).collect()
    }

    /// Debits until then that name no number to its last digit, that are neither given back nor answered for, and that no
    /// other purchase explains. A refund gives one of them back only if it refers to its id: any other may be for a debit
    /// of any number, and for one from before the first row.
    pub fn unnamed<'n>(&self, neighbours: &'n Neighbours, until: Timestamp) -> Vec<&'n LedgerRow>
    where
        'a: 'n,
    {
        let is_unnamed = |row: &LedgerRow| neighbours.is_unnamed(row) && !row.names(self.e164);
        let is_for_all = self.answered.is_empty()
            && !self.rows.debits_naming(self.e164).any(|row| neighbours.is_unnamed(row));
        if is_for_all {
            return neighbours.unexplained(earlier(self.since), until).collect();
        }
        let mut taken = taken(self.rows, self.answered, is_unnamed);
        meet_by_id(self.rows, &mut taken);
        neighbours.explain(&mut taken, is_unnamed);
        let left = taken.into_iter().filter(|taken| self.stands(taken) && is_unnamed(taken.row));
        left.map(|taken| &**taken.row).filter(|row| row.at.is_none_or(|at| at.at() <= until)).collect()
    }

    /// Whether the row of that debit is still one of those that [`Ledger::named`] judges.
    pub fn judges(&self, debit: &Debit) -> bool {
        let mut ours = self.rows.debits_naming(self.e164);
        ours.any(|row| self.is_in_window(row) && row.debit().identity() == debit.identity())
    }

    fn stands(&self, taken: &Taken<'_>) -> bool {
        self.is_in_window(taken.row) && !taken.answered && !taken.refunded
    }

    fn is_in_window(&self, row: &LedgerRow) -> bool {
        row.at.is_none_or(|at| at.at() >= earlier(self.since))
    }

    /// Gives the refunds that name the number to its debits in the order of time: one that an older debit may explain,
    /// answered for or not, acquits no newer one.
    fn meet_by_number(&self, taken: &mut [Taken<'a>], credits: &[&LedgerRow]) {
        // A debit that was answered for and is not among the rows may be what any of these refunds gives back.
        let certain = are_in_sight(self.answered, self.rows.debits().map(|row| &**row));
        for credit in
            credits.iter().filter(|credit| credit.names(self.e164) && !self.is_of_another_row(credit))
        {
            let may_be_its = |taken: &&mut Taken<'_>| {
                !taken.met
                    && is_sum_of(credit, taken.row)
                    && taken.row.at.is_none_or(|at| Some(at) <= credit.at)
            };
            if let Some(oldest) = taken.iter_mut().find(may_be_its) {
                oldest.met = true;
                oldest.refunded = certain && oldest.row.at.is_some() && oldest.row.amount.is_some();
            }
        }
    }

    /// Whether a refund refers by its id to a debit that is not of interest here.
    fn is_of_another_row(&self, credit: &LedgerRow) -> bool {
        self.rows.debits().any(|row| credit.refers_to(&row.id))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::neighbours::Explained;

    const OPENED: &str = "2026-01-02T03:04:05Z";

    fn rows(rows: &[&str]) -> Vec<LedgerRow> {
        rows.iter().map(|row| LedgerRow::for_tests(row)).collect()
    }

    fn row(id: &str, kind: &str, reference_type: &str, text: &str, at: &str) -> LedgerRow {
        LedgerRow::for_tests(&format!(
            r#"{{"id":"{id}","type":"{kind}","amount":52,"currency":"INR","status":"completed",
            "reference_type":"{reference_type}","description":"{text}","created_at":"{at}"}}"#
        ))
    }

    fn ledger<'a>(rows: &'a LedgerRows, answered: &'a [String]) -> Ledger<'a> {
        Ledger { rows, e164: "+911234500000".parse().unwrap(), since: OPENED.parse().unwrap(), answered }
    }

    fn named(rows: &[LedgerRow], answered: &[String]) -> Vec<Debit> {
        ledger(&rows.iter().cloned().collect(), answered).named()
    }

    fn unnamed(rows: &[LedgerRow], explained: &[Explained]) -> Vec<Debit> {
        unnamed_since(OPENED, rows, &[], explained)
    }

    fn unnamed_since(since: &str, rows: &[LedgerRow], known: &[E164], explained: &[Explained]) -> Vec<Debit> {
        let rows: Arc<LedgerRows> = Arc::new(rows.iter().cloned().collect());
        let neighbours = Neighbours::for_tests(rows.clone(), known, explained, &[]);
        // What is found for all numbers is what is found for one.
        let [for_all, for_one] = [vec![], vec!["another".to_owned()]].map(|answered| {
            let ledger = Ledger { since: since.parse().unwrap(), ..ledger(&rows, &answered) };
            ledger.unnamed(&neighbours, Timestamp::MAX).into_iter().map(LedgerRow::debit).collect::<Vec<_>>()
        });
        assert_eq!(for_all, for_one);
        for_all
    }

    #[test]
    fn a_debit_counts_from_ten_minutes_before_and_for_its_own_number() {
        let rows = [
            row("early", "debit", "did_purchase", "911234500000", "2026-01-02T02:54:04Z"),
            row("skewed", "debit", "did_purchase", "911234500000", "2026-01-02T02:54:06Z"),
            row("legacy", "did_rental", "did_rental", "DID +911234500000", "2026-01-02T03:05:00Z"),
            row("longer", "debit", "did_purchase", "9112345000001", "2026-01-02T03:05:00Z"),
        ];
        let ids: Vec<_> = named(&rows, &[]).into_iter().map(|debit| debit.id).collect();
        assert_eq!(ids, ["skewed", "legacy"]);
    }

    #[test]
    fn a_later_refund_offsets_a_debit_and_an_earlier_one_does_not() {
        let debit = row("d", "debit", "did_purchase", "911234500000", "2026-01-02T03:05:00Z");
        let refund = |at| row("r", "credit", "refund", "refund 911234500000", at);
        assert!(named(&[debit.clone(), refund("2026-01-02T03:06:00Z")], &[]).is_empty());
        assert_eq!(named(&[debit, refund("2026-01-02T03:04:30Z")], &[]).len(), 1);
    }

    #[test]
    fn a_refund_of_an_unreadable_sum_offsets_nothing() {
        let of = |kind, kind_of| row(kind, kind, kind_of, "911234500000", "2026-01-02T03:05:00Z");
        let mut rows = [of("debit", "did_purchase"), of("credit", "refund")];
        assert!(named(&rows, &[]).is_empty());
        for row in &mut rows {
            row.amount = None;
        }
        assert_eq!(named(&rows, &[]).len(), 1);
    }

    #[test]
    fn a_debit_that_was_answered_for_is_not_asked_about_again() {
        let rows = [row("d", "debit", "did_purchase", "911234500000", "2026-01-02T03:05:00Z")];
        assert!(named(&rows, &["d".into()]).is_empty());
    }

    #[test]
    fn a_debit_for_a_grouped_or_masked_number_may_be_ours_its_refund_not() {
        let debit = |text| row("d", "debit", "did_purchase", text, "2026-01-02T03:05:00Z");
        for text in ["DID purchase", "DID +91 12345 00000", "DID +911234******"] {
            assert_eq!(unnamed(&[debit(text)], &[]).len(), 1, "{text}");
            let refund = row("r", "credit", "refund", "DID +91 12345 00001", "2026-01-02T03:06:00Z");
            assert_eq!(unnamed(&[debit(text), refund], &[]).len(), 1, "{text}");
        }
        assert!(unnamed(&[debit("DID +911234500001")], &[]).is_empty());
    }

    #[test]
    fn a_purchase_whose_debit_came_before_the_window_explains_none_in_it() {
        let rows = [debit("theirs", "DID purchase", "05:00"), debit("ours", "DID purchase", "30:01")];
        let other = purchase("+911234500009", "2026-01-02T03:04:55Z", "2026-01-02T03:29:00Z");
        let left = unnamed_since("2026-01-02T03:30:00Z", &rows, &[], &[other]);
        let ids: Vec<_> = left.into_iter().map(|debit| debit.id).collect();
        assert_eq!(ids, ["ours"]);
    }

    #[test]
    fn a_purchase_of_another_record_explains_one_unnamed_debit_and_no_second() {
        let rows = rows(&[
            r#"{"id":"a","type":"debit","amount":52,"currency":"INR","created_at":"2026-01-02T03:05:00Z","reference_type":"did_purchase"}"#,
            r#"{"id":"b","type":"debit","amount":52,"currency":"INR","created_at":"2026-01-02T03:05:00Z","reference_type":"did_purchase"}"#,
        ]);
        let other = purchase("+911234500009", OPENED, OPENED);
        assert_eq!(unnamed(&rows, &[]).len(), 2);
        assert_eq!(unnamed(&rows, &[other]).len(), 1);
        assert_eq!(unnamed(&rows, &[other, other]).len(), 0);
    }

    fn purchase(e164: &str, opened: &str, settled: &str) -> Explained {
        Explained {
            e164: e164.parse().unwrap(),
            amount: "52.0".parse().unwrap(),
            currency: "INR".parse().ok(),
            opened: opened.parse().unwrap(),
            settled: settled.parse().unwrap(),
        }
    }

    const OURS: &str = "911234500000";

    fn debit(id: &str, text: &str, at: &str) -> LedgerRow {
        row(id, "debit", "did_purchase", text, &format!("2026-01-02T03:{at}Z"))
    }

    fn refund(id: &str, text: &str, at: &str) -> LedgerRow {
        row(id, "credit", "refund", text, &format!("2026-01-02T03:{at}Z"))
    }

    /// The row, with another sum, or with one that cannot be read.
    fn priced(amount: &str, mut row: LedgerRow) -> LedgerRow {
        row.amount = amount.parse().ok();
        row
    }

    /// What is left in every order of the rows.
    fn left(rows: &[LedgerRow], ask: impl Fn(&[LedgerRow]) -> Vec<Debit>) -> Vec<String> {
        let ids = |rows: &[LedgerRow]| ask(rows).into_iter().map(|debit| debit.id).collect::<Vec<_>>();
        let first = ids(rows);
        let mut turned = rows.to_vec();
        for _ in 0..rows.len() {
            turned.rotate_left(1);
            assert_eq!(ids(&turned), first, "{turned:?}");
            turned.reverse();
            assert_eq!(ids(&turned), first, "{turned:?}");
            turned.reverse();
        }
        first
    }

    #[test]
    fn a_refund_that_an_older_debit_may_explain_acquits_no_newer_one() {
        let (old, new) = (debit("old", OURS, "05:00"), debit("new", OURS, "06:00"));
        let before = debit("before", OURS, "01:00");
        let late = debit("late", OURS, "09:00");
        let (back, again) = (refund("r", OURS, "07:00"), refund("s", OURS, "08:00"));
        let other = priced("53", before.clone());
        let unreadable = priced("", before.clone());
        let mut timeless = old.clone();
        timeless.at = None;
        for (answered, rows, expected) in [
            (None, vec![&new, &back], vec![]),
            (None, vec![&old, &new, &back], vec!["new"]),
            (None, vec![&old, &new, &back, &again], vec![]),
            (None, vec![&old, &back, &late, &again], vec!["late"]),
            // The older one was answered for, or it is from before the window.
            (Some("old"), vec![&old, &new, &back], vec!["new"]),
            (Some("old"), vec![&old, &new, &back, &again], vec![]),
            (None, vec![&before, &new, &back], vec!["new"]),
            // It was answered for, and is not among the rows any more.
            (Some("old"), vec![&new, &back], vec!["new"]),
            (None, vec![&other, &new, &back], vec![]),
            (None, vec![&unreadable, &new, &back], vec!["new"]),
            (None, vec![&timeless, &new, &back], vec!["old", "new"]),
        ] {
            let answered: Vec<String> = answered.into_iter().map(str::to_owned).collect();
            let rows: Vec<_> = rows.into_iter().cloned().collect();
            // The clocks' difference lies before it.
            let since = "2026-01-02T03:14:30Z".parse().unwrap();
            let named = |rows: &[LedgerRow]| {
                let rows = rows.iter().cloned().collect();
                Ledger { since, ..ledger(&rows, &answered) }.named()
            };
            assert_eq!(left(&rows, named), expected, "{answered:?} {rows:?}");
        }
    }

    #[test]
    fn a_refund_that_refers_to_a_debit_by_its_id_gives_back_that_one() {
        let (old, new) = (debit("debit-1", OURS, "05:00"), debit("debit-2", OURS, "06:00"));
        let nameless = debit("debit-3", "DID purchase", "05:00");
        let of = |id: &str| refund("r", &format!("refund of {id}"), "07:00");
        let half = priced("26", of("debit-2"));
        let left_of = |rows: &[LedgerRow]| left(rows, |rows| named(rows, &[]));
        assert_eq!(left_of(&[old.clone(), new.clone(), of("debit-2")]), ["debit-1"]);
        assert_eq!(left_of(&[old.clone(), new.clone(), half]), ["debit-1", "debit-2"]);
        let both = refund("r", &format!("refund of debit-3, {OURS}"), "07:00");
        assert_eq!(left_of(&[new.clone(), nameless.clone(), both]), ["debit-2"]);
        for (text, expected) in
            [("refund of debit-3", 0), ("refund", 1), (OURS, 1), ("refund of debit-30", 1)]
        {
            let rows = [nameless.clone(), refund("r", text, "07:00")];
            assert_eq!(left(&rows, |rows| unnamed(rows, &[])).len(), expected, "{text}");
        }
    }

    #[test]
    fn a_purchase_whose_own_debit_is_named_explains_no_unnamed_one() {
        let at = |time: &str| format!("2026-01-02T03:{time}Z");
        let other = purchase("+911234500009", OPENED, &at("06:00"));
        let nameless = debit("u", "DID purchase", "05:00");
        for (text, time, expected) in [
            ("DID +911234500008", "05:00", 0),
            ("DID +911234500009", "05:00", 1),
            ("DID 911234500009", "05:00", 1),
            // Its rental of another time is not its purchase.
            ("DID +911234500009", "59:00", 0),
        ] {
            let rows = [nameless.clone(), debit("n", text, time)];
            let left = unnamed_since(OPENED, &rows, &[other.e164], &[other]);
            assert_eq!(left.len(), expected, "{text} {time}");
        }
        assert_eq!(unnamed(&[debit("n", "DID +911234500009", "05:00")], &[other]).len(), 0);
    }

    #[test]
    fn purchases_of_others_explain_as_many_debits_as_they_can_in_any_order() {
        let at = |time: &str| format!("2026-01-02T03:{time}Z");
        let short = purchase("+911234500008", &at("04:00"), &at("05:00"));
        let long = purchase("+911234500009", &at("04:00"), &at("40:00"));
        let rows = [debit("a", "DID purchase", "05:00"), debit("b", "DID purchase", "30:00")];
        for others in [[short, long], [long, short]] {
            assert!(left(&rows, |rows| unnamed(rows, &others)).is_empty());
        }
    }

    #[test]
    fn sums_that_a_ledger_added_as_fractions_are_those_of_the_price() {
        let mut rows = [debit("d", OURS, "05:00"), refund("r", OURS, "06:00")];
        rows[0].amount = "3.3000000000000003".parse().ok();
        rows[1].amount = "3.3".parse().ok();
        assert!(named(&rows, &[]).is_empty());
        let nameless = priced("3.3000000000000003", debit("u", "DID purchase", "05:00"));
        let other = Explained { amount: "3.3".parse().unwrap(), ..purchase("+911234500009", OPENED, OPENED) };
        assert!(unnamed(&[nameless], &[other]).is_empty());
    }

    #[test]
    fn an_answer_for_a_row_without_an_id_is_for_that_row_and_no_other() {
        let at = |time| debit("", OURS, time);
        let identity = |row: &LedgerRow| row.debit().identity();
        assert_ne!(identity(&at("05:00")), "");
        let answered = vec![identity(&at("05:00"))];
        let standing = |rows: &[LedgerRow], answered: &[String]| named(rows, answered).len();
        assert_eq!(standing(&[at("05:00")], &answered), 0);
        assert_eq!(standing(&[at("05:00"), at("06:00")], &answered), 1);
        // Its twin, which came later, was not asked about.
        assert_eq!(standing(&[at("05:00"), at("05:00")], &answered), 1);
        let other = priced("51", at("05:00"));
        assert_eq!(standing(&[other], &answered), 1);
        // What an earlier version stored.
        assert_eq!(standing(&[at("05:00")], &[String::new()]), 1);
        // A refund without an id that is read twice is one.
        let rows = [debit("d", OURS, "05:00"), debit("e", OURS, "06:00"), refund("", OURS, "07:00")];
        let twice = [rows.to_vec(), vec![rows[2].clone()]].concat();
        assert_eq!(standing(&twice, &[]), 1);
    }
}
