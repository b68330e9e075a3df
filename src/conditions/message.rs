//! The sentences: what happened, Vobiz's own words, what to do next.

use kube::ResourceExt;

use crate::{
    api::{
        Answer, Attempt, AttemptState, Debit, Ownership, PhoneNumber, PhoneNumberClaim, RETRY_ANNOTATION,
        Reason,
    },
    domain::{AccountId, Clocks, Currency, Money, Time},
    plan::{Change, ConflictWith, Timeouts, debits_count, forget},
};

/// The readers of a message. The user of a claim need not know what else the account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Tenants,
    Administrators,
}

/// When an open attempt settles, for people.
pub fn settles(attempt: &Attempt, timeouts: Timeouts) -> String {
    Time::seconds(attempt.opened_at.after(timeouts.until_settled())).to_string()
}

pub fn sum(amount: Option<Money>, currency: Option<Currency>) -> String {
    match (amount, currency) {
        (Some(amount), Some(currency)) => format!("{amount} {currency}"),
        (Some(amount), None) => amount.to_string(),
        (None, _) => "an unknown sum".into(),
    }
}

fn words(answer: &Answer) -> String {
    let status = answer.http_status.map(|status| format!(" ({status})")).unwrap_or_default();
    match (&answer.message, &answer.code) {
        (Some(message), _) => format!("Vobiz{status}: \"{message}\"."),
        (None, Some(code)) => format!("Vobiz{status}: \"{code}\"."),
        (None, None) => format!("Vobiz gave no reason{status}."),
    }
}

/// What is needed, and what there is. The balance of the account is a tenant's business only where it falls short.
fn sums(answer: &Answer, audience: Audience) -> String {
    let is_short = |available: &Money| answer.required.is_some_and(|required| required > *available);
    let available =
        answer.available.filter(|available| audience == Audience::Administrators || is_short(available));
    let required = format!(" Needed: {} (setup fee and first month)", sum(answer.required, answer.currency));
    match (answer.required, available) {
        (None, None) => String::new(),
        (Some(_), None) => format!("{required}."),
        (_, Some(_)) => format!("{required}; available: {}.", sum(available, answer.currency)),
    }
}

fn what_happened(reason: Reason, answer: &Answer, audience: Audience) -> String {
    match reason {
        Reason::NumberNotFound => format!("The number is not in Vobiz's inventory. {}", words(answer)),
        Reason::InsufficientBalance => {
            format!("Vobiz could not debit the account.{} {}", sums(answer, audience), words(answer))
        }
        Reason::Rejected => format!("Vobiz rejected the purchase. {}", words(answer)),
        Reason::InvalidCredentials => format!("Vobiz refused the credentials. {}", words(answer)),
        Reason::RateLimited => format!("Vobiz limits the rate of calls. {}", words(answer)),
        _ => {
            let what = answer.message.as_deref().unwrap_or("no usable answer");
            format!("The purchase was sent, and its outcome is unknown: {what}.{}", sums(answer, audience))
        }
    }
}

pub fn being_verified(reason: Reason, answer: &Answer, audience: Audience, until: &str) -> String {
    let happened = what_happened(reason, answer, audience);
    format!("{happened} Verifying until {until} that it was not bought after all; nothing to do until then.")
}

pub fn unanswered(until: &str) -> String {
    format!(
        "No answer to the purchase has been stored in time; whether it was sent is unknown. Verifying until {until}; it \
         is not sent again meanwhile."
    )
}

pub fn sending() -> String {
    "The purchase is being sent to Vobiz.".into()
}

pub fn confirming(until: &str) -> String {
    format!(
        "The account already owns this number, or was debited for it. Confirming, until {until} at the latest; \
         nothing is sent."
    )
}

pub fn trying_again() -> String {
    "The earlier attempt has settled as not bought. Another one is made without being asked.".into()
}

pub fn withheld(answer: &Answer) -> String {
    let why = answer.message.as_deref().unwrap_or("no reason is stored");
    format!(
        "Nothing was sent, because something held the claim back; another attempt is made without being asked once nothing \
         does. {why}"
    )
}

/// A token that was not used before.
pub const NEW_TOKEN: &str = "\"$(date +%s)\"";

