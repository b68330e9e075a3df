use std::time::Duration;

use super::{
    Holder,
    change::Change,
    claim::LEDGER_LOOKBACK,
    evidence::{Evidence, Explained, Fresh, FundsRead, Ledger, Need, Verdict, earlier, verdict},
    time::{Moment, Spans},
};
use crate::{
    api::{Answer, Attempt, AttemptState, Debit, Funds, Origin, Outcome, Ownership, PhoneNumber},
    domain::AccountId,
};

/// All that a record's next step depends on.
pub struct RecordObserved<'a> {
    pub record: &'a PhoneNumber,
    /// The account that calls are made with.
    pub account: &'a AccountId,
    /// Whether the claim that the record names still stands behind it.
    pub holder: Holder,
    /// Whether this process is sending this very attempt now.
    pub sending: bool,
    /// When this process first read (or wrote) this attempt in this state.
    pub first_read: Moment,
    pub evidence: &'a Evidence,
    /// Begin of the first of two listings without a bound number.
    pub absent_since: Option<Moment>,
    /// Purchases of other records.
    pub explained: &'a [Explained],
    pub spans: Spans,
    pub removal: Removal,
}

/// What stands for and against the record's removal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Removal {
    /// Whether an administrator gives the record up.
    pub forget: bool,
    pub deleting: bool,
    pub has_finalizer: bool,
}

/// What to do about a record.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordStep {
    /// Nothing, until something changes.
    Rest,
    /// Nothing before that moment.
    Wait(Moment),
    Read(Need),
    Write(Change),
    Delete,
    DropFinalizer,
}

/// The intervals of verification after the first second: growing, then every 15 s.
const VERIFY_AFTER: [u64; 4] = [1, 3, 7, 15];
const VERIFY_EVERY: Duration = Duration::from_secs(15);

/// A bound number is lost when two listings so far apart do not have it.
const LOST_AFTER: Duration = Duration::from_mins(1);

/// Decides what to do about a record. Nothing here ever sends: whoever reads an open attempt verifies it (R1).
#[must_use]
pub fn record(observed: &RecordObserved<'_>, now: Moment) -> RecordStep {
    let attempt = &observed.record.spec.attempt;
    if observed.record.spec.account != *observed.account || observed.holder == Holder::Unwatched {
        return RecordStep::Rest;
    }
    if observed.removal.forget && observed.removal.has_finalizer {
        return RecordStep::DropFinalizer;
    }
    match attempt.state {
        AttemptState::Open if observed.sending => RecordStep::Rest,
        AttemptState::Open => verify(observed, now),
        AttemptState::NeedsDecision => decide(observed, now),
        AttemptState::Bound => keep(observed, now),
        AttemptState::Failed => retire(observed),
    }
}

/// A settled failure holds nothing back, and is of no use without its claim (R8).
fn retire(observed: &RecordObserved<'_>) -> RecordStep {
    match (observed.removal.deleting, observed.removal.has_finalizer, observed.holder) {
        (true, true, _) => RecordStep::DropFinalizer,
        (false, _, Holder::Gone) => RecordStep::Delete,
        _ => RecordStep::Rest,
    }
}

/// R4: presence proves, absence does not; and absence counts only once the attempt has had its time.
fn verify(observed: &RecordObserved<'_>, now: Moment) -> RecordStep {
    let attempt = &observed.record.spec.attempt;
    if let Some(bind) = presence(observed, observed.first_read) {
        return RecordStep::Write(bind);
    }
    let settles = settle_moment(attempt, observed.first_read, observed.spans);
    // Sums are for the message: what cannot be read in time must not keep the attempt open.
    if !now.reached(settles)
        && let Some(step) = ask_for_funds(observed)
    {
        return step;
    }
    if now.reached(settles) {
        return settle(observed, on_one_clock(settles, now), now);
    }
    let next = next_verification(observed);
    if now.mono < next.mono {
        return RecordStep::Wait(if now.until(settles) < now.until(next) { settles } else { next });
    }
    RecordStep::Read(Need { presence: Some(next), ..Need::default() })
}

