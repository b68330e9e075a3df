//! Decides what to do about a claim.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Clocks, Gate, GateCause, Holder, Moment, bounds,
    change::{Change, Intent},
    evidence::{Evidence, EvidenceRequest, Fresh, Source, earlier},
    guard::{self, Guard},
    look::{answered_debits, debits, debits_from},
    ownership::{Verdict, verdict},
};
use crate::{
    api::{Attempt, AttemptState, Debit, Origin, PhoneNumber, PhoneNumberClaim},
    domain::AccountId,
};

/// All that a claim's next step depends on.
pub struct ClaimObserved<'a> {
    pub claim: &'a PhoneNumberClaim,
    /// The record of the claim's number.
    pub record: Option<&'a PhoneNumber>,
    /// Whether there is one that this version cannot read, because a later one has written it.
    pub newer: bool,
    /// Whether the claim that the record names lives, if it is another one.
    pub holder: Holder,
    /// The account that calls are made with.
    pub account: &'a AccountId,
    pub gate: &'a Gate,
    /// How far our clock is from others'.
    pub clocks: Clocks,
    pub evidence: &'a Evidence,
    /// The value of the claim's retry annotation.
    pub retry_token: Option<&'a str>,
    /// When this process first had this claim, with this goal, before it: what is looked at must be younger.
    pub goal_since: Moment,
    /// No attempt before that moment: back-off, or a record that vanished while it was open.
    pub not_before: Option<Moment>,
    /// Purchases and adoptions are on hold until then (R11), or were.
    pub hold_until: Option<Moment>,
    /// Whether a slot of the rate limit and of the concurrency limit is at hand.
    pub slot: bool,
}

/// What to do about a claim. What it is told is decided in [`crate::conditions`].
#[derive(Debug, Clone, PartialEq)]
pub enum ClaimStep {
    /// Nothing, until something changes.
    Rest,
    /// Nothing before that moment.
    Wait(Moment),
    /// Nothing before the account may be called again.
    AwaitGate,
    /// Nothing before our clock agrees with others'.
    AwaitClocks,
    Read(EvidenceRequest),
    /// Wants a slot.
    Queue,
    /// Write the intent, read the claim again, send the one POST.
    Purchase(Intent),
    /// Write the record open, without permission to send: verification decides.
    OpenUnsent(Intent),
    /// Take over what is recorded; no POST.
    Bind,
    /// Nothing while that account, which is of the same family, has the number.
    Elsewhere(AccountId),
}

/// How a claim stands to the record of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    NoRecord,
    /// The record names this claim.
    Ours,
    /// The record's claim is gone, and this one may take its place.
    Inherits,
    /// The record's claim is gone, and its attempt must settle first.
    AwaitsSettlement,
    /// There is a record that this version cannot read: it occupies its number, and nothing is done about it.
    Newer,
    Conflict(ConflictWith),
}

/// Who has the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictWith {
    /// A claim that lives, or that cannot be read from here.
    Claim,
    /// A claim that is gone, of another namespace.
    Namespace,
    /// Another Vobiz account.
    Account,
}

/// What a new attempt would be for; the evidence for it must be younger than the goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The claim's first attempt.
    First,
    /// Another one, after a failure that was not the claim's, or after a process died.
    Automatic,
    /// Another one, because the user asked with this token.
    Token(String),
}

/// R5 and R8.
#[must_use]
pub fn relation(observed: &ClaimObserved<'_>) -> Relation {
    if observed.newer {
        return Relation::Newer;
    }
    let Some(record) = observed.record else { return Relation::NoRecord };
    if guard::on(Guard::AccountOfRecord) && record.spec.account != *observed.account {
        return Relation::Conflict(ConflictWith::Account);
    }
    let state = record.spec.attempt.state;
    let unsettled = state == AttemptState::Open && guard::on(Guard::DeadClaimsAttempt);
    let inherits = if unsettled { Relation::AwaitsSettlement } else { Relation::Inherits };
    let Some(named) = &record.spec.claim_ref else { return inherits };
    if Some(&named.uid) == observed.claim.metadata.uid.as_ref() {
        return Relation::Ours;
    }
    let same_namespace =
        Some(&named.namespace) == observed.claim.metadata.namespace.as_ref() || !guard::on(Guard::Namespace);
    match observed.holder {
        Holder::Lives | Holder::Unwatched if guard::on(Guard::LivingClaim) => {
            Relation::Conflict(ConflictWith::Claim)
        }
        _ if same_namespace || state == AttemptState::Failed => inherits,
        _ => Relation::Conflict(ConflictWith::Namespace),
    }
}

