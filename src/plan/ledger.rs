//! Which debits of the ledger speak for a purchase of one number: what refunds, answers and other purchases leave over.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{
    bounds::answers,
    evidence::{LedgerRead, Reading, earlier, later},
    time::Timeouts,
};
use crate::{
    api::{AttemptState, Debit, Origin, PhoneNumber},
    domain::{Currency, E164, LedgerRow, Money, Time},
};

/// What other numbers and their purchases explain of the ledger. Nothing, where no debit has to be explained.
#[derive(Debug, Default)]
pub struct Neighbours {
    /// Purchases of other records.
    pub explained: Vec<Explained>,
    /// When the purchases of other records were opened that have not settled yet: each may still explain a debit.
    pub unsettled: Vec<Timestamp>,
    /// Numbers, owned or recorded, that the ledger names in bare digits.
    pub known: Vec<E164>,
}

impl Neighbours {
    /// Those of a record. The others are gone through only where a debit may have to be explained: to do so for every
    /// record would be quadratic.
    pub fn of<O: IntoIterator<Item = Arc<PhoneNumber>>>(
        record: &PhoneNumber,
        ledger: &Reading<LedgerRead>,
        timeouts: Timeouts,
        others: impl FnOnce() -> O,
        is_known: impl Fn(&E164) -> bool,
    ) -> Self {
        let mut found = Self::default();
        let Reading::Read { value: LedgerRead { rows, .. }, .. } = ledger else { return found };
        let is_unnamed = |row: &LedgerRow| row.takes_money() && !row.spells_out_any(&[]);
        if record.spec.attempt.state != AttemptState::Open || !rows.iter().any(is_unnamed) {
            return found;
        }
        found.known = rows.iter().flat_map(LedgerRow::suspects).filter(is_known).collect();
        let is_purchase = |other: &Arc<PhoneNumber>| {
            other.spec.e164 != record.spec.e164
                && other.spec.account == record.spec.account
                && other.spec.attempt.origin == Origin::Purchase
        };
        for other in others().into_iter().filter(is_purchase) {
            let attempt = &other.spec.attempt;
            match attempt.state {
                AttemptState::Bound => found.explained.extend(Explained::by(&other, timeouts)),
                AttemptState::Open => found.unsettled.push(attempt.opened_at.at()),
                AttemptState::Failed | AttemptState::NeedsDecision => {}
            }
        }
        found
    }
}

/// A purchase of another record, which explains a debit that names no number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explained {
    pub e164: E164,
    pub amount: Money,
    pub currency: Option<Currency>,
    /// When that record's attempt was opened, and settled.
    pub opened: Timestamp,
    pub settled: Timestamp,
}

impl Explained {
    /// By the purchase of that record. A binding may be found long after it; its debit is as old as the purchase.
    fn by(other: &PhoneNumber, timeouts: Timeouts) -> Option<Self> {
        let number = other.described()?;
        let attempt = &other.spec.attempt;
        let settled = attempt.settled_at.unwrap_or(attempt.opened_at).at();
        Some(Self {
            e164: other.spec.e164,
            amount: number.price()?,
            currency: number.currency,
            opened: attempt.opened_at.at(),
            settled: settled.min(attempt.opened_at.after(timeouts.until_settled())),
        })
    }

    fn was_under_way(&self, at: Option<Timestamp>) -> bool {
        at.is_none_or(|at| at >= earlier(self.opened) && at <= later(self.settled))
    }

    fn explains(&self, debit: &Debit) -> bool {
        debit.amount.is_some_and(|amount| amount.is_same_sum(self.amount))
            && may_be_same(self.currency, debit.currency)
            && self.was_under_way(debit.at.map(Time::at))
    }
}

/// The ledger, as it is read for one number. Nothing here depends on the order of its rows.
#[derive(Clone, Copy)]
pub struct Ledger<'a> {
    pub rows: &'a [LedgerRow],
    pub e164: E164,
    /// Earlier debits (less the clocks' difference) mean something else.
    pub since: Timestamp,
    /// What an administrator has answered for ([`Debit::identity`]).
    pub answered: &'a [String],
    /// Numbers owned or recorded: a row with the bare digits of one of them is about that one.
    pub known: &'a [E164],
}

