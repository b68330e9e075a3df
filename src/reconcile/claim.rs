//! Reconciles a claim: observes, plans, performs one step.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use kube_runtime::controller::Action;

use super::{Context, key_of, newer, purchase, reference_to, requeue_after};
use crate::{
    api::{AttemptState, PhoneNumber, PhoneNumberClaim, PhoneNumberClaimStatus, Seen},
    conditions::{self, ClaimFacts, ConditionType, SHOWN_AFTER, Waits},
    domain::AccountId,
    plan::{
        self, Change, ClaimObserved, ClaimStep, Clocks, Evidence, Gate, Holder, Moment, Relation, RetryToken,
        SEND_WINDOW,
    },
    store::StoreError,
};

/// Everything that was observed for one claim, owned.
struct Observation {
    claim: Arc<PhoneNumberClaim>,
    record: Option<Arc<PhoneNumber>>,
    newer: bool,
    holder: Holder,
    account: AccountId,
    gate: Gate,
    clocks: Clocks,
    evidence: Evidence,
    goal_since: Moment,
    not_before: Option<Moment>,
    hold_until: Option<Moment>,
    slot: bool,
}

impl Observation {
    async fn make(
        context: &Context,
        claim: Arc<PhoneNumberClaim>,
        slot: bool,
        now: Moment,
    ) -> Result<Self, StoreError> {
        let e164 = claim.spec.e164;
        let seen = context.seen(e164);
        let record = seen.as_ref().and_then(|seen| seen.read().cloned());
        let named = record.as_ref().and_then(|record| record.spec.claim_ref.as_ref());
        let ours = named.is_some_and(|named| Some(&named.uid) == claim.uid().as_ref());
        let holder = if ours { Holder::Lives } else { context.holder(named).await? };
        match (&record, &seen) {
            (Some(record), _) => {
                context.memory.see(record, now);
            }
            // It has not vanished, but its number is not this version's to judge.
            (None, Some(_)) => {}
            (None, None) => context.memory.vanished(e164, now, context.spans),
        }
        let account = context.accounts.of_claim(&claim);
        let mut observation = Self {
            newer: record.is_none() && seen.is_some(),
            record,
            holder,
            account: account.id(),
            gate: account.gate(),
            clocks: account.clocks(),
            evidence: account.evidence(e164),
            goal_since: now,
            not_before: context.memory.not_before(e164),
            hold_until: context.hold_until,
            slot,
            claim,
        };
        observation.remember_goal(context, now);
        Ok(observation)
    }

    fn remember_goal(&mut self, context: &Context, now: Moment) {
        let uid = self.claim.uid().unwrap_or_default();
        match plan::goal(&self.view()) {
            None => context.no_goal(&uid),
            Some(goal) => {
                let after = self.record.as_ref().map(|record| record.spec.attempt.id);
                self.goal_since = context.memory.goal_since(&uid, &goal, after, now);
            }
        }
    }

    /// What the claim's attempt waits for, for people.
    fn waits(&self, context: &Context, step: &ClaimStep, failed: Option<&StoreError>, now: Moment) -> Waits {
        if let Some(until) = self.hold_until.filter(|until| !now.waited(*until)) {
            return Waits::Hold(now.when(until).wall);
        }
        if self.clocks.are_wrong() {
            return Waits::Clocks(self.clocks);
        }
        let writes = matches!(step, ClaimStep::Queue | ClaimStep::Purchase(_) | ClaimStep::OpenUnsent(_));
        let hindrance =
            context.accounts.of_claim(&self.claim).queue.last_refusal(&self.claim.uid().unwrap_or_default());
        if let Some(why) = hindrance.filter(|_| writes) {
            return Waits::Cluster(why);
        }
        // What passes by itself within seconds is worth no write.
        let lasts = context.setbacks.reconciles.lasts(&key_of(&self.claim), now.mono) >= SHOWN_AFTER;
        match step {
            ClaimStep::Bind if lasts => failed.map_or(Waits::Turn, |error| Waits::Binding(error.to_string())),
            ClaimStep::Wait(until) => Waits::Pause(until.wall),
            ClaimStep::Read(_) => Waits::Evidence,
            ClaimStep::Elsewhere(owner) => Waits::Elsewhere(owner.clone()),
            ClaimStep::Rest
            | ClaimStep::AwaitGate
            | ClaimStep::AwaitClocks
            | ClaimStep::Queue
            | ClaimStep::Purchase(_)
            | ClaimStep::OpenUnsent(_)
            | ClaimStep::Bind => Waits::Turn,
        }
    }

