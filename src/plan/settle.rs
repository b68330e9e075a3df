//! Decides how an open attempt ends, by a listing and a ledger that are both younger than it.

use std::{sync::Arc, time::Duration};

use super::{
    Moment,
    change::{Change, RecordStep},
    evidence::{EvidenceRequest, FundsRead, Source, earlier, later},
    ledger::Ledger,
    neighbours::Neighbours,
    observed::RecordObserved,
    ownership::Verdict,
    reading::Fresh,
    rows::LedgerRows,
    rules,
    taken::may_be_same,
    time::VERIFY_EVERY,
    window::{named_count_from, unnamed_count_from},
};
use crate::{
    api::{Answer, Attempt, Debit, Ownership},
    domain::{AccountId, Currency, LedgerRow, Money},
};

/// The attempt has had its time: one full listing and one ledger, both begun after it, decide.
pub(super) fn settle(observed: &RecordObserved<'_>, settles: Moment, now: Moment) -> RecordStep {
    let attempt = &observed.record.spec.attempt;
    let from = earlier(named_count_from(attempt));
    let settles = rules::evidence_begins(settles, observed.first_read);
    let listing = match observed.evidence.listing.since(settles) {
        Fresh::Stale if !rules::absence_needs_the_listing() => observed.evidence.search.since(settles),
        listing => listing,
    };
    let ledger = observed.evidence.ledger_anew(settles, from);
    let lacks = [
        matches!(listing, Fresh::Stale).then_some(Source::Listing),
        matches!(ledger, Fresh::Stale).then_some(Source::Ledger { from }),
    ];
    if lacks.iter().any(Option::is_some) {
        return RecordStep::Read(EvidenceRequest::new(settles, lacks.into_iter().flatten()));
    }
    let (ownership, owner) = match listing {
        Fresh::Value(_, rows) => match observed.judge(rows) {
            Verdict::Undecided | Verdict::InDoubt(_) => (Ownership::Undecided, None),
            Verdict::Elsewhere(owner) => (Ownership::Absent, Some(owner)),
            Verdict::Owned(_) | Verdict::Absent => (Ownership::Absent, None),
        },
        Fresh::NoSuchEndpoint | Fresh::Stale => (Ownership::Unverifiable, None),
    };
    match ledger {
        Fresh::Value(begun, read) => match debits(observed, begun, &read.rows, settles, now) {
            Debits::Known(debits) => conclude(attempt, ownership, owner, Some(debits)),
            Debits::NotYet(step) => step,
        },
        Fresh::NoSuchEndpoint | Fresh::Stale => conclude(attempt, ownership, owner, None),
    }
}

/// The verdict on an attempt that is not listed as ours, but perhaps as another account's of the family. `debits` is `None`
/// where there is no ledger.
fn conclude(
    attempt: &Attempt,
    ownership: Ownership,
    owner: Option<&AccountId>,
    debits: Option<Vec<Debit>>,
) -> RecordStep {
    let refused = attempt.answer.as_ref().is_some_and(is_explicit_refusal);
    let needs_decision = |debits, ownership| {
        RecordStep::Write(Change::AskForDecision { debits, ownership, owner: owner.cloned() })
    };
    match (ownership, debits) {
        // A purchase of the other account's is debited to the same ledger: the operator cannot tell whose debit it is.
        (_, Some(debits)) if !debits.is_empty() => needs_decision(debits, ownership),
        (Ownership::Undecided, debits) => {
            needs_decision(debits.unwrap_or_else(|| rules::found_debits(attempt).to_vec()), ownership)
        }
        (Ownership::Absent, Some(_)) => RecordStep::Write(Change::Fail(ownership, owner.cloned())),
        // Something could not be had. Vobiz's explicit refusal then stands on its word; nothing else does.
        _ if refused => RecordStep::Write(Change::Fail(Ownership::Unverifiable, None)),
        (_, debits) => needs_decision(
            debits.unwrap_or_else(|| rules::found_debits(attempt).to_vec()),
            Ownership::Unverifiable,
        ),
    }
}