/// What the claim may attempt now, if anything.
#[must_use]
pub fn goal(observed: &ClaimObserved<'_>) -> Option<Goal> {
    if observed.claim.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let attempt = &observed.record.map(|record| &record.spec.attempt);
    // A failure whose record is being deleted is about to be forgotten; a new attempt would be stored in what goes.
    let deleting = observed.record.is_some_and(|record| record.metadata.deletion_timestamp.is_some());
    if deleting && attempt.is_some_and(|attempt| attempt.state == AttemptState::Failed) {
        return None;
    }
    match (relation(observed), attempt) {
        (Relation::NoRecord, _) => Some(Goal::First),
        (Relation::Inherits, Some(attempt)) if attempt.state == AttemptState::Failed => Some(Goal::First),
        #[cfg(test)]
        (Relation::Inherits, Some(attempt)) if attempt.state == AttemptState::Open => Some(Goal::First),
        (Relation::Ours, Some(attempt)) => permitted(attempt, observed.retry_token),
        _ => None,
    }
}

/// R6 and R10: after a failure, who may ask for another attempt.
fn permitted(attempt: &Attempt, token: Option<&str>) -> Option<Goal> {
    let fresh = token.filter(|token| !token.is_empty() && !bounds::is_spent(attempt, token));
    let asked = fresh.map(|token| Goal::Token(token.to_owned()));
    match attempt.state {
        #[cfg(test)]
        AttemptState::Open if !guard::on(Guard::ReaderNeverSends) => Some(Goal::Automatic),
        AttemptState::Open | AttemptState::Bound => None,
        // Only the very attempt that needs the decision: a token that was meant for something else decides nothing.
        AttemptState::NeedsDecision => asked
            .filter(|_| fresh == Some(attempt.id.to_string().as_str()) || !guard::on(Guard::DecisionByItsId)),
        AttemptState::Failed => asked.or_else(|| is_retried_unasked(attempt).then_some(Goal::Automatic)),
    }
}

/// Whether a failure was not for the claim's own sake, or the process died before it could know.
#[must_use]
pub fn is_retried_unasked(attempt: &Attempt) -> bool {
    if attempt.origin == Origin::Adoption {
        return true;
    }
    match attempt.answer.as_ref().map(|answer| answer.outcome) {
        None => !attempt.automatic_retry_used || !guard::on(Guard::OneAutomatic),
        Some(outcome) => outcome.holds_account() || !guard::on(Guard::AskedAfterRefusal),
    }
}