/// Both clocks must agree that the span has passed: the wall clock since the attempt was opened, our own since we
/// first read it. The first may have been set, the second has not seen what was before.
fn settle_moment(attempt: &Attempt, first_read: Moment, spans: Spans) -> Moment {
    let span = spans.until_settled();
    Moment { wall: attempt.opened_at.after(span), mono: first_read.mono + span }
}

/// A moment that both clocks have reached, by the monotonic clock alone: evidence that was begun before the later of
/// the two had reached it is too old.
fn on_one_clock(moment: Moment, now: Moment) -> Moment {
    let since = Duration::try_from(now.wall.duration_since(moment.wall)).unwrap_or_default();
    Moment { mono: moment.mono.max(now.mono.saturating_sub(since)), ..moment }
}

fn next_verification(observed: &RecordObserved<'_>) -> Moment {
    let first = observed.first_read;
    let asked = [observed.evidence.search.begun(), observed.evidence.listing.begun()];
    let last = asked.into_iter().flatten().map(|begun| begun.mono).max().unwrap_or_default();
    // What was found owned before the record was written is confirmed at once, not after a second.
    let soonest =
        if observed.record.spec.attempt.origin == Origin::Adoption { Some(Duration::ZERO) } else { None };
    let listed = soonest.into_iter().chain(VERIFY_AFTER.map(Duration::from_secs));
    let regular = (2..).map(|times| VERIFY_EVERY * times);
    let due = listed.chain(regular).map(|after| first.plus(after)).find(|due| due.mono > last);
    due.unwrap_or(first)
}

/// Ownership, in an answer begun at `since` or later.
fn presence(observed: &RecordObserved<'_>, since: Moment) -> Option<Change> {
    let readings = [&observed.evidence.listing, &observed.evidence.search];
    readings.into_iter().find_map(|reading| match reading.since(since) {
        Fresh::Value(begun, rows) => match judge(observed, rows) {
            Verdict::Owned(row) => Some(Change::Bind { listed: Box::new(row.clone()), begun }),
            Verdict::Undecided | Verdict::Absent => None,
        },
        Fresh::Missing | Fresh::Stale => None,
    })
}

fn judge<'a>(observed: &RecordObserved<'_>, rows: &'a [crate::vobiz::ListedNumber]) -> Verdict<'a> {
    let spec = &observed.record.spec;
    let named = spec.attempt.answer.as_ref().and_then(|answer| answer.owner.as_ref());
    verdict(rows, spec.e164, observed.account, named)
}

/// A failed debit is shown with the sum needed and the sum available, and a 500 is believed to be one only if they
/// do not say otherwise (R3).
fn ask_for_funds(observed: &RecordObserved<'_>) -> Option<RecordStep> {
    let attempt = &observed.record.spec.attempt;
    let answer = attempt.answer.as_ref()?;
    if answer.outcome != Outcome::PaymentFailed || answer.funds.is_some() {
        return None;
    }
    Some(match observed.evidence.funds.since(observed.first_read) {
        Fresh::Stale => {
            RecordStep::Read(Need { funds: Some((observed.first_read, attempt.currency)), ..Need::default() })
        }
        Fresh::Missing => RecordStep::Write(Change::Funds(Funds::Unknown, FundsRead::default())),
        Fresh::Value(_, read) => {
            let funds = match (read.required, read.available) {
                (Some(required), Some(available)) if required > available => Funds::Insufficient,
                (Some(_), Some(_)) => Funds::Sufficient,
                _ => Funds::Unknown,
            };
            RecordStep::Write(Change::Funds(funds, *read))
        }
    })
}

