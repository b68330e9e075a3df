//! What other numbers and their purchases explain of a ledger: found once for all attempts that are verified with it.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    Moment,
    brief::RecordBrief,
    evidence::{earlier, later},
    family::Kinship,
    rows::LedgerRows,
    rules,
    taken::{Taken, may_be_same, meet_by_id, taken},
    time::Timeouts,
};
use crate::{
    api::{AttemptState, Origin},
    domain::{AccountId, Currency, E164, LedgerRow, Money, Time},
};

/// What the numbers and the purchases of a family of accounts explain of its ledger.
#[derive(Debug, Default)]
pub struct Neighbours {
    rows: Arc<LedgerRows>,
    /// Numbers, owned or recorded, that debits name in bare digits: a row with one of them is about that one.
    known: HashSet<E164>,
    /// Purchases whose own debit may be one without a number. The one whose time ends first comes first.
    explained: Vec<Explained>,
    /// The longest time of one of them.
    longest: Duration,
    /// Purchases so young that their own debit may be missing in these rows: they would explain another one in its place.
    young: Vec<Explained>,
    /// Purchases of accounts that may be of the family, and since when their ledgers were read last: they explain nothing.
    untold: Vec<(Explained, Option<Moment>)>,
    /// The purchases that have not settled yet, the oldest first: each may still explain a debit.
    unsettled: Vec<(Timestamp, E164)>,
    /// The debits that name no number, that are not given back, and that no purchase explains.
    left: OnceLock<Vec<Arc<LedgerRow>>>,
}

impl Neighbours {
    /// Those of all records, which are gone through only where a debit may have to be explained, for rows that were read
    /// from `begun` on.
    pub fn of(
        rows: Arc<LedgerRows>,
        begun: Timestamp,
        timeouts: Timeouts,
        records: impl FnOnce(&mut dyn FnMut(&RecordBrief)),
        kinship: impl Fn(&AccountId) -> Kinship,
        is_known: impl Fn(&E164) -> bool,
    ) -> Self {
        let mut found = Self { rows, ..Self::default() };
        if !found.rows.debits().any(|row| found.is_unnamed(row)) {
            return found;
        }
        let suspects: HashSet<_> = found.rows.debits().flat_map(|row| row.suspects()).collect();
        found.known = suspects.into_iter().filter(is_known).collect();
        records(&mut |other| match (kinship(&other.account), other.state) {
            _ if other.origin != Origin::Purchase => {}
            (Kinship::Stranger, _) | (_, AttemptState::Failed | AttemptState::NeedsDecision) => {}
            (_, AttemptState::Open) => found.unsettled.push((other.opened, other.e164)),
            (kinship, AttemptState::Bound) => {
                let shown =
                    other.opened.saturating_add(timeouts.until_settled()).is_ok_and(|shown| shown <= begun);
                let purchase = Explained::by(other, timeouts);
                match kinship {
                    _ if !shown => found.young.extend(purchase),
                    kinship if rules::explains_its_ledger(kinship) => found.explained.extend(purchase),
                    Kinship::Unknown(read) => found.untold.extend(purchase.map(|purchase| (purchase, read))),
                    Kinship::Family | Kinship::Stranger => {}
                }
            }
        });
        found.in_order()
    }

    fn in_order(mut self) -> Self {
        // Not those whose number a debit of their time names: that is their own.
        let rows = &self.rows;
        let is_named = |other: &Explained| {
            rows.debits_naming(other.e164).any(|row| other.was_under_way(row.at.map(Time::at)))
        };
        self.explained.retain(|other| !is_named(other));
        self.young.retain(|other| !is_named(other));
        self.untold.retain(|(other, _)| !is_named(other));
        self.explained.sort_unstable_by_key(|other| (other.settled, other.opened, other.e164));
        self.unsettled.sort_unstable();
        let took = |other: &Explained| Duration::try_from(other.settled.duration_since(other.opened)).ok();
        self.longest = self.explained.iter().filter_map(took).max().unwrap_or_default();
        self
    }

    /// Whether a debit may be of any number.
    pub fn is_unnamed(&self, row: &LedgerRow) -> bool {
        !row.spells_out_any(|e164| self.known.contains(e164))
    }