/// How to ask for another attempt, with that token.
pub fn retry_with(token: &str, record: &PhoneNumber) -> String {
    let claim = record.spec.claim_ref.as_ref();
    let (namespace, name) = claim.map_or(("NAMESPACE", "NAME"), |claim| (&claim.namespace, &claim.name));
    format!("kubectl annotate --overwrite -n {namespace} phonenumberclaim/{name} {RETRY_ANNOTATION}={token}")
}

pub fn ownership(record: &PhoneNumber) -> Option<Ownership> {
    record.verification().map(|verification| verification.ownership)
}

/// Debits, as far as a person can take them in: the API server refuses longer messages than it can store.
fn listed(attempt: &Attempt) -> String {
    const SHOWN: usize = 5;
    let debits = &attempt.unexplained_debits;
    let one = |debit: &Debit| format!("{} (transaction {})", sum(debit.amount, debit.currency), debit.id);
    let mut rows: Vec<_> = debits.iter().take(SHOWN).map(one).collect();
    let all = usize::try_from(debits_count(attempt)).unwrap_or(usize::MAX);
    if all > SHOWN {
        rows.push(format!("and {} more", all - SHOWN));
    }
    rows.join(", ")
}

/// The attempt is settled: not bought.
pub fn settled(reason: Reason, record: &PhoneNumber, audience: Audience) -> String {
    let answer = record.spec.attempt.answer.as_ref();
    let happened = match (reason, answer) {
        (Reason::NotPurchased, None) => {
            "No answer to the purchase was stored, for the second time.".to_owned()
        }
        (_, Some(answer)) => what_happened(reason, answer, audience),
        (_, None) => String::new(),
    };
    let verified = match (ownership(record), Change::moved_to(record)) {
        _ if reason == Reason::VobizUnavailable => String::new(),
        (Some(Ownership::Unverifiable), _) => {
            " This Vobiz offers no list or ledger to verify it with, so its word stands.".into()
        }
        (_, Some(owner)) => format!(
            " Verified: this purchase neither bought the number nor paid for it. Vobiz lists it under the account \
             {owner}, which is of the same family."
        ),
        (_, None) => " Verified: the number was neither bought nor paid for.".into(),
    };
    let next = match reason {
        Reason::NumberNotFound => "Choose a number that is in stock, or, once it is, try again with",
        Reason::InsufficientBalance => "Top up the account, then try again with",
        Reason::InvalidCredentials | Reason::RateLimited | Reason::VobizUnavailable => {
            let what = if reason == Reason::VobizUnavailable {
                let why = answer.and_then(|answer| answer.message.as_deref()).unwrap_or("no connection");
                format!("The purchase was not sent: {why}.")
            } else {
                happened
            };
            return format!("{what}{verified} Another attempt is made without being asked.");
        }
        _ => "To try again:",
    };
    format!("{happened}{verified} {next} {}", retry_with(NEW_TOKEN, record))
}

pub fn needs_decision(record: &PhoneNumber) -> String {
    let attempt = &record.spec.attempt;
    let id = attempt.id;
    let evidence = if attempt.unexplained_debits.is_empty() {
        let evidence = match ownership(record) {
            Some(Ownership::Undecided) => "Vobiz lists the number in a way that proves neither",
            _ => "this Vobiz offers no list or ledger that could tell",
        };
        format!("{evidence}, and {} may have been paid", price(attempt))
    } else {
        let owner = Change::moved_to(record);
        let whose =
            owner.map(|owner| format!(", which Vobiz lists under the account {owner}")).unwrap_or_default();
        format!("the account was debited {} and does not own the number{whose}", listed(attempt))
    };
    format!(
        "Attempt {id} of {} cannot be decided: {evidence}. Clear it up with Vobiz. If the number turns out to be \
         owned, it binds by itself. If it was not bought and one more purchase is right: {}",
        Time::seconds(attempt.opened_at.at()),
        retry_with(&id.to_string(), record),
    )
}

/// What an open attempt says while nothing proves that it did not buy, because the clocks do not agree.
pub fn undated(message: &str, clocks: Clocks) -> String {
    format!("{message} It cannot be settled while the clocks disagree: {}.", clocks.apart())
}

