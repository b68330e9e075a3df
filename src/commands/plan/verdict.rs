//! What would become of each claim: the operator's own decision, with what was read, one claim after the other.

use std::sync::Arc;

use kube::ResourceExt;
use serde::Serialize;
use strum::IntoStaticStr;

use super::{
    funds::{Funds, Short},
    price::{Offer, Price, offer},
};
use crate::{
    api::{AttemptState, ConditionType, Later, PhoneNumber, PhoneNumberClaim, PhoneNumberSpec, Reason},
    commands::{evidence::Books, world::World},
    conditions::{ClaimFacts, SHOWN_AFTER, claim_status},
    domain::{AccountId, AttemptId, E164, ListedNumber},
    plan::{
        Change, ClaimObserved, ClaimStep, Decision, Directory, Moment, NewAttempt, Reading, Timeouts, Told,
        Verdict, Wanted, decide_claim, verdict,
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr)]
pub enum Action {
    Buy,
    /// The account owns the number already, or paid for it.
    Adopt,
    /// The claim takes over what is recorded.
    Bind,
    None,
    /// It goes on by itself.
    Wait,
    /// Somebody must act.
    Blocked,
}

/// What would become of a claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    pub namespace: String,
    pub name: String,
    pub e164: E164,
    pub action: Action,
    pub reason: &'static str,
    pub message: String,
    pub price: Price,
    /// None, where no account serves it.
    pub account: Option<AccountId>,
}

impl Planned {
    /// Whether its number costs something from now on.
    pub fn is_bought_or_adopted(&self) -> bool {
        matches!(self.action, Action::Buy | Action::Adopt)
    }
}

/// A claim as it is once it is applied, and what it wants.
pub struct Wish {
    pub claim: Arc<PhoneNumberClaim>,
    pub wanted: Option<Wanted>,
}

/// What decisions depend on. The world goes on with them: what one claim gets, another cannot have.
pub struct Planning<'a> {
    pub directory: &'a Directory,
    pub books: &'a Books,
    pub world: World,
    pub funds: Funds,
    /// By them it is told until when an open attempt is verified.
    pub timeouts: Timeouts,
    pub now: Moment,
}

impl Planning<'_> {
    pub fn decide(&mut self, wish: &Wish) -> Planned {
        let claim = &wish.claim;
        let observed = self.world.observed(claim, self.directory, self.books);
        let decision = decide_claim(&observed, wish.wanted.as_ref(), self.now);
        let (told, record) = match (&decision.step, &observed.served.account) {
            (ClaimStep::Purchase(attempt), Some(account)) => {
                // One that Vobiz refuses is recorded, too, and keeps the number from other claims.
                let told = purchase(&observed, &decision, account, &mut self.funds);
                (Some(told), Some(opened(claim, account, attempt.clone(), self.now)))
            }
            (ClaimStep::OpenUnsent(attempt), Some(account)) => {
                (None, Some(adopted(&observed, account, attempt.clone(), self.now)))
            }
            (ClaimStep::Bind, _) => (None, bound(&observed)),
            // Without an account, nothing is attempted.
            _ => (Some(self.told(&observed, &decision)), None),
        };
        if let Some(record) = record {
            self.world.put(claim, record);
        }
        let observed = self.world.observed(claim, self.directory, self.books);
        let (stands, told, price) =
            told.unwrap_or_else(|| self.told(&observed, &decide_claim(&observed, None, self.now)));
        let is_bound = observed.record.is_some_and(|record| record.spec.attempt.state == AttemptState::Bound);
        Planned {
            namespace: claim.namespace().unwrap_or_default(),
            name: claim.name_any(),
            e164: claim.number(),
            action: match decision.step {
                ClaimStep::OpenUnsent(_) => Action::Adopt,
                ClaimStep::Bind if is_bound => Action::Bind,
                _ => stands,
            },
            reason: told.reason.into_str(),
            message: told.message.into_owned(),
            price,
            account: match observed.record {
                Some(record) => Some(record.spec.account.clone()),
                None => observed.served.account.clone(),
            },
        }
    }

    /// What the claim is told, by the conditions that the operator would set.
    fn told(&self, observed: &ClaimObserved<'_>, decision: &Decision) -> (Action, Told, Price) {
        let facts = ClaimFacts {
            observed,
            decision,
            refused: None,
            unstored: None,
            handled: None,
            line_length: 0,
            timeouts: self.timeouts,
        };
        let price = Price::stands(observed);
        // What is only told where it lasts is told here, too.
        let Some((status, reason)) = claim_status(&facts, self.now.plus(SHOWN_AFTER)) else {
            let (action, message) = if observed.claim.metadata.deletion_timestamp.is_some() {
                (Action::Blocked, "The claim is being deleted: apply it again once it is gone.")
            } else {
                (Action::Wait, "An attempt has just begun: plan again in a few seconds.")
            };
            return (action, Told { reason: Reason::Purchasing, message: message.into() }, price);
        };
        let message =
            status.condition(ConditionType::Ready).map(|ready| ready.message.clone()).unwrap_or_default();
        let is = |type_| status.condition(type_).is_some();
        let action = if is(ConditionType::Stalled) {
            Action::Blocked
        } else if is(ConditionType::Reconciling) || reason == Reason::Paused {
            Action::Wait
        } else {
            Action::None
        };
        (action, Told { reason, message: message.into() }, price)
    }
}