/// The attempt has had its time: one full listing and one ledger, both begun after it, decide.
fn settle(observed: &RecordObserved<'_>, settles: Moment, now: Moment) -> RecordStep {
    let attempt = &observed.record.spec.attempt;
    let from = earlier(debits_count_from(attempt));
    let listing = observed.evidence.listing.since(settles);
    let ledger = match observed.evidence.ledger.since(settles) {
        Fresh::Value(_, read) if read.from > from => Fresh::Stale,
        other => other,
    };
    let need = Need {
        listing: matches!(listing, Fresh::Stale).then_some(settles),
        ledger: matches!(ledger, Fresh::Stale).then_some((settles, from)),
        ..Need::default()
    };
    if need != Need::default() {
        return RecordStep::Read(need);
    }
    let ownership = match listing {
        Fresh::Value(_, rows) if judge(observed, rows) == Verdict::Undecided => Ownership::Undecided,
        Fresh::Value(..) => Ownership::Absent,
        Fresh::Missing | Fresh::Stale => Ownership::Unverifiable,
    };
    let debits = match ledger {
        Fresh::Value(_, read) => match debits(observed, &read.rows, settles, now) {
            Debits::Known(debits) => Some(debits),
            Debits::NotYet(step) => return step,
        },
        Fresh::Missing | Fresh::Stale => None,
    };
    conclude(attempt, ownership, debits)
}

/// A purchase is debited after its attempt was opened. An adoption asks about whatever was found before it.
fn debits_count_from(attempt: &Attempt) -> jiff::Timestamp {
    let opened = attempt.opened_at.at();
    match attempt.origin {
        Origin::Purchase => opened,
        Origin::Adoption => opened.saturating_sub(LEDGER_LOOKBACK).unwrap_or(opened),
    }
}

/// The verdict on an attempt that is not listed as ours. `debits` is `None` where there is no ledger.
fn conclude(attempt: &Attempt, ownership: Ownership, debits: Option<Vec<Debit>>) -> RecordStep {
    let refused = attempt.answer.as_ref().is_some_and(is_explicit_refusal);
    match (ownership, debits) {
        (_, Some(debits)) if !debits.is_empty() => needs_decision(debits, ownership),
        (Ownership::Undecided, _) => needs_decision(Vec::new(), ownership),
        (Ownership::Absent, Some(_)) => RecordStep::Write(Change::Fail(ownership)),
        // Something could not be had. Vobiz's explicit refusal then stands on its word; nothing else does.
        _ if refused => RecordStep::Write(Change::Fail(Ownership::Unverifiable)),
        _ => needs_decision(Vec::new(), Ownership::Unverifiable),
    }
}

fn needs_decision(debits: Vec<Debit>, ownership: Ownership) -> RecordStep {
    RecordStep::Write(Change::AskForDecision { debits, ownership })
}

/// Debits without ownership: those that name the number, else those of equal amount that name none. The amount is
/// read from the inventory, where the number still stands if it was not bought.
fn debits(
    observed: &RecordObserved<'_>,
    rows: &[crate::vobiz::LedgerRow],
    settles: Moment,
    now: Moment,
) -> Debits {
    let spec = &observed.record.spec;
    let ledger = Ledger {
        rows,
        e164: spec.e164,
        since: debits_count_from(&spec.attempt),
        answered: &spec.attempt.answered_debits,
    };
    let named = ledger.named();
    if !named.is_empty() {
        return Debits::Known(named);
    }
    let unnamed = ledger.unnamed(observed.explained);
    if unnamed.is_empty() {
        return Debits::Known(unnamed);
    }
    let ask = |since| Need { funds: Some((since, spec.attempt.currency)), ..Need::default() };
    Debits::Known(match observed.evidence.funds.since(settles) {
        Fresh::Stale => return Debits::NotYet(RecordStep::Read(ask(settles))),
        // An inventory that cannot be read now says nothing about the price; it is asked again after a while.
        Fresh::Value(begun, read) if !read.inventory_read => {
            let again = begun.plus(VERIFY_EVERY);
            let due = now.mono >= again.mono;
            return Debits::NotYet(if due { RecordStep::Read(ask(again)) } else { RecordStep::Wait(again) });
        }
        // Without a price (the number may have been sold to somebody else meanwhile) any such debit may be ours, unless
        // Vobiz refused in words.
        Fresh::Value(_, price @ FundsRead { required: Some(_), .. }) => {
            unnamed.into_iter().filter(|debit| is_equal_sum(debit, price)).collect()
        }
        _ if spec.attempt.answer.as_ref().is_some_and(is_explicit_refusal) => Vec::new(),
        Fresh::Missing | Fresh::Value(..) => unnamed,
    })
}

