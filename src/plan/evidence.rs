use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{bounds::is_answered, time::Moment};
use crate::{
    api::{Debit, NumberStatus},
    domain::{AccountId, Currency, E164, Money},
    vobiz::{LedgerRow, ListedNumber, ReferenceType},
};

/// What the account's endpoints last said about one number, and when each was asked.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// `search` of the owned list: serves for presence only.
    pub search: Reading<Rows>,
    /// The full owned list, every page parsed.
    pub listing: Reading<Rows>,
    /// The ledger.
    pub ledger: Reading<LedgerRead>,
    /// Price and balance.
    pub funds: Reading<FundsRead>,
}

/// The rows of a list that carry one number.
pub type Rows = Arc<[ListedNumber]>;

/// An endpoint's last answer.
#[derive(Debug, Clone, Default)]
pub enum Reading<T> {
    #[default]
    Never,
    Read {
        begun: Moment,
        value: T,
    },
    /// There is no such endpoint: nothing to wait for.
    Missing {
        begun: Moment,
    },
}

/// A reading held against the moment at which it had to be begun.
pub enum Fresh<'a, T> {
    Stale,
    Value(Moment, &'a T),
    Missing,
}

impl<T> Reading<T> {
    /// The reading, if it was begun at `since` or later.
    pub fn since(&self, since: Moment) -> Fresh<'_, T> {
        match self {
            Self::Read { begun, value } if begun.mono >= since.mono => Fresh::Value(*begun, value),
            Self::Missing { begun } if begun.mono >= since.mono => Fresh::Missing,
            _ => Fresh::Stale,
        }
    }

    /// When it was begun.
    #[must_use]
    pub fn begun(&self) -> Option<Moment> {
        match self {
            Self::Never => None,
            Self::Read { begun, .. } | Self::Missing { begun } => Some(*begun),
        }
    }
}

/// The ledger's rows that may concern purchases, and how far back they go.
#[derive(Debug, Clone)]
pub struct LedgerRead {
    /// The first moment that is covered.
    pub from: Timestamp,
    pub rows: Arc<[LedgerRow]>,
}

/// What the number costs and what the account has, where each could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct FundsRead {
    /// Whether the inventory could be read: if so and `required` is absent, the number is not in stock.
    pub inventory_read: bool,
    pub required: Option<Money>,
    pub available: Option<Money>,
    pub currency: Option<Currency>,
}

/// Evidence that a step needs: each with the moment at which its reading has to be begun, or later.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Need {
    /// Search or listing, whichever takes fewer calls.
    pub presence: Option<Moment>,
    pub listing: Option<Moment>,
    /// The ledger, and from when on.
    pub ledger: Option<(Moment, Timestamp)>,
    /// Price and balance, and the currency that was asked for.
    pub funds: Option<(Moment, Option<Currency>)>,
}

/// What rows say about who has the number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict<'a> {
    /// Exactly our number, under our account, in a status that means ownership.
    Owned(&'a ListedNumber),
    /// Listed in a way that proves neither: no owner named, or a status that nobody has documented.
    Undecided,
    Absent,
}

/// Judges rows. `named_owner` is the owner that our own successful purchase named: an account can buy for another.
#[must_use]
pub fn verdict<'a>(
    rows: &'a [ListedNumber],
    e164: E164,
    account: &AccountId,
    named_owner: Option<&AccountId>,
) -> Verdict<'a> {
    let mut verdict = Verdict::Absent;
    for row in rows.iter().filter(|row| row.e164 == e164) {
        let ours = row.owner.as_ref().map(|owner| owner == account || Some(owner) == named_owner);
        match (&row.number.status, ours) {
            (_, Some(false)) | (Some(NumberStatus::Released), _) => {}
            (
                Some(
                    NumberStatus::Active
                    | NumberStatus::Blocked
                    | NumberStatus::PendingPurchase
                    | NumberStatus::PendingRelease,
                ),
                Some(true),
            ) => return Verdict::Owned(row),
            _ => verdict = Verdict::Undecided,
        }
    }
    verdict
}

/// A debit that another record's bound number explains.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Explained {
    pub amount: Money,
    pub currency: Option<Currency>,
    /// When that record's attempt was opened, and settled.
    pub opened: Timestamp,
    pub settled: Timestamp,
}

/// How far our clock and the ledger's may differ.
const CLOCK_SKEW: Duration = Duration::from_mins(10);

/// The debits that speak for a purchase of one number.
pub struct Ledger<'a> {
    pub rows: &'a [LedgerRow],
    pub e164: E164,
    /// The attempt's opening: earlier rows (less the clocks' difference) mean something else.
    pub since: Timestamp,
    /// Ids that an administrator has answered for.
    pub answered: &'a [String],
    /// Numbers owned or recorded: a row with the bare digits of one of them is about that one.
    pub known: &'a [E164],
}