pub fn unverifiable(message: &str) -> String {
    format!("{message} It cannot be verified now: Vobiz refuses the credentials of the account.")
}

/// What a purchase costs, as far as it is known.
fn price(attempt: &Attempt) -> String {
    let told = attempt.answer.as_ref().filter(|answer| answer.required.is_some());
    told.map_or_else(
        || "its setup fee and first month".into(),
        |answer| sum(answer.required, answer.currency),
    )
}

/// The account of a record is declared no more.
pub fn gone(message: &str, account: &AccountId) -> String {
    format!(
        "{message} Its account {account} is declared no more (VOBIZ_AUTH_ID, or a VobizAccount), so the operator asks nothing \
         about the number. To have it looked after again, declare the account."
    )
}

/// What was sent with the account of `sent`, while the record of the number is by now `found`, of another account. A record lets
/// go of itself when it is deleted only if its own attempt has failed.
pub fn recorded_elsewhere(sent: &PhoneNumber, bought: bool, found: &PhoneNumber) -> String {
    let (account, name) = (&sent.spec.account, sent.spec.e164.digits());
    let what = if bought {
        "The number is bought with"
    } else {
        "A purchase of the number was sent, and its outcome is not certain, with"
    };
    let give_up = match found.spec.attempt.state {
        AttemptState::Failed => {
            format!("an administrator deletes the record (kubectl delete phonenumber/{name})")
        }
        AttemptState::Open => format!(
            "wait until the purchase in that record is settled, and have an administrator give the record up ({})",
            forget(&name)
        ),
        AttemptState::Bound | AttemptState::NeedsDecision => {
            format!("an administrator gives the record up ({})", forget(&name))
        }
    };
    format!(
        "{what} the account {account}, and no record says so: phonenumber/{name} was recorded with the account {} meanwhile. \
         Look for the number in the list and the ledger of {account} at Vobiz. If it is there, {give_up}; once it is gone, a \
         claim that {account} serves adopts the number.",
        found.spec.account
    )
}

/// The holder of the number, as the asking claim is told: a claim of another namespace is not named to it.
pub fn conflict(with: ConflictWith, record: &PhoneNumber, asks: &PhoneNumberClaim) -> String {
    let own = asks.namespace().unwrap_or_default();
    let name = record.spec.e164.digits();
    let claim = record.spec.claim_ref.as_ref().filter(|claim| claim.namespace == own);
    let holder = claim.map_or_else(
        || "another namespace's claim".into(),
        |claim| format!("{}/{}", claim.namespace, claim.name),
    );
    match with {
        ConflictWith::Failure(Some(gives_way)) => format!(
            "The number is claimed by {holder} (see phonenumber/{name}), whose purchase has failed. This claim tries to buy \
             it from {} on, unless that one is asked to try again before; nothing to do until then.",
            Time::seconds(gives_way)
        ),
        ConflictWith::Claim | ConflictWith::Failure(None) => format!(
            "The number is claimed by {holder} (see phonenumber/{name}). One number serves one claim: delete this \
             one, or that one if it has not bought."
        ),
        ConflictWith::Namespace => format!(
            "The number belongs to a deleted claim of another namespace (see phonenumber/{name}). To hand it over to \
             this claim, an administrator names it there: kubectl patch phonenumber/{name} --type=merge \
             -p='{{\"spec\":{{\"claimRef\":{{\"namespace\":\"{}\",\"name\":\"{}\",\"uid\":\"{}\"}}}}}}'",
            asks.namespace().unwrap_or_default(),
            asks.name_any(),
            asks.uid().unwrap_or_default()
        ),
        ConflictWith::Account if record.spec.attempt.state == AttemptState::Failed => format!(
            "phonenumber/{name} was recorded with the Vobiz account {}, which is not the one that serves this claim. That \
             attempt has failed: to have the number bought in the other account, an administrator deletes it (kubectl delete \
             phonenumber/{name}).",
            record.spec.account
        ),
        ConflictWith::Account => format!(
            "phonenumber/{name} was recorded with the Vobiz account {}, which is not the one that serves this claim \
             (spec.accountRef, or the default account). A number of a deleted claim of this namespace is taken over by a claim \
             that names that account, or none.",
            record.spec.account
        ),
    }
}