/// A row that took money.
struct Taken<'a> {
    row: &'a LedgerRow,
    answered: bool,
    /// A refund is used up for it.
    met: bool,
    /// And gave it back for certain.
    refunded: bool,
}

impl<'a> Ledger<'a> {
    /// Debits that name the number, and that are neither given back nor answered for.
    pub fn named(&self) -> Vec<Debit> {
        let ours = |row: &LedgerRow| row.names(self.e164);
        let mut taken = self.taken(ours);
        let credits = self.meet_by_id(&mut taken);
        self.meet_by_number(&mut taken, &credits);
        self.standing(&taken, ours)
    }

    /// Debits that name no number to its last digit, that are neither given back nor answered for, and that no other
    /// purchase explains. A refund gives one of them back only if it refers to its id: any other may be for a debit of
    /// any number, and for one from before the first row.
    pub fn unnamed(&self, explained: &[Explained]) -> Vec<Debit> {
        let unnamed = |row: &LedgerRow| !row.spells_out_any(self.known) && !row.names(self.e164);
        let mut taken = self.taken(unnamed);
        self.meet_by_id(&mut taken);
        // Each purchase explains one debit: two equal debits for one purchase are one too many. Debits come in the order
        // of time; the purchase whose time ends first goes first, and leaves the others to later debits. One from before
        // the window uses its purchase up as well, or that would explain one of ours.
        let mut left = self.with_unnamed_debits(explained);
        left.sort_by_key(|other| (other.settled, other.opened, other.e164));
        taken.retain(|taken| {
            let debit = taken.row.debit();
            let at = left.iter().position(|other| unnamed(taken.row) && other.explains(&debit));
            at.map(|at| left.remove(at)).is_none()
        });
        self.standing(&taken, unnamed)
    }

    /// Whether the row of that debit is still one of those that [`Ledger::named`] judges.
    pub fn judges(&self, debit: &Debit) -> bool {
        let mut ours = self.rows.iter().filter(|row| row.takes_money() && row.names(self.e164));
        ours.any(|row| self.is_in_window(row) && row.debit().identity() == debit.identity())
    }

    fn is_in_window(&self, row: &LedgerRow) -> bool {
        row.at.is_none_or(|at| at.at() >= earlier(self.since))
    }