    fn view(&self) -> ClaimObserved<'_> {
        ClaimObserved {
            claim: &self.claim,
            record: self.record.as_deref(),
            newer: self.newer,
            holder: self.holder,
            account: &self.account,
            gate: &self.gate,
            clocks: self.clocks,
            evidence: &self.evidence,
            retry_token: match plan::retry_token(&self.claim) {
                RetryToken::Usable(token) => Some(token),
                RetryToken::None | RetryToken::TooLong => None,
            },
            goal_since: self.goal_since,
            not_before: self.not_before,
            hold_until: self.hold_until,
            slot: self.slot,
        }
    }
}

/// Brings one claim a step further, and tells it what is known.
///
/// # Errors
/// If the API server did not do what was asked; the same is then tried again.
pub async fn reconcile_claim(
    seen: Arc<Seen<PhoneNumberClaim>>,
    context: Arc<Context>,
) -> Result<Action, StoreError> {
    let claim = match &*seen {
        Seen::Read(claim) => claim.clone(),
        Seen::Newer(claim) => return newer::tell(&context, &seen, claim).await,
    };
    let now = context.clock.now();
    let observation = Observation::make(&context, claim, false, now).await?;
    let step = plan::claim(&observation.view(), now);
    let performed = perform(&context, &observation, step.clone(), now).await;
    // Whatever could not be done, the claim is told what is known.
    let failed = performed.as_ref().err().filter(|error| !error.is_overtaken());
    let waits = observation.waits(&context, &step, failed, now);
    let shown = project(&context, &observation, waits, now).await;
    let named = observation.record.as_ref().and_then(|record| record.spec.claim_ref.as_ref());
    let holder = context.holder_again(observation.holder, named);
    Ok(requeue_after([performed?, shown?, holder].into_iter().flatten().min()))
}

/// A claim's turn to purchase: a slot is at hand. What was decided before the wait is decided again.
///
/// # Errors
/// As [`reconcile_claim`].
pub async fn take_turn(claim: Arc<PhoneNumberClaim>, context: &Arc<Context>) -> Result<(), StoreError> {
    let now = context.clock.now();
    let observation = Observation::make(context, claim, true, now).await?;
    match plan::claim(&observation.view(), now) {
        ClaimStep::Purchase(intent) => {
            purchase::perform(context, &observation.claim, observation.record.as_deref(), intent).await?;
        }
        other => {
            perform(context, &observation, other, now).await?;
        }
    }
    Ok(())
}

/// How often a claim looks whether the clocks agree again.
const CLOCKS_EVERY: Duration = Duration::from_secs(15);

/// What a claim is told of an open attempt is looked at so often at least: neither a clock that was set nor clocks that
/// agree again wake it.
const OPEN_EVERY: Duration = Duration::from_mins(1);

/// Performs the step; returns when to come back, if nothing else will bring the claim back.
async fn perform(
    context: &Context,
    observation: &Observation,
    step: ClaimStep,
    now: Moment,
) -> Result<Option<Duration>, StoreError> {
    let claim = &observation.claim;
    let account = context.accounts.of_claim(claim);
    match step {
        ClaimStep::Rest => {}
        ClaimStep::Wait(until) => return Ok(Some(now.until(until))),
        ClaimStep::AwaitClocks => return Ok(Some(CLOCKS_EVERY)),
        ClaimStep::AwaitGate => account.request_gate(key_of(claim)),
        ClaimStep::Read(request) => account.request(key_of(claim), request),
        ClaimStep::Elsewhere(_) => account.request_next_listing(key_of(claim)),
        // Planned only with a slot at hand.
        ClaimStep::Queue | ClaimStep::Purchase(_) => return Ok(context.enqueue(claim).await),
        ClaimStep::OpenUnsent(intent) => {
            if let Some(pause) = account.queue.paused_for(&claim.uid().unwrap_or_default()) {
                return Ok(Some(pause));
            }
            let written =
                purchase::write_intent(context, claim, observation.record.as_deref(), intent, now).await;
            return Ok(context.intent_ended(claim, written.as_ref().err()));
        }
        ClaimStep::Bind => {
            let Some(record) = observation.record.as_deref() else { return Ok(None) };
            let mut next = record.clone();
            let change = Change::Claim(reference_to(claim));
            let claimed = change.claimed();
            change.apply(&mut next, now.wall);
            conditions::record(&mut next, claimed, context.spans, now.wall);
            context.store.replace(&next).await?;
        }
    }
    Ok(None)
}