/// Decides what to do about a claim.
#[must_use]
pub fn claim(observed: &ClaimObserved<'_>, now: Moment) -> ClaimStep {
    let settled = |state| matches!(state, AttemptState::Bound | AttemptState::NeedsDecision);
    let bindable = observed.record.filter(|record| settled(record.spec.attempt.state));
    // An administrator who hands a number over names the claim in the record, which still says that it has none.
    let binds = match relation(observed) {
        Relation::Inherits => bindable.is_some(),
        Relation::Ours => bindable.is_some_and(Change::is_unclaimed),
        Relation::NoRecord | Relation::AwaitsSettlement | Relation::Conflict(_) | Relation::Newer => false,
    };
    if binds {
        let deleting = observed.claim.metadata.deletion_timestamp.is_some();
        return if deleting { ClaimStep::Rest } else { ClaimStep::Bind };
    }
    let Some(goal) = goal(observed) else { return ClaimStep::Rest };
    if let Some(until) = observed.hold_until.filter(|until| guard::on(Guard::Hold) && !now.waited(*until)) {
        return ClaimStep::Wait(now.when(until));
    }
    let asked = matches!(goal, Goal::Token(_));
    if let Some(until) = observed.not_before.filter(|until| !asked && !now.waited(*until)) {
        return ClaimStep::Wait(now.when(until));
    }
    let look = look(observed, &goal, now);
    // Before the gate: what the list has shown stays true while it cannot be read.
    if let Look::Elsewhere(owner) = look {
        return ClaimStep::Elsewhere(owner);
    }
    let limited = match observed.gate {
        Gate::Open => false,
        // What is owned already can be told, and taken over, while nothing may be sent.
        Gate::Held(GateCause::PurchasesLimited, _) => true,
        Gate::Held(GateCause::Credentials | GateCause::RateLimited | GateCause::Unavailable, _) => {
            return ClaimStep::AwaitGate;
        }
    };
    // An attempt that is dated wrong is judged by the wrong debits.
    if observed.clocks.are_wrong() {
        return ClaimStep::AwaitClocks;
    }
    match look {
        Look::Needs(need) => ClaimStep::Read(need),
        Look::Elsewhere(owner) => ClaimStep::Elsewhere(owner),
        Look::OwnedOrDebited { from, debits } => ClaimStep::OpenUnsent(Intent {
            debits_from: Some(from),
            found_debits: debits,
            ..intent(observed, &goal, Origin::Adoption)
        }),
        Look::Clear { .. } if limited => ClaimStep::AwaitGate,
        Look::Clear { looked_up, from } if observed.slot => ClaimStep::Purchase(Intent {
            looked_up,
            debits_from: Some(from),
            ..intent(observed, &goal, Origin::Purchase)
        }),
        Look::Clear { .. } => ClaimStep::Queue,
    }
}

enum Look {
    Needs(EvidenceRequest),
    OwnedOrDebited {
        from: Timestamp,
        debits: Vec<Debit>,
    },
    /// Another account of the family has it.
    Elsewhere(AccountId),
    /// Neither owned nor debited (since `from`), or Vobiz has no endpoint that could tell.
    Clear {
        looked_up: bool,
        from: Timestamp,
    },
}

/// What an endpoint says, before anything is sent, about whether the number may be ours already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// It has not been asked late enough.
    Unasked,
    Ours,
    NotOurs,
    /// There is no such endpoint.
    NoEndpoint,
}

/// Looks before anything is sent, in answers begun after the goal was first seen, and after whatever had to be waited
/// for: what was read for others while a purchase might still take effect does not show it.
fn look(observed: &ClaimObserved<'_>, goal: &Goal, now: Moment) -> Look {
    let waited = [observed.hold_until, observed.not_before].into_iter().flatten();
    let waited = waited.filter(|until| guard::on(Guard::LookAfterWait) && now.waited(*until));
    let mut since =
        waited.fold(observed.goal_since, |since, until| Moment { mono: since.mono.max(until.mono), ..since });
    if !guard::on(Guard::LookAfterGoal) {
        since.mono = Duration::ZERO;
    }
    // The wall clock may have been wrong when the goal was seen first, and set right since.
    let earliest = Moment { wall: since.wall.min(now.when(observed.goal_since).wall), ..since };
    let from = debits_from(observed, goal, earliest);
    let presence = presence(observed, since);
    let (debited, debits) = debits(observed, goal, since, from);
    let owned = presence == Said::Ours && guard::on(Guard::LookForOwner);
    // A debit may be the other account's own: they are all in one ledger.
    if let Some(owner) = owner_elsewhere(observed, since).filter(|_| !owned) {
        return Look::Elsewhere(owner);
    }
    if owned || (debited == Said::Ours && guard::on(Guard::LookForDebit)) {
        return Look::OwnedOrDebited { from, debits };
    }
    if presence == Said::Unasked || debited == Said::Unasked {
        let e164 = observed.claim.spec.e164;
        let lacks = [
            (presence == Said::Unasked).then_some(Source::Search(e164)),
            // With the clocks' difference: what counts must have been read.
            (debited == Said::Unasked).then_some(Source::Ledger { from: earlier(from) }),
        ];
        return Look::Needs(EvidenceRequest::new(since, lacks.into_iter().flatten()));
    }
    Look::Clear { looked_up: presence == Said::NotOurs && debited == Said::NotOurs, from }
}