/// Debits without ownership: those that name the number, else those of equal amount that name none. The amount is
/// read from the inventory, where the number still stands if it was not bought.
fn debits(
    observed: &RecordObserved<'_>,
    begun: Moment,
    rows: &Arc<LedgerRows>,
    settles: Moment,
    now: Moment,
) -> Debits {
    let spec = &observed.record.spec;
    let ledger = Ledger {
        rows,
        e164: spec.e164,
        since: named_count_from(&spec.attempt),
        answered: &spec.attempt.answered_debits,
    };
    let mut named = ledger.named();
    if !rules::verification_looks_for_debits() {
        return Debits::Known(Vec::new());
    }
    // A debit that was seen once is settled by its refund, and not by a ledger that does not show it any more.
    let found = rules::found_debits(&spec.attempt).iter();
    named.extend(found.filter(|debit| !ledger.judges(debit)).cloned());
    if !named.is_empty() {
        return Debits::Known(named);
    }
    let ledger = Ledger { since: unnamed_count_from(&spec.attempt), ..ledger };
    let neighbours = (observed.neighbours)(begun, rows);
    // What comes later than that is not for this attempt; without an end, a busy account would keep it open for ever.
    let span = observed.timeouts.until_settled();
    let unnamed = ledger.unnamed(&neighbours, later(spec.attempt.opened_at.after(span)));
    if unnamed.is_empty() {
        return Debits::Known(Vec::new());
    }
    let funds = Source::Funds { e164: spec.e164, currency: spec.attempt.currency };
    let ask = |since| EvidenceRequest::new(since, [funds]);
    let suspected = match observed.evidence.funds.since(settles) {
        Fresh::Stale => return Debits::NotYet(RecordStep::Read(ask(settles))),
        // An inventory that cannot be read now says nothing about the price; it is asked again after a while.
        Fresh::Value(begun, read) if !read.inventory_read => {
            let again = begun.plus(VERIFY_EVERY);
            let due = now.mono >= again.mono;
            return Debits::NotYet(if due {
                RecordStep::Read(ask(again))
            } else {
                RecordStep::Wait(now.when(again))
            });
        }
        // Without a price (the number may have been sold to another customer meanwhile) any such debit may be ours,
        // unless Vobiz refused in words. Its 500 is no such word: it is said when something broke after the debit, too.
        Fresh::Value(_, price @ FundsRead { required: Some(_), .. }) => {
            unnamed.into_iter().filter(|row| is_equal_sum(row.amount, row.currency, price)).collect()
        }
        _ if spec.attempt.answer.as_ref().is_some_and(|said| is_explicit_refusal(said) && !is_5xx(said)) => {
            Vec::new()
        }
        Fresh::NoSuchEndpoint | Fresh::Value(..) => unnamed,
    };
    if let Some(step) = ask_others(observed, &suspected, &neighbours, settles, now)
        .or_else(|| await_others(observed, &suspected, &neighbours, begun, now))
    {
        return Debits::NotYet(step);
    }
    Debits::Known(suspected.into_iter().map(LedgerRow::debit).collect())
}

/// What is suspected would be explained by a purchase of an account that may be of the family: its ledger may show that it
/// is. Not for ever: an account that cannot be read keeps nothing open.
fn ask_others(
    observed: &RecordObserved<'_>,
    suspected: &[&LedgerRow],
    neighbours: &Neighbours,
    settles: Moment,
    now: Moment,
) -> Option<RecordStep> {
    let until = settles.plus(observed.timeouts.until_settled());
    let asks = !now.waited(until) && suspected.iter().any(|row| neighbours.is_untold(row, settles));
    let from = earlier(unnamed_count_from(&observed.record.spec.attempt));
    asks.then(|| RecordStep::AskOthers(EvidenceRequest::new(settles, [Source::LedgerSoFar { from }])))
}

/// What is suspected may be the debit of another purchase: of one that is under way, or of one that has succeeded so lately
/// that these rows need not show its own debit. It counts once a reading must show it, and then explains no debit but one.
fn await_others(
    observed: &RecordObserved<'_>,
    suspected: &[&LedgerRow],
    neighbours: &Neighbours,
    begun: Moment,
    now: Moment,
) -> Option<RecordStep> {
    let spec = &observed.record.spec;
    let span = observed.timeouts.until_settled();
    if suspected.iter().any(|row| neighbours.may_explain(row, spec.e164, span, now.wall)) {
        return Some(RecordStep::Wait(now.plus(EXPLAINED_SOON)));
    }
    let told = suspected.iter().filter_map(|row| neighbours.tells_later(row, spec.e164, span)).max()?;
    let due = begun.plus(told.duration_since(begun.wall).try_into().unwrap_or_default());
    let from = earlier(named_count_from(&spec.attempt));
    Some(if now.waited(due) {
        RecordStep::Read(EvidenceRequest::new(due, [Source::Ledger { from }]))
    } else {
        RecordStep::Wait(now.when(due))
    })
}

/// How soon another purchase that is under way may have ended.
pub const EXPLAINED_SOON: Duration = Duration::from_secs(1);

enum Debits {
    Known(Vec<Debit>),
    NotYet(RecordStep),
}

/// Whether the debit may be of this price: one whose sum cannot be read may be.
fn is_equal_sum(amount: Option<Money>, currency: Option<Currency>, price: &FundsRead) -> bool {
    price.required.is_some_and(|required| amount.is_none_or(|amount| amount.is_same_sum(required)))
        && may_be_same(currency, price.currency)
}

/// A 4xx, or the documented 500, in Vobiz's own words.
fn is_explicit_refusal(answer: &Answer) -> bool {
    answer.outcome.is_refusal() && (answer.code.is_some() || answer.message.is_some())
}

fn is_5xx(answer: &Answer) -> bool {
    answer.http_status.is_some_and(|status| status >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debit_whose_sum_or_currency_cannot_be_read_may_be_of_any_price() {
        let price = FundsRead {
            inventory_read: true,
            required: "52".parse().ok(),
            available: None,
            currency: "INR".parse().ok(),
        };
        for (amount, currency, expected) in [
            (Some("52.0"), Some("INR"), true),
            (Some("52"), None, true),
            (None, Some("INR"), true),
            (Some("52.000000000000007"), Some("INR"), true),
            (Some("52.01"), Some("INR"), false),
            (Some("51"), Some("INR"), false),
            (Some("52"), Some("USD"), false),
            (None, Some("USD"), false),
        ] {
            let sum = amount.and_then(|amount| amount.parse().ok());
            let of = currency.and_then(|currency| currency.parse().ok());
            assert_eq!(is_equal_sum(sum, of, &price), expected, "{amount:?} {currency:?}");
        }
    }
}
