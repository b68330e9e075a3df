//! Reconciles a claim: observes, plans, performs one step.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Again, Context, intent, newer};
use crate::{
    api::{
        AttemptState, ClaimRef, ConditionType, EventKind, ObjectKey, PhoneNumber, PhoneNumberClaim,
        PhoneNumberClaimStatus, PriceReason, Seen,
    },
    conditions::{self, ClaimFacts, SHOWN_AFTER},
    plan::{
        self, Change, ClaimLiveness, ClaimObserved, ClaimStep, Decision, Moment, Relation, SEND_WINDOW, Wake,
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
    let account = context.accounts.of_claim(claim);
    Ok(ClaimObserved {
        claim,
        record,
        newer: record.is_none() && seen.is_some(),
        liveness,
        holder: known.holder.as_deref().filter(|_| liveness == ClaimLiveness::Lives),
        served: context.accounts.serve(claim, record),
        gate: account.gate(),
        clocks: account.clocks(),
        evidence: account.evidence(e164),
        retry_token: plan::retry_token(claim).usable(),
        not_before: context.memory.not_before(e164),
        hold_until: context.hold_until,
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
    claim: &PhoneNumberClaim,
    step: &ClaimStep,
    failed: Option<&StoreError>,
    now: Moment,
) -> Option<String> {
    match step {
        ClaimStep::Purchase(_) | ClaimStep::OpenUnsent(_) => {
            context.accounts.of_claim(claim).queue.last_refusal(&claim.uid().unwrap_or_default())
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
    // First: what is observed is no older than what is said to be handled.
    let handled = look_now(&context, &claim, now);
    let known = Known::of(&context, &claim);
    let observed = observe(&context, &claim, &known, now).await?;
    let decision = decide(&context, &observed, now);
    let performed = perform(&context, &observed, &decision.step, now).await;
    // Even where the step failed, the claim is told what is known.
    let failed = performed.as_ref().err().filter(|error| !error.is_overtaken());
    let unstored = observed.record.and_then(|record| context.outcomes.unstored(record.spec.attempt.id));
    let unstored = unstored.filter(|unstored| now.mono.saturating_sub(unstored.since) >= SHOWN_AFTER);
    let refused = refusal(&context, &claim, &decision.step, failed, now);
    let facts = ClaimFacts {
        observed: &observed,
        decision: &decision,
        refused: refused.as_deref(),
        unstored: unstored.as_deref(),
        handled: handled.as_deref(),
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

/// Performs the step; returns when to come back, if nothing else will bring the claim back.
pub(super) async fn perform(
    context: &Context,
    observed: &ClaimObserved<'_>,
    step: &ClaimStep,
    now: Moment,
) -> Result<Option<Duration>, StoreError> {
    let claim = observed.claim;
    match step {
        ClaimStep::Rest => Ok(None),
        ClaimStep::Await(wake) => Ok(wait(context, observed, wake, now)),
        ClaimStep::Purchase(_) => Ok(context.enqueue(claim).await),
        ClaimStep::OpenUnsent(attempt) => {
            let (account, id) = (context.accounts.of_claim(claim), intent::fresh_id());
            if let Some(pause) = account.queue.paused_for(&claim.uid().unwrap_or_default()) {
                return Ok(Some(pause));
            }
            let written =
                intent::write(context, account, claim, observed.record, attempt.clone(), id, now).await;
            Ok(context.intent_ended(claim, written.as_ref().err()))
        }
        ClaimStep::Bind => {
            let Some(record) = observed.record else { return Ok(None) };
            let bound = context.changed(record, Change::Claim(claim.reference()), now);
            context.store.replace(&bound).await?;
            Ok(None)
        }
    }
}

/// Has the claim brought back; returns when, if that is a matter of time alone.
fn wait(context: &Context, observed: &ClaimObserved<'_>, wake: &Wake, now: Moment) -> Option<Duration> {
    let claim = observed.claim;
    let account = context.accounts.of_claim(claim);
    match wake {
        Wake::At(until) => return Some(now.until(*until)),
        Wake::GateOpensOr(until) => {
            account.request_gate(ObjectKey::of(claim));
            return Some(now.until(*until));
        }
        Wake::ClocksAgree => return Some(CLOCKS_EVERY),
        Wake::GateOpens => account.request_gate(ObjectKey::of(claim)),
        Wake::Evidence(request) => account.request(ObjectKey::of(claim), request.clone()),
        Wake::NextListing => {
            account.request_next_listing(ObjectKey::of(claim), observed.evidence.listing.begun());
        }
        // Their watches bring it back.
        Wake::ClaimChanges | Wake::AccountsChange => {}
    }
    None
}

/// Has the account looked at if the claim's user asks for that; returns what was asked with when it was last.
fn look_now(context: &Context, claim: &PhoneNumberClaim, now: Moment) -> Option<String> {
    let before = claim.status.as_ref().and_then(|status| status.last_handled_reconcile_at.clone());
    let asked = context.memory.look_asked(&claim.uid().unwrap_or_default(), claim, now);
    let Some(asked) = asked.filter(|asked| before.as_ref() != Some(&asked.latest)) else { return before };
    let account = context.accounts.of_claim(claim);
    let looked = account.look_now(ObjectKey::of(claim), claim.number(), asked.since);
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
