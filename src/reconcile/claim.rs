//! Reconciles a claim: observes, plans, performs one step.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Again, Context, intent, newer};
use crate::{
    account::Account,
    api::{
        AttemptState, ClaimRef, ConditionType, EventKind, ObjectKey, PhoneNumber, PhoneNumberClaim,
        PhoneNumberClaimStatus, PriceReason, Seen,
    },
    conditions::{self, ClaimFacts, SHOWN_AFTER},
    plan::{
        self, Change, ClaimLiveness, ClaimObserved, ClaimStep, Decision, Gate, Moment, Relation, SEND_WINDOW,
        TurnEnd, Wake,
    },
    store::StoreError,
};

/// What is known of a claim's number.
pub(super) struct Known {
    record: Option<Arc<Seen<PhoneNumber>>>,
    /// The claim that the record names, if it is another one.
    holder: Option<Arc<PhoneNumberClaim>>,
}

impl Known {
    pub(super) fn of(context: &Context, claim: &PhoneNumberClaim) -> Self {
        let record = context.seen(claim.number());
        let named = record.as_deref().and_then(Seen::read).and_then(|record| record.spec.claim_ref.as_ref());
        let holder = named.filter(|named| !is_named(claim, named)).and_then(|named| context.claim(named));
        Self { record, holder }
    }
}

fn is_named(claim: &PhoneNumberClaim, named: &ClaimRef) -> bool {
    claim.metadata.uid.as_ref() == Some(&named.uid)
}

/// All that the claim's next step depends on.
pub(super) async fn observe<'a>(
    context: &Context,
    claim: &'a PhoneNumberClaim,
    known: &'a Known,
    now: Moment,
) -> Result<ClaimObserved<'a>, StoreError> {
    let e164 = claim.number();
    let seen = known.record.as_deref();
    let record = seen.and_then(Seen::read).map(|record| &**record);
    let named = record.and_then(|record| record.spec.claim_ref.as_ref());
    let ours = named.is_some_and(|named| is_named(claim, named));
    let liveness = if ours { ClaimLiveness::Lives } else { context.liveness(named).await? };
    match (record, seen) {
        (Some(record), _) => drop(context.memory.see(record, now)),
        // It has not vanished, but its number is not this version's to judge.
        (None, Some(_)) => {}
        (None, None) => context.memory.vanished(e164, now, context.timeouts),
    }
    let accounts = context.accounts.known();
    let (served, account) = accounts.serve(claim, record);
    Ok(ClaimObserved {
        claim,
        record,
        newer: record.is_none() && seen.is_some(),
        liveness,
        holder: known.holder.as_deref().filter(|_| liveness == ClaimLiveness::Lives),
        served,
        gate: account.map_or(Gate::Open, |account| account.gate()),
        clocks: account.map(|account| account.clocks()).unwrap_or_default(),
        evidence: account.map(|account| account.evidence(e164)).unwrap_or_default(),
        retry_token: plan::retry_token(claim).usable(),
        not_before: context.memory.not_before(e164),
        hold_until: context.hold_until,
        in_line: account.is_some_and(|account| account.queue.has_in_line(claim)),
    })
}

pub(super) fn decide(context: &Context, observed: &ClaimObserved<'_>, now: Moment) -> Decision {
    let uid = observed.claim.uid().unwrap_or_default();
    let decision = plan::decide_claim(observed, context.memory.wanted(&uid).as_ref(), now);
    context.remember(&uid, decision.to_remember());
    if decision.told.as_ref().is_some_and(|told| told.reason.holds_the_claim()) {
        // Its end is what is waited for, and no pause after what was withheld.
        context.memory.start_over(observed.claim.number());
    }
    decision
}

/// What the API server says to the write that the step calls for, while it does not take it.
fn refusal(
    context: &Context,
    observed: &ClaimObserved<'_>,
    step: &ClaimStep,
    failed: Option<&StoreError>,
    now: Moment,
) -> Option<String> {
    let claim = observed.claim;
    match step {
        ClaimStep::Purchase(_) | ClaimStep::OpenUnsent(_) => {
            context.account(observed)?.queue.last_refusal(&claim.uid().unwrap_or_default())
        }
        // What passes by itself within seconds is worth no write.
        ClaimStep::Bind => failed
            .filter(|_| context.setbacks.reconciles.lasts(&ObjectKey::of(claim), now.mono) >= SHOWN_AFTER)
            .map(ToString::to_string),
        ClaimStep::Rest | ClaimStep::Await(_) => None,
    }
}