    /// Takes away the debits that are explained. Each purchase explains one: two equal debits for one purchase are one too
    /// many. Debits come in the order of time; the purchase whose time ends first goes first, and leaves the others to
    /// later debits. A debit from before the window uses its purchase up as well, or that would explain one of ours.
    pub fn explain(&self, taken: &mut Vec<Taken<'_>>, is_unnamed: impl Fn(&LedgerRow) -> bool) {
        let mut left: Vec<_> = self.explained.iter().map(Some).collect();
        let mut first = 0;
        taken.retain(|taken| {
            let at = taken.row.at.map(Time::at);
            let is_over = |other: &Explained| at.is_some_and(|at| at > later(other.settled));
            first += left[first..].iter().take_while(|other| other.is_none_or(is_over)).count();
            let begins_later = |other: &Explained| {
                let opened = other.settled.saturating_sub(self.longest).unwrap_or(Timestamp::MIN);
                at.is_some_and(|at| at < earlier(opened))
            };
            let mut others = left[first..].iter_mut().take_while(|other| !other.is_some_and(begins_later));
            let other = others.find(|other| other.is_some_and(|other| other.explains(taken.row)));
            other.filter(|_| is_unnamed(taken.row)).and_then(Option::take).is_none()
        });
    }

    /// What neither purchases nor refunds explain, of that time or of one that is not known.
    pub fn unexplained(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = &LedgerRow> {
        let left = self.left.get_or_init(|| {
            let is_unnamed = |row: &LedgerRow| self.is_unnamed(row);
            let mut taken = taken(&self.rows, &[], is_unnamed);
            meet_by_id(&self.rows, &mut taken);
            self.explain(&mut taken, is_unnamed);
            taken.into_iter().filter(|taken| !taken.refunded).map(|taken| taken.row.clone()).collect()
        });
        let place = |is_before: &dyn Fn(Timestamp) -> bool| {
            left.partition_point(|row| row.at.is_none_or(|at| is_before(at.at())))
        };
        let timeless = &left[..place(&|_| false)];
        let (first, end) = (place(&|at| at < from), place(&|at| at <= until));
        timeless.iter().chain(&left[first..end.max(first)]).map(|row| &**row)
    }

    /// Whether the debit may yet turn out to be another number's, whose purchase is under way: on a busy account there is
    /// always one that was debited and has not been answered. Those that are past their own time are not waited for, or
    /// two attempts would wait for each other. A debit whose time is not known is not waited for either: on a busy account,
    /// that would have no end.
    pub fn may_explain(&self, debit: &LedgerRow, e164: E164, span: Duration, now: Timestamp) -> bool {
        let is_past = |opened: Timestamp| opened.saturating_add(span).is_ok_and(|settles| settles <= now);
        let under_way = &self.unsettled[self.unsettled.partition_point(|(opened, _)| is_past(*opened))..];
        let oldest = under_way.iter().find(|(_, other)| *other != e164);
        oldest.is_some_and(|(opened, _)| debit.at.is_some_and(|at| at.at() >= earlier(*opened)))
    }

    /// When the debits of all young purchases must show that may have made this one: rows read from then on tell whose it is.
    pub fn tells_later(&self, debit: &LedgerRow, e164: E164, span: Duration) -> Option<Timestamp> {
        let others = self.young.iter().filter(|other| other.e164 != e164 && other.explains(debit));
        others.map(|other| other.opened.saturating_add(span).unwrap_or(Timestamp::MAX)).max()
    }

    /// Whether the debit would be explained if some account were of the family whose ledger has not been read since then: it
    /// may show that it is.
    pub fn is_untold(&self, debit: &LedgerRow, since: Moment) -> bool {
        let is_old = |read: &Option<Moment>| read.is_none_or(|read| read.mono < since.mono);
        self.untold.iter().any(|(other, read)| is_old(read) && other.explains(debit))
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
    fn by(other: &RecordBrief, timeouts: Timeouts) -> Option<Self> {
        let RecordBrief { e164, price, currency, opened, settled, .. } = *other;
        let latest = opened.saturating_add(timeouts.until_settled()).unwrap_or(Timestamp::MAX);
        Some(Self { e164, amount: price?, currency, opened, settled: settled.min(latest) })
    }

    fn was_under_way(&self, at: Option<Timestamp>) -> bool {
        at.is_none_or(|at| at >= earlier(self.opened) && at <= later(self.settled))
    }

    /// A debit whose time is not known may be as new as the last attempt: an old purchase, or one after the other of a busy
    /// account, would explain it away.
    fn explains(&self, debit: &LedgerRow) -> bool {
        debit.at.is_some()
            && self.was_under_way(debit.at.map(Time::at))
            && debit.amount.is_some_and(|amount| amount.is_same_sum(self.amount))
            && may_be_same(self.currency, debit.currency)
    }
}

#[cfg(test)]
impl Neighbours {
    pub fn for_tests(
        rows: Arc<LedgerRows>,
        known: &[E164],
        explained: &[Explained],
        unsettled: &[Timestamp],
    ) -> Self {
        let (known, explained) = (known.iter().copied().collect(), explained.to_vec());
        let other: E164 = "+911234500001".parse().unwrap();
        let unsettled = unsettled.iter().map(|opened| (*opened, other)).collect();
        Self { rows, known, explained, unsettled, ..Self::default() }.in_order()
    }

    pub fn with_young(mut self, young: &[Explained]) -> Self {
        self.young = young.to_vec();
        self.in_order()
    }

    /// With a purchase of an account that may be of the family, and whose ledger was read last then.
    pub fn with_untold(mut self, purchase: Explained, read: Option<Moment>) -> Self {
        self.untold = vec![(purchase, read)];
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::plan::ledger::Ledger;

    const NOON: &str = "2026-01-02T12:00:00Z";

    fn at(seconds: i64) -> Timestamp {
        NOON.parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
    }

    fn number(index: u64) -> E164 {
        format!("+9112{index:08}").parse().unwrap()
    }

    fn debit(id: u64, text: &str, at: Timestamp) -> LedgerRow {
        LedgerRow::for_tests(&format!(
            r#"{{"id":"d-{id}","type":"debit","amount":52,"currency":"INR","description":"{text}","created_at":"{at}"}}"#
        ))
    }

    /// Rentals of as many numbers, named in bare digits, and purchases that name none, of which all but one have a record.
    #[test]
    fn a_thousand_verifications_of_a_long_ledger_take_no_time() {
        let (owned, bought, records) = (8_000, 2_000, 2_000);
        let rentals =
            (0..owned).map(|index| debit(index, &format!("Rental {}", number(index).digits()), at(0)));
        let opened = |index: u64| at(i64::try_from(index).unwrap());
        let purchases = (0..bought).map(|index| debit(owned + index, "DID purchase", opened(index)));
        let rows: Arc<LedgerRows> = Arc::new(rentals.chain(purchases).collect());
        let known: Vec<_> = (0..owned).map(number).collect();
        let purchase = |index: u64| Explained {
            e164: number(20_000 + index),
            amount: "52".parse().unwrap(),
            currency: None,
            opened: opened(index),
            settled: opened(index),
        };
        let explained: Vec<_> = (0..bought - 1).map(purchase).collect();
        let begun = Instant::now();
        let neighbours = Neighbours::for_tests(rows.clone(), &known, &explained, &[at(0)]);
        for index in 0..records {
            let e164 = number(50_000 + index);
            let ledger = Ledger { rows: &rows, e164, since: at(0), answered: &[] };
            assert!(ledger.named().is_empty());
            let unnamed = ledger.unnamed(&neighbours, Timestamp::MAX);
            assert_eq!(unnamed.len(), 1);
            assert!(!neighbours.may_explain(unnamed[0], e164, Duration::ZERO, at(1)));
        }
        // Compared row by row and record by record, that takes minutes.
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }

    const TIMEOUTS: Timeouts =
        Timeouts { purchase_timeout: Duration::from_secs(30), settle: Duration::from_mins(2) };

    /// A purchase at noon.
    fn purchase(state: &str) -> RecordBrief {
        let record = serde_json::json!({
            "metadata": { "name": "x" },
            "spec": { "e164": "+911234500001", "account": "MA_1", "attempt": {
                "id": "00000000-0000-4000-8000-000000000000", "openedAt": NOON, "state": state,
                "origin": "Purchase", "settledAt": NOON,
            } },
            "status": { "number": { "setupFee": "50", "monthlyFee": "2", "currency": "INR" } },
        });
        RecordBrief::of_record(&serde_json::from_value(record).unwrap())
    }

    #[test]
    fn a_purchase_of_another_account_explains_nothing_before_it_is_family() {
        let rows: Arc<LedgerRows> = Arc::new([debit(1, "DID", at(0))].into_iter().collect());
        let moment = |seconds| Moment { wall: at(0), mono: Duration::from_secs(seconds) };
        let (unread, read) = (Kinship::Unknown(None), Kinship::Unknown(Some(moment(500))));
        let (early, span) = (160, TIMEOUTS.until_settled());
        // Whether the debit is left, waited for as one under way or as a young one, and another ledger to be read first.
        for (kinship, state, begun, expected) in [
            (Kinship::Family, "Bound", early, (false, false, false, false)),
            (Kinship::Family, "Bound", early - 1, (true, false, true, false)),
            (Kinship::Family, "Open", early, (true, true, false, false)),
            (unread, "Bound", early, (true, false, false, true)),
            (unread, "Bound", early - 1, (true, false, true, false)),
            (unread, "Open", early, (true, true, false, false)),
            (unread, "Failed", early, (true, false, false, false)),
            (read, "Bound", early, (true, false, false, false)),
            (Kinship::Stranger, "Bound", early, (true, false, false, false)),
            (Kinship::Stranger, "Bound", early - 1, (true, false, false, false)),
            (Kinship::Stranger, "Open", early, (true, false, false, false)),
        ] {
            let brief = purchase(state);
            let neighbours = Neighbours::of(
                rows.clone(),
                at(begun),
                TIMEOUTS,
                |each| each(&brief),
                |_| kinship,
                |_| false,
            );
            let row = rows.debits().next().unwrap();
            let found = (
                neighbours.unexplained(at(0), at(0)).count() == 1,
                neighbours.may_explain(row, number(1), span, at(1)),
                neighbours.tells_later(row, number(1), span).is_some(),
                neighbours.is_untold(row, moment(500)),
            );
            assert_eq!(found, expected, "{kinship:?} {state} {begun}");
        }
    }

    #[test]
    fn a_purchase_explains_a_debit_once_its_own_must_be_among_the_rows() {
        let rows: Arc<LedgerRows> = Arc::new([debit(1, "DID", at(0))].into_iter().collect());
        let (brief, timeouts) = (purchase("Bound"), TIMEOUTS);
        for (begun, explained, told) in [(159, 0, Some(at(160))), (160, 1, None)] {
            let neighbours = Neighbours::of(
                rows.clone(),
                at(begun),
                timeouts,
                |each| each(&brief),
                |_| Kinship::Family,
                |_| false,
            );
            assert_eq!(neighbours.explained.len(), explained, "{begun}");
            let row = rows.debits().next().unwrap();
            assert_eq!(neighbours.tells_later(row, number(1), timeouts.until_settled()), told, "{begun}");
            assert_eq!(neighbours.unexplained(at(0), at(0)).count(), 1 - explained, "{begun}");
        }
    }

    #[test]
    fn a_purchase_under_way_may_explain_a_debit_of_its_time_but_its_own() {
        let rows: Arc<LedgerRows> = Arc::new([debit(1, "DID", at(700))].into_iter().collect());
        let mut neighbours = Neighbours::for_tests(rows.clone(), &[], &[], &[at(0), at(1300)]);
        let debit = rows.debits().next().unwrap();
        let span = Duration::from_secs(100);
        for (now, explains) in [(99, true), (100, true), (1399, true), (1400, false)] {
            assert_eq!(neighbours.may_explain(debit, number(1), span, at(now)), explains, "{now}");
        }
        assert!(
            !neighbours.may_explain(debit, "+911234500001".parse().unwrap(), span, at(99)),
            "it is its own"
        );
        neighbours.unsettled = vec![(at(1301), number(2))];
        assert!(!neighbours.may_explain(debit, number(1), span, at(99)), "it was opened later");
    }

    #[test]
    fn a_debit_without_a_time_is_explained_by_no_purchase_and_awaits_none() {
        let timed = debit(1, "DID", at(0));
        let timeless = LedgerRow { at: None, ..timed.clone() };
        let bought = Explained {
            e164: number(2),
            amount: "52".parse().unwrap(),
            currency: None,
            opened: at(0),
            settled: at(0),
        };
        for (debit, explained, explains, later) in
            [(timed, 0, true, Some(at(100))), (timeless, 1, false, None)]
        {
            let rows: Arc<LedgerRows> = Arc::new([debit.clone()].into_iter().collect());
            let busy = Neighbours::for_tests(rows.clone(), &[], &[bought], &[at(0)]);
            assert_eq!(busy.unexplained(at(0), at(9)).count(), explained, "{debit:?}");
            let busy = Neighbours::for_tests(rows, &[], &[], &[at(0)]).with_young(&[bought]);
            let span = Duration::from_secs(100);
            assert_eq!(busy.may_explain(&debit, number(1), span, at(9)), explains, "{debit:?}");
            assert_eq!(busy.tells_later(&debit, number(1), span), later, "{debit:?}");
        }
    }

    #[test]
    fn what_is_left_is_told_by_its_time_and_what_has_none_always() {
        let mut timeless = debit(0, "DID", at(0));
        timeless.at = None;
        let rows = [at(0), at(10), at(20)].into_iter().zip(1..).map(|(at, id)| debit(id, "DID", at));
        let rows: Arc<LedgerRows> = Arc::new(rows.chain([timeless]).collect());
        let neighbours = Neighbours::for_tests(rows, &[], &[], &[]);
        for (from, until, expected) in
            [(0, 20, vec!["d-0", "d-1", "d-2", "d-3"]), (1, 10, vec!["d-0", "d-2"]), (30, 5, vec!["d-0"])]
        {
            let left: Vec<_> =
                neighbours.unexplained(at(from), at(until)).map(|row| row.id.to_string()).collect();
            assert_eq!(left, expected);
        }
    }
}