    /// The rows that took money and are of interest, or were answered for. Those whose time is not known come first, then
    /// the oldest.
    fn taken(&self, of_interest: impl Fn(&LedgerRow) -> bool) -> Vec<Taken<'a>> {
        let rows = self.rows.iter().filter(|row| row.takes_money());
        let rows = rows.filter(|row| of_interest(row) || self.answered.iter().any(|id| is_it(row, id)));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_cached_key(|row| order(row));
        // Rows without an id may be alike: as many of them are answered for as there were answers.
        let mut left: Vec<&String> = self.answered.iter().collect();
        let taken = rows.into_iter().map(|row| {
            let answer = left.iter().position(|id| is_it(row, id));
            if let Some(at) = answer.filter(|_| row.id.is_empty()) {
                left.swap_remove(at);
            }
            Taken { row, answered: answer.is_some(), met: false, refunded: false }
        });
        taken.collect()
    }

    /// Gives each refund that refers to a debit by its id to that debit; returns those that refer to none, the oldest
    /// first.
    fn meet_by_id(&self, taken: &mut [Taken<'a>]) -> Vec<&'a LedgerRow> {
        if taken.is_empty() {
            return Vec::new();
        }
        let places: HashMap<&str, usize> =
            taken.iter().enumerate().map(|(at, taken)| (taken.row.id.as_str(), at)).collect();
        let mut credits = self.credits();
        credits.retain(|credit| {
            let Some(at) = credit.words().find_map(|word| places.get(word)) else { return true };
            let debit = &mut taken[*at];
            debit.refunded |= is_sum_of(credit, debit.row) && debit.row.amount.is_some();
            debit.met = true;
            false
        });
        credits
    }

    /// Gives the refunds that name the number to its debits in the order of time: one that an older debit may explain,
    /// answered for or not, acquits no newer one.
    fn meet_by_number(&self, taken: &mut [Taken<'a>], credits: &[&LedgerRow]) {
        if credits.is_empty() {
            return;
        }
        // A debit that was answered for and is not among the rows may be what any of these refunds gives back.
        let certain = !self.is_answered_out_of_sight();
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

    /// The refunds whose time and sum can be read, the oldest first. Of those without an id that are alike, one: rows that
    /// move while pages are read come twice.
    fn credits(&self) -> Vec<&'a LedgerRow> {
        let credits = self.rows.iter().filter(|row| !row.takes_money());
        let mut credits: Vec<_> = credits.filter(|row| row.at.is_some() && row.amount.is_some()).collect();
        credits.sort_by_cached_key(|row| order(row));
        credits.dedup_by(|one, other| one.id.is_empty() && order(one) == order(other));
        credits
    }

    /// Whether a refund refers by its id to a debit that is not of interest here.
    fn is_of_another_row(&self, credit: &LedgerRow) -> bool {
        self.rows.iter().any(|row| row.takes_money() && credit.refers_to(&row.id))
    }

    fn is_answered_out_of_sight(&self) -> bool {
        let is_seen = |id: &String| self.rows.iter().any(|row| row.takes_money() && is_it(row, id));
        self.answered.iter().any(|id| !id.is_empty() && !is_seen(id))
    }

    /// Those purchases of others whose own debit may be one without a number: not those whose number a debit of their
    /// time names.
    fn with_unnamed_debits(&self, explained: &[Explained]) -> Vec<Explained> {
        let mut named: HashMap<E164, Vec<Option<Timestamp>>> = HashMap::new();
        for row in self.rows.iter().filter(|row| row.takes_money()) {
            for e164 in row.mentions() {
                named.entry(*e164).or_default().push(row.at.map(Time::at));
            }
        }
        let is_named = |other: &&Explained| {
            named.get(&other.e164).is_some_and(|times| times.iter().any(|at| other.was_under_way(*at)))
        };
        explained.iter().filter(|other| !is_named(other)).copied().collect()
    }

    /// What is left, of the rows of interest in the window.
    fn standing(&self, taken: &[Taken<'a>], of_interest: impl Fn(&LedgerRow) -> bool) -> Vec<Debit> {
        let stands = |taken: &&Taken<'_>| {
            self.is_in_window(taken.row) && !taken.answered && !taken.refunded && of_interest(taken.row)
        };
        taken.iter().filter(stands).map(|taken| taken.row.debit()).collect()
    }
}

/// Whether the row is the one that an administrator has answered for.
fn is_it(row: &LedgerRow, answer: &str) -> bool {
    if row.id.is_empty() { answers(answer, &row.debit().identity()) } else { answers(answer, &row.id) }
}

/// Whether the sum of a credit may be what the debit took.
fn is_sum_of(credit: &LedgerRow, debit: &LedgerRow) -> bool {
    let same = |amount: Money| credit.amount.is_some_and(|credited| credited.is_same_sum(amount));
    debit.amount.is_none_or(same) && may_be_same(credit.currency, debit.currency)
}

pub(super) fn may_be_same(one: Option<Currency>, other: Option<Currency>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// By time, and then in any order that is the same each time.
fn order(row: &LedgerRow) -> (Option<Time>, String) {
    (row.at, format!("{}/{:?}/{:?}", row.debit().identity(), row.amount, row.currency))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn ledger<'a>(rows: &'a [LedgerRow], answered: &'a [String]) -> Ledger<'a> {
        Ledger {
            rows,
            e164: "+911234500000".parse().unwrap(),
            since: OPENED.parse().unwrap(),
            answered,
            known: &[],
        }
    }

    #[test]
    fn a_debit_counts_from_ten_minutes_before_and_for_its_own_number() {
        let rows = [
            row("early", "debit", "did_purchase", "911234500000", "2026-01-02T02:54:04Z"),
            row("skewed", "debit", "did_purchase", "911234500000", "2026-01-02T02:54:06Z"),
            row("legacy", "did_rental", "did_rental", "DID +911234500000", "2026-01-02T03:05:00Z"),
            row("longer", "debit", "did_purchase", "9112345000001", "2026-01-02T03:05:00Z"),
        ];
        let ids: Vec<_> = ledger(&rows, &[]).named().into_iter().map(|debit| debit.id).collect();
        assert_eq!(ids, ["skewed", "legacy"]);
    }

    #[test]
    fn a_later_refund_offsets_a_debit_and_an_earlier_one_does_not() {
        let debit = row("d", "debit", "did_purchase", "911234500000", "2026-01-02T03:05:00Z");
        let refund = |at| row("r", "credit", "refund", "refund 911234500000", at);
        assert!(ledger(&[debit.clone(), refund("2026-01-02T03:06:00Z")], &[]).named().is_empty());
        assert_eq!(ledger(&[debit, refund("2026-01-02T03:04:30Z")], &[]).named().len(), 1);
    }

    #[test]
    fn a_refund_of_an_unreadable_sum_offsets_nothing() {
        let of = |kind, kind_of| row(kind, kind, kind_of, "911234500000", "2026-01-02T03:05:00Z");
        let mut rows = [of("debit", "did_purchase"), of("credit", "refund")];
        assert!(ledger(&rows, &[]).named().is_empty());
        for row in &mut rows {
            row.amount = None;
        }
        assert_eq!(ledger(&rows, &[]).named().len(), 1);
    }

    #[test]
    fn a_debit_that_was_answered_for_is_not_asked_about_again() {
        let rows = [row("d", "debit", "did_purchase", "911234500000", "2026-01-02T03:05:00Z")];
        assert!(ledger(&rows, &["d".into()]).named().is_empty());
    }

    #[test]
    fn a_debit_for_a_grouped_or_masked_number_may_be_ours_its_refund_not() {
        let debit = |text| row("d", "debit", "did_purchase", text, "2026-01-02T03:05:00Z");
        for text in ["DID purchase", "DID +91 12345 00000", "DID +911234******"] {
            assert_eq!(ledger(&[debit(text)], &[]).unnamed(&[]).len(), 1, "{text}");
            let refund = row("r", "credit", "refund", "DID +91 12345 00001", "2026-01-02T03:06:00Z");
            assert_eq!(ledger(&[debit(text), refund], &[]).unnamed(&[]).len(), 1, "{text}");
        }
        assert!(ledger(&[debit("DID +911234500001")], &[]).unnamed(&[]).is_empty());
    }

    #[test]
    fn a_purchase_whose_debit_came_before_the_window_explains_none_in_it() {
        let rows = [debit("theirs", "DID purchase", "05:00"), debit("ours", "DID purchase", "30:01")];
        let other = purchase("+911234500009", "2026-01-02T03:04:55Z", "2026-01-02T03:29:00Z");
        let since = "2026-01-02T03:30:00Z".parse().unwrap();
        let ledger = Ledger { since, ..ledger(&rows, &[]) };
        let ids: Vec<_> = ledger.unnamed(&[other]).into_iter().map(|debit| debit.id).collect();
        assert_eq!(ids, ["ours"]);
    }

    #[test]
    fn a_purchase_of_another_record_explains_one_unnamed_debit_and_no_second() {
        let rows = rows(&[
            r#"{"id":"a","type":"debit","amount":52,"currency":"INR","created_at":"2026-01-02T03:05:00Z","reference_type":"did_purchase"}"#,
            r#"{"id":"b","type":"debit","amount":52,"currency":"INR","created_at":"2026-01-02T03:05:00Z","reference_type":"did_purchase"}"#,
        ]);
        let other = purchase("+911234500009", OPENED, OPENED);
        assert_eq!(ledger(&rows, &[]).unnamed(&[]).len(), 2);
        assert_eq!(ledger(&rows, &[]).unnamed(&[other]).len(), 1);
        assert_eq!(ledger(&rows, &[]).unnamed(&[other, other]).len(), 0);
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
            let mut ledger = ledger(&[], &answered);
            // The clocks' difference lies before it.
            ledger.since = "2026-01-02T03:14:30Z".parse().unwrap();
            assert_eq!(
                left(&rows, |rows| Ledger { rows, ..ledger }.named()),
                expected,
                "{answered:?} {rows:?}"
            );
        }
    }

    #[test]
    fn a_refund_that_refers_to_a_debit_by_its_id_gives_back_that_one() {
        let (old, new) = (debit("debit-1", OURS, "05:00"), debit("debit-2", OURS, "06:00"));
        let unnamed = debit("debit-3", "DID purchase", "05:00");
        let of = |id: &str| refund("r", &format!("refund of {id}"), "07:00");
        let half = priced("26", of("debit-2"));
        let named = |rows: &[LedgerRow]| left(rows, |rows| ledger(rows, &[]).named());
        assert_eq!(named(&[old.clone(), new.clone(), of("debit-2")]), ["debit-1"]);
        assert_eq!(named(&[old.clone(), new.clone(), half]), ["debit-1", "debit-2"]);
        let both = refund("r", &format!("refund of debit-3, {OURS}"), "07:00");
        assert_eq!(named(&[new.clone(), unnamed.clone(), both]), ["debit-2"]);
        for (text, expected) in
            [("refund of debit-3", 0), ("refund", 1), (OURS, 1), ("refund of debit-30", 1)]
        {
            let rows = [unnamed.clone(), refund("r", text, "07:00")];
            assert_eq!(left(&rows, |rows| ledger(rows, &[]).unnamed(&[])).len(), expected, "{text}");
        }
    }

    #[test]
    fn a_purchase_whose_own_debit_is_named_explains_no_unnamed_one() {
        let at = |time: &str| format!("2026-01-02T03:{time}Z");
        let other = purchase("+911234500009", OPENED, &at("06:00"));
        let unnamed = debit("u", "DID purchase", "05:00");
        for (text, time, expected) in [
            ("DID +911234500008", "05:00", 0),
            ("DID +911234500009", "05:00", 1),
            ("DID 911234500009", "05:00", 1),
            // Its rental of another time is not its purchase.
            ("DID +911234500009", "59:00", 0),
        ] {
            let rows = [unnamed.clone(), debit("n", text, time)];
            let ledger = Ledger { known: &[other.e164], ..ledger(&rows, &[]) };
            assert_eq!(ledger.unnamed(&[other]).len(), expected, "{text} {time}");
        }
        assert_eq!(ledger(&[debit("n", "DID +911234500009", "05:00")], &[]).unnamed(&[other]).len(), 0);
    }

    #[test]
    fn purchases_of_others_explain_as_many_debits_as_they_can_in_any_order() {
        let at = |time: &str| format!("2026-01-02T03:{time}Z");
        let short = purchase("+911234500008", &at("04:00"), &at("05:00"));
        let long = purchase("+911234500009", &at("04:00"), &at("40:00"));
        let rows = [debit("a", "DID purchase", "05:00"), debit("b", "DID purchase", "30:00")];
        for others in [[short, long], [long, short]] {
            assert!(left(&rows, |rows| ledger(rows, &[]).unnamed(&others)).is_empty());
        }
    }

    #[test]
    fn sums_that_a_ledger_added_as_fractions_are_those_of_the_price() {
        let mut rows = [debit("d", OURS, "05:00"), refund("r", OURS, "06:00")];
        rows[0].amount = "3.3000000000000003".parse().ok();
        rows[1].amount = "3.3".parse().ok();
        assert!(ledger(&rows, &[]).named().is_empty());
        let unnamed = priced("3.3000000000000003", debit("u", "DID purchase", "05:00"));
        let other = Explained { amount: "3.3".parse().unwrap(), ..purchase("+911234500009", OPENED, OPENED) };
        assert!(ledger(&[unnamed], &[]).unnamed(&[other]).is_empty());
    }

    #[test]
    fn an_answer_for_a_row_without_an_id_is_for_that_row_and_no_other() {
        let at = |time| debit("", OURS, time);
        let identity = |row: &LedgerRow| row.debit().identity();
        assert_ne!(identity(&at("05:00")), "");
        let answered = vec![identity(&at("05:00"))];
        let standing = |rows: &[LedgerRow], answered: &[String]| ledger(rows, answered).named().len();
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