impl Ledger<'_> {
    /// Debits that name the number and were not offset by a later refund.
    pub fn named(&self) -> Vec<Debit> {
        self.standing(|row| row.names(self.e164), |credit| credit.names(self.e164))
    }

    /// Debits that name no number to its last digit, were not offset, and that no other record explains. A refund that
    /// may be about some number offsets none of them.
    pub fn unnamed(&self, explained: &[Explained]) -> Vec<Debit> {
        let refund = |credit: &LedgerRow| {
            !credit.names_any(self.known)
                && matches!(credit.reference_type, ReferenceType::Refund | ReferenceType::Number)
        };
        let mut left: Vec<_> = explained.iter().collect();
        let mut debits = self.standing(|row| !row.spells_out_any(self.known), refund);
        debits.retain(|debit| {
            let explains = |other: &&Explained| {
                Some(other.amount) == debit.amount
                    && (other.currency.is_none()
                        || debit.currency.is_none()
                        || other.currency == debit.currency)
                    && debit
                        .at
                        .is_none_or(|at| at.at() >= earlier(other.opened) && at.at() <= later(other.settled))
            };
            // Each purchase explains one debit: two equal debits for one purchase are one too many.
            left.iter().position(explains).map(|at| left.swap_remove(at)).is_none()
        });
        debits
    }

    fn standing(
        &self,
        debit: impl Fn(&LedgerRow) -> bool,
        refund: impl Fn(&LedgerRow) -> bool,
    ) -> Vec<Debit> {
        let since = earlier(self.since);
        let in_window = |row: &LedgerRow| row.at.is_none_or(|at| at.at() >= since);
        let mut refunds: Vec<_> =
            self.rows.iter().filter(|row| !row.takes_money() && refund(row) && in_window(row)).collect();
        let mut standing = Vec::new();
        for row in self.rows.iter().filter(|row| row.takes_money() && debit(row) && in_window(row)) {
            // Two sums that cannot be read are not the same sum.
            let offsets = |credit: &&LedgerRow| {
                let same_currency =
                    credit.currency.is_none() || row.currency.is_none() || credit.currency == row.currency;
                credit.amount.is_some() && credit.amount == row.amount && same_currency && credit.at >= row.at
            };
            if let Some(at) = refunds.iter().position(offsets) {
                refunds.swap_remove(at);
            } else if !is_answered(self.answered, &row.id) {
                standing.push(Debit {
                    id: row.id.clone(),
                    amount: row.amount,
                    currency: row.currency,
                    at: row.at,
                });
            }
        }
        standing
    }
}

/// `at`, less what the clocks may differ.
pub fn earlier(at: Timestamp) -> Timestamp {
    at.saturating_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN)
}

/// `at`, and what the clocks may differ.
pub fn later(at: Timestamp) -> Timestamp {
    at.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(owner: Option<&str>, status: &str) -> ListedNumber {
        ListedNumber {
            e164: "+911234500000".parse().unwrap(),
            owner: owner.map(|owner| owner.parse().unwrap()),
            number: crate::api::Number { status: status.parse().ok(), ..Default::default() },
        }
    }

    fn judge(rows: &[ListedNumber]) -> &'static str {
        let (e164, account, named) =
            ("+911234500000".parse().unwrap(), "MA_1".parse().unwrap(), "SA_2".parse().unwrap());
        match verdict(rows, e164, &account, Some(&named)) {
            Verdict::Owned(_) => "owned",
            Verdict::Undecided => "undecided",
            Verdict::Absent => "absent",
        }
    }

    #[test]
    fn presence_needs_the_exact_number_our_account_and_a_status_that_means_ownership() {
        let longer =
            ListedNumber { e164: "+9112345000001".parse().unwrap(), ..listed(Some("MA_1"), "active") };
        for (rows, expected) in [
            (vec![], "absent"),
            (vec![longer], "absent"),
            (vec![listed(Some("MA_1"), "active")], "owned"),
            (vec![listed(Some("SA_2"), "active")], "owned"),
            (vec![listed(Some("MA_1"), "blocked")], "owned"),
            (vec![listed(Some("MA_1"), "pending_purchase")], "owned"),
            (vec![listed(Some("MA_1"), "pending_release")], "owned"),
            (vec![listed(Some("MA_1"), "released")], "absent"),
            (vec![listed(Some("MA_9"), "active")], "absent"),
            (vec![listed(None, "active")], "undecided"),
            (vec![listed(None, "released")], "absent"),
            (vec![listed(Some("MA_1"), "quarantined")], "undecided"),
            (vec![listed(Some("MA_1"), "released"), listed(Some("MA_1"), "active")], "owned"),
        ] {
            assert_eq!(judge(&rows), expected, "{rows:?}");
        }
    }

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
    fn a_debit_counts_from_ten_minutes_before_the_attempt_and_only_for_its_own_number() {
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
    fn a_debit_for_a_number_that_is_grouped_or_masked_may_be_ours_and_its_refund_somebody_elses() {
        let debit = |text| row("d", "debit", "did_purchase", text, "2026-01-02T03:05:00Z");
        for text in ["DID purchase", "DID +91 12345 00000", "DID +911234******"] {
            assert_eq!(ledger(&[debit(text)], &[]).unnamed(&[]).len(), 1, "{text}");
            let refund = row("r", "credit", "refund", "DID +91 12345 00001", "2026-01-02T03:06:00Z");
            assert_eq!(ledger(&[debit(text), refund], &[]).unnamed(&[]).len(), 1, "{text}");
        }
        assert!(ledger(&[debit("DID +911234500001")], &[]).unnamed(&[]).is_empty());
    }

    #[test]
    fn a_purchase_of_another_record_explains_one_unnamed_debit_and_no_second() {
        let rows = rows(&[
            r#"{"id":"a","type":"debit","amount":52,"currency":"INR","created_at":"2026-01-02T03:05:00Z","reference_type":"did_purchase"}"#,
            r#"{"id":"b","type":"debit","amount":52,"currency":"INR","created_at":"2026-01-02T03:05:00Z","reference_type":"did_purchase"}"#,
        ]);
        let other = Explained {
            amount: "52.0".parse().unwrap(),
            currency: "INR".parse().ok(),
            opened: OPENED.parse().unwrap(),
            settled: OPENED.parse().unwrap(),
        };
        assert_eq!(ledger(&rows, &[]).unnamed(&[]).len(), 2);
        assert_eq!(ledger(&rows, &[]).unnamed(&[other]).len(), 1);
        assert_eq!(ledger(&rows, &[]).unnamed(&[other, other]).len(), 0);
    }
}