/// Writes the claim's status if it changes, then its event; returns when it will change by itself.
#[expect(clippy::too_many_lines, reason = "one write and its event")]
async fn project(
    context: &Context,
    observation: &Observation,
    waits: Waits,
    now: Moment,
) -> Result<Option<Duration>, StoreError> {
    let view = observation.view();
    let goal = plan::goal(&view);
    let relation = plan::relation(&view);
    let attempt = observation.record.as_ref().map(|record| record.spec.attempt.id);
    let unstored = attempt.and_then(|attempt| context.outcomes.unstored(attempt));
    let unstored = unstored.filter(|unstored| now.mono.saturating_sub(unstored.since) >= SHOWN_AFTER);
    let facts = ClaimFacts {
        claim: &observation.claim,
        record: observation.record.as_deref(),
        relation,
        goal: goal.as_ref(),
        gate: &observation.gate,
        waits,
        waited: now.mono.saturating_sub(observation.goal_since.mono),
        unstored: unstored.as_deref(),
        spans: context.spans,
    };
    let after = changes_by_itself(context, &facts, now);
    let Some((status, reason)) = conditions::claim(&facts, now.wall) else { return Ok(after) };
    let old = observation.claim.status.as_ref();
    if old == Some(&status) {
        return Ok(after);
    }
    let ready = |status: &PhoneNumberClaimStatus| {
        let of_type = |condition: &&Condition| condition.type_ == ConditionType::Ready.as_str();
        let ready = status.conditions.iter().find(of_type);
        ready.map(|condition| (condition.reason.clone(), condition.message.clone()))
    };
    match context.store.project(&observation.claim, &status).await {
        // Gone: there is nobody to tell.
        Err(StoreError::NotFound) => return Ok(after),
        written => written?,
    }
    let (was, is) = (old.and_then(ready), ready(&status));
    let same = was.map(|(reason, _)| reason) == is.as_ref().map(|(reason, _)| reason.clone());
    // Another attempt that fails like the one before is news all the same.
    if !same || (old.is_some_and(is_stalled) && !is_stalled(&status)) {
        let (namespace, name) =
            (observation.claim.namespace().unwrap_or_default(), observation.claim.name_any());
        // An account that is held now for this and now for that is no news each time, to thousands of claims.
        let uid = observation.claim.uid().unwrap_or_default();
        if reason.holds_the_account() && !context.memory.is_first(&uid, reason) {
            return Ok(after);
        }
        tracing::info!(claim = format!("{namespace}/{name}"), reason = reason.as_str(), "claim");
        let message = is.map(|(_, message)| message).unwrap_or_default();
        let (key, events) = (key_of(&observation.claim), &context.setbacks.events);
        match context.store.event(&*observation.claim, reason, &message).await {
            Ok(()) => events.over(&key, now.mono),
            Err(error) => drop(events.failed(key, Some(&error.to_string()), now.mono)),
        }
    }
    Ok(after)
}

fn is_stalled(status: &PhoneNumberClaimStatus) -> bool {
    status.conditions.iter().any(|condition| condition.type_ == ConditionType::Stalled.as_str())
}

/// What is told changes with time alone while something is being waited for.
fn changes_by_itself(context: &Context, facts: &ClaimFacts<'_>, now: Moment) -> Option<Duration> {
    let waiting = facts.goal.is_some().then(|| SHOWN_AFTER.saturating_sub(facts.waited));
    let open = facts.record.filter(|record| {
        matches!(facts.relation, Relation::Ours | Relation::AwaitsSettlement)
            && record.spec.attempt.state == AttemptState::Open
    });
    let attempt = open.map(|record| &record.spec.attempt);
    let opened = attempt.map(|attempt| attempt.opened_at);
    // A failed debit is told without its sums when they do not come.
    let answered_at = attempt.and_then(|attempt| attempt.answer.as_ref()).map(|answer| answer.at);
    let until = |at: Timestamp| Duration::try_from(at.duration_since(now.wall)).unwrap_or_default();
    let marks = opened.into_iter().flat_map(|opened| {
        let answered = SEND_WINDOW + context.spans.purchase_timeout;
        [until(opened.after(SHOWN_AFTER)), until(opened.after(answered + Duration::from_millis(1)))]
    });
    let sums = answered_at.map(|at| until(at.after(SHOWN_AFTER)));
    let open = open.map(|_| OPEN_EVERY);
    waiting.into_iter().chain(marks).chain(sums).chain(open).filter(|after| !after.is_zero()).min()
}