/// Brings one claim a step further, and tells it what is known.
pub async fn reconcile_claim(
    seen: Arc<Seen<PhoneNumberClaim>>,
    context: Arc<Context>,
) -> Result<Again, StoreError> {
    let claim = match &*seen {
        Seen::Read(claim) => context.told.as_told(claim.clone()),
        Seen::Newer(claim) => return newer::tell(&context, &seen, claim).await,
    };
    let now = context.clock.now();
    let known = Known::of(&context, &claim);
    // First: what is observed is no older than what is said to be handled.
    let handled = look_now(&context, &claim, &known, now);
    let observed = observe(&context, &claim, &known, now).await?;
    let decision = decide(&context, &observed, now);
    let handled = handled.filter(|_| !decision.step.lacks_evidence()).or_else(|| handled_before(&claim));
    let performed =
        perform(&context, &observed, &decision.step, now).await.map(|performed| match performed {
            Performed::ComesBack(after) => after,
            Performed::Opened(account, end) => context.intent_ended(&account, &claim, end),
        });
    // Even where the step failed, the claim is told what is known.
    let failed = performed.as_ref().err().filter(|error| !error.is_overtaken());
    let unstored = observed.record.and_then(|record| context.outcomes.unstored(record.spec.attempt.id));
    let unstored = unstored.filter(|unstored| now.mono.saturating_sub(unstored.since) >= SHOWN_AFTER);
    let refused = refusal(&context, &observed, &decision.step, failed, now);
    let facts = ClaimFacts {
        observed: &observed,
        decision: &decision,
        refused: refused.as_deref(),
        unstored: unstored.as_deref(),
        handled: handled.as_deref(),
        line_length: context.account(&observed).map_or(0, |account| account.queue.line_length()),
        timeouts: context.timeouts,
    };
    let shown = publish_status(&context, &facts, now).await;
    let named = observed.record.and_then(|record| record.spec.claim_ref.as_ref());
    let liveness = context.liveness_again(observed.liveness, named);
    Ok([performed?, shown?, liveness].into_iter().flatten().min())
}

/// How often a claim looks whether the clocks agree again.
const CLOCKS_EVERY: Duration = Duration::from_secs(15);

/// What a claim is told of an open attempt is looked at so often at least: neither a clock that was set nor clocks that
/// agree again wake it.
const OPEN_EVERY: Duration = Duration::from_mins(1);

/// What became of a step.
pub(super) enum Performed {
    /// The claim is to come back then, if nothing else will bring it back.
    ComesBack(Option<Duration>),
    /// The intent of an attempt that is not sent was to be written with that account. Its end is noted once: a turn that notes
    /// another clears the pause of a refusal.
    Opened(Arc<Account>, TurnEnd),
}

/// Performs the step.
pub(super) async fn perform(
    context: &Context,
    observed: &ClaimObserved<'_>,
    step: &ClaimStep,
    now: Moment,
) -> Result<Performed, StoreError> {
    let (claim, account) = (observed.claim, context.account(observed));
    let comes_back = match (step, account) {
        (ClaimStep::Await(wake), _) => wait(context, observed, wake, now),
        (ClaimStep::Purchase(_), Some(account)) => context.enqueue(&account, claim).await,
        (ClaimStep::OpenUnsent(attempt), Some(account)) => {
            let id = intent::fresh_id();
            if let Some(pause) = account.queue.paused_for(&claim.uid().unwrap_or_default()) {
                return Ok(Performed::ComesBack(Some(pause)));
            }
            let written =
                intent::write(context, &account, claim, observed.record, attempt.clone(), id, now).await;
            let end = written.map_or_else(|error| intent::in_vain(&error), |_| TurnEnd::Done);
            return Ok(Performed::Opened(account, end));
        }
        (ClaimStep::Bind, _) => {
            if let Some(record) = observed.record {
                let bound = context.changed(record, Change::Claim(claim.reference()), now);
                context.replace(&bound).await?;
            }
            None
        }
        (ClaimStep::Rest | ClaimStep::Purchase(_) | ClaimStep::OpenUnsent(_), _) => None,
    };
    Ok(Performed::ComesBack(comes_back))
}