/// The purchase, if there is something to buy, and money for it. The operator itself would ask Vobiz, and be refused.
fn purchase(
    observed: &ClaimObserved<'_>,
    decision: &Decision,
    account: &AccountId,
    funds: &mut Funds,
) -> (Action, Told, Price) {
    let price = match offer(observed) {
        Offer::Priced(price) => price,
        Offer::Unknown => Price::default(),
        Offer::NotInStock => {
            let message = "The number is not in Vobiz's inventory, so its purchase would be refused. Choose one that is in stock.";
            let told = Told { reason: Reason::NumberNotFound, message: message.into() };
            return (Action::Blocked, told, Price::default());
        }
    };
    if let Err(Short { needed, left, currency }) = funds.spend(account, &price) {
        let message = format!(
            "The balance does not suffice: {needed} {currency} are due, and {left} {currency} are left after what stands before \
             it in the manifests. Top up the account first."
        );
        return (
            Action::Blocked,
            Told { reason: Reason::InsufficientBalance, message: message.into() },
            price,
        );
    }
    let told = decision.told.clone();
    (Action::Buy, told.unwrap_or(Told { reason: Reason::Purchasing, message: "".into() }), price)
}

/// The record as it is written before a purchase.
fn opened(claim: &PhoneNumberClaim, account: &AccountId, attempt: NewAttempt, now: Moment) -> PhoneNumber {
    let spec = PhoneNumberSpec {
        e164: claim.number(),
        account: account.clone(),
        claim_ref: Some(claim.reference()),
        attempt: attempt.open(AttemptId::from_random([0; 16]), now.wall),
        later: Later::default(),
    };
    PhoneNumber::new(&spec.e164.digits(), spec)
}

/// The record of what the account owns, or paid for; bound, if a list shows it.
fn adopted(
    observed: &ClaimObserved<'_>,
    account: &AccountId,
    attempt: NewAttempt,
    now: Moment,
) -> PhoneNumber {
    let mut record = opened(observed.claim, account, attempt, now);
    if let Some(listed) = listed(observed) {
        Change::Bind { listed: Box::new(listed.clone()), begun: now }.apply(&mut record, now.wall);
    }
    record
}

fn bound(observed: &ClaimObserved<'_>) -> Option<PhoneNumber> {
    let mut record = observed.record?.clone();
    record.spec.claim_ref = Some(observed.claim.reference());
    Some(record)
}

/// The row under which the account has the number.
fn listed<'a>(observed: &'a ClaimObserved<'_>) -> Option<&'a ListedNumber> {
    let account = observed.served.account.as_ref()?;
    let lists = [&observed.evidence.listing, &observed.evidence.search];
    lists.into_iter().find_map(|reading| {
        let Reading::Read { value: rows, .. } = reading else { return None };
        match verdict(rows, observed.claim.number(), account, None) {
            Verdict::Owned(row) => Some(row),
            Verdict::InDoubt(_) | Verdict::Undecided | Verdict::Elsewhere(_) | Verdict::Absent => None,
        }
    })
}