enum Debits {
    Known(Vec<Debit>),
    NotYet(RecordStep),
}

fn is_equal_sum(debit: &Debit, price: &FundsRead) -> bool {
    price.required.is_some()
        && debit.amount == price.required
        && (debit.currency.is_none() || price.currency.is_none() || debit.currency == price.currency)
}

/// A 4xx, or the documented 500, in Vobiz's own words.
fn is_explicit_refusal(answer: &Answer) -> bool {
    let refused = match answer.outcome {
        Outcome::NotFound
        | Outcome::PaymentFailed
        | Outcome::Unauthorized
        | Outcome::RateLimited
        | Outcome::Rejected => true,
        Outcome::Purchased | Outcome::NotSent | Outcome::Unknown => false,
    };
    refused && (answer.code.is_some() || answer.message.is_some())
}

/// R10: only ownership that appears later, or an administrator, decides.
fn decide(observed: &RecordObserved<'_>, now: Moment) -> RecordStep {
    match presence(observed, observed.first_read) {
        Some(bind) => RecordStep::Write(bind),
        None => unclaim(observed, now),
    }
}

/// R7 and R8: a bound number follows the listing, is never bought again, and outlives its claim.
fn keep(observed: &RecordObserved<'_>, now: Moment) -> RecordStep {
    let settled = bound_and_settled(observed);
    if let Fresh::Value(begun, rows) = observed.evidence.listing.since(settled)
        && begun.wall >= settled.wall
    {
        match judge(observed, rows) {
            Verdict::Owned(row) if Change::would_refresh(observed.record, row) => {
                return RecordStep::Write(Change::Refresh { listed: Box::new(row.clone()), begun });
            }
            Verdict::Absent if !Change::is_lost(observed.record) => {
                return confirm_loss(observed, begun, now);
            }
            _ => {}
        }
    }
    unclaim(observed, now)
}

fn confirm_loss(observed: &RecordObserved<'_>, begun: Moment, now: Moment) -> RecordStep {
    let Some(first) = observed.absent_since else { return unclaim(observed, now) };
    let second = first.plus(LOST_AFTER);
    if begun.mono >= second.mono {
        return RecordStep::Write(Change::Lose { begun });
    }
    match unclaim(observed, now) {
        RecordStep::Rest if now.mono < second.mono => RecordStep::Wait(second),
        RecordStep::Rest => RecordStep::Read(Need { listing: Some(second), ..Need::default() }),
        step => step,
    }
}

/// Before that, a listing may lag behind the purchase.
fn bound_and_settled(observed: &RecordObserved<'_>) -> Moment {
    let attempt = &observed.record.spec.attempt;
    let bound = attempt.settled_at.unwrap_or(attempt.opened_at);
    let since_bind = bound.after(observed.spans.settle);
    // Read after the restart of a process, a binding that is old enough need not be waited for again.
    let waited = observed.first_read.wall >= since_bind;
    let mono =
        if waited { observed.first_read.mono } else { observed.first_read.mono + observed.spans.settle };
    Moment { wall: since_bind, mono }
}

fn unclaim(observed: &RecordObserved<'_>, _now: Moment) -> RecordStep {
    if observed.holder == Holder::Gone && !Change::is_unclaimed(observed.record) {
        return RecordStep::Write(Change::Unclaim);
    }
    RecordStep::Rest
}

/// Whether the latest listing that counts does not have a bound number, and when it was begun.
#[must_use]
pub fn is_listed_absent(observed: &RecordObserved<'_>) -> Option<Moment> {
    if observed.record.spec.attempt.state != AttemptState::Bound {
        return None;
    }
    let settled = bound_and_settled(observed);
    match observed.evidence.listing.since(settled) {
        Fresh::Value(begun, rows) if begun.wall >= settled.wall => {
            matches!(judge(observed, rows), Verdict::Absent).then_some(begun)
        }
        _ => None,
    }
}