/// Has the claim brought back; returns when, if that is a matter of time alone.
fn wait(context: &Context, observed: &ClaimObserved<'_>, wake: &Wake, now: Moment) -> Option<Duration> {
    let key = ObjectKey::of(observed.claim);
    // Without an account, what is known of them changes first.
    let account = context.account(observed);
    match wake {
        Wake::At(until) => return Some(now.until(*until)),
        Wake::GateOpensOr(until) => {
            account?.request_gate(key);
            return Some(now.until(*until));
        }
        Wake::ClocksAgree => return Some(CLOCKS_EVERY),
        Wake::GateOpens => account?.request_gate(key),
        Wake::Evidence(request) => account?.request(key, request.clone()),
        Wake::NextListing => account?.request_next_listing(key, observed.evidence.listing.begun()),
        // Their watches bring it back.
        Wake::ClaimChanges | Wake::AccountsChange => {}
    }
    None
}

fn handled_before(claim: &PhoneNumberClaim) -> Option<String> {
    claim.status.as_ref()?.last_handled_reconcile_at.clone()
}

/// Has the account looked at if the claim's user asks for that; returns what was asked with when it was last.
fn look_now(context: &Context, claim: &PhoneNumberClaim, known: &Known, now: Moment) -> Option<String> {
    let before = handled_before(claim);
    let asked = context.memory.look_asked(&claim.uid().unwrap_or_default(), claim, now);
    let Some(asked) = asked.filter(|asked| before.as_ref() != Some(&asked.latest)) else { return before };
    let record = known.record.as_deref().and_then(Seen::read).map(|record| &**record);
    let accounts = context.accounts.known();
    let (_, account) = accounts.serve(claim, record);
    let (key, e164) = (ObjectKey::of(claim), claim.number());
    let looked = account.is_some_and(|account| account.look_now(key, e164, asked.since));
    if looked { Some(asked.latest) } else { before }
}

/// Writes the claim's status if it changes, then its event; returns when it will change by itself.
async fn publish_status(
    context: &Context,
    facts: &ClaimFacts<'_>,
    now: Moment,
) -> Result<Option<Duration>, StoreError> {
    let claim = facts.observed.claim;
    let after = changes_by_itself(facts, now);
    let Some((status, reason)) = conditions::claim_status(facts, now) else { return Ok(after) };
    let old = claim.status.as_ref();
    if old == Some(&status) {
        return Ok(after);
    }
    context.told.tell(claim, &status);
    let written = context.store.patch_status(claim, &status).await;
    if let Err(error) = written {
        context.told.forget(&claim.uid().unwrap_or_default());
        // The claim is gone: there is no status to write.
        return if matches!(error, StoreError::NotFound) { Ok(after) } else { Err(error) };
    }
    let is = status.condition(ConditionType::Ready);
    let was = old.and_then(|old| old.condition(ConditionType::Ready));
    let same = was.map(|ready| &ready.reason) == is.map(|ready| &ready.reason);
    let is_stalled = |status: &PhoneNumberClaimStatus| status.condition(ConditionType::Stalled).is_some();
    // Another attempt that fails like the one before is news all the same.
    if !same || (old.is_some_and(is_stalled) && !is_stalled(&status)) {
        let message = is.map(|ready| ready.message.as_str()).unwrap_or_default();
        context.announce(claim, reason, message, now).await;
    }
    if let Some(message) = conditions::fee_differs_newly(old, &status) {
        context.metrics.fee_differs();
        let reason = PriceReason::FeeDiffers.into_str();
        context.publish(claim, EventKind::Warning, reason, message, now).await;
    }
    Ok(after)
}

/// What is told changes with time alone while something is being waited for.
fn changes_by_itself(facts: &ClaimFacts<'_>, now: Moment) -> Option<Duration> {
    let waiting = facts.waited(now).map(|waited| facts.silent_for().saturating_sub(waited));
    let open = facts.observed.record.filter(|record| {
        matches!(facts.decision.relation, Relation::Ours | Relation::AwaitsSettlement)
            && record.spec.attempt.state == AttemptState::Open
    });
    let attempt = open.map(|record| &record.spec.attempt);
    let opened = attempt.map(|attempt| attempt.opened_at);
    // A failed debit is told without its sums when they do not come.
    let answered_at = attempt.and_then(|attempt| attempt.answer.as_ref()).map(|answer| answer.at);
    let until = |at: Timestamp| Duration::try_from(at.duration_since(now.wall)).unwrap_or_default();
    let marks = opened.into_iter().flat_map(|opened| {
        let answered = SEND_WINDOW + facts.timeouts.purchase_timeout;
        [until(opened.after(SHOWN_AFTER)), until(opened.after(answered + Duration::from_millis(1)))]
    });
    let sums = answered_at.map(|at| until(at.after(SHOWN_AFTER)));
    let open = open.map(|_| OPEN_EVERY);
    waiting.into_iter().chain(marks).chain(sums).chain(open).filter(|after| !after.is_zero()).min()
}