fn presence(observed: &ClaimObserved<'_>, since: Moment) -> Said {
    let readings = [&observed.evidence.listing, &observed.evidence.search];
    let said = readings.map(|reading| match reading.since(since) {
        Fresh::Value(_, rows) if is_ours(observed, rows) => Said::Ours,
        Fresh::Value(..) => Said::NotOurs,
        Fresh::Missing => Said::NoEndpoint,
        Fresh::Stale => Said::Unasked,
    });
    let strongest = [Said::Ours, Said::NotOurs, Said::NoEndpoint];
    strongest.into_iter().find(|one| said.contains(one)).unwrap_or(Said::Unasked)
}

/// The other account that has the number, by the newest list: it may have been handed back since an older one.
fn owner_elsewhere(observed: &ClaimObserved<'_>, since: Moment) -> Option<AccountId> {
    let readings = [&observed.evidence.search, &observed.evidence.listing];
    let lists = readings.into_iter().filter_map(|reading| match reading.since(since) {
        Fresh::Value(begun, rows) => Some((begun.mono, rows)),
        Fresh::Missing | Fresh::Stale => None,
    });
    let (_, rows) = lists.max_by_key(|(begun, _)| *begun)?;
    match verdict(rows, observed.claim.spec.e164, observed.account, None) {
        Verdict::Elsewhere(owner) => Some(owner.clone()),
        Verdict::Owned(_) | Verdict::InDoubt(_) | Verdict::Undecided | Verdict::Absent => None,
    }
}

/// What is listed in a way that decides nothing is left to verification as well: nothing is sent for it.
fn is_ours(observed: &ClaimObserved<'_>, rows: &[crate::domain::ListedNumber]) -> bool {
    match verdict(rows, observed.claim.spec.e164, observed.account, None) {
        Verdict::Owned(_) | Verdict::InDoubt(_) | Verdict::Undecided => true,
        Verdict::Elsewhere(_) | Verdict::Absent => false,
    }
}

/// A token that is present at the first attempt counts as used: it cannot have been meant for a failure.
fn intent(observed: &ClaimObserved<'_>, goal: &Goal, origin: Origin) -> Intent {
    let previous = observed.record.map(|record| &record.spec.attempt);
    let mut spent_tokens = previous.map(|attempt| attempt.spent_tokens.clone()).unwrap_or_default();
    spent_tokens.extend(
        observed
            .retry_token
            .filter(|_| *goal == Goal::First && guard::on(Guard::TokenAtFirst))
            .map(str::to_owned),
    );
    let older_spent_tokens = previous.map(bounds::older_spent).unwrap_or_default();
    let mut automatic_retry_used = previous.is_some_and(|attempt| attempt.automatic_retry_used);
    match goal {
        Goal::First => automatic_retry_used = false,
        Goal::Automatic => {
            let died = previous
                .is_some_and(|attempt| attempt.answer.is_none() && attempt.origin == Origin::Purchase);
            automatic_retry_used |= died;
        }
        Goal::Token(token) => {
            spent_tokens.extend(Some(token.clone()).filter(|_| guard::on(Guard::TokenSpent)));
            automatic_retry_used = false;
        }
    }
    Intent {
        origin,
        currency: observed.claim.spec.currency,
        spent_tokens,
        older_spent_tokens,
        automatic_retry_used,
        answered_debits: answered_debits(observed, goal),
        debits_from: None,
        found_debits: Vec::new(),
        looked_up: true,
    }
}
